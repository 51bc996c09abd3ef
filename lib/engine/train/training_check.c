/* gru_training_check: whether there is something to learn from, and how much. Nothing is allocated,
 * so the neighbours of a missing reading are found by walking down one column at a time. */
#include "engine/buffer.h"
#include "engine/readings.h"
#include "engine/train/batches.h"
#include "engine/train/dataset.h"
#include "engine/train/loss.h"
#include "engine/train/trainer.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

struct check {
    const struct dataset *dataset;
    const char *group; /* "training" or "validation" */
    size_t k;          /* the series in it */
    const struct gru_series *series;
    struct gru_error *error;
};

enum { PATH_MAX_BYTES = 96 };

/* ---- messages ---- */

#define NONE SIZE_MAX

/* "training.series[3].y[17][2]"; row and column NONE where they are not part of it. */
static void put_path(const struct check *check, const char *array, size_t row, size_t column,
                     char path[PATH_MAX_BYTES])
{
    int n = snprintf(path, PATH_MAX_BYTES, "%s.series[%zu].%s", check->group, check->k, array);
    if (row != NONE) {
        n += snprintf(path + n, PATH_MAX_BYTES - (size_t)n, "[%zu]", row);
    }
    if (column != NONE) {
        snprintf(path + n, PATH_MAX_BYTES - (size_t)n, "[%zu]", column);
    }
}

static enum gru_status refuse_array(const struct check *check, const char *array, const char *what)
{
    char path[PATH_MAX_BYTES];
    put_path(check, array, NONE, NONE, path);
    return gru_fail(check->error, GRU_BAD_TRAINING, path, "'%s' %s", path, what);
}

static enum gru_status refuse_x(const struct check *check, size_t t, size_t i, const char *what)
{
    char path[PATH_MAX_BYTES];
    put_path(check, "x", t, i, path);
    return gru_fail(check->error, GRU_BAD_TRAINING, path, "'%s' %s", path, what);
}

/* Of the target of row t: a class number stands for a whole row where there is one decision. */
static enum gru_status refuse_target(const struct check *check, size_t t, size_t column,
                                     double value, const char *what)
{
    const struct gru_info *info = check->dataset->info;
    char path[PATH_MAX_BYTES];
    if (!check->series->y) {
        put_path(check, "x", t + 1 + column / info->n_outputs,
                 (size_t)info->outputs[column % info->n_outputs].feeds, path);
    } else {
        bool one_number = check->dataset->loss == GRU_CROSS_ENTROPY && check->dataset->width == 1;
        put_path(check, "y", check->series->n_targets == 1 ? 0 : t, one_number ? NONE : column,
                 path);
    }
    return gru_fail(check->error, GRU_BAD_TRAINING, path, "'%s' %s, not %.9g", path, what, value);
}

/* ---- shapes ---- */

static enum gru_status check_shape(const struct check *check)
{
    const struct gru_series *series = check->series;
    const struct dataset *dataset = check->dataset;
    size_t n_bytes;
    if (!series->x || series->n_rows == 0) {
        return refuse_array(check, "x", "is empty; a series must have at least one row");
    }
    if (__builtin_mul_overflow(series->n_rows, dataset->info->n_inputs * sizeof(double),
                               &n_bytes)) {
        return refuse_array(check, "x", "has more rows than memory has addresses");
    }
    if (series->y) {
        if (__builtin_mul_overflow(series->n_targets, dataset->width * sizeof(double), &n_bytes)) {
            return refuse_array(check, "y", "has more rows than memory has addresses");
        }
        bool fits = series->n_targets == series->n_rows || series->n_targets == 1;
        return fits ? GRU_OK
                    : refuse_array(check, "y",
                                   "must have as many rows as 'x', or one for its last row");
    }
    if (series->n_targets != 0) {
        return refuse_array(check, "y", "is missing, but is said to have rows");
    }
    if (dataset->loss == GRU_CROSS_ENTROPY) {
        return refuse_array(check, "y",
                            "must be given: the loss 'cross_entropy' needs class numbers");
    }
    if (dataset->info->n_feeds == 0) {
        return refuse_array(check, "y",
                            "must be given, because no output of the model feeds an input");
    }
    return series->n_rows > 1
               ? GRU_OK
               : refuse_array(check, "x",
                              "is too short; without 'y' a series must have at least two rows");
}

/* ---- values ---- */

/* What its transform makes of it is known, and looked at, when the copies are made. */
static bool is_transformed(const struct gru_info *info, int input)
{
    return input >= 0 && info->inputs[input].transform.kind != GRU_TRANSFORM_NONE;
}

