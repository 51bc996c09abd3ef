/* Which tensor is what: names and shapes that make a model, and all those that do not. */
#include "engine/fixture.h"
#include "engine/layer_dense.h"
#include "engine/layer_recurrent.h"
#include "engine/model.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* ---- checkpoints that load ---- */

TEST(checkpoint_loads_without_any_metadata)
{
    struct fixture f = fixture_small();
    struct gru_model *model = fixture_loaded(&f);
    const struct gru_info *info = gru_model_info(model);
    ck_assert_int_eq(info->layers[0].kind, GRU_LAYER_GRU);
    ck_assert_int_eq(info->layers[0].reset, GRU_RESET_AFTER);
    ck_assert_int_eq(info->missing, GRU_MISSING_LAST);
    ck_assert_uint_eq(info->n_layers, 1);
    ck_assert_uint_eq(info->n_inputs, 2);
    ck_assert_uint_eq(info->n_outputs, 2);
    ck_assert_uint_eq(info->n_parameters, 24 + 48 + 12 + 12 + 8 + 2);
    expect_layer(model, 0, 2, 4);
    gru_model_unref(model);
}

TEST(any_prefix_or_none_names_a_module)
{
    static const char *const prefixes[] = { "", "model.encoder.rnn.", "my_" };
    for (size_t k = 0; k < 3; k++) {
        struct fixture f = fixture_new();
        fixture_layer(&f, prefixes[k], 0, 3, 2, 4);
        fixture_tensor(&f, "W", 3, 4);
        fixture_tensor(&f, "b", 3, 0);
        struct gru_model *model = fixture_loaded(&f);
        ck_assert_uint_eq(gru_model_info(model)->n_outputs, 3);
        ck_assert_ptr_nonnull(gru_model_read_out(model)->tensors[DENSE_BIAS].values);
        gru_model_unref(model);
    }
}

TEST(biases_may_be_absent_each)
{
    static const char *const biases[] = { "gru.bias_ih_l0", "gru.bias_hh_l0", "fc.bias" };
    for (size_t k = 0; k < 3; k++) {
        struct fixture f = fixture_small();
        fixture_remove(&f, biases[k]);
        struct gru_model *model = fixture_loaded(&f);
        struct gru_model *again = expect_loaded(save(model));
        expect_same(model, again);
        const struct gru_tensor *tensors[] = {
            &again->layers[0].tensors[RECURRENT_BIAS_IH],
            &again->layers[0].tensors[RECURRENT_BIAS_HH],
            &again->layers[again->n_layers - 1].tensors[DENSE_BIAS]
        };
        for (size_t i = 0; i < 3; i++) {
            ck_assert_int_eq(tensors[i]->values == NULL, i == k);
        }
        gru_model_unref(again);
        gru_model_unref(model);
    }
}

TEST(layers_may_have_widths_of_their_own)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "gru.", 1, 3, 7, 3);
    fixture_layer(&f, "gru.", 0, 3, 2, 7);
    fixture_layer(&f, "gru.", 2, 3, 3, 5);
    fixture_tensor(&f, "head.weight", 1, 5);
    struct gru_model *model = fixture_loaded(&f);
    expect_layer(model, 0, 2, 7);
    expect_layer(model, 1, 7, 3);
    expect_layer(model, 2, 3, 5);
    gru_model_unref(model);
}

TEST(layers_above_nine_sort_as_numbers)
{
    struct fixture f = fixture_new();
    for (size_t l = 0; l < 12; l++) {
        fixture_layer(&f, "gru.", l, 3, l + 1, l + 2);
    }
    fixture_tensor(&f, "head.weight", 1, 13);
    struct gru_model *model = fixture_loaded(&f);
    expect_layer(model, 10, 11, 12);
    gru_model_unref(model);
}

