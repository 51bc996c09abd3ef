/* The table of layer kinds: every row by the same rules. */
#include "engine/layer_kind.h"
#include "engine/layer_recurrent.h"
#include "test.h"

#include <string.h>

static const struct layer_kind *row(int kind)
{
    return gru_layer_kind_row((enum gru_layer_kind)kind);
}

TEST(every_kind_has_a_whole_row)
{
    for (int k = 0; k < GRU_N_LAYER_KINDS; k++) {
        const struct layer_kind *kind = row(k);
        ck_assert_int_eq(kind->id, k);
        ck_assert(*gru_layer_kind_name(kind->id) != '\0');
        ck_assert(kind->n_tensors > 0 || kind->family == LAYER_ACTIVATION);
        ck_assert(kind->n_tensors <= LAYER_TENSORS_MAX);
        ck_assert(kind->n_gates > 0 && kind->n_gates <= K_GATES_MAX);
        ck_assert(kind->needs && kind->cut && kind->pack && kind->forward);
        ck_assert(kind->family < LAYER_N_FAMILIES && kind->init_unit != EXTENT_NONE);
        ck_assert((kind->family == LAYER_RECURRENT || kind->family == LAYER_DENSE) ==
                  (kind->saved_prefix != NULL));
        ck_assert_int_eq(gru_layer_kind_is_recurrent(kind->id), kind->n_states > 0);
        ck_assert_int_eq(gru_layer_kind_has_reset(kind->id), kind->has_reset);
        for (size_t t = 0; t < kind->n_tensors; t++) {
            ck_assert(kind->tensors[t].rows != EXTENT_NONE);
            ck_assert(!kind->tensors[t].is_initial_state || kind->n_states > 0);
            ck_assert(kind->tensors[t].columns == EXTENT_NONE || !kind->tensors[t].is_optional);
        }
    }
}

TEST(recurrent_kinds_agree_with_their_kernels)
{
    for (int k = 0; k < GRU_N_LAYER_KINDS; k++) {
        const struct layer_kind *kind = row(k);
        for (int reset = 0; kind->family == LAYER_RECURRENT && reset < GRU_N_RESETS; reset++) {
            const struct layer_shape shape = { .kind = kind, .reset = (enum gru_reset)reset };
            const struct k_cell_traits *cell = &k_cells[gru_recurrent_cell(&shape)];
            ck_assert_uint_eq(kind->n_gates, cell->n_gates);
            ck_assert_uint_eq(kind->n_states, cell->has_memory ? 2 : 1);
            ck_assert(kind->has_reset || kind->cells[0] == kind->cells[1]);
        }
    }
}

TEST(tensors_have_the_sizes_of_their_row)
{
    const struct layer_shape gru = { .kind = row(GRU_LAYER_GRU), .n_inputs = 5, .n_units = 7 };
    const struct layer_shape dense = { .kind = row(GRU_LAYER_DENSE), .n_inputs = 7, .n_units = 2 };
    ck_assert_uint_eq(gru_layer_tensor_rows(&gru, RECURRENT_WEIGHT_IH), 21);
    ck_assert_uint_eq(gru_layer_tensor_columns(&gru, RECURRENT_WEIGHT_IH), 5);
    ck_assert_uint_eq(gru_layer_tensor_columns(&gru, RECURRENT_WEIGHT_HH), 7);
    ck_assert_uint_eq(gru_layer_tensor_columns(&gru, RECURRENT_BIAS_HH), 0);
    ck_assert_uint_eq(gru_layer_tensor_rows(&dense, 0), 2);
    ck_assert_uint_eq(gru_layer_tensor_columns(&dense, 0), 7);
    ck_assert_uint_eq(gru_layer_init_units(&gru), 7);
    ck_assert_uint_eq(gru_layer_init_units(&dense), 7);
}

/* Undone by hand: the gate at each place of the file goes where the order says. */
TEST(every_gate_order_is_brought_into_the_kernels_order)
{
    for (int k = 0; k < GRU_N_LAYER_KINDS; k++) {
        const struct layer_kind *kind = row(k);
        for (size_t o = 0; o < kind->n_gate_orders; o++) {
            const struct layer_gate_order *order = &kind->gate_orders[o];
            float values[2 * K_GATES_MAX], expected[2 * K_GATES_MAX];
            for (size_t g = 0; g < kind->n_gates; g++) {
                for (size_t j = 0; j < 2; j++) {
                    values[2 * g + j] = (float)(10 * (g + 1) + j);
                    expected[(size_t)2 * order->gates[g] + j] = values[2 * g + j];
                }
            }
            gru_layer_kind_normalise(kind, order, false, values, 2 * kind->n_gates);
            ck_assert_mem_eq(values, expected, 2 * kind->n_gates * sizeof *values);
            ck_assert_ptr_eq(gru_layer_kind_order(kind, order->name), order);
        }
        ck_assert_ptr_null(gru_layer_kind_order(kind, "xyz"));
    }
}

TEST(update_take_changes_the_signs_of_its_gate_only)
{
    const struct layer_kind *kind = row(GRU_LAYER_OUTPUT_GATE);
    float values[] = { 1, 2, 3, 4 };
    gru_layer_kind_normalise(kind, NULL, true, values, 4);
    ck_assert(values[0] == 1 && values[1] == -2 && values[2] == 3 && values[3] == 4);
}
