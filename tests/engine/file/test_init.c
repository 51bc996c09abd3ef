/* New models: the same plan gives the same weights, within PyTorch's bounds, and plans are checked.
 */
#include "engine/fixture.h"
#include "engine/layer_dense.h"
#include "engine/layer_norm.h"
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
    ck_assert_int_eq(info->missing, GRU_MISSING_FORECAST); /* an output feeds an input */
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

TEST(new_model_may_say_what_becomes_of_missing_readings)
{
    static const char *const other[] = { "other" };
    struct gru_plan p = plan();
    for (int policy = GRU_MISSING_ERROR; policy <= GRU_MISSING_FORECAST; policy++) {
        p.has_missing = true;
        p.missing = (enum gru_missing)policy;
        struct gru_model *model = create(&p);
        ck_assert_int_eq(gru_model_info(model)->missing, policy);
        gru_model_unref(model);
    }
    p.has_missing = false;
    p.outputs = other; /* feeds nothing */
    struct gru_model *model = create(&p);
    ck_assert_int_eq(gru_model_info(model)->missing, GRU_MISSING_LAST);
    gru_model_unref(model);
    p.has_missing = true;
    p.missing = (enum gru_missing)4;
    bad(&p, "missing", "is no policy: 4");
}

TEST(new_model_may_forecast_several_steps_at_once)
{
    struct gru_plan p = plan();
    p.steps = 6;
    struct gru_model *model = create(&p);
    const struct gru_info *info = gru_model_info(model);
    ck_assert(info->steps == 6 && info->y_floats == 6 && info->n_outputs == 1);
    gru_model_unref(model);
    p.steps = GRU_WIDTH_MAX + 1;
    bad(&p, "steps", "must be from 1 to 65536");
    static const char network[] = "[{\"type\":\"gru\",\"units\":4},"
                                  "{\"type\":\"dense\",\"units\":5}]";
    p.steps = 5;
    p.network = network;
    p.n_network = strlen(network);
    p.n_layers = 0;
    model = create(&p);
    ck_assert_uint_eq(gru_model_info(model)->steps, 5);
    gru_model_unref(model);
    p.steps = 6;
    bad(&p, "network", "has 5 units, but there are 1 outputs and 6 steps, so that it needs 6");
}

