/* Series as lanes; see dataset.h. */
#include "engine/train/dataset.h"
#include "engine/readings.h"
#include "engine/train/loss.h"

#include <float.h>
#include <math.h>

/* ---- which series is what ---- */

static bool is_one_target(const struct gru_series *series)
{
    return series->n_targets == 1;
}

/* How many of n are for validation: floor(f n), for the decimal f that was meant. (In doubles 0.29
 * times 100 is a little less than 29.) */
static size_t share(double fraction, size_t n)
{
    return (size_t)floor(fraction * (double)n * (1 + 4 * DBL_EPSILON));
}

/* The last floor(f n) of the n series with one target are held back. */
static size_t find_first_held(const struct gru_training *training)
{
    size_t n_one = 0;
    for (size_t k = 0; k < training->n_series; k++) {
        n_one += is_one_target(&training->series[k]);
    }
    size_t n_held = share(training->validation_fraction, n_one);
    size_t k = training->n_series;
    while (n_held > 0) {
        n_held -= is_one_target(&training->series[--k]);
    }
    return k;
}

/* ---- stretches ---- */

size_t gru_dataset_begins(const struct dataset *dataset, size_t k)
{
    const size_t length = dataset->training->hyperparameters.sampling_length;
    const size_t n_rows = gru_dataset_lane(dataset, PART_TRAIN, k).n_rows;
    return length > 0 && n_rows >= length ? n_rows - length + 1 : 0;
}

/* None given: as many as cover the rows of the series that can have one. */
static void count_stretches(struct dataset *dataset)
{
    const struct gru_hyperparameters *h = &dataset->training->hyperparameters;
    size_t n_rows = 0;
    for (size_t k = 0; h->sampling_length > 0 && k < dataset->training->n_series; k++) {
        const size_t n = gru_dataset_begins(dataset, k);
        dataset->n_begins += n;
        n_rows += n > 0 ? n + h->sampling_length - 1 : 0; /* they are in memory: no overflow */
    }
    if (h->sampling_length > h->sampling_burn_in) {
        const size_t n_lossy = h->sampling_length - h->sampling_burn_in;
        const size_t n_all = n_rows / n_lossy + (n_rows % n_lossy > 0);
        dataset->n_stretches = h->sampling_per_epoch > 0 ? h->sampling_per_epoch : n_all;
    }
}

