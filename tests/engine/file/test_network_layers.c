/* Layers of a `network` and tensors: what fits, and what is refused by which path
 * (network_layers.h). */
#include "engine/fixture.h"
#include "engine/layer_dense.h"
#include "engine/layer_norm.h"
#include "engine/layer_recurrent.h"
#include "engine/model.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRU        "{\"type\":\"gru\",\"prefix\":\"gru\"}"
#define FC         "{\"type\":\"dense\",\"prefix\":\"fc\"}"
#define LIST(text) "{\"network\":[" text "]}"

/* fixture_small with this list: 2 inputs, 4 units, 2 outputs. */
static struct fixture listed(const char *list)
{
    struct fixture f = fixture_small();
    f.grud = list;
    return f;
}

static void refused(struct fixture *f, enum gru_status status, const char *param, const char *part)
{
    expect_refused(fixture_file(f), status, param, part);
}

static void misfit(struct fixture *f, const char *path, const char *part)
{
    char param[96];
    snprintf(param, sizeof param, "grud.network%s", path);
    refused(f, GRU_BAD_TENSORS, param, part);
}

/* ---- what fits ---- */

static void norm(struct fixture *f, const char *prefix, size_t n)
{
    static const char *const names[] = { "weight", "bias", "running_mean", "running_var" };
    for (size_t k = 0; k < 4; k++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", prefix, names[k]);
        fixture_tensor(f, name, n, 0);
    }
    char name[160];
    snprintf(name, sizeof name, "%srunning_var", prefix);
    for (size_t k = 0; k < n; k++) {
        fixture_values(f, name)[k] = 1 + (float)k;
    }
}

TEST(a_dense_with_an_activation_is_two_layers)
{
    struct fixture f =
        listed(LIST("{\"type\":\"dense\",\"prefix\":\"in\",\"activation\":\"silu\"}," GRU "," FC));
    fixture_tensor(&f, "in.weight", 2, 7);
    struct gru_model *model = fixture_loaded(&f);
    ck_assert_uint_eq(model->n_layers, 4);
    ck_assert_uint_eq(gru_model_info(model)->n_inputs, 7);
    ck_assert_int_eq(model->layers[1].shape.activation, GRU_SILU);
    ck_assert_uint_eq(gru_model_info(model)->n_layers, 1);
    expect_layer(model, 0, 2, 4);
    gru_model_unref(model);
}

TEST(the_activation_at_the_end_is_that_of_the_outputs)
{
    static const char *const lists[] = {
        LIST(GRU ",{\"type\":\"dense\",\"prefix\":\"fc\",\"activation\":\"softplus\"}"),
        LIST(GRU "," FC ",{\"type\":\"activation\",\"activation\":\"softplus\"}"),
        LIST(GRU "," FC ",{\"type\":\"activation\",\"activation\":\"softplus\"},"
                 "{\"type\":\"activation\",\"activation\":\"linear\"}"),
    };
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        struct fixture f = listed(lists[k]);
        struct gru_model *model = fixture_loaded(&f);
        ck_assert_uint_eq(model->n_layers, 2);
        ck_assert_int_eq(gru_model_info(model)->activation, GRU_SOFTPLUS);
        struct gru_model *again = expect_loaded(save(model));
        expect_same(model, again);
        gru_model_unref(again);
        gru_model_unref(model);
    }
}

