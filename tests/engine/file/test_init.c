/* New models: the same plan gives the same weights, within PyTorch's bounds, and plans are checked.
 */
#include "engine/fixture.h"
#include "engine/layer_dense.h"
#include "engine/layer_recurrent.h"
#include "engine/model.h"
#include "test.h"

#include <math.h>
#include <string.h>

static const char *const inputs[] = { "temp", "humidity" };
static const char *const outputs[] = { "temp" };
static const size_t hidden_sizes[] = { 64, 25 };

static struct gru_plan plan(void)
{
    return (struct gru_plan){ .n_inputs = 2,
                              .n_outputs = 1,
                              .n_layers = 2,
                              .inputs = inputs,
                              .outputs = outputs,
                              .hidden_sizes = hidden_sizes,
                              .seed = 1 };
}

static struct gru_model *create(const struct gru_plan *p)
{
    struct gru_model *model;
    struct gru_error error = { 0 };
    ck_assert_msg(gru_model_create(p, &model, &error) == GRU_OK, "%s", error.message);
    return model;
}

static void bad(const struct gru_plan *p, const char *param, const char *part)
{
    struct gru_model *model = NULL;
    struct gru_error error = { 0 };
    ck_assert_int_eq(gru_model_create(p, &model, &error), GRU_BAD_ARGUMENT);
    ck_assert_str_eq(error.param, param);
    ck_assert_msg(strstr(error.message, part) != NULL, "%s", error.message);
    ck_assert_ptr_null(model);
}

TEST(new_model_is_what_was_planned)
{
    struct gru_plan p = plan();
    p.residual = true;
    p.reset = GRU_RESET_BEFORE;
    struct gru_model *model = create(&p);
    const struct gru_info *info = gru_model_info(model);
    ck_assert_uint_eq(info->n_layers, 2);
    ck_assert_uint_eq(info->layers[0].input_size, 2);
    ck_assert_uint_eq(info->layers[0].hidden_size, 64);
    ck_assert_uint_eq(info->layers[1].input_size, 64);
    ck_assert_uint_eq(info->layers[1].hidden_size, 25);
    ck_assert_str_eq(info->inputs[1].name, "humidity");
    ck_assert_int_eq(info->outputs[0].feeds, 0);
    ck_assert(info->outputs[0].mean == 0 && info->outputs[0].std == 1);
    ck_assert_int_eq(info->missing, GRU_MISSING_LAST);
    ck_assert(info->residual);
    ck_assert_int_eq(info->layers[0].reset, GRU_RESET_BEFORE);
    gru_model_unref(model);
}

TEST(new_model_may_know_the_time_between_its_readings)
{
    struct gru_plan p = plan();
    p.interval_seconds = 0.5;
    struct gru_model *model = create(&p);
    ck_assert(gru_model_info(model)->interval_seconds == 0.5);
    gru_model_unref(model);
    static const double wrong[] = { -1, (double)NAN, (double)INFINITY };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        p.interval_seconds = wrong[k];
        bad(&p, "interval_seconds", "finite and above 0");
    }
}

TEST(new_model_may_know_its_season)
{
    struct gru_plan p = plan();
    p.season = GRU_SEASON_MAX;
    struct gru_model *model = create(&p);
    ck_assert_uint_eq(gru_model_info(model)->season, GRU_SEASON_MAX);
    gru_model_unref(model);
    p.season = (size_t)GRU_SEASON_MAX + 1;
    bad(&p, "season", "from 1 to 1073741824 readings");
}

TEST(same_plan_gives_the_same_weights_and_another_seed_others)
{
    struct gru_plan p = plan();
    struct gru_model *a = create(&p);
    struct gru_model *b = create(&p);
    expect_same(a, b);
    p.seed = 2;
    struct gru_model *c = create(&p);
    ck_assert_mem_ne(a->layers[2].tensors[DENSE_WEIGHT].values,
                     c->layers[2].tensors[DENSE_WEIGHT].values, 25 * sizeof(float));
    gru_model_unref(a);
    gru_model_unref(b);
    gru_model_unref(c);
}

/* SplitMix64 from seed 1 begins 0x910a2dec89025cc1: its top 24 bits, in [-1, 1), over sqrt(64). */
TEST(first_weight_is_the_documented_generators)
{
    struct gru_plan p = plan();
    struct gru_model *model = create(&p);
    double unit = (double)0x910a2d / 16777216.0;
    ck_assert(model->layers[0].tensors[0].values[0] == (float)((2 * unit - 1) / 8));
    gru_model_unref(model);
}

static void expect_uniform(const struct gru_tensor *tensor, double bound)
{
    size_t n = tensor->rows * (tensor->columns > 0 ? tensor->columns : 1);
    double least = 0;
    double most = 0;
    ck_assert_ptr_nonnull(tensor->values);
    for (size_t k = 0; k < n; k++) {
        least = fmin(least, (double)tensor->values[k]);
        most = fmax(most, (double)tensor->values[k]);
    }
    ck_assert(least >= -bound && most <= bound);
    ck_assert(n < 60 || (least < -0.9 * bound && most > 0.9 * bound));
}

TEST(weights_fill_the_bounds_of_pytorch)
{
    struct gru_plan p = plan();
    struct gru_model *model = create(&p);
    for (size_t l = 0; l < 2; l++) {
        for (size_t k = 0; k <= RECURRENT_BIAS_HH; k++) {
            expect_uniform(&model->layers[l].tensors[k], 1 / sqrt((double)hidden_sizes[l]));
        }
    }
    expect_uniform(&model->layers[2].tensors[DENSE_WEIGHT], 1 / sqrt(25));
    expect_uniform(&model->layers[2].tensors[DENSE_BIAS], 1 / sqrt(25));
    gru_model_unref(model);
}