TEST(cells_are_layers_without_a_number)
{
    struct fixture f = fixture_new();
    fixture_tensor(&f, "first.weight_ih", 12, 2);
    fixture_tensor(&f, "first.weight_hh", 12, 4);
    fixture_tensor(&f, "first.bias_ih", 12, 0);
    fixture_tensor(&f, "second.weight_ih", 15, 4);
    fixture_tensor(&f, "second.weight_hh", 15, 5);
    fixture_tensor(&f, "fc.weight", 1, 5);
    struct gru_model *model = expect_loaded(fixture_file(&f));
    const struct gru_info *info = gru_model_info(model);
    ck_assert_uint_eq(info->n_layers, 2);
    ck_assert(info->layers[0].hidden_size == 4 && info->layers[1].hidden_size == 5);
    gru_model_unref(model);
    f = fixture_new();
    fixture_tensor(&f, "first.weight_ih", 12, 2);
    fixture_tensor(&f, "fc.weight", 1, 4);
    fixture_refused(&f, "first.weight_hh_l0", "is missing");
    f = fixture_small();
    fixture_tensor(&f, "gru.weight_ih_reverse", 12, 2);
    fixture_refused(&f, "gru.weight_hh_l0_reverse", "is missing");
}

/* ---- layers that do not make a model ---- */

TEST(file_without_a_recurrent_layer_is_refused)
{
    struct fixture f = fixture_new();
    fixture_refused(&f, "", "no recurrent layer");
    fixture_tensor(&f, "gru.weight_ih_l00", 12, 4);
    fixture_tensor(&f, "gru.weight_ih_l", 12, 4);
    fixture_refused(&f, "", "no recurrent layer: no tensor's name ends in weight_ih_l0");
}

TEST(gap_in_layer_numbers_is_refused)
{
    struct fixture f = fixture_small();
    fixture_layer(&f, "gru.", 2, 3, 4, 4);
    fixture_refused(&f, "gru.weight_ih_l1",
                    "tensor 'gru.weight_ih_l1' is missing: the module 'gru.' has 3 layers");
}

TEST(missing_weights_are_refused)
{
    struct fixture f = fixture_small();
    fixture_remove(&f, "gru.weight_hh_l0");
    fixture_refused(&f, "gru.weight_hh_l0", "'gru.weight_hh_l0' is missing");
    f = fixture_small();
    fixture_remove(&f, "gru.weight_ih_l0");
    fixture_refused(&f, "gru.weight_ih_l0", "'gru.weight_ih_l0' is missing");
}

TEST(wrong_number_of_gates_is_refused)
{
    struct fixture f = fixture_new(); /* an LSTM has 4 */
    fixture_layer(&f, "lstm.", 0, 4, 2, 4);
    fixture_tensor(&f, "fc.weight", 1, 4);
    f.grud = "{\"cell\":\"gru\"}";
    fixture_refused(
        &f, "lstm.weight_hh_l0",
        "is a matrix of 16 x 4, but expected is a matrix of 12 x 4: the cell gru has 3 gates");
    f = fixture_small();
    f.grud = "{\"cell\":\"gru_output_gate\"}";
    fixture_refused(&f, "gru.weight_hh_l0",
                    "expected is a matrix of 16 x 4: the cell gru_output_gate has 4 gates");
    f = fixture_small();
    f.grud = "{\"cell\":\"gru_three_gate\"}";
    fixture_refused(&f, "gru.weight_hh_l0",
                    "expected is a matrix of 16 x 4: the cell gru_three_gate has 4 gates");
}

TEST(rows_of_four_gates_are_an_lstm_unless_a_key_says_otherwise)
{
    static const struct {
        const char *grud;
        enum gru_layer_kind cell;
    } cases[] = { { NULL, GRU_LAYER_LSTM },
                  { "{\"inputs\":[{},{}]}", GRU_LAYER_LSTM },
                  { "{\"gate_order\":\"iofc\"}", GRU_LAYER_LSTM },
                  { "{\"cell\":\"gru_output_gate\"}", GRU_LAYER_OUTPUT_GATE } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct fixture f = fixture_new();
        fixture_layer(&f, "rnn.", 0, 4, 2, 4);
        fixture_tensor(&f, "fc.weight", 1, 4);
        f.grud = cases[k].grud;
        struct gru_model *model = expect_loaded(fixture_file(&f));
        ck_assert_int_eq(gru_model_info(model)->layers[0].kind, cases[k].cell);
        gru_model_unref(model);
    }
    struct fixture f = fixture_new(); /* `reset` is of a GRU */
    fixture_layer(&f, "rnn.", 0, 4, 2, 4);
    fixture_tensor(&f, "fc.weight", 1, 4);
    f.grud = "{\"reset\":\"after\"}";
    fixture_refused(&f, "rnn.weight_hh_l0", "the cell gru has 3 gates");
}