/* The series whose rows the number falls among. */
static size_t series_of(const struct dataset *dataset, size_t begin)
{
    size_t low = 0, high = dataset->training->n_series - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (begin < dataset->begins[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

struct dataset_lane gru_dataset_stretch(const struct dataset *dataset, uint64_t draw)
{
    const struct gru_hyperparameters *h = &dataset->training->hyperparameters;
    const size_t begin = (size_t)(draw % dataset->n_begins);
    const size_t k = series_of(dataset, begin);
    struct dataset_lane lane = gru_dataset_lane(dataset, PART_TRAIN, k);
    lane.begin = begin - (k > 0 ? dataset->begins[k - 1] : 0);
    lane.x += lane.begin * dataset->info->n_inputs;
    lane.maps += lane.maps ? lane.begin * dataset->info->n_outputs : 0;
    lane.n_known = lane.n_rows - lane.begin;
    lane.n_rows = h->sampling_length;
    lane.n_burned = h->sampling_burn_in;
    return lane;
}

void gru_dataset_init(struct dataset *dataset, const struct gru_model *model,
                      const struct gru_training *training)
{
    const struct gru_hyperparameters *h = &training->hyperparameters;
    enum gru_loss loss = (enum gru_loss)h->loss;
    *dataset =
        (struct dataset){ .model = model,
                          .info = &model->info,
                          .training = training,
                          .loss = loss,
                          .output_weights = h->n_output_weights > 0 ? h->output_weights : NULL,
                          .width = gru_loss_width(&model->info, loss),
                          .first_held = find_first_held(training) };
    count_stretches(dataset);
}

size_t gru_dataset_n_series(const struct dataset *dataset, enum part part)
{
    const struct gru_training *training = dataset->training;
    if (part == PART_TRAIN) {
        return training->n_series;
    }
    if (training->n_validation > 0) {
        return training->n_validation;
    }
    return training->validation_fraction > 0 ? training->n_series : 0;
}

size_t gru_dataset_held_rows(double fraction, size_t n_rows)
{
    if (fraction <= 0 || n_rows < 2) {
        return 0;
    }
    size_t n = share(fraction, n_rows);
    return n > 0 ? n : 1;
}

struct dataset_lane gru_dataset_lane(const struct dataset *dataset, enum part part, size_t k)
{
    const struct gru_training *training = dataset->training;
    bool own = part == PART_VALID && training->n_validation > 0;
    const struct gru_series *series = own ? &training->validation[k] : &training->series[k];
    const size_t at = own ? training->n_series + k : k;
    const double *filled = dataset->filled ? dataset->filled[at] : NULL;
    struct dataset_lane lane = { .series = series,
                                 .x = filled ? filled : series->x,
                                 .maps = dataset->maps ? dataset->maps[at] : NULL };
    if (own) {
        lane.n_rows = series->n_rows;
    } else if (is_one_target(series)) {
        bool held = k >= dataset->first_held;
        lane.n_rows = held == (part == PART_VALID) ? series->n_rows : 0;
    } else {
        size_t n_held = gru_dataset_held_rows(training->validation_fraction, series->n_rows);
        size_t n_train = series->n_rows - n_held;
        lane.n_rows = part == PART_TRAIN ? n_train : (n_held > 0 ? series->n_rows : 0);
        lane.first = part == PART_TRAIN ? 0 : n_train;
    }
    lane.n_known = lane.n_rows;
    return lane;
}

/* ---- targets ---- */

const struct gru_variable *gru_dataset_output(const struct dataset *dataset, size_t column)
{
    return dataset->loss == GRU_CROSS_ENTROPY
               ? NULL
               : &dataset->info->outputs[column % dataset->info->n_outputs];
}

static bool has_weight(const struct dataset *dataset, size_t column)
{
    const double *weights = dataset->output_weights;
    return !weights || weights[column % dataset->info->n_outputs] > 0;
}

static double raw_target(const struct dataset *dataset, const struct dataset_lane *lane, size_t t,
                         size_t column)
{
    const struct gru_series *series = lane->series;
    if (!has_weight(dataset, column) || t < lane->n_burned) {
        return (double)NAN;
    }
    if (series->y && is_one_target(series)) {
        return t + 1 == series->n_rows ? series->y[column] : (double)NAN;
    }
    if (series->y) {
        return t >= lane->first ? series->y[(lane->begin + t) * dataset->width + column]
                                : (double)NAN;
    }
    const struct gru_info *info = dataset->info;
    int fed = info->outputs[column % info->n_outputs].feeds;
    size_t time = t + 1 + column / info->n_outputs;
    if (fed < 0 || time < lane->first || time >= lane->n_known) {
        return (double)NAN;
    }
    return series->x[(lane->begin + time) * info->n_inputs + (size_t)fed];
}

/* What the transform makes of a raw target at `column` of row t; NaN: it is not known. */
static double transformed(const struct dataset *dataset, const struct dataset_lane *lane, size_t t,
                          size_t column, double raw)
{
    const size_t n_outputs = dataset->info->n_outputs;
    if (!lane->maps || isnan(raw)) {
        return raw;
    }
    return gru_transform_apply(
        lane->maps[(t + column / n_outputs) * n_outputs + column % n_outputs],
        gru_reading(dataset->info, raw), (double)NAN);
}

double gru_dataset_raw_target(const struct dataset *dataset, const struct dataset_lane *lane,
                              size_t t, size_t column)
{
    return transformed(dataset, lane, t, column, raw_target(dataset, lane, t, column));
}

float gru_dataset_scale(const struct dataset *dataset, size_t column, double raw, double base)
{
    const struct gru_variable *output = gru_dataset_output(dataset, column);
    if (!output) {
        return (float)raw;
    }
    if (dataset->info->residual && output->feeds >= 0) {
        raw -= base;
    }
    return gru_normalise(output, raw);
}

bool gru_dataset_may_have_targets(const struct dataset *dataset, const struct dataset_lane *lane,
                                  size_t t)
{
    if (lane->series->y) {
        return is_one_target(lane->series) ? t + 1 == lane->series->n_rows : t >= lane->first;
    }
    return t + dataset->info->steps >= lane->first;
}

size_t gru_dataset_next_target(const struct dataset *dataset, const struct dataset_lane *lane,
                               size_t t, size_t t_end)
{
    for (; t < t_end; t++) {
        bool any = gru_dataset_may_have_targets(dataset, lane, t);
        for (size_t k = 0; any && k < dataset->width; k++) {
            if (!isnan(gru_dataset_raw_target(dataset, lane, t, k))) {
                return t;
            }
        }
    }
    return t_end;
}

void gru_dataset_inputs(const struct dataset *dataset, const struct dataset_lane *lane, size_t t,
                        float *in)
{
    const struct gru_info *info = dataset->info;
    for (size_t i = 0; i < info->n_inputs; i++) {
        in[i] = gru_normalise(&info->inputs[i], gru_dataset_seen(dataset, lane, t, i));
    }
}

size_t gru_dataset_targets(const struct dataset *dataset, const struct dataset_lane *lane, size_t t,
                           float *targets)
{
    size_t n = 0;
    bool any = gru_dataset_may_have_targets(dataset, lane, t);
    for (size_t k = 0; k < dataset->width; k++) {
        double raw = any ? gru_dataset_raw_target(dataset, lane, t, k) : (double)NAN;
        const struct gru_variable *output = gru_dataset_output(dataset, k);
        int fed = output ? output->feeds : -1;
        double base = fed >= 0 ? gru_dataset_seen(dataset, lane, t, (size_t)fed) : 0;
        targets[k] = gru_dataset_scale(dataset, k, raw, base);
        n += !isnan(raw);
    }
    return n;
}