static enum gru_status check_readings(const struct check *check, size_t *n_missing)
{
    const struct gru_info *info = check->dataset->info;
    for (size_t t = 0; t < check->series->n_rows; t++) {
        for (size_t i = 0; i < info->n_inputs; i++) {
            double x = check->series->x[t * info->n_inputs + i];
            if (isnan(x) && info->missing == GRU_MISSING_ERROR) {
                return refuse_x(check, t, i,
                                "is missing, and the model's policy is to refuse that");
            }
            if (isinf(gru_reading(info, x))) {
                return refuse_x(check, t, i, "must be a finite number");
            }
            if (!is_transformed(info, (int)i) && isinf(gru_normalise(&info->inputs[i], x))) {
                return refuse_x(
                    check, t, i,
                    "is too far from its input's mean: normalised, no float can hold it");
            }
            *n_missing += isnan(x);
        }
    }
    return GRU_OK;
}

static enum gru_status check_target(const struct check *check, size_t t, size_t column, double raw,
                                    double base)
{
    const struct dataset *dataset = check->dataset;
    if (isinf((float)raw)) {
        return refuse_target(check, t, column, raw, "must be a finite number");
    }
    if (dataset->loss == GRU_CROSS_ENTROPY) {
        double n = (double)dataset->info->n_outputs;
        bool is_class = raw >= 0 && raw < n && raw == trunc(raw);
        return is_class ? GRU_OK
                        : refuse_target(
                              check, t, column, raw,
                              "must be a class: a whole number from 0 to one less than there are "
                              "outputs");
    }
    if (is_transformed(dataset->info, gru_dataset_output(dataset, column)->feeds)) {
        return GRU_OK;
    }
    float scaled = gru_dataset_scale(dataset, column, raw, base);
    if (dataset->loss == GRU_BCE && !(scaled >= 0 && scaled <= 1)) {
        return refuse_target(check, t, column, (double)scaled,
                             "must be from 0 to 1 for the loss 'bce', in the network's units");
    }
    if (!isfinite(scaled)) {
        return refuse_target(
            check, t, column, raw,
            "must be near enough to its output's mean for a float to hold it normalised");
    }
    return GRU_OK;
}

/* A column of targets; `base`, what a residual model adds its output to, is followed on the way.
 * (Readings that the model itself will fill are not known here; the last observed one stands for
 * them.) */
static enum gru_status check_column(const struct check *check, size_t column)
{
    const struct dataset *dataset = check->dataset;
    const struct gru_info *info = dataset->info;
    const struct dataset_lane lane = { .series = check->series,
                                       .x = check->series->x,
                                       .n_rows = check->series->n_rows,
                                       .n_known = check->series->n_rows };
    const struct gru_variable *output = gru_dataset_output(dataset, column);
    int fed = output ? output->feeds : -1;
    double mean = fed >= 0 ? gru_reading(info, info->inputs[fed].mean) : 0;
    double base = mean;
    for (size_t t = 0; t < lane.n_rows; t++) {
        double x = fed >= 0 ? lane.x[t * info->n_inputs + (size_t)fed] : 0;
        if (!isnan(x)) {
            base = x;
        } else if (info->missing == GRU_MISSING_MEAN) {
            base = mean;
        }
        double raw = gru_dataset_raw_target(dataset, &lane, t, column);
        enum gru_status status = isnan(raw) ? GRU_OK : check_target(check, t, column, raw, base);
        if (status != GRU_OK) {
            return status;
        }
    }
    return GRU_OK;
}

/* The same number, but for how floats round it. */
static bool is_same(double one, double other)
{
    return fabs(one - other) <= (double)FLT_EPSILON * fmax(fabs(one), fabs(other));
}

static enum gru_status refuse_fed(const struct check *check, size_t t, size_t column, double due)
{
    const struct gru_info *info = check->dataset->info;
    const struct gru_variable *output = &info->outputs[column % info->n_outputs];
    char path[PATH_MAX_BYTES];
    put_path(check, "y", t, column, path);
    return gru_fail(
        check->error, GRU_BAD_TRAINING, path,
        "'%s' must be %.9g, not %.9g, or null: the output '%s' forecasts the next value "
        "of the input '%s', and is fed back as that. Leave 'y' out, or train a model "
        "whose output has a name of its own",
        path, due, check->series->y[t * check->dataset->width + column],
        gru_show(output->name).text, gru_show(info->inputs[output->feeds].name).text);
}

/* A target of an output that feeds an input is that input's next value: anything else would be
 * forecast one way and fed back another. Where no reading is there to compare it with, it may be
 * anything. */