static void bad_tensor(const char *name, size_t rows, size_t columns, const char *part)
{
    struct fixture f = fixture_small();
    fixture_remove(&f, name);
    fixture_tensor(&f, name, rows, columns);
    fixture_refused(&f, name, part);
}

TEST(wrong_shapes_are_refused_with_the_expected_one)
{
    bad_tensor("gru.weight_ih_l0", 15, 2,
               "is a matrix of 15 x 2, but expected is a matrix of 12 x 2");
    bad_tensor("gru.weight_ih_l0", 12, 0, "is a vector of 12");
    bad_tensor("gru.weight_hh_l0", 12, 0, "is a vector of 12");
    bad_tensor("gru.bias_ih_l0", 11, 0, "is a vector of 11, but expected is a vector of 12");
    bad_tensor("gru.bias_hh_l0", 4, 0, "is a vector of 4, but expected is a vector of 12");
    bad_tensor("gru.bias_ih_l0", 12, 1, "is a matrix of 12 x 1, but expected is a vector of 12");
    bad_tensor("fc.bias", 3, 0, "is a vector of 3, but expected is a vector of 2");
    bad_tensor("fc.bias", 2, 1, "is a matrix of 2 x 1, but expected is a vector of 2");
}

TEST(layer_that_does_not_fit_the_one_before_is_refused)
{
    struct fixture f = fixture_small();
    fixture_layer(&f, "gru.", 1, 3, 5, 4);
    fixture_refused(
        &f, "gru.weight_ih_l1",
        "is a matrix of 12 x 5, but expected is a matrix of 12 x 4: the width of the layer before "
        "it");
}

/* Tensors of no values, whose sizes may claim anything. */
static void empty_tensor(struct fixture *f, const char *name, size_t rows, size_t columns)
{
    fixture_raw_tensor(f, name, "F32", rows, columns, "", 0);
}

TEST(empty_tensors_are_refused)
{
    struct file file =
        file_of("{\"gru.weight_ih_l0\":{\"dtype\":\"F32\",\"shape\":[0,0],\"data_offsets\":[0,0]},"
                "\"gru.weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[0,0],\"data_offsets\":[0,0]}}",
                0);
    expect_refused(file, GRU_BAD_TENSORS, "gru.weight_hh_l0", "is a matrix of 0 x 0");
    struct fixture f = fixture_small();
    fixture_remove(&f, "fc.weight");
    empty_tensor(&f, "fc.weight", 0, 4);
    fixture_refused(&f, "fc.weight",
                    "is a matrix of 0 x 4, but expected is a matrix of at most 65536");
    f = fixture_small();
    fixture_remove(&f, "gru.weight_hh_l0");
    empty_tensor(&f, "gru.weight_hh_l0", 0, 4);
    fixture_refused(&f, "gru.weight_hh_l0", "is a matrix of 0 x 4");
}

TEST(widths_beyond_the_limit_are_refused)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "gru.", 0, 3, 65537, 1);
    fixture_tensor(&f, "fc.weight", 1, 1);
    fixture_refused(&f, "gru.weight_ih_l0",
                    "is a matrix of 3 x 65537, but expected is a matrix of at most 196608 x 65536");
    f = fixture_new();
    fixture_layer(&f, "gru.", 0, 3, 1, 1);
    fixture_tensor(&f, "fc.weight", 65537, 1);
    fixture_refused(&f, "fc.weight",
                    "is a matrix of 65537 x 1, but expected is a matrix of at most 65536");
    f = fixture_small();
    fixture_remove(&f, "gru.weight_hh_l0");
    empty_tensor(&f, "gru.weight_hh_l0", 0, 9223372036854775807);
    fixture_refused(&f, "gru.weight_hh_l0", "is a matrix of 0 x 9223372036854775807");
}