TEST(new_model_may_end_with_an_activation)
{
    struct gru_plan p = plan();
    for (int activation = GRU_LINEAR; activation < GRU_N_ACTIVATIONS; activation++) {
        p.activation = (enum gru_activation)activation;
        struct gru_model *model = create(&p);
        ck_assert_int_eq(gru_model_info(model)->activation, activation);
        gru_model_unref(model);
    }
    p.activation = (enum gru_activation)GRU_N_ACTIVATIONS;
    bad(&p, "activation", "is no activation: 11");
    static const char network[] = "[{\"type\":\"gru\",\"units\":1}]";
    p.activation = GRU_SIGMOID;
    p.network = network;
    p.n_network = strlen(network);
    p.n_layers = 0;
    bad(&p, "activation", "it is a key of its layers there");
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

/* ---- lists of layers ---- */

static struct gru_plan listed(const char *list)
{
    struct gru_plan p = plan();
    p.n_layers = 0;
    p.network = list;
    p.n_network = strlen(list);
    return p;
}

static void bad_list(const char *list, const char *param, const char *part)
{
    struct gru_plan p = listed(list);
    bad(&p, param, part);
}

#define EVERY_KIND                                                                                 \
    "[{\"type\":\"dense\",\"units\":9,\"activation\":\"silu\",\"prefix\":\"in\"},"                 \
    "{\"type\":\"batch_norm\"},{\"type\":\"gru\",\"units\":16,\"reset\":\"before\"},"              \
    "{\"type\":\"layer_norm\",\"eps\":0.01},{\"type\":\"lstm\",\"units\":64},"                     \
    "{\"type\":\"gru_three_gate\",\"units\":5},{\"type\":\"activation\",\"activation\":\"relu\"}," \
    "{\"type\":\"gru_output_gate\",\"units\":4},{\"type\":\"dense\",\"units\":1,"                  \
    "\"activation\":\"sigmoid\"}]"

TEST(new_model_of_every_kind_begins_as_pytorchs)
{
    struct gru_plan p = listed(EVERY_KIND);
    struct gru_model *model = create(&p);
    ck_assert_uint_eq(model->n_layers, 10);
    ck_assert_int_eq(gru_model_info(model)->activation, GRU_SIGMOID);
    ck_assert_uint_eq(gru_model_info(model)->n_layers, 4);
    expect_uniform(&model->layers[0].tensors[DENSE_WEIGHT], 1 / sqrt(2));
    expect_uniform(&model->layers[5].tensors[RECURRENT_WEIGHT_HH], 1.0 / 8);
    const struct gru_layer *norm = &model->layers[2];
    for (size_t k = 0; k < 9; k++) {
        ck_assert(norm->tensors[NORM_WEIGHT].values[k] == 1 &&
                  norm->tensors[NORM_BIAS].values[k] == 0);
        ck_assert(norm->tensors[NORM_MEAN].values[k] == 0 &&
                  norm->tensors[NORM_VARIANCE].values[k] == 1);
    }
    ck_assert(model->layers[4].shape.eps == 0.01F);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    gru_model_unref(again);
    p.has_selftest = true;
    again = create(&p);
    gru_model_unref(model);
    model = create(&p);
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
}

TEST(a_list_gives_what_sizes_give)
{
    struct gru_plan sizes = plan();
    struct gru_plan list =
        listed("[{\"type\":\"gru\",\"units\":64},{\"type\":\"gru\",\"units\":25},"
               "{\"type\":\"dense\",\"units\":1}]");
    struct gru_model *a = create(&sizes), *b = create(&list);
    expect_same(a, b);
    gru_model_unref(a);
    gru_model_unref(b);
}

TEST(new_model_may_have_heads)
{
    static const char *const three[] = { "temp", "low", "high" };
    struct gru_plan p = listed("[{\"type\":\"gru\",\"units\":4},{\"type\":\"heads\",\"heads\":["
                               "{\"units\":1},{\"units\":2,\"activation\":\"softplus\"}]}]");
    p.outputs = three;
    p.n_outputs = 3;
    struct gru_model *model = create(&p);
    ck_assert_uint_eq(gru_model_info(model)->n_heads, 2);
    ck_assert_uint_eq(gru_model_info(model)->heads[1].n_outputs, 2);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
}

TEST(lists_that_make_no_model_are_refused)
{
    static const char gru[] = "[{\"type\":\"gru\",\"units\":1}]";
    bad_list("", "network", "'network' cannot be read");
    bad_list("{}", "network", "must be an array");
    bad_list("[]", "network", "must not be empty");
    bad_list("[{\"type\":\"gru\",\"units\":0}]", "network[0].units",
             "a whole number from 1 to 65536, not 0");
    bad_list("[{\"type\":\"gru\",\"units\":70000}]", "network[0].units", "from 1 to 65536");
    bad_list("[{\"type\":\"gru\",\"units\":2}]", "network", "has 2 units, but there are 1 outputs");
    bad_list("[{\"type\":\"gru\",\"units\":1,\"gate_order\":\"rzn\"}]", "network[0].gate_order",
             "does not apply");
    bad_list("[{\"type\":\"gru\",\"units\":1,\"initial_state\":\"h\"}]", "network[0].initial_state",
             "does not apply");
    bad_list("[{\"type\":\"gru\",\"units\":1},{\"type\":\"layer_norm\",\"units\":1}]",
             "network[1].units", "does not apply");
    bad_list("[{\"type\":\"gru\",\"units\":1},{\"type\":\"heads\",\"heads\":[{}]}]",
             "network[1].heads[0].units", "is missing");
    bad_list("[{\"type\":\"dense\",\"units\":1}]", "network", "no recurrent layer");
    struct gru_plan p = listed(gru);
    p.n_layers = 2;
    bad(&p, "n_layers", "must be 0 with a 'network'");
}

TEST(a_new_model_may_know_its_own_answers)
{
    struct gru_plan p = plan();
    p.has_selftest = true;
    struct gru_model *model = create(&p);
    ck_assert(gru_model_is_verified(model));
    ck_assert_uint_eq(model->selftest.n_rows, 8);
    struct file file = save(model);
    ck_assert_ptr_nonnull(memmem(file.bytes, file.n, "selftest", 8));
    struct gru_model *again = expect_loaded(file);
    ck_assert(gru_model_is_verified(again));
    gru_model_unref(again);
    gru_model_unref(model);
    struct fixture f = fixture_small();
    model = fixture_loaded(&f);
    ck_assert(!gru_model_is_verified(model));
    gru_model_unref(model);
}

TEST(a_new_model_without_finite_answers_has_no_selftest)
{
    static const struct gru_scaling huge[] = { { "temp", 0, 1e300 } };
    struct gru_plan p = plan();
    p.has_selftest = true;
    p.scalings = huge;
    p.n_scalings = 1;
    struct gru_model *model = create(&p);
    ck_assert(!gru_model_is_verified(model));
    gru_model_unref(model);
}

TEST(new_model_may_have_transforms)
{
    static const struct gru_plan_transform transforms[] = {
        { "temp", { .kind = GRU_SEASONAL_DIFFERENCE } }
    };
    struct gru_plan p = plan();
    p.transforms = transforms;
    p.n_transforms = 1;
    p.season = 24;
    struct gru_model *model = create(&p);
    const struct gru_transform *transform = &gru_model_info(model)->inputs[0].transform;
    ck_assert_int_eq(transform->kind, GRU_SEASONAL_DIFFERENCE);
    ck_assert_uint_eq(transform->season, 24);
    gru_model_unref(model);
}

TEST(transforms_are_checked)
{
    static const struct {
        struct gru_plan_transform transform;
        const char *param, *part;
    } rows[] = {
        { { "wind", { .kind = GRU_DIFFERENCE } }, "transforms[0]", "no input 'wind' to transform" },
        { { "humidity", { .kind = GRU_DIFFERENCE } }, "inputs[1].transform", "no output feeds" },
        { { "temp", { .kind = GRU_SEASONAL_DIFFERENCE } }, "inputs[0].transform", "unknown" },
        { { "temp", { .kind = GRU_SEASONAL_DIFFERENCE, .season = 10001 } },
          "transforms[0]",
          "1 to 10000 readings" },
        { { "temp", { .kind = GRU_DIFFERENCE, .season = 1 } }, "transforms[0]", "must be" },
        { { "temp", { .kind = GRU_LEVEL } }, "transforms[0]", "above 0 and at most 1" },
        { { "temp", { .kind = GRU_LEVEL, .rate = 1.5 } }, "transforms[0]", "at most 1" },
        { { "temp", { .kind = GRU_DIFFERENCE, .rate = 0.5 } }, "transforms[0]", "must be" },
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        struct gru_plan p = plan();
        p.transforms = &rows[k].transform;
        p.n_transforms = 1;
        bad(&p, rows[k].param, rows[k].part);
    }
}

TEST(seasonal_differences_of_a_model_keep_a_bounded_number_of_readings)
{
    static const char *const many[] = { "a", "b", "c", "d", "e", "f", "g" };
    struct gru_plan_transform transforms[7];
    for (size_t k = 0; k < 7; k++) {
        transforms[k] =
            (struct gru_plan_transform){ many[k],
                                         { .kind = GRU_SEASONAL_DIFFERENCE, .season = 10000 } };
    }
    struct gru_plan p = plan();
    p.n_inputs = p.n_outputs = 7;
    p.inputs = p.outputs = many;
    p.transforms = transforms;
    p.n_transforms = 7;
    bad(&p, "inputs[6].transform", "keep 70000 readings of each stream; 65536 are allowed");
}
