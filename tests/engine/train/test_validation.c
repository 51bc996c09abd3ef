/* Validation and baseline, against numbers that were computed otherwise. */
#include "engine/model.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- by the model's own runs ---- */

enum { SERIES = 6, ROWS_MAX = 21, INPUTS = 2, Y = 4 };

struct set {
    struct gru_model *model;
    double *x, *y;
    struct gru_series series[SERIES];
    struct gru_training training;
};

static void make_set(struct set *set, const char *grud, enum gru_loss loss, bool with_y)
{
    static const size_t rows[SERIES] = { 20, 7, 21, 1, 12, 16 };
    memset(set, 0, sizeof *set);
    set->model = training_model(grud, INPUTS, 6, 1, Y);
    set->x = training_noise(SERIES * ROWS_MAX * INPUTS, 1);
    set->y = training_noise(SERIES * ROWS_MAX * Y, 2);
    set->training = (struct gru_training){ .series = set->series,
                                           .n_series = SERIES,
                                           .hyperparameters = training_plain() };
    struct gru_hyperparameters *h = &set->training.hyperparameters;
    h->loss = (int)loss;
    h->batch_size = 4;
    h->window = 5;
    h->n_epochs = 2;
    size_t width = loss == GRU_CROSS_ENTROPY ? set->model->info.steps : Y;
    for (size_t k = 0; k < SERIES * ROWS_MAX * Y; k++) {
        float u = (set->y[k] + 1) / 2;
        set->y[k] = loss == GRU_BCE ? u : loss == GRU_CROSS_ENTROPY ? floorf(2 * u) : set->y[k];
        set->y[k] = k % 5 == 2 ? NAN : set->y[k];
    }
    for (size_t k = 0; k < SERIES; k++) {
        set->series[k] =
            (struct gru_series){ .x = set->x + k * ROWS_MAX * INPUTS, .n_rows = rows[k] };
        if (with_y) {
            set->series[k].y = set->y + k * ROWS_MAX * width;
            set->series[k].n_targets = rows[k];
        }
    }
    if (loss != GRU_CROSS_ENTROPY) {
        training_follow(set->model, set->series, SERIES);
    }
}

static void free_set(struct set *set)
{
    gru_model_unref(set->model);
    free(set->x);
    free(set->y);
}

struct measured {
    double loss;
    size_t n, n_correct;
};

/* One answer of a run (in raw units, after the activation) by one raw target. */
static double loss_of(enum gru_loss loss, const struct gru_variable *output, double answer,
                      double target)
{
    double difference = (answer - target) / output->std;
    switch (loss) {
    case GRU_MAE:
        return fabs(difference);
    case GRU_HUBER:
        return fabs(difference) < 1 ? difference * difference / 2 : fabs(difference) - 0.5;
    case GRU_BCE: {
        double p = (answer - output->mean) / output->std;
        double t = (target - output->mean) / output->std;
        return -(t * log(p) + (1 - t) * log(1 - p));
    }
    default:
        return difference * difference;
    }
}

static void measure_row(const struct set *set, const double *answer, const double *targets,
                        struct measured *measured)
{
    const struct gru_info *info = &set->model->info;
    enum gru_loss loss = (enum gru_loss)set->training.hyperparameters.loss;
    if (loss == GRU_CROSS_ENTROPY) {
        for (size_t s = 0; s < info->steps; s++) {
            const double *p = answer + s * info->n_outputs;
            if (!isnan(targets[s])) {
                size_t class = (size_t)targets[s];
                measured->loss -= log((double)p[class]);
                measured->n_correct += p[class] > p[1 - class];
                measured->n++;
            }
        }
        return;
    }
    for (size_t k = 0; k < info->y_floats; k++) {
        if (!isnan(targets[k])) {
            measured->loss += loss_of(loss, &info->outputs[k % info->n_outputs], (double)answer[k],
                                      (double)targets[k]);
            measured->n_correct += (answer[k] > 0.5F) == (targets[k] > 0.5F);
            measured->n++;
        }
    }
}