TEST(widest_inputs_load)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "gru.", 0, 3, 65536, 1);
    fixture_tensor(&f, "fc.weight", 65536, 1);
    struct gru_model *model = fixture_loaded(&f);
    ck_assert_uint_eq(gru_model_info(model)->n_inputs, 65536);
    ck_assert_str_eq(gru_model_info(model)->outputs[65535].name, "y65535");
    gru_model_unref(model);
}

TEST(layers_beyond_the_limit_are_refused)
{
    struct fixture f = fixture_small();
    fixture_rename(&f, "gru.weight_ih_l0", "gru.weight_ih_l32");
    fixture_refused(&f, "gru.weight_ih_l32", "beyond the limit of 32 layers");
    f = fixture_small();
    fixture_rename(&f, "gru.weight_ih_l0", "gru.weight_ih_l18446744073709551616");
    fixture_refused(&f, "gru.weight_ih_l18446744073709551616", "beyond the limit of 32 layers");
    f = fixture_small();
    for (size_t l = 0; l < 32; l++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "m%02zu.", l);
        char name[32];
        snprintf(name, sizeof name, "%sweight_ih_l0", prefix);
        fixture_tensor(&f, name, 3, 1);
    }
    fixture_refused(&f, "m31.weight_ih_l0", "beyond the limit of 32 layers in all");
    f = fixture_small();
    fixture_tensor(&f, "gru.weight_ih_l31", 3, 1);
    fixture_tensor(&f, "b.weight_ih_l3", 3, 1);
    fixture_refused(&f, "", "there are 36 recurrent layers, more than the limit of 32");
}

TEST(projection_is_refused_in_so_many_words)
{
    struct fixture f = fixture_small();
    fixture_tensor(&f, "lstm.weight_hr_l0", 2, 4);
    fixture_refused(&f, "lstm.weight_hr_l0", "is a projection of an LSTM (proj_size)");
}

/* ---- the read-out ---- */

TEST(model_without_a_read_out_is_refused)
{
    struct fixture f = fixture_small();
    fixture_remove(&f, "fc.weight");
    fixture_refused(&f, "", "no read-out: no matrix with 4 columns");
}

TEST(read_out_of_the_wrong_width_is_refused)
{
    struct fixture f = fixture_small();
    fixture_remove(&f, "fc.weight");
    fixture_tensor(&f, "fc.weight", 4, 2);
    fixture_refused(&f, "fc.weight", "is a matrix of 4 x 2, but the read-out must have 4 columns");
    f = fixture_new();
    fixture_layer(&f, "a.", 0, 3, 2, 5);
    fixture_layer(&f, "b.", 0, 3, 5, 4);
    fixture_tensor(&f, "fc.weight", 1, 6);
    fixture_refused(&f, "fc.weight", "the read-out must have 4 columns");
}

TEST(several_candidates_for_the_read_out_are_refused)
{
    struct fixture f = fixture_small();
    fixture_tensor(&f, "fd", 1, 4);
    fixture_refused(&f, "fd",
                    "'fc.weight' and 'fd' could both be the read-out: each has 4 columns");
}

TEST(left_over_tensors_are_refused_by_name)
{
    struct fixture f = fixture_small();
    fixture_tensor(&f, "conv.weight", 3, 5);
    fixture_refused(&f, "conv.weight", "a matrix of 3 x 5, is left over");
    f = fixture_small();
    fixture_tensor(&f, "norm.bias", 2, 0);
    fixture_refused(&f, "norm.bias",
                    "is left over: it is of no recurrent layer, nor of the read-out 'fc.weight'");
    f = fixture_small();
    fixture_rename(&f, "fc.weight", "W");
    fixture_tensor(&f, "z", 2, 0);
    fixture_refused(&f, "z", "is left over");
    f = fixture_small();
    fixture_tensor(&f, "", 2, 0);
    fixture_refused(&f, "", "is left over");
}