static enum gru_status check_fed_targets(const struct check *check)
{
    const struct dataset *dataset = check->dataset;
    const struct gru_info *info = dataset->info;
    const struct gru_series *series = check->series;
    const bool is_compared = series->y && series->n_targets == series->n_rows &&
                             dataset->loss != GRU_CROSS_ENTROPY && info->n_feeds > 0;
    for (size_t k = 0; is_compared && k < series->n_rows * dataset->width; k++) {
        const size_t t = k / dataset->width, column = k % dataset->width;
        const size_t at = t + 1 + column / info->n_outputs;
        const int fed = info->outputs[column % info->n_outputs].feeds;
        if (fed < 0 || at >= series->n_rows) {
            continue;
        }
        const double due = series->x[at * info->n_inputs + (size_t)fed], y = series->y[k];
        if (!isnan(y) && !isnan(due) && !is_same(y, due)) {
            return refuse_fed(check, t, column, due);
        }
    }
    return GRU_OK;
}

static enum gru_status check_series(const struct check *check, struct gru_training_info *info)
{
    enum gru_status status = check_shape(check);
    if (status == GRU_OK &&
        __builtin_add_overflow(info->n_rows, check->series->n_rows, &info->n_rows)) {
        status = refuse_array(check, "x", "has more rows than memory has addresses");
    }
    if (status == GRU_OK) {
        status = check_readings(check, &info->n_missing);
    }
    for (size_t column = 0; status == GRU_OK && column < check->dataset->width; column++) {
        status = check_column(check, column);
    }
    return status == GRU_OK ? check_fed_targets(check) : status;
}

static enum gru_status check_group(const struct dataset *dataset, const char *group,
                                   const struct gru_series *series, size_t n,
                                   struct gru_training_info *info, struct gru_error *error)
{
    enum gru_status status = GRU_OK;
    for (size_t k = 0; status == GRU_OK && k < n; k++) {
        struct check check = { dataset, group, k, &series[k], error };
        status = check_series(&check, info);
    }
    return status;
}

/* ---- the whole ---- */

static enum gru_status check_validation(const struct gru_training *training,
                                        struct gru_error *error)
{
    double fraction = training->validation_fraction;
    if (!(fraction >= 0 && fraction < 1)) {
        return gru_fail(error, GRU_BAD_TRAINING, "validation.fraction",
                        "'validation.fraction' must be at least 0 and below 1, not %g", fraction);
    }
    if (fraction > 0 && training->n_validation > 0) {
        return gru_fail(
            error, GRU_BAD_TRAINING, "validation",
            "'validation' must have either a 'fraction' or 'series' of its own, not both");
    }
    return GRU_OK;
}

/* The time from which on targets of a column are known to the transform of their input. */
static size_t known_from(const struct dataset *dataset, const struct gru_series *series,
                         size_t column)
{
    const struct gru_info *info = dataset->info;
    const struct gru_variable *output = gru_dataset_output(dataset, column);
    if (!output || !is_transformed(info, output->feeds)) {
        return 0;
    }
    size_t first = 0;
    while (first < series->n_rows &&
           isnan(series->x[first * info->n_inputs + (size_t)output->feeds])) {
        first++;
    }
    return first + gru_transform_lag(&info->inputs[output->feeds].transform);
}

static size_t count_column(const struct dataset *dataset, const struct dataset_lane *lane,
                           size_t column)
{
    const size_t ahead = 1 + column / dataset->info->n_outputs,
                 from = known_from(dataset, lane->series, column);
    size_t n = 0;
    for (size_t t = from > ahead ? from - ahead : 0; t < lane->n_rows; t++) {
        n += !isnan(gru_dataset_raw_target(dataset, lane, t, column));
    }
    return n;
}

static size_t count_targets(const struct dataset *dataset, enum part part)
{
    size_t n = 0;
    for (size_t k = 0; k < gru_dataset_n_series(dataset, part); k++) {
        struct dataset_lane lane = gru_dataset_lane(dataset, part, k);
        for (size_t column = 0; column < dataset->width && lane.n_rows > 0; column++) {
            n += count_column(dataset, &lane, column);
        }
    }
    return n;
}