TEST(a_network_may_end_in_any_kind)
{
    static const struct {
        const char *list;
        size_t n_outputs;
    } cases[] = {
        { LIST(GRU), 4 },
        { LIST(FC "," GRU), 4 },
        { LIST(GRU ",{\"type\":\"activation\",\"activation\":\"relu\"}"), 4 },
        { LIST(GRU ",{\"type\":\"layer_norm\"}"), 4 },
        { LIST(GRU ",{\"type\":\"batch_norm\",\"prefix\":\"bn\"}"), 4 },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct fixture f = fixture_new();
        fixture_layer(&f, "gru.", 0, 3, 2, 4);
        if (strstr(cases[k].list, "\"fc\"")) {
            fixture_tensor(&f, "fc.weight", 2, 9);
        }
        if (strstr(cases[k].list, "\"bn\"")) {
            norm(&f, "bn.", 4);
        }
        f.grud = cases[k].list;
        struct gru_model *model = fixture_loaded(&f);
        ck_assert_uint_eq(gru_model_info(model)->n_outputs, cases[k].n_outputs);
        struct gru_model *again = expect_loaded(save(model));
        expect_same(model, again);
        gru_model_unref(again);
        gru_model_unref(model);
    }
}

TEST(layers_without_tensors_are_as_wide_as_what_they_get)
{
    struct fixture f = listed(LIST("{\"type\":\"layer_norm\",\"eps\":0.001},"
                                   "{\"type\":\"activation\",\"activation\":\"tanh\"}," GRU
                                   ",{\"type\":\"layer_norm\"}," FC));
    struct gru_model *model = fixture_loaded(&f);
    static const size_t widths[] = { 2, 2, 4, 4, 2 };
    ck_assert_uint_eq(model->n_layers, 5);
    for (size_t l = 0; l < 5; l++) {
        ck_assert_uint_eq(model->layers[l].shape.n_units, widths[l]);
    }
    ck_assert(model->layers[0].shape.eps == 0.001F && model->layers[3].shape.eps == 1e-5F);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
}

TEST(a_stack_is_one_element)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "rnn.", 0, 4, 3, 5);
    fixture_layer(&f, "rnn.", 1, 4, 5, 6);
    f.grud = LIST("{\"type\":\"lstm\",\"prefix\":\"rnn\"}");
    struct gru_model *model = fixture_loaded(&f);
    ck_assert_uint_eq(gru_model_info(model)->n_layers, 2);
    expect_layer(model, 1, 5, 6);
    struct file file = save(model); /* each of its layers is one then */
    ck_assert_ptr_nonnull(memmem(file.bytes, file.n, "layers.1.weight_ih_l0", 21));
    struct gru_model *again = expect_loaded(file);
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
}

TEST(names_of_cells_and_no_prefix_are_taken)
{
    struct fixture f = fixture_new();
    static const char *const names[] = { "weight_ih", "weight_hh", "bias_ih", "bias_hh" };
    const size_t columns[] = { 2, 4, 0, 0 };
    for (size_t k = 0; k < 4; k++) {
        fixture_tensor(&f, names[k], 12, columns[k]);
    }
    fixture_tensor(&f, "weight", 1, 4);
    f.grud = LIST("{\"type\":\"gru\"},{\"type\":\"dense\",\"prefix\":\"\"}");
    struct gru_model *model = fixture_loaded(&f);
    ck_assert_ptr_nonnull(model->layers[0].tensors[RECURRENT_BIAS_HH].values);
    gru_model_unref(model);
}

TEST(each_layer_has_orders_of_its_own)
{
    struct fixture f = listed(LIST("{\"type\":\"gru\",\"prefix\":\"gru\",\"gate_order\":\"zrh\","
                                   "\"update\":\"take\",\"reset\":\"before\"},"
                                   "{\"type\":\"lstm\",\"prefix\":\"top\"}," FC));
    fixture_layer(&f, "top.", 0, 4, 4, 4);
    float given = fixture_values(&f, "gru.weight_hh_l0")[0];
    float kept = fixture_values(&f, "top.weight_hh_l0")[0];
    struct gru_model *model = fixture_loaded(&f);
    ck_assert_int_eq(model->layers[0].shape.reset, GRU_RESET_BEFORE);
    ck_assert(model->layers[0].tensors[RECURRENT_WEIGHT_HH].values[4 * 4] == -given);
    ck_assert(model->layers[1].tensors[RECURRENT_WEIGHT_HH].values[0] == kept);
    gru_model_unref(model);
}

