/* What of a series says nothing of a model: outliers, and outputs that are constant; see
 * comparison.h. */
#include "engine/train/comparison.h"
#include "engine/train/loss.h"

#include <float.h>
#include <math.h>

/* A sensor that is stuck may still be rounded in different ways: by a few units in the last place,
 * and by so much of the width that its readings had. */
static const double ROUNDED = 4 * (double)FLT_EPSILON, ROUNDED_OF_WIDTH = 1e-6;

static const struct gru_series *series_of(const struct gru_comparison *comparison, size_t k)
{
    return gru_dataset_lane(&comparison->dataset, PART_VALID, k).series;
}

/* ---- the series of a stream ---- */

static bool is_shared(const struct gru_comparison *comparison)
{
    return comparison->plan.stream[comparison->k] == comparison->plan.shared;
}

/* From series k on: the group's, or those that share the stream; SIZE_MAX: there are no more. */
static size_t next_series(const struct gru_comparison *comparison, size_t k)
{
    const struct comparison_plan *plan = &comparison->plan;
    if (!is_shared(comparison)) {
        k = k > comparison->group_begin ? k : comparison->group_begin;
        return k < comparison->group_end ? k : SIZE_MAX;
    }
    const size_t n = gru_dataset_n_series(&comparison->dataset, PART_VALID);
    while (k < n && plan->stream[k] != plan->shared) {
        k++;
    }
    return k < n ? k : SIZE_MAX;
}

/* ---- what can be ---- */

/* Of x, or of posted targets. */
static const double *rows_of(const struct gru_series *series, bool is_of_targets, size_t *ret_n)
{
    *ret_n = !is_of_targets ? series->n_rows : series->y ? series->n_targets : 0;
    return is_of_targets ? series->y : series->x;
}

/* A sample of a column of the stream's rows, without those that are missing. */
static size_t take_column(struct gru_comparison *comparison, bool is_of_targets, size_t width,
                          size_t column)
{
    size_t n = 0, n_all = 0, n_rows, taken = 0, first = 0;
    for (size_t k = next_series(comparison, 0); k != SIZE_MAX; k = next_series(comparison, k + 1)) {
        rows_of(series_of(comparison, k), is_of_targets, &n_rows);
        n_all += n_rows;
    }
    const size_t step = (n_all + comparison->n_column - 1) / comparison->n_column;
    for (size_t k = next_series(comparison, 0); k != SIZE_MAX; k = next_series(comparison, k + 1)) {
        const double *rows = rows_of(series_of(comparison, k), is_of_targets, &n_rows);
        for (size_t t; n_rows > 0 && (t = gru_sample_row(taken, step)) < first + n_rows; taken++) {
            double value = rows[(t - first) * width + column];
            if (!isnan(value)) {
                comparison->column[n++] = value;
            }
        }
        first += n_rows;
    }
    return n;
}

static bool leaves_out(const struct gru_comparison *comparison)
{
    return !gru_loss_takes_logits(comparison->dataset.loss);
}

/* Of two variables that are the same but for their scaling. */
static const struct gru_variable *narrower(const struct gru_variable *one,
                                           const struct gru_variable *other)
{
    return one->std < other->std ? one : other;
}

/* Whose scaling raw targets of an output have: the output's, or, if that is of changes, its
 * input's.
 */
static const struct gru_variable *raw_variable(const struct gru_info *info, size_t o)
{
    const int fed = info->outputs[o].feeds;
    return info->residual && fed >= 0 ? &info->inputs[fed] : &info->outputs[o];
}

/* Sorts the column. The scaling is not of raw values where there is a transform: then nothing is
 * known of where they are, and how they change from one to the next says what is far. */
static void find_plausible(struct gru_comparison *comparison, size_t n,
                           const struct gru_variable *variable, int input,
                           struct gru_plausible *ret_plausible)
{
    struct gru_variable raw = *variable;
    if (input >= 0 && comparison->info->inputs[input].transform.kind != GRU_TRANSFORM_NONE) {
        raw.mean = (double)NAN;
    }
    gru_plausible_find(comparison->column, n, &raw, ret_plausible);
}

static void screen_columns(struct gru_comparison *comparison, struct screen *screen)
{
    const struct gru_info *info = comparison->info,
                          *base = gru_model_info(comparison->models[BASE].model);
    for (size_t i = 0; i < info->n_inputs; i++) {
        size_t n = take_column(comparison, false, info->n_inputs, i);
        find_plausible(comparison, n, narrower(&info->inputs[i], &base->inputs[i]), (int)i,
                       &screen->inputs[i]);
    }
    const size_t width = comparison->dataset.width;
    for (size_t k = 0; k < width; k++) { /* of a loss that leaves out, so Y is S * O */
        const size_t o = k % info->n_outputs;
        size_t n = take_column(comparison, true, width, k);
        find_plausible(comparison, n, narrower(raw_variable(info, o), raw_variable(base, o)),
                       info->outputs[o].feeds, &screen->targets[k]);
    }
}

/* Of a target's column: posted, or a reading. */
static const struct gru_plausible *plausible_of(const struct gru_comparison *comparison,
                                                const struct gru_series *series, size_t column)
{
    const int fed = gru_dataset_output(&comparison->dataset, column)->feeds;
    return series->y ? &comparison->screen->targets[column] : &comparison->screen->inputs[fed];
}

