/* Scalings that are fitted to data: what they are, that training under them is training of a model
 * that has them, and that another scaling by itself gains nothing. */
#include "engine/failing.h"
#include "engine/model.h"
#include "engine/train/model_copy.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char fills_itself[] =
    "{\"missing\":\"forecast\",\"inputs\":[{\"name\":\"a\",\"mean\":280,\"std\":30},"
    "{\"name\":\"b\"}],\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}";

enum { ROWS = 40, INPUTS = 2 };

static const char plain[] =
    "{\"missing\":\"last\",\"inputs\":[{\"name\":\"a\",\"mean\":5,\"std\":3},{\"name\":\"b\"}],"
    "\"outputs\":[{\"name\":\"a\"},{\"name\":\"c\",\"mean\":7}]}";
static const char residual[] =
    "{\"missing\":\"last\",\"residual\":true,\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
    "\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}";

static const char changing[] =
    "{\"missing\":\"last\",\"inputs\":[{\"name\":\"a\",\"transform\":\"difference\"},{\"name\":"
    "\"b\"}],\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}";
static const char levelled[] =
    "{\"missing\":\"last\",\"residual\":true,\"inputs\":[{\"name\":\"a\",\"transform\":{\"level\":"
    "0.1,"
    "\"scale\":true}},{\"name\":\"b\"}],\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}";

struct fit {
    struct gru_model *model, *fitted;
    double *x, *y;
    struct gru_series series[2];
    struct gru_training training;
};

/* Two series, the second one of which goes on far away: its last rows are for validation. */
static void make(struct fit *fit, const char *grud, bool with_y, enum gru_scaling_fit scaling)
{
    memset(fit, 0, sizeof *fit);
    fit->model = training_model(grud, INPUTS, 5, 1, 2);
    fit->x = training_noise(2 * (size_t)ROWS * INPUTS, 1);
    fit->y = training_noise(2 * (size_t)ROWS * 2, 2);
    for (size_t k = 0; k < 2; k++) {
        double *x = fit->x + k * ROWS * INPUTS, *y = fit->y + k * ROWS * 2;
        for (size_t t = 0; t < ROWS; t++) {
            x[t * 2] = 300 + 20 * x[t * 2];
            x[t * 2 + 1] = t % 9 == 4 ? NAN : 4 * x[t * 2 + 1] + (double)t / 10;
            y[t * 2 + 1] = t % 5 == 2 ? NAN : -1000 + 50 * y[t * 2 + 1];
        }
        fit->series[k] = (struct gru_series){
            .x = x, .n_rows = ROWS, .y = with_y ? y : NULL, .n_targets = with_y ? ROWS : 0
        };
    }
    training_follow(fit->model, fit->series, 2);
    fit->training = (struct gru_training){ .series = fit->series,
                                           .n_series = 2,
                                           .validation_fraction = 0.3,
                                           .hyperparameters = training_plain(),
                                           .seed = 3 };
    struct gru_hyperparameters *h = &fit->training.hyperparameters;
    h->scaling = (int)scaling;
    h->n_epochs = 3;
    h->learning_rate = 0.01;
    h->window = 8;
}

static void done(struct fit *fit)
{
    gru_model_unref(fit->fitted);
    gru_model_unref(fit->model);
    free(fit->x);
    free(fit->y);
}

static void fit_it(struct fit *fit)
{
    gru_model_unref(fit->fitted);
    fit->fitted = NULL;
    ck_assert_int_eq(gru_model_fit_scaling(fit->model, &fit->training, &fit->fitted), GRU_OK);
}

/* Rows of a series that are trained on. */
enum { TRAINED_ROWS = ROWS - ROWS * 3 / 10 };

/* The column's values of the training part, or their changes; sorted if they are to be. */
static size_t values_of(const struct fit *fit, const double *rows, size_t column, bool are_changes,
                        double *values)
{
    size_t n = 0;
    for (size_t k = 0; k < fit->training.n_series; k++) {
        const double *of = rows + k * ROWS * 2;
        for (size_t t = are_changes; t < TRAINED_ROWS; t++) {
            const double value = of[t * 2 + column] - (are_changes ? of[(t - 1) * 2 + column] : 0);
            if (!isnan(value)) {
                values[n++] = value;
            }
        }
    }
    return n;
}

