/* What of a series says nothing of a model: outliers, and outputs that are constant; see
 * comparison.h. */
#include "engine/train/comparison.h"
#include "engine/train/loss.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* An outlier is further from the median than so many times the middle 90 %, and than so many of the
 * model's standard deviations. Of normal noise the middle 90 % are 3.3 standard deviations, so 10
 * of those; of t noise with 2 degrees of freedom, one value in 300 is beyond. */
static const double FAR = 3;

/* A sensor that is stuck may still be rounded in different ways. */
static const double CONSTANT = 1e-6;

static int compare_floats(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

void gru_comparison_sort(float *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_floats);
}

/* The share's quantile of n sorted values. */
static double quantile(const float *sorted, size_t n, double share)
{
    return (double)sorted[(size_t)(share * (double)(n - 1) + 0.5)];
}

/* Beyond which values a column's are outliers; values: [n] in any order, and sorted then. */
static void find_bounds(float *values, size_t n, double std, float *ret_least, float *ret_most)
{
    *ret_least = -INFINITY;
    *ret_most = INFINITY;
    if (n < STREAM_TARGETS) {
        return;
    }
    gru_comparison_sort(values, n);
    double middle = quantile(values, n, 0.5);
    double width = quantile(values, n, 0.95) - quantile(values, n, 0.05);
    if (width <= 0) { /* hardly ever another value: what happens is rare, and no outlier */
        width = quantile(values, n, 0.99) - quantile(values, n, 0.01);
    }
    double most = FAR * (width > std ? width : std);
    *ret_least = (float)(middle - most);
    *ret_most = (float)(middle + most);
}

static const struct gru_series *series_of(const struct gru_comparison *comparison, size_t k)
{
    return gru_dataset_lane(&comparison->dataset, PART_VALID, k).series;
}

/* Of x, or of posted targets. */
static const float *rows_of(const struct gru_series *series, bool is_of_targets, size_t *ret_n)
{
    *ret_n = !is_of_targets ? series->n_rows : series->y ? series->n_targets : 0;
    return is_of_targets ? series->y : series->x;
}

/* Values at regular distances of a column of the stream's rows, without those that are missing. */
static size_t take_column(struct gru_comparison *comparison, bool is_of_targets, size_t width,
                          size_t column)
{
    size_t n = 0, n_all = 0, n_rows, t = 0;
    for (size_t k = comparison->group_begin; k < comparison->group_end; k++) {
        rows_of(series_of(comparison, k), is_of_targets, &n_rows);
        n_all += n_rows;
    }
    const size_t step = (n_all + comparison->n_column - 1) / comparison->n_column;
    for (size_t k = comparison->group_begin; k < comparison->group_end; k++) {
        const float *rows = rows_of(series_of(comparison, k), is_of_targets, &n_rows);
        for (; t < n_rows; t += step) {
            float value = rows[t * width + column];
            if (!isnan(value)) {
                comparison->column[n++] = value;
            }
        }
        t -= n_rows;
    }
    return n;
}

static bool leaves_out(const struct gru_comparison *comparison)
{
    return !gru_loss_takes_logits(comparison->dataset.loss);
}

static void bound_columns(struct gru_comparison *comparison)
{
    const struct gru_info *info = comparison->info;
    struct screen *screen = &comparison->screen;
    for (size_t i = 0; i < info->n_inputs; i++) {
        size_t n = take_column(comparison, false, info->n_inputs, i);
        find_bounds(comparison->column, n, info->inputs[i].std, &screen->least[i],
                    &screen->most[i]);
    }
    size_t width = comparison->dataset.width;
    for (size_t k = 0; k < width; k++) {
        const struct gru_variable *output = gru_dataset_output(&comparison->dataset, k);
        size_t n = take_column(comparison, true, width, k);
        find_bounds(comparison->column, n, output->std, &screen->target_least[k],
                    &screen->target_most[k]);
    }
}