TEST(heads_that_are_alike_are_one_read_out)
{
    struct fixture f = listed(LIST(GRU ",{\"type\":\"heads\",\"heads\":[{\"prefix\":\"fc\","
                                       "\"activation\":\"tanh\"},{\"prefix\":\"b\","
                                       "\"activation\":\"tanh\"}]}"));
    fixture_tensor(&f, "b.weight", 3, 4);
    struct gru_model *model = fixture_loaded(&f);
    const struct gru_info *info = gru_model_info(model);
    ck_assert_uint_eq(info->n_heads, 0);
    ck_assert_int_eq(info->activation, GRU_TANH);
    ck_assert_uint_eq(info->n_outputs, 5);
    ck_assert(gru_model_read_out(model)->tensors[DENSE_BIAS].values[2] == 0);
    gru_model_unref(model);
}

#define TWO_HEADS(extra)                                                                           \
    "{\"network\":[" GRU ",{\"type\":\"heads\",\"heads\":[{\"prefix\":\"fc\",\"activation\":"      \
    "\"softmax\"},{\"prefix\":\"b\",\"activation\":\"softmax\"}]}]" extra "}"

TEST(a_softmax_is_over_a_head_by_itself)
{
    struct fixture f = listed(TWO_HEADS(""));
    fixture_tensor(&f, "b.weight", 3, 4);
    struct gru_model *model = fixture_loaded(&f);
    ck_assert_uint_eq(gru_model_info(model)->n_heads, 2);
    ck_assert_uint_eq(gru_model_info(model)->heads[1].n_outputs, 3);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
    f = listed(TWO_HEADS(",\"steps\":5"));
    fixture_tensor(&f, "b.weight", 3, 4);
    refused(&f, GRU_BAD_METADATA, "grud.steps", "heads of several activations forecast one step");
}

TEST(steps_divide_the_last_width)
{
    struct fixture f = listed("{\"steps\":2,\"network\":[" GRU "," FC ","
                              "{\"type\":\"activation\",\"activation\":\"relu\"}]}");
    struct gru_model *model = fixture_loaded(&f);
    ck_assert_uint_eq(gru_model_info(model)->n_outputs, 1);
    gru_model_unref(model);
    f = listed("{\"steps\":3,\"network\":[" GRU "," FC "]}");
    refused(&f, GRU_BAD_METADATA, "grud.steps", "2 rows, which 3 steps do not divide");
}

/* ---- learned first states ---- */

/* An LSTM of two layers of 4 units, and tensors of this shape: [rows, middle, columns]. */
static struct fixture stacked(size_t rows, size_t middle, size_t columns)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "rnn.", 0, 4, 2, 4);
    fixture_layer(&f, "rnn.", 1, 4, 4, 4);
    fixture_tensor(&f, "h0", rows, columns);
    f.tensors[f.n - 1].middle = middle;
    fixture_tensor(&f, "c0", rows, columns);
    f.tensors[f.n - 1].middle = middle;
    f.grud = LIST("{\"type\":\"lstm\",\"prefix\":\"rnn\",\"initial_state\":\"h0\","
                  "\"initial_cell\":\"c0\"}");
    return f;
}

TEST(each_layer_of_a_stack_has_its_row_of_the_first_state)
{
    struct fixture f = stacked(2, 1, 4);
    float want[16], state[64];
    for (size_t k = 0; k < 4; k++) { /* [h, c] of each layer */
        want[k] = fixture_values(&f, "h0")[k];
        want[4 + k] = fixture_values(&f, "c0")[k];
        want[8 + k] = fixture_values(&f, "h0")[4 + k];
        want[12 + k] = fixture_values(&f, "c0")[4 + k];
    }
    struct gru_model *model = fixture_loaded(&f);
    ck_assert_uint_le(gru_model_info(model)->state_floats, 64);
    gru_state_init(model, state);
    ck_assert_mem_eq(state, want, sizeof want);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
}

