/* See selection.h. */
#include "engine/train/selection.h"
#include "engine/block.h"
#include "engine/train/comparison.h"
#include "engine/train/loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- making one ---- */

static void cut(struct selection *selection, size_t n_series, size_t n_flags, size_t width,
                struct block_cutter *cutter)
{
    const size_t n_streams = selection->n_streams;
    selection->base = block_take(cutter, n_streams, sizeof *selection->base);
    selection->loss = block_take(cutter, n_streams, sizeof *selection->loss);
    selection->ratios = block_take(cutter, n_streams, sizeof *selection->ratios);
    selection->n = block_take(cutter, n_streams, sizeof *selection->n);
    selection->series = block_take(cutter, n_series, sizeof *selection->series);
    selection->targets = block_take_floats(cutter, width, 1);
    selection->counts = block_take(cutter, n_flags, 1);
}

/* Rows of the validation, from each series' first target. */
static size_t n_target_rows(const struct dataset *dataset, size_t k)
{
    const struct dataset_lane lane = gru_dataset_lane(dataset, PART_VALID, k);
    return lane.n_rows - gru_dataset_next_target(dataset, &lane, 0, lane.n_rows);
}

static size_t count_flags(const struct dataset *dataset, size_t n_series)
{
    size_t n = 0;
    for (size_t k = 0; k < n_series; k++) {
        n += n_target_rows(dataset, k) * dataset->width; /* no more than there are values */
    }
    return n;
}

static enum gru_status alloc(struct selection *selection, const struct dataset *dataset)
{
    const size_t n_series = gru_dataset_n_series(dataset, PART_VALID),
                 n_flags = count_flags(dataset, n_series);
    struct block_cutter count = { 0 };
    cut(selection, n_series, n_flags, dataset->width, &count);
    selection->block = block_alloc(&count);
    if (!selection->block) {
        return GRU_NO_MEMORY;
    }
    memset(selection->block, 0, count.n_bytes);
    struct block_cutter cutter = { .block = selection->block };
    cut(selection, n_series, n_flags, dataset->width, &cutter);
    for (size_t k = 0, flag = 0; k < n_series; k++) {
        selection->series[k] = (struct selection_series){ SIZE_MAX, SIZE_MAX, flag };
        flag += n_target_rows(dataset, k) * dataset->width;
    }
    return GRU_OK;
}

/* The series that the comparison is at. Returns how many of its targets do not count. */
static size_t mark(struct selection *selection, struct gru_comparison *comparison)
{
    const size_t width = comparison->dataset.width;
    struct selection_series *series = &selection->series[comparison->k];
    unsigned char *flag = selection->counts + series->first_flag;
    size_t n_out = 0;
    series->stream = comparison->plan.stream[comparison->k];
    series->first_row = comparison->first_target;
    for (size_t t = 0; t < comparison->lane.n_rows; t++) {
        gru_comparison_see(comparison, t);
        gru_comparison_look(comparison, t);
        for (size_t k = 0; k < width && t >= series->first_row; k++, flag++) {
            double raw = gru_dataset_raw_target(&comparison->dataset, &comparison->lane, t, k);
            *flag = !isnan(raw) && gru_comparison_counts(comparison, t, k, raw);
            selection->n[series->stream] += *flag;
            n_out += !isnan(raw) && !*flag;
        }
    }
    return n_out;
}

enum gru_status gru_selection_create(struct gru_model *base, struct gru_model *model,
                                     const struct gru_training *training,
                                     struct selection **ret_selection)
{
    struct gru_comparison *comparison;
    enum gru_status status = gru_comparison_create(base, model, training, &comparison);
    if (status != GRU_OK) {
        return status;
    }
    struct selection *selection = calloc(1, sizeof *selection);
    status = selection ? GRU_OK : GRU_NO_MEMORY;
    if (status == GRU_OK) {
        selection->n_streams = comparison->result.n_streams;
        selection->first = training->n_validation > 0 ? training->validation : training->series;
        status = alloc(selection, &comparison->dataset);
    }
    size_t n_out = 0;
    while (status == GRU_OK && gru_comparison_begin_next(comparison)) {
        n_out += mark(selection, comparison);
        comparison->k++;
    }
    gru_comparison_free(comparison);
    if (status != GRU_OK || (selection->n_streams == 1 && n_out == 0)) {
        gru_selection_free(selection);
        selection = NULL;
    }
    *ret_selection = selection;
    return status;
}

void gru_selection_free(struct selection *selection)
{
    if (selection) {
        free(selection->block);
        free(selection);
    }
}

bool gru_selection_bytes(const struct dataset *dataset, size_t *ret_n_bytes)
{
    const size_t n_series = gru_dataset_n_series(dataset, PART_VALID);
    struct selection most = { .n_streams = n_series };
    struct block_cutter count = { 0 };
    cut(&most, n_series, count_flags(dataset, n_series), dataset->width, &count);
    *ret_n_bytes = count.n_bytes + sizeof most;
    return !count.is_too_large;
}

/* ---- a validation ---- */

void gru_selection_begin(struct selection *selection)
{
    memset(selection->loss, 0, selection->n_streams * sizeof *selection->loss);
}

void gru_selection_add(struct selection *selection, const struct dataset *dataset,
                       const struct dataset_lane *lane, size_t t, float *out, const float *targets)
{
    const size_t width = dataset->width;
    const struct selection_series *series = &selection->series[lane->series - selection->first];
    if (t < series->first_row) {
        return;
    }
    const unsigned char *counts =
        selection->counts + series->first_flag + (t - series->first_row) * width;
    size_t n = 0;
    for (size_t k = 0; k < width; k++) {
        selection->targets[k] = counts[k] ? targets[k] : NAN;
        n += !isnan(selection->targets[k]);
    }
    if (n > 0) {
        const struct loss_terms terms = gru_dataset_loss(dataset);
        const struct loss_sum sum = gru_loss(&terms, 1, out, selection->targets, n, NULL);
        selection->loss[series->stream] += sum.loss;
    }
}

void gru_selection_take_base(struct selection *selection)
{
    memcpy(selection->base, selection->loss, selection->n_streams * sizeof *selection->base);
}

/* 1 if neither loses anything, infinite if only the starting model loses nothing. */
static double ratio(double loss, double base)
{
    if (!isfinite(loss)) {
        return INFINITY;
    }
    return base > 0 ? loss / base : loss > 0 ? INFINITY : 1;
}

static int compare_doubles(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double gru_selection_standing(struct selection *selection)
{
    double *ratios = selection->ratios;
    size_t n = 0;
    for (size_t k = 0; k < selection->n_streams; k++) {
        if (selection->n[k] > 0) {
            ratios[n++] = ratio(selection->loss[k], selection->base[k]);
        }
    }
    if (n == 0) {
        return 1; /* the same for all epochs */
    }
    qsort(ratios, n, sizeof *ratios, compare_doubles);
    return n % 2 == 1 ? ratios[n / 2] : ratios[n / 2 - 1] / 2 + ratios[n / 2] / 2;
}