static bool is_within(const struct gru_comparison *comparison, size_t column, float raw)
{
    const struct screen *screen = &comparison->screen;
    if (comparison->lane.series->y) {
        return raw >= screen->target_least[column] && raw <= screen->target_most[column];
    }
    int fed = gru_dataset_output(&comparison->dataset, column)->feeds;
    return raw >= screen->least[fed] && raw <= screen->most[fed];
}

/* The targets of a column within its bounds: how many there are, and between which values. */
struct extremes {
    size_t n;
    float least, most;
};

static void look_at_column(const struct gru_comparison *comparison, size_t k, size_t column,
                           struct extremes *extremes)
{
    const struct dataset *dataset = &comparison->dataset;
    const struct dataset_lane lane = gru_dataset_lane(dataset, PART_VALID, k);
    for (size_t t = gru_dataset_next_target(dataset, &lane, 0, lane.n_rows); t < lane.n_rows; t++) {
        float raw = gru_dataset_raw_target(dataset, &lane, t, column);
        if (!isnan(raw) && is_within(comparison, column, raw)) {
            extremes->least = raw < extremes->least ? raw : extremes->least;
            extremes->most = raw > extremes->most ? raw : extremes->most;
            extremes->n++;
        }
    }
}

static bool find_constant(const struct gru_comparison *comparison, size_t column)
{
    struct extremes extremes = { .least = INFINITY, .most = -INFINITY };
    for (size_t k = comparison->group_begin; k < comparison->group_end; k++) {
        look_at_column(comparison, k, column, &extremes);
    }
    double std = gru_dataset_output(&comparison->dataset, column)->std;
    return extremes.n >= STREAM_TARGETS &&
           (double)extremes.most - (double)extremes.least <= CONSTANT * std;
}

void gru_comparison_screen(struct gru_comparison *comparison)
{
    struct gru_stream_losses *stream = &comparison->streams[comparison->plan.stream[comparison->k]];
    if (!leaves_out(comparison)) {
        return;
    }
    bound_columns(comparison);
    for (size_t k = 0; k < comparison->dataset.width; k++) {
        comparison->screen.is_constant[k] = find_constant(comparison, k);
        stream->n_constant += comparison->screen.is_constant[k];
    }
}

static void note(struct gru_comparison *comparison, size_t row, size_t column, bool is_target,
                 float value)
{
    struct gru_comparison_result *result = &comparison->result;
    if (result->outlying.n == 0) {
        result->outlier = (struct gru_outlier){ .series = comparison->k,
                                                .row = row,
                                                .column = column,
                                                .is_target = is_target,
                                                .value = value };
    }
}

void gru_comparison_look(struct gru_comparison *comparison, size_t t)
{
    const struct screen *screen = &comparison->screen;
    size_t n = leaves_out(comparison) ? comparison->info->n_inputs : 0;
    comparison->n_disturbed -= comparison->n_disturbed > 0;
    for (size_t i = 0; i < n; i++) {
        float x = comparison->lane.series->x[t * n + i];
        x = isnan(x) ? comparison->seen[i] : x; /* what is filled may be an outlier too */
        if (x < screen->least[i] || x > screen->most[i]) {
            note(comparison, t, i, false, x);
            comparison->n_disturbed = 1 + DISTURBED_ROWS;
        }
    }
}

bool gru_comparison_is_outlying_target(struct gru_comparison *comparison, size_t t, size_t column,
                                       float raw)
{
    if (!leaves_out(comparison) || is_within(comparison, column, raw)) {
        return false;
    }
    const struct gru_info *info = comparison->info;
    const struct gru_series *series = comparison->lane.series;
    if (series->y) {
        note(comparison, series->n_targets == 1 ? 0 : t, column, true, raw);
    } else {
        note(comparison, t + 1 + column / info->n_outputs,
             (size_t)gru_dataset_output(&comparison->dataset, column)->feeds, false, raw);
    }
    return true;
}