TEST(new_models_of_every_cell_save_and_load_bit_for_bit)
{
    for (int cell = 0; cell < GRU_N_LAYER_KINDS; cell++) {
        if (!gru_layer_kind_is_recurrent((enum gru_layer_kind)cell)) {
            continue;
        }
        for (int reset = GRU_RESET_AFTER; reset <= GRU_RESET_BEFORE; reset++) {
            struct gru_plan p = plan();
            p.cell = (enum gru_layer_kind)cell;
            p.reset = (enum gru_reset)reset;
            struct gru_model *model = create(&p);
            struct gru_model *again = expect_loaded(save(model));
            expect_same(model, again);
            gru_model_unref(again);
            gru_model_unref(model);
        }
    }
}

TEST(only_reset_after_has_two_biases)
{
    struct gru_plan p = plan();
    struct gru_model *model = create(&p);
    ck_assert_ptr_nonnull(model->layers[1].tensors[RECURRENT_BIAS_HH].values);
    gru_model_unref(model);
    p.reset = GRU_RESET_BEFORE;
    model = create(&p);
    ck_assert_ptr_null(model->layers[1].tensors[RECURRENT_BIAS_HH].values);
    gru_model_unref(model);
}

TEST(sizes_of_a_plan_are_checked)
{
    static const size_t zero[] = { 8, 0 };
    static const size_t wide[] = { 65537, 8 };
    struct gru_plan p = plan();
    p.n_inputs = 0;
    bad(&p, "n_inputs", "from 1 to 65536, not 0");
    p = plan();
    p.n_inputs = 65537;
    bad(&p, "n_inputs", "not 65537");
    p = plan();
    p.n_outputs = 0;
    bad(&p, "n_outputs", "not 0");
    p = plan();
    p.n_layers = 0;
    bad(&p, "n_layers", "from 1 to 32, not 0");
    p = plan();
    p.n_layers = 33;
    bad(&p, "n_layers", "not 33");
    p = plan();
    p.hidden_sizes = zero;
    bad(&p, "hidden_sizes[1]", "not 0");
    p = plan();
    p.hidden_sizes = wide;
    bad(&p, "hidden_sizes[0]", "not 65537");
}

TEST(names_of_a_plan_are_checked)
{
    char long_name[65];
    memset(long_name, 'n', 64);
    long_name[64] = '\0';
    const char *const bad_names[] = { "", long_name, "\xff", "a\xc3" };
    for (size_t k = 0; k < 4; k++) {
        const char *names[] = { "temp", bad_names[k] };
        struct gru_plan p = plan();
        p.inputs = names;
        bad(&p, "inputs[1]", "1 to 63 bytes of UTF-8");
        p = plan();
        p.outputs = &names[1];
        bad(&p, "outputs[0]", "1 to 63 bytes of UTF-8");
    }
    const char *const twice[] = { "temp", "temp" };
    struct gru_plan p = plan();
    p.inputs = twice;
    bad(&p, "inputs[1]", "another of the inputs is named 'temp'");
    p = plan();
    p.outputs = twice;
    p.n_outputs = 2;
    bad(&p, "outputs[1]", "another of the outputs is named 'temp'");
    long_name[63] = '\0';
    const char *const longest[] = { long_name, "\xe2\x82\xac" };
    p = plan();
    p.inputs = longest;
    gru_model_unref(create(&p));
}

TEST(a_scaling_is_the_inputs_and_goes_on_to_the_output_that_feeds_it)
{
    const struct gru_scaling scalings[] = { { "humidity", 0.5, 0.25 }, { "temp", 20, 4 } };
    struct gru_plan p = plan();
    p.scalings = scalings;
    p.n_scalings = 2;
    for (int residual = 0; residual < 2; residual++) {
        p.residual = residual;
        struct gru_model *model = create(&p);
        const struct gru_info *info = gru_model_info(model);
        ck_assert_double_eq(info->inputs[0].mean, 20);
        ck_assert_double_eq(info->inputs[1].std, 0.25);
        ck_assert_double_eq(info->outputs[0].mean, residual ? 0 : 20);
        ck_assert_double_eq(info->outputs[0].std, 4);
        gru_model_unref(model);
    }
}

TEST(an_output_that_feeds_nothing_has_a_scaling_of_its_own)
{
    static const char *const sum[] = { "sum" };
    const struct gru_scaling scaling = { "sum", 50, 2.9 };
    struct gru_plan p = plan();
    p.outputs = sum;
    p.scalings = &scaling;
    p.n_scalings = 1;
    struct gru_model *model = create(&p);
    ck_assert_double_eq(gru_model_info(model)->outputs[0].std, 2.9);
    gru_model_unref(model);
}

TEST(a_scaling_must_name_a_variable_and_divide_by_something)
{
    struct gru_scaling scaling = { "wind", 0, 1 };
    struct gru_plan p = plan();
    p.scalings = &scaling;
    p.n_scalings = 1;
    bad(&p, "scalings[0]", "no input or output 'wind'");
    const double stds[] = { 0, -1, NAN, INFINITY };
    scaling.name = "temp";
    for (size_t k = 0; k < sizeof stds / sizeof *stds; k++) {
        scaling.std = stds[k];
        bad(&p, "scalings[0]", "std above 0");
    }
}