/* The targets of a row as the series has them, for times from `first` on; NaN: none. */
static void targets_of(const struct set *set, const struct gru_series *series, size_t t,
                       size_t first, double *targets)
{
    const struct gru_info *info = &set->model->info;
    size_t width =
        set->training.hyperparameters.loss == GRU_CROSS_ENTROPY ? info->steps : info->y_floats;
    for (size_t k = 0; k < width; k++) {
        targets[k] = NAN;
        if (series->y && series->n_targets > 1) {
            targets[k] = t >= first ? series->y[t * width + k] : NAN;
        } else if (series->y) {
            targets[k] = t + 1 == series->n_rows ? series->y[k] : NAN;
        } else {
            size_t time = t + 1 + k / info->n_outputs;
            int fed = info->outputs[k % info->n_outputs].feeds;
            if (fed >= 0 && time >= first && time < series->n_rows) {
                targets[k] = series->x[time * INPUTS + (size_t)fed];
            }
        }
    }
}

static struct measured measure(const struct set *set, const struct gru_model *model, size_t n_first,
                               size_t n_end, double fraction)
{
    struct measured measured = { 0 };
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    for (size_t k = n_first; k < n_end; k++) {
        const struct gru_series *series = &set->series[k];
        double y[ROWS_MAX * Y], targets[Y];
        size_t n_held = (size_t)floor(fraction * (double)series->n_rows);
        n_held = n_held == 0 && fraction > 0 && series->n_rows > 1 ? 1 : n_held;
        size_t first = fraction > 0 && series->n_targets != 1 ? series->n_rows - n_held : 0;
        struct gru_lane lane = { .x = series->x, .n_rows = series->n_rows, .y = y };
        ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
        ck_assert_int_eq(lane.status, GRU_OK);
        for (size_t t = 0; t < series->n_rows; t++) {
            targets_of(set, series, t, first, targets);
            measure_row(set, y + t * Y, targets, &measured);
        }
    }
    gru_work_free(work);
    return measured;
}

/* Baseline and final validation are what the runs of the first and the last model say. */
static void expect_measured(struct set *set, size_t n_first, size_t n_end, double fraction)
{
    bool classifies = set->training.hyperparameters.loss >= GRU_BCE;
    struct gru_progress progress;
    struct gru_model *trained = training_whole(set->model, &set->training, &progress);
    struct measured before = measure(set, set->model, n_first, n_end, fraction);
    struct measured after = measure(set, trained, n_first, n_end, fraction);
    ck_assert_uint_gt(before.n, 0);
    ck_assert_uint_eq(training_info(set->model, &set->training).n_valid_targets, before.n);
    training_expect_near("baseline", progress.baseline_valid_loss, before.loss / (double)before.n,
                         2e-5);
    /* Readings that the model itself fills stay in training what the first model made of them. */
    if (set->model->info.missing != GRU_MISSING_FORECAST) {
        training_expect_near("trained", progress.best_valid_loss, after.loss / (double)after.n,
                             2e-5);
    }
    ck_assert(progress.best_epoch > 0);
    ck_assert(progress.baseline_valid_loss != progress.valid_loss);
    if (classifies) {
        training_expect_near("accuracy", progress.baseline_valid_accuracy,
                             (double)before.n_correct / (double)before.n, 1e-12);
        training_expect_near("accuracy", progress.best_valid_accuracy,
                             (double)after.n_correct / (double)after.n, 1e-12);
        ck_assert(progress.train_accuracy >= 0 && progress.train_accuracy <= 1);
        ck_assert(isnan(progress.persistence_valid_loss));
    } else {
        ck_assert(isnan(progress.valid_accuracy) && isnan(progress.train_accuracy));
        ck_assert(progress.persistence_valid_loss > 0);
    }
    gru_model_unref(trained);
}