/* ---- what is constant ---- */

/* The targets of a column that can be: how many there are, and between which values. */
struct extremes {
    size_t n;
    double least, most;
    double width; /* of the column */
};

static void look_at_column(const struct gru_comparison *comparison, size_t k, size_t column,
                           struct extremes *extremes)
{
    const struct dataset *dataset = &comparison->dataset;
    const struct dataset_lane lane = gru_dataset_lane(dataset, PART_VALID, k);
    const size_t first = gru_dataset_next_target(dataset, &lane, 0, lane.n_rows);
    for (size_t t = first; t < lane.n_rows; t++) {
        double raw = gru_dataset_raw_target(dataset, &lane, t, column);
        if (isnan(raw)) {
            continue;
        }
        const struct gru_plausible *plausible = plausible_of(comparison, lane.series, column);
        if (gru_is_plausible(plausible, raw)) {
            extremes->least = raw < extremes->least ? raw : extremes->least;
            extremes->most = raw > extremes->most ? raw : extremes->most;
            extremes->width = plausible->width;
            extremes->n++;
        }
    }
}

static bool find_constant(const struct gru_comparison *comparison, size_t column)
{
    struct extremes extremes = { .least = (double)INFINITY, .most = -(double)INFINITY };
    for (size_t k = next_series(comparison, 0); k != SIZE_MAX; k = next_series(comparison, k + 1)) {
        look_at_column(comparison, k, column, &extremes);
    }
    const double least = extremes.least, most = extremes.most;
    /* that of two floats in the last place of the second */
    const double rounded = comparison->info->is_wide ? ROUNDED * (double)FLT_EPSILON : ROUNDED;
    return extremes.n >= STREAM_TARGETS &&
           most - least <=
               fmax(rounded * fmax(fabs(least), fabs(most)), ROUNDED_OF_WIDTH * extremes.width);
}

void gru_comparison_screen(struct gru_comparison *comparison)
{
    const size_t stream = comparison->plan.stream[comparison->k];
    struct screen *screen = &comparison->screens[is_shared(comparison) ? SHARED : OWN];
    comparison->screen = screen;
    if (!leaves_out(comparison) || (is_shared(comparison) && comparison->is_shared_screened)) {
        return;
    }
    screen_columns(comparison, screen);
    for (size_t k = 0; k < comparison->dataset.width; k++) {
        screen->is_constant[k] = find_constant(comparison, k);
        comparison->streams[SURE][stream].n_constant += screen->is_constant[k];
    }
    comparison->streams[WITH_DOUBTS][stream].n_constant =
        comparison->streams[SURE][stream].n_constant;
    comparison->is_shared_screened |= is_shared(comparison);
}

/* ---- looking ---- */

static void note(struct gru_comparison *comparison, size_t row, size_t column, bool is_target,
                 double value)
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
    size_t n = leaves_out(comparison) ? comparison->info->n_inputs : 0;
    for (size_t k = 0; k < N_SIGHTS; k++) {
        comparison->n_disturbed[k] -= comparison->n_disturbed[k] > 0;
    }
    for (size_t i = 0; i < n; i++) {
        double x = comparison->lane.series->x[t * n + i];
        x = isnan(x) ? comparison->seen[i] : x; /* what is filled may be an outlier too */
        const struct gru_plausible *plausible = &comparison->screen->inputs[i];
        if (!isnan(x) && !gru_is_plausible(plausible, x)) {
            note(comparison, t, i, false, x);
            comparison->n_disturbed[SURE] = 1 + DISTURBED_ROWS;
            if (!gru_is_doubtful(plausible, x)) {
                comparison->n_disturbed[WITH_DOUBTS] = 1 + DISTURBED_ROWS;
            }
        }
    }
}

/* An outlier that is the target itself. */
static void note_target(struct gru_comparison *comparison, size_t t, size_t column, double raw)
{
    const struct gru_info *info = comparison->info;
    const struct gru_series *series = comparison->lane.series;
    if (series->y) {
        note(comparison, series->n_targets == 1 ? 0 : t, column, true, raw);
    } else {
        note(comparison, t + 1 + column / info->n_outputs,
             (size_t)gru_dataset_output(&comparison->dataset, column)->feeds, false, raw);
    }
}

bool gru_comparison_is_doubtful_target(const struct gru_comparison *comparison, size_t column,
                                       double raw)
{
    return gru_is_doubtful(plausible_of(comparison, comparison->lane.series, column), raw);
}

enum sight gru_comparison_sight(struct gru_comparison *comparison, size_t t, size_t column,
                                double raw)
{
    if (!leaves_out(comparison)) {
        return SURE;
    }
    const struct gru_plausible *plausible =
        plausible_of(comparison, comparison->lane.series, column);
    const bool is_plausible = gru_is_plausible(plausible, raw);
    const bool is_wrong = !is_plausible && !gru_is_doubtful(plausible, raw);
    if (!is_plausible && comparison->n_disturbed[SURE] == 0) {
        note_target(comparison, t, column, raw);
    }
    if (is_wrong || comparison->n_disturbed[WITH_DOUBTS] > 0) {
        return N_SIGHTS;
    }
    return is_plausible && comparison->n_disturbed[SURE] == 0 ? SURE : WITH_DOUBTS;
}