static enum gru_status check_targets(const struct dataset *dataset, struct gru_training_info *info,
                                     struct gru_error *error)
{
    const struct gru_training *training = dataset->training;
    bool by_fraction = training->validation_fraction > 0;
    const char *unknown = dataset->model->n_transformed > 0
                              ? ", or come before a transform has the readings that it subtracts"
                              : "";
    info->n_train_targets = count_targets(dataset, PART_TRAIN);
    info->n_valid_targets = count_targets(dataset, PART_VALID);
    if (info->n_train_targets == 0 && by_fraction) {
        return gru_fail(error, GRU_BAD_TRAINING, "validation.fraction",
                        "'validation.fraction' is %g, which leaves no target to train on",
                        training->validation_fraction);
    }
    if (info->n_train_targets == 0) {
        return gru_fail(error, GRU_BAD_TRAINING, "training.series",
                        "'training.series' has no target to train on: all of them are missing, or "
                        "of outputs of weight 0%s",
                        unknown);
    }
    if (info->n_valid_targets == 0 && by_fraction) {
        return gru_fail(error, GRU_BAD_TRAINING, "validation.fraction",
                        "'validation.fraction' is %g, which leaves no target to validate on",
                        training->validation_fraction);
    }
    if (info->n_valid_targets == 0 && training->n_validation > 0) {
        return gru_fail(
            error, GRU_BAD_TRAINING, "validation.series",
            "'validation.series' has no target to validate on: all of them are missing, or of "
            "outputs of weight 0%s",
            unknown);
    }
    return GRU_OK;
}

/* Whether the training part has stretches of that length, with a target for each row. */
static enum gru_status check_sampling(const struct dataset *dataset, struct gru_error *error)
{
    static const char length[] = "hyperparameters.sampling.length";
    const struct gru_training *training = dataset->training;
    size_t longest = 0;
    for (size_t k = 0; k < training->n_series; k++) {
        const struct dataset_lane lane = gru_dataset_lane(dataset, PART_TRAIN, k);
        longest = lane.n_rows > longest ? lane.n_rows : longest;
        if (training->hyperparameters.sampling_length > 0 && training->series[k].n_targets == 1 &&
            training->series[k].n_rows > 1) {
            return gru_fail(error, GRU_BAD_TRAINING, "hyperparameters.sampling",
                            "'hyperparameters.sampling' is of series with a target for each row, "
                            "and 'training.series[%zu]' has one for all; leave it out",
                            k);
        }
    }
    if (training->hyperparameters.sampling_length > longest) {
        return gru_fail(error, GRU_BAD_TRAINING, length,
                        "'%s' is %zu, but the longest series has %zu rows to train on", length,
                        training->hyperparameters.sampling_length, longest);
    }
    return GRU_OK;
}

static enum gru_status check_sizes(const struct gru_model *model, const struct dataset *dataset,
                                   struct gru_training_info *info, struct gru_error *error)
{
    if (!gru_trainer_bytes(model, dataset, &info->n_bytes) ||
        __builtin_add_overflow(info->n_bytes, sizeof(struct gru_trainer), &info->n_bytes)) {
        return gru_fail(
            error, GRU_BAD_TRAINING, "hyperparameters.window",
            "a 'hyperparameters.window' of %zu rows of %zu series takes more memory than there "
            "are addresses for",
            dataset->training->hyperparameters.window,
            dataset->training->hyperparameters.batch_size);
    }
    if (!gru_count_steps(dataset, &info->n_steps)) {
        return gru_fail(
            error, GRU_BAD_TRAINING, "hyperparameters.n_epochs",
            "'hyperparameters.n_epochs' is %zu, which makes more steps than can be counted",
            dataset->training->hyperparameters.n_epochs);
    }
    return GRU_OK;
}

enum gru_status gru_training_check(const struct gru_model *model,
                                   const struct gru_training *training,
                                   struct gru_training_info *ret_info, struct gru_error *error)
{
    struct gru_training_info info = { 0 };
    if (model->info.is_bidirectional) {
        return gru_fail(error, GRU_NOT_CAUSAL, "",
                        "a bidirectional model cannot be trained here: it reads whole sequences, "
                        "from both ends");
    }
    enum gru_status status = gru_hyperparameters_check(&training->hyperparameters, model, error);
    if (status == GRU_OK && training->n_series == 0) {
        status = gru_fail(error, GRU_BAD_TRAINING, "training.series",
                          "'training.series' is empty; there must be at least one series");
    }
    if (status == GRU_OK) {
        status = check_validation(training, error);
    }
    if (status != GRU_OK) {
        return status;
    }
    struct dataset dataset;
    gru_dataset_init(&dataset, model, training);
    status = check_group(&dataset, "training", training->series, training->n_series, &info, error);
    if (status == GRU_OK) {
        status = check_group(&dataset, "validation", training->validation, training->n_validation,
                             &info, error);
    }
    if (status == GRU_OK) {
        status = check_targets(&dataset, &info, error);
    }
    if (status == GRU_OK) {
        status = check_sampling(&dataset, error);
    }
    if (status == GRU_OK) {
        status = check_sizes(model, &dataset, &info, error);
    }
    if (status == GRU_OK) {
        *ret_info = info;
    }
    return status;
}