#define FEEDS(more, steps)                                                                         \
    "{" more ",\"steps\":" steps                                                                   \
    ",\"inputs\":[{\"name\":\"a\",\"mean\":0.25,\"std\":0.5},{\"name\":\"b\"}],"                   \
    "\"outputs\":["
#define A      "{\"name\":\"a\"}"
#define OTHERS ",{\"name\":\"c\",\"mean\":-1,\"std\":3},{\"name\":\"b\"},{\"name\":\"d\"}"

static const struct {
    const char *grud;
    enum gru_loss loss;
    bool with_y;
} cases[] = {
    { FEEDS("\"residual\":false", "2") A ",{\"name\":\"c\"}]}", GRU_MSE, false },
    { FEEDS("\"residual\":true", "2") A ",{\"name\":\"c\"}]}", GRU_HUBER, false },
    { FEEDS("\"residual\":true,\"missing\":\"mean\"", "4") A "]}", GRU_MAE, false },
    { FEEDS("\"residual\":true,\"missing\":\"forecast\"", "1") A OTHERS "]}", GRU_MSE, true },
    { FEEDS("\"activation\":\"tanh\",\"cell\":\"gru_three_gate\"", "1") A OTHERS "]}", GRU_HUBER,
      true },
    { FEEDS("\"activation\":\"softmax\",\"cell\":\"gru_output_gate\"", "2") A ",{\"name\":\"c\"}]}",
      GRU_MAE, true },
    { "{\"activation\":\"sigmoid\"}", GRU_BCE, true },
    { "{\"activation\":\"softmax\",\"steps\":2}", GRU_CROSS_ENTROPY, true },
};

enum { N_CASES = sizeof cases / sizeof *cases };

TEST(validation_of_a_fraction_is_what_runs_say)
{
    for (size_t c = 0; c < N_CASES; c++) {
        struct set set;
        make_set(&set, cases[c].grud, cases[c].loss, cases[c].with_y);
        set.series[3].n_rows = 2;
        set.series[3].n_targets = cases[c].with_y ? 2 : 0;
        if (cases[c].loss != GRU_CROSS_ENTROPY) {
            training_follow(set.model, &set.series[3], 1);
        }
        set.x[0] = set.x[17] = set.x[18] = NAN;
        set.training.validation_fraction = 0.3;
        expect_measured(&set, 0, SERIES, 0.3);
        free_set(&set);
    }
}

TEST(validation_of_whole_series_is_what_runs_say)
{
    for (size_t c = 0; c < N_CASES; c++) {
        struct set set;
        if (!cases[c].with_y) {
            continue;
        }
        make_set(&set, cases[c].grud, cases[c].loss, true);
        for (size_t k = 0; k < SERIES; k++) {
            set.series[k].n_targets = 1;
        }
        set.training.validation_fraction = 0.5;
        struct gru_progress progress;
        struct gru_model *trained = training_whole(set.model, &set.training, &progress);
        struct measured after = measure(&set, trained, SERIES / 2, SERIES, 0.5);
        training_expect_near("trained", progress.best_valid_loss, after.loss / (double)after.n,
                             2e-5);
        /* Of outputs that feed nothing, and one target, nothing is observed. */
        ck_assert(isnan(progress.persistence_valid_loss));
        gru_model_unref(trained);
        free_set(&set);
    }
}

TEST(series_for_validation_are_validated_whole)
{
    for (size_t c = 0; c < N_CASES; c++) {
        struct set set;
        make_set(&set, cases[c].grud, cases[c].loss, cases[c].with_y);
        set.series[3].n_rows = cases[c].with_y ? 1 : 2;
        set.training.n_series = 2;
        set.training.validation = set.series + 2;
        set.training.n_validation = SERIES - 2;
        expect_measured(&set, 2, SERIES, 0);
        free_set(&set);
    }
}

