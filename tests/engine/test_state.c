/* Where the parts of a state are. */
#include "engine/model.h"
#include "test.h"

#include <math.h>

TEST(a_state_has_its_layers_then_the_last_readings_then_the_last_output)
{
    static const char *const names[] = { "a", "b" };
    static const size_t hidden_sizes[] = { 3, 5 };
    for (int cell = 0; cell < GRU_N_LAYER_KINDS; cell++) {
        if (!gru_layer_kind_is_recurrent((enum gru_layer_kind)cell)) {
            continue;
        }
        const struct gru_plan plan = { .n_inputs = 2,
                                       .n_outputs = 1,
                                       .n_layers = 2,
                                       .inputs = names,
                                       .outputs = names,
                                       .hidden_sizes = hidden_sizes,
                                       .cell = (enum gru_layer_kind)cell };
        struct gru_model *model;
        ck_assert_int_eq(gru_model_create(&plan, &model, NULL), GRU_OK);
        const size_t a_unit = gru_layer_kind_row((enum gru_layer_kind)cell)->n_states;
        ck_assert_uint_eq(gru_state_layer_floats(model, 0), 3 * a_unit);
        ck_assert_uint_eq(gru_state_layer_floats(model, 1), 5 * a_unit);
        ck_assert_uint_eq(gru_state_last_offset(model), 8 * a_unit);
        ck_assert_uint_eq(gru_state_y_offset(model), 8 * a_unit + 2);
        float state[32];
        ck_assert_uint_eq(gru_model_info(model)->state_floats, 8 * a_unit + 3);
        gru_state_init(model, state);
        for (size_t k = 0; k < 8 * a_unit + 3; k++) {
            ck_assert(k < 8 * a_unit ? state[k] == 0 : isnan(state[k]));
        }
        gru_model_unref(model);
    }
}