TEST(first_states_of_other_shapes_are_refused)
{
    static const size_t shapes[][3] = { { 2, 0, 4 }, { 8, 0, 0 }, { 1, 1, 4 },
                                        { 2, 1, 3 }, { 4, 0, 0 }, { 16, 0, 0 } };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct fixture f = stacked(shapes[k][0], shapes[k][1], shapes[k][2]);
        misfit(&f, "[0].initial_state", "expected are 2 layers, 1, 4 units");
    }
    struct fixture f = listed(LIST("{\"type\":\"gru\",\"prefix\":\"gru\",\"initial_state\":"
                                   "\"h0\"}," FC));
    misfit(&f, "[0].initial_state", "there is no tensor 'h0'");
}

/* ---- what does not fit ---- */

TEST(sizes_that_do_not_fit_are_refused_by_path)
{
    struct fixture f = listed(LIST(GRU "," FC));
    fixture_remove(&f, "fc.weight");
    fixture_tensor(&f, "fc.weight", 2, 5);
    misfit(&f, "[1]", "takes 5 numbers a row, but the layer before it gives 4");
    f = listed(LIST(GRU "," FC));
    fixture_remove(&f, "fc.bias");
    fixture_tensor(&f, "fc.bias", 3, 0);
    misfit(&f, "[1]", "'fc.bias' is a vector of 3, but expected is a vector of 2");
    f = listed(LIST(GRU "," FC));
    fixture_remove(&f, "gru.bias_hh_l0");
    fixture_tensor(&f, "gru.bias_hh_l0", 13, 0);
    misfit(&f, "[0]", "a vector of 13, but expected is a vector of 12");
    f = listed(LIST("{\"type\":\"lstm\",\"prefix\":\"gru\"}," FC));
    misfit(&f, "[0]", "a matrix of 12 x 4, but expected is a matrix of 16 x 4");
    f = listed(LIST(GRU ",{\"type\":\"batch_norm\",\"prefix\":\"bn\"}," FC));
    norm(&f, "bn.", 5);
    misfit(&f, "[1]", "takes 5 numbers a row, but the layer before it gives 4");
    f = listed(LIST(GRU ",{\"type\":\"heads\",\"heads\":[{\"prefix\":\"fc\"},{\"prefix\":\"b\","
                        "\"activation\":\"relu\"}]}"));
    fixture_tensor(&f, "b.weight", 1, 3);
    misfit(&f, "[1].heads[1]", "takes 3 numbers a row, but the first head 4");
}

TEST(a_variance_below_zero_is_refused)
{
    struct fixture f = listed(LIST(GRU ",{\"type\":\"batch_norm\",\"prefix\":\"bn\"}," FC));
    norm(&f, "bn.", 4);
    fixture_values(&f, "bn.running_var")[2] = -1e-6F;
    misfit(&f, "[1]", "'bn.running_var' has the variance -1e-06 at [2], which is below 0");
}

TEST(a_counter_of_batches_is_passed_over)
{
    struct fixture f = listed(LIST(GRU ",{\"type\":\"batch_norm\",\"prefix\":\"bn\"}," FC));
    const char count[8] = { 3 };
    norm(&f, "bn.", 4);
    fixture_raw_tensor(&f, "bn.num_batches_tracked", "I64", 1, 0, count, sizeof count);
    struct gru_model *model = fixture_loaded(&f);
    ck_assert(model->layers[1].tensors[NORM_VARIANCE].values[3] == 4);
    gru_model_unref(model);
    f = listed(LIST(GRU "," FC));
    fixture_remove(&f, "fc.bias");
    fixture_raw_tensor(&f, "fc.bias", "I32", 2, 0, count, sizeof count);
    refused(&f, GRU_BAD_TENSORS, "fc.bias", "has dtype I32");
}