/* What is held back has no part in training: other values there, the same weights. */
TEST(training_does_not_see_what_is_held_back)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set, cases[0].grud, GRU_MSE, false);
    set.training.n_series = 3;
    set.training.validation_fraction = 0.3;
    struct gru_model *first = training_whole(set.model, &set.training, &progress);
    double before = progress.valid_loss;
    for (size_t k = 0; k < 3; k++) {
        size_t n_held = (size_t)floor(0.3 * (double)set.series[k].n_rows);
        for (size_t i = (set.series[k].n_rows - n_held) * INPUTS; i < set.series[k].n_rows * INPUTS;
             i++) {
            set.x[k * ROWS_MAX * INPUTS + i] += 1;
        }
    }
    struct gru_model *second = training_whole(set.model, &set.training, &progress);
    training_expect_same_weights(first, second);
    ck_assert(before != progress.valid_loss);
    gru_model_unref(first);
    gru_model_unref(second);
    free_set(&set);
}

/* ---- early stopping ---- */

/* A rate so high that the loss soon rises: it stops, and the best epoch's weights are the model. */
TEST(stopping_early_gives_the_best_epoch)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set, cases[0].grud, GRU_MSE, false);
    set.series[3].n_rows = 2;
    set.training.validation_fraction = 0.3;
    set.training.hyperparameters.n_epochs = 200;
    set.training.hyperparameters.learning_rate = 0.02;
    set.training.hyperparameters.early_stopping_patience = 3;
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    double best = INFINITY;
    size_t best_epoch = 0;
    enum gru_advance advance;
    while ((advance = gru_trainer_advance(trainer, &progress)) != GRU_ADVANCED_END) {
        if (advance == GRU_ADVANCED_EPOCH && progress.valid_loss < best) {
            best = progress.valid_loss;
            best_epoch = progress.epoch;
        }
        ck_assert_uint_eq(progress.best_epoch, best_epoch);
    }
    ck_assert(progress.stopped_early);
    ck_assert_uint_lt(progress.epoch, 200);
    ck_assert_uint_eq(progress.epoch, best_epoch + 3);
    ck_assert(progress.best_valid_loss == best && progress.valid_loss > best);
    struct gru_model *model = training_model_of(trainer);
    struct measured measured = measure(&set, model, 0, SERIES, 0.3);
    training_expect_near("best", best, measured.loss / (double)measured.n, 2e-5);
    /* Without patience nothing stops, and the best epoch's weights are the model all the same. */
    set.training.hyperparameters.early_stopping_patience = 0;
    set.training.hyperparameters.n_epochs = progress.epoch;
    struct gru_model *whole = training_whole(set.model, &set.training, &progress);
    ck_assert(!progress.stopped_early && progress.best_epoch == best_epoch);
    ck_assert(progress.best_valid_loss == best && progress.valid_loss > best);
    training_expect_same_weights(whole, model);
    gru_model_unref(whole);
    /* Without validation nothing tells epochs apart: it is the last step's. */
    set.training.validation_fraction = 0;
    gru_model_unref(training_whole(set.model, &set.training, &progress));
    ck_assert(progress.best_epoch == 0);
    gru_model_unref(model);
    gru_trainer_free(trainer);
    free_set(&set);
}

/* Pieces are windows: the baseline of the six series above is several calls, each of them bounded.
 */
TEST(validation_comes_in_pieces)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set, cases[3].grud, GRU_MSE, true);
    set.training.validation_fraction = 0.3;
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    size_t n_pieces = 0;
    while (gru_trainer_advance(trainer, &progress) == GRU_ADVANCED) {
        n_pieces++;
        ck_assert(isnan(progress.baseline_valid_loss) == (n_pieces < 5 + 4));
    }
    ck_assert_uint_eq(n_pieces,
                      5 + 4); /* 4 series of up to 21 rows, and one of 16 (one has a single row) */
    gru_trainer_free(trainer);
    free_set(&set);
}