static int compare_doubles(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median_of(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void expect_scaling(const struct gru_variable *got, double *values, size_t n, bool is_robust)
{
    double mean = 0, squares = 0;
    for (size_t k = 0; k < n; k++) {
        mean += values[k] / (double)n;
    }
    for (size_t k = 0; k < n; k++) {
        squares += (values[k] - mean) * (values[k] - mean);
    }
    double std = sqrt(squares / (double)n);
    if (is_robust) {
        mean = median_of(values, n);
        for (size_t k = 0; k < n; k++) {
            values[k] = fabs(values[k] - mean);
        }
        std = 1.4826 * median_of(values, n);
    }
    training_expect_near(got->name, got->mean, mean, 1e-9);
    training_expect_near(got->name, got->std, std, 1e-9);
}

TEST(a_fitted_scaling_is_that_of_the_training_part)
{
    double values[2 * ROWS];
    for (int robust = 0; robust < 2; robust++) {
        struct fit fit;
        make(&fit, plain, true, robust ? GRU_SCALING_FIT_ROBUST : GRU_SCALING_FIT);
        for (size_t t = TRAINED_ROWS; t < ROWS; t++) {
            fit.x[t * 2] = 1e6; /* of the validation part */
        }
        fit_it(&fit);
        const struct gru_info *info = gru_model_info(fit.fitted);
        for (size_t i = 0; i < INPUTS; i++) {
            expect_scaling(&info->inputs[i], values, values_of(&fit, fit.x, i, false, values),
                           robust);
        }
        ck_assert(info->outputs[0].mean == info->inputs[0].mean); /* it feeds that */
        ck_assert(info->outputs[0].std == info->inputs[0].std);
        expect_scaling(&info->outputs[1], values, values_of(&fit, fit.y, 1, false, values), robust);
        training_expect_same_weights(fit.model, fit.fitted);
        done(&fit);
    }
}

TEST(residual_outputs_are_scaled_by_the_changes_of_what_they_feed)
{
    double values[2 * ROWS];
    for (int robust = 0; robust < 2; robust++) {
        struct fit fit;
        make(&fit, residual, false, robust ? GRU_SCALING_FIT_ROBUST : GRU_SCALING_FIT);
        fit_it(&fit);
        const struct gru_info *info = gru_model_info(fit.fitted);
        for (size_t o = 0; o < 2; o++) {
            expect_scaling(&info->outputs[o], values, values_of(&fit, fit.x, o, true, values),
                           robust);
        }
        done(&fit);
    }
}

/* Rows of which a transform says nothing yet are none of the scaling. */
TEST(of_a_transformed_input_what_the_transform_makes_of_it_is_fitted)
{
    double values[2 * ROWS];
    for (int robust = 0; robust < 2; robust++) {
        struct fit fit;
        make(&fit, changing, false, robust ? GRU_SCALING_FIT_ROBUST : GRU_SCALING_FIT);
        fit_it(&fit);
        const struct gru_info *info = gru_model_info(fit.fitted);
        size_t n = values_of(&fit, fit.x, 0, true, values);
        expect_scaling(&info->inputs[0], values, n, robust);
        expect_scaling(&info->outputs[0], values, values_of(&fit, fit.x, 0, true, values), robust);
        n = values_of(&fit, fit.x, 1, false, values);
        expect_scaling(&info->inputs[1], values, n, robust);
        done(&fit);
    }
}

TEST(to_keep_the_scaling_is_to_keep_the_model)
{
    struct fit fit;
    make(&fit, plain, true, GRU_SCALING_KEEP);
    fit_it(&fit);
    ck_assert_ptr_eq(fit.fitted, fit.model);
    done(&fit);
}

TEST(what_cannot_be_fitted_keeps_its_scaling)
{
    struct fit fit;
    make(&fit, plain, true, GRU_SCALING_FIT);
    for (size_t t = 0; t < 2 * (size_t)ROWS; t++) {
        fit.x[t * 2] = 42; /* constant */
        fit.x[t * 2 + 1] = NAN;
        fit.y[t * 2 + 1] = t % 20 == 3 ? 9 : 8; /* more than half are one value */
    }
    for (int robust = 0; robust < 2; robust++) {
        fit.training.hyperparameters.scaling = robust ? GRU_SCALING_FIT_ROBUST : GRU_SCALING_FIT;
        fit_it(&fit);
        const struct gru_info *info = gru_model_info(fit.fitted);
        ck_assert(info->inputs[0].mean == 42 && info->inputs[0].std == 3);
        ck_assert(info->inputs[1].mean == 0 && info->inputs[1].std == 1);
        ck_assert(info->outputs[0].mean == 42 && info->outputs[0].std == 3);
        const double share = 4.0 / 56;
        training_expect_near("mean", info->outputs[1].mean, robust ? 8 : 8 + share, 1e-12);
        training_expect_near("std", info->outputs[1].std, sqrt(share * (1 - share)), 1e-12);
    }
    done(&fit);
}

TEST(a_large_offset_costs_no_digits)
{
    struct fit fit;
    make(&fit, residual, false, GRU_SCALING_FIT);
    for (size_t t = 0; t < 2 * (size_t)ROWS; t++) {
        fit.x[t * 2] = 16777216 + (t % 2 == 0 ? 2 : -2);
        fit.x[t * 2 + 1] = 1e-30 * (double)(t % 2);
    }
    fit_it(&fit);
    const struct gru_info *info = gru_model_info(fit.fitted);
    training_expect_near("large", info->inputs[0].mean, 16777216, 1e-14);
    training_expect_near("large", info->inputs[0].std, 2, 1e-9);
    training_expect_near("small", info->inputs[1].std, 5e-31, 1e-6);
    done(&fit);
}

/* An activation would make forecasts beyond its bounds impossible. */
TEST(outputs_with_an_activation_and_logits_keep_their_scaling)
{
    static const struct {
        const char *grud;
        enum gru_loss loss;
    } cases[] = {
        { "{\"activation\":\"tanh\",\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
          "\"outputs\":[{\"name\":\"a\"},{\"name\":\"c\"}]}",
          GRU_MSE },
        { NULL, GRU_BCE },
        { "{\"activation\":\"softmax\"}", GRU_CROSS_ENTROPY },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct fit fit;
        make(&fit, cases[k].grud, true, GRU_SCALING_FIT);
        fit.training.hyperparameters.loss = (int)cases[k].loss;
        fit_it(&fit);
        const struct gru_info *info = gru_model_info(fit.fitted);
        for (size_t o = 0; o < 2; o++) {
            ck_assert(info->outputs[o].mean == 0 && info->outputs[o].std == 1);
        }
        ck_assert(fabs(info->inputs[0].mean - 300) < 5);
        done(&fit);
    }
}

TEST(a_fitted_model_proves_itself)
{
    static const char *const names[] = { "a", "b" };
    static const size_t hidden[] = { 4 };
    const struct gru_plan plan = { .n_inputs = 2,
                                   .n_outputs = 2,
                                   .n_layers = 1,
                                   .inputs = names,
                                   .outputs = names,
                                   .hidden_sizes = hidden,
                                   .residual = true,
                                   .has_selftest = true };
    struct fit fit;
    make(&fit, residual, false, GRU_SCALING_FIT);
    gru_model_unref(fit.model);
    ck_assert_int_eq(gru_model_create(&plan, &fit.model, NULL), GRU_OK);
    fit_it(&fit);
    void *bytes;
    size_t n;
    struct gru_model *loaded;
    ck_assert_int_eq(gru_model_save(fit.fitted, &bytes, &n), GRU_OK);
    ck_assert_int_eq(gru_model_load(bytes, n, &loaded, NULL), GRU_OK);
    ck_assert(gru_model_is_verified(loaded));
    const struct gru_info *info = gru_model_info(fit.fitted), *other = gru_model_info(loaded);
    ck_assert(other->outputs[1].mean == info->outputs[1].mean);
    ck_assert(other->outputs[1].std == info->outputs[1].std);
    free(bytes);
    gru_model_unref(loaded);
    done(&fit);
}

/* ---- training ---- */

TEST(training_with_a_fit_is_training_of_the_fitted_model)
{
    static const struct {
        const char *grud;
        bool with_y;
    } cases[] = { { plain, true }, { residual, false }, { changing, false }, { levelled, false } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct fit fit;
        struct gru_progress progress, of_fitted;
        make(&fit, cases[k].grud, cases[k].with_y, GRU_SCALING_FIT);
        fit_it(&fit);
        struct gru_model *trained = training_whole(fit.model, &fit.training, &progress);
        fit.training.hyperparameters.scaling = GRU_SCALING_KEEP;
        struct gru_model *other = training_whole(fit.fitted, &fit.training, &of_fitted);
        training_expect_same_weights(trained, other);
        const struct gru_info *info = gru_model_info(trained);
        ck_assert_mem_eq(info->outputs, gru_model_info(fit.fitted)->outputs,
                         2 * sizeof *info->outputs);
        ck_assert(progress.valid_loss == of_fitted.valid_loss);
        ck_assert(progress.train_loss == of_fitted.train_loss);
        training_expect_near("persistence", progress.persistence_valid_loss,
                             of_fitted.persistence_valid_loss, 1e-5);
        ck_assert(progress.baseline_valid_loss != of_fitted.baseline_valid_loss);
        gru_model_unref(trained);
        gru_model_unref(other);
        done(&fit);
    }
}

static void compare(const struct fit *fit, struct gru_model *trained,
                    struct gru_comparison **ret_comparison)
{
    bool is_done = false;
    ck_assert_int_eq(gru_comparison_create(fit->model, trained, &fit->training, ret_comparison),
                     GRU_OK);
    while (!is_done) {
        ck_assert_int_eq(gru_comparison_advance(*ret_comparison, &is_done), GRU_OK);
    }
}

/* Missing readings, which either model fills as it does when it is served, among them. */
TEST(all_losses_of_a_training_and_a_comparison_are_in_the_new_units)
{
    static const struct {
        const char *grud;
        enum gru_loss loss;
        bool with_y;
    } cases[] = { { plain, GRU_HUBER, true },
                  { fills_itself, GRU_MSE, false },
                  { residual, GRU_MSE, false },
                  { residual, GRU_MAE, false },
                  { changing, GRU_MSE, false },
                  { levelled, GRU_HUBER, false },
                  { "{\"missing\":\"mean\",\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
                    "\"outputs\":[{\"name\":\"b\"},{\"name\":\"a\",\"mean\":-2,\"std\":9}]}",
                    GRU_MSE, false } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct fit fit;
        struct gru_progress progress;
        struct gru_comparison *comparison;
        make(&fit, cases[k].grud, cases[k].with_y, GRU_SCALING_FIT);
        fit.training.hyperparameters.loss = (int)cases[k].loss;
        struct gru_model *trained = training_whole(fit.model, &fit.training, &progress);
        compare(&fit, trained, &comparison);
        const struct gru_losses *all = &gru_comparison_result(comparison)->all;
        const double n = (double)all->n;
        training_expect_near("base", all->base / n, progress.baseline_valid_loss, 1e-4);
        if (cases[k].grud != fills_itself) { /* training goes on with the first fills */
            training_expect_near("trained", all->trained / n, progress.valid_loss, 1e-4);
        }
        training_expect_near("naive", all->naive / n, progress.persistence_valid_loss, 1e-4);
        gru_comparison_free(comparison);
        gru_model_unref(trained);
        done(&fit);
    }
}

/* Of one output an mse in other units is that many times larger, also of roll-outs. */
TEST(the_starting_models_loss_is_its_own_in_other_units)
{
    static const char *const gruds[] = {
        "{\"inputs\":[{\"name\":\"a\",\"mean\":290,\"std\":30}],\"outputs\":[{\"name\":\"a\"}]}",
        "{\"residual\":true,\"inputs\":[{\"name\":\"a\",\"mean\":290,\"std\":30}],"
        "\"outputs\":[{\"name\":\"a\"}]}",
    };
    for (size_t k = 0; k < 4; k++) {
        double *x = training_noise(ROWS, 3);
        for (size_t t = 0; t < ROWS; t++) {
            x[t] = 300 + 20 * x[t];
        }
        const struct gru_series series = { .x = x, .n_rows = ROWS };
        struct gru_training training = { .series = &series,
                                         .n_series = 1,
                                         .validation_fraction = 0.4,
                                         .hyperparameters = training_plain() };
        training.hyperparameters.n_epochs = 1;
        training.hyperparameters.horizon_loss = k < 2 ? 1 : 5;
        struct gru_model *model = training_model(gruds[k % 2], 1, 5, 1, 1);
        struct gru_progress kept, fitted;
        gru_model_unref(training_whole(model, &training, &kept));
        training.hyperparameters.scaling = GRU_SCALING_FIT;
        struct gru_model *trained = training_whole(model, &training, &fitted);
        const double ratio =
            gru_model_info(model)->outputs[0].std / gru_model_info(trained)->outputs[0].std;
        training_expect_near("base", fitted.baseline_valid_loss,
                             kept.baseline_valid_loss * ratio * ratio, 1e-5);
        training_expect_near("persistence", fitted.persistence_valid_loss,
                             kept.persistence_valid_loss * ratio * ratio, 1e-5);
        gru_model_unref(trained);
        gru_model_unref(model);
        free(x);
    }
}

/* The same function in other units: powers of two, so that it is the same bit for bit. */
static struct gru_model *change_units(const struct gru_model *model, double factor)
{
    struct gru_model *changed;
    ck_assert_int_eq(gru_model_copy(model, &changed), GRU_OK);
    for (size_t i = 0; i < INPUTS; i++) {
        changed->info.inputs[i].std *= factor;
    }
    struct gru_tensor *first = &changed->layers[0].tensors[0];
    for (size_t k = 0; k < gru_tensor_floats(first); k++) {
        first->values[k] *= (float)factor;
    }
    struct gru_layer *read_out = &changed->layers[changed->n_layers - 1];
    for (size_t o = 0; o < 2; o++) {
        changed->info.outputs[o].std *= factor;
    }
    for (size_t t = 0; t < 2; t++) {
        for (size_t k = 0; k < gru_tensor_floats(&read_out->tensors[t]); k++) {
            read_out->tensors[t].values[k] /= (float)factor;
        }
    }
    ck_assert_int_eq(gru_model_finish(changed), GRU_OK);
    return changed;
}

static void expect_no_gain(const struct gru_losses *losses)
{
    ck_assert_msg(losses->trained == losses->base, "%.17g, not %.17g", losses->trained,
                  losses->base);
}

/* A state of a wide model is longer. */
TEST(a_wide_model_is_compared_with_one_that_is_not)
{
    static const char wide[] = "{\"inputs\":[{\"name\":\"a\",\"mean\":1e6},{\"name\":\"b\"}],"
                               "\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}";
    struct fit fit;
    struct gru_comparison *comparison;
    make(&fit, wide, false, GRU_SCALING_FIT);
    fit_it(&fit);
    ck_assert(gru_model_info(fit.model)->is_wide && !gru_model_info(fit.fitted)->is_wide);
    compare(&fit, fit.fitted, &comparison);
    const struct gru_comparison_result *result = gru_comparison_result(comparison);
    ck_assert(result->all.n > 20 && result->all.trained < result->all.base);
    gru_comparison_free(comparison);
    done(&fit);
}

TEST(another_scaling_by_itself_gains_exactly_nothing)
{
    static const char *const gruds[] = { plain, residual };
    static const enum gru_loss losses[] = { GRU_MSE, GRU_MAE, GRU_HUBER };
    static const double factors[] = { 1024, 0.125 };
    for (size_t k = 0; k < 12; k++) {
        struct fit fit;
        struct gru_comparison *comparison;
        make(&fit, gruds[k % 2], k % 2 == 0, GRU_SCALING_KEEP);
        fit.training.hyperparameters.loss = (int)losses[k / 2 % 3];
        struct gru_model *changed = change_units(fit.model, factors[k / 6]);
        compare(&fit, changed, &comparison);
        const struct gru_comparison_result *result = gru_comparison_result(comparison);
        ck_assert_uint_gt(result->all.n, 20);
        expect_no_gain(&result->all);
        for (size_t s = 0; s < result->n_streams; s++) {
            expect_no_gain(&result->streams[s].ahead);
            expect_no_gain(&result->streams[s].rolled);
        }
        for (size_t b = 0; b < result->n_blocks; b++) {
            expect_no_gain(&result->blocks[b]);
        }
        gru_comparison_free(comparison);
        gru_model_unref(changed);
        done(&fit);
    }
}

/* A standard deviation of less than any float is left of what is nearly constant in the training
 * part; what comes then cannot be normalised. */
TEST(data_that_the_fitted_scaling_cannot_hold_are_refused)
{
    struct fit fit;
    struct gru_trainer *trainer = NULL;
    struct gru_error error = { 0 };
    make(&fit, residual, false, GRU_SCALING_FIT);
    for (size_t t = 0; t < ROWS; t++) {
        fit.x[t * 2] = t < TRAINED_ROWS ? 1e-30 * (double)(t % 2) : 1e30;
    }
    fit.training.n_series = 1;
    ck_assert_int_eq(gru_trainer_create(fit.model, &fit.training, &trainer, &error),
                     GRU_BAD_TRAINING);
    ck_assert_str_eq(error.param, "training.series[0].x[28][0]");
    ck_assert_ptr_null(trainer);
    done(&fit);
}

#ifdef FAILING_MEMORY
TEST(fitting_survives_every_failed_allocation)
{
    struct fit fit;
    make(&fit, residual, false, GRU_SCALING_FIT_ROBUST);
    int failed = 1;
    for (long n = 0; failed; n++) {
        struct gru_model *model = NULL;
        failing_memory_start(n);
        enum gru_status status = gru_model_fit_scaling(fit.model, &fit.training, &model);
        long live = failing_memory_live();
        failed = failing_memory_stop();
        ck_assert_int_eq(status, failed ? GRU_NO_MEMORY : GRU_OK);
        ck_assert(!failed || (live == 0 && !model));
        gru_model_unref(model);
    }
    done(&fit);
}
#endif