TEST(missing_tensors_are_named)
{
    struct fixture f = listed(LIST("{\"type\":\"gru\",\"prefix\":\"rnn\"}," FC));
    misfit(&f, "[0].prefix", "there is no tensor 'rnn.weight_ih_l0'");
    f = listed(LIST(GRU ",{\"type\":\"batch_norm\",\"prefix\":\"fc\"}"));
    misfit(&f, "[1].prefix", "there is no tensor 'fc.running_mean'");
    f = listed(
        LIST(GRU ",{\"type\":\"heads\",\"heads\":[{\"prefix\":\"fc\"},{\"prefix\":\"b\"}]}"));
    misfit(&f, "[1].heads[1].prefix", "there is no tensor 'b.weight'");
    f = listed(LIST(GRU "," FC));
    fixture_tensor(&f, "gru.weight_hh_l1", 12, 4);
    misfit(&f, "[0].prefix", "there is no tensor 'gru.weight_ih_l1'");
}

TEST(a_tensor_is_of_one_layer)
{
    struct fixture f = listed(LIST(GRU "," FC "," GRU));
    refused(&f, GRU_BAD_METADATA, "grud.network[2].prefix",
            "names the tensor 'gru.weight_ih_l0', which 'grud.network[0]' has taken already");
    f = listed(
        LIST("{\"type\":\"gru\",\"prefix\":\"gru\",\"initial_state\":\"gru.bias_ih_l0\"}," FC));
    refused(&f, GRU_BAD_METADATA, "grud.network[0].initial_state", "taken already");
    f = listed(
        LIST(GRU ",{\"type\":\"heads\",\"heads\":[{\"prefix\":\"fc\"},{\"prefix\":\"fc\"}]}"));
    refused(&f, GRU_BAD_METADATA, "grud.network[1].heads[1].prefix", "taken already");
}

TEST(what_is_left_over_is_named)
{
    struct fixture f = listed(LIST(GRU "," FC));
    fixture_tensor(&f, "aux.weight", 3, 4);
    refused(&f, GRU_BAD_TENSORS, "aux.weight", "a matrix of 3 x 4, is left over");
    f = listed(LIST(GRU "," FC));
    fixture_tensor(&f, "gru.weight_ih_l2", 12, 4);
    refused(&f, GRU_BAD_TENSORS, "gru.weight_ih_l2", "is left over");
}

TEST(more_recurrent_layers_than_the_limit_are_refused)
{
    char *list = malloc(4000), *p = list;
    struct fixture f = fixture_new();
    ck_assert_ptr_nonnull(list);
    p += sprintf(p, "{\"network\":[");
    for (size_t k = 0; k < 33; k++) {
        char name[32];
        snprintf(name, sizeof name, "r%zu.weight_ih_l0", k);
        fixture_tensor(&f, name, 3, 1);
        snprintf(name, sizeof name, "r%zu.weight_hh_l0", k);
        fixture_tensor(&f, name, 3, 1);
        p += sprintf(p, "%s{\"type\":\"gru\",\"prefix\":\"r%zu\"}", k > 0 ? "," : "", k);
    }
    sprintf(p, "]}");
    f.grud = list;
    refused(&f, GRU_BAD_METADATA, "grud.network", "more than 32 recurrent layers");
    free(list);
}

TEST(a_chain_has_a_limit_that_counts_activations)
{
    char *list = malloc(8000), *p = list;
    struct fixture f = fixture_small();
    ck_assert_ptr_nonnull(list);
    p += sprintf(p, "{\"network\":[" GRU);
    for (size_t k = 0; k < 40; k++) {
        char name[32];
        snprintf(name, sizeof name, "d%zu.weight", k);
        fixture_tensor(&f, name, 4, 4);
        p += sprintf(p, ",{\"type\":\"dense\",\"prefix\":\"d%zu\",\"activation\":\"relu\"}", k);
    }
    sprintf(p, "," FC "]}");
    f.grud = list;
    refused(&f, GRU_BAD_METADATA, "grud.network", "makes more than 64 layers");
    free(list);
}
