/* Filled copies of series with missing readings; see dataset.h. */
#include "engine/buffer.h"
#include "engine/readings.h"
#include "engine/train/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows that the model forecasts at once, to bound the scratch memory. */
enum { CHUNK_ROWS = 64 };

/* What filling needs besides the copy. */
struct filler {
    const struct gru_model *model;
    struct gru_work *work; /* of the policy `forecast` only, like `y` */
    double *last;          /* [I] last observed values */
    double *y;             /* [CHUNK_ROWS][S * O] */
    float *state;          /* [state_floats] */
};

static size_t n_series(const struct dataset *dataset)
{
    return dataset->training->n_series + dataset->training->n_validation;
}

static const struct gru_series *series_at(const struct dataset *dataset, size_t k)
{
    size_t n = dataset->training->n_series;
    return k < n ? &dataset->training->series[k] : &dataset->training->validation[k - n];
}

static bool has_missing(const struct dataset *dataset, const struct gru_series *series)
{
    for (size_t k = 0; k < series->n_rows * dataset->info->n_inputs; k++) {
        if (isnan(series->x[k])) {
            return true;
        }
    }
    return false;
}

bool gru_dataset_bytes(const struct dataset *dataset, size_t *ret_n_bytes)
{
    size_t n_values = 0;
    bool any = false;
    for (size_t k = 0; k < n_series(dataset); k++) {
        const struct gru_series *series = series_at(dataset, k);
        if (has_missing(dataset, series)) {
            any = true;
            n_values +=
                series->n_rows * dataset->info->n_inputs; /* they are in memory: no overflow */
        }
    }
    *ret_n_bytes = 0;
    size_t n_bytes;
    if (__builtin_mul_overflow(n_values, sizeof(double), &n_bytes) ||
        __builtin_add_overflow(n_bytes, any ? n_series(dataset) * sizeof(double *) : 0, &n_bytes)) {
        return false;
    }
    const size_t n_places = dataset->n_stretches > 0 ? dataset->training->n_series : 0;
    if (__builtin_add_overflow(n_bytes, n_places * sizeof *dataset->begins, &n_bytes)) {
        return false;
    }
    *ret_n_bytes = n_bytes;
    return true;
}

void gru_dataset_done(struct dataset *dataset)
{
    for (size_t k = 0; dataset->filled && k < n_series(dataset); k++) {
        free(dataset->filled[k]);
    }
    free(dataset->filled);
    free(dataset->begins);
    dataset->filled = NULL;
    dataset->begins = NULL;
}

static enum gru_status refuse(const struct dataset *dataset, size_t k, size_t t,
                              struct gru_error *error)
{
    size_t n = dataset->training->n_series;
    char param[96];
    snprintf(param, sizeof param, "%s.series[%zu]", k < n ? "training" : "validation",
             k < n ? k : k - n);
    return gru_fail(
        error, GRU_BAD_TRAINING, param,
        "the missing readings of '%s' cannot be filled: in row %zu the model's own forecast is not "
        "a finite number",
        param, t);
}

/* n_rows rows, each from the output of the one before it: y_before [S * O], and then filler->y. */
static void fill_rows(const struct gru_info *info, struct filler *filler, double *x, size_t n_rows,
                      const double *y_before)
{
    for (size_t t = 0; t < n_rows; t++) {
        const double *y = t > 0 ? filler->y + (t - 1) * info->y_floats : y_before;
        for (size_t i = 0; i < info->n_inputs; i++) {
            double *value = &x[t * info->n_inputs + i];
            if (isnan(*value)) {
                *value = gru_fill_missing(info, i, filler->last, y);
            } else {
                filler->last[i] = gru_reading(info, *value);
            }
        }
    }
}

/* The model runs over the series as it does when it serves, and what it forecasts is what it fills
 * in. */
static enum gru_status fill_forecast(const struct dataset *dataset, size_t k, struct filler *filler,
                                     double *x, struct gru_error *error)
{
    const struct gru_info *info = dataset->info;
    const struct gru_series *series = series_at(dataset, k);
    gru_state_init(filler->model, filler->state);
    double *y_before = filler->y + CHUNK_ROWS * info->y_floats;
    for (size_t o = 0; o < info->y_floats; o++) {
        y_before[o] = (double)NAN;
    }
    for (size_t t = 0; t < series->n_rows; t += CHUNK_ROWS) {
        size_t n_rows = series->n_rows - t < CHUNK_ROWS ? series->n_rows - t : CHUNK_ROWS;
        struct gru_lane lane = { .state_in = filler->state,
                                 .state_out = filler->state,
                                 .x = series->x + t * info->n_inputs,
                                 .n_rows = n_rows,
                                 .y = filler->y };
        if (gru_run(filler->model, filler->work, &lane, 1) != GRU_OK) {
            return gru_fail_no_memory(error);
        }
        if (lane.status != GRU_OK) {
            return refuse(dataset, k, t + lane.bad_row, error);
        }
        fill_rows(info, filler, x + t * info->n_inputs, n_rows, y_before);
        memcpy(y_before, filler->y + (n_rows - 1) * info->y_floats,
               info->y_floats * sizeof *y_before);
    }
    return GRU_OK;
}

static enum gru_status fill_series(struct dataset *dataset, size_t k, struct filler *filler,
                                   struct gru_error *error)
{
    const struct gru_info *info = dataset->info;
    const struct gru_series *series = series_at(dataset, k);
    size_t n = series->n_rows * info->n_inputs;
    double *x = gru_array_alloc(n, sizeof *x);
    if (!x) {
        return gru_fail_no_memory(error);
    }
    dataset->filled[k] = x;
    memcpy(x, series->x, n * sizeof *x);
    for (size_t i = 0; i < info->n_inputs; i++) {
        filler->last[i] = (double)NAN;
    }
    if (info->missing == GRU_MISSING_FORECAST && info->n_feeds > 0) {
        return fill_forecast(dataset, k, filler, x, error);
    }
    for (size_t t = 0; t < series->n_rows; t++) { /* outputs that feed nothing are not looked at */
        fill_rows(info, filler, x + t * info->n_inputs, 1, NULL);
    }
    return GRU_OK;
}

static enum gru_status fill_all(struct dataset *dataset, struct filler *filler,
                                struct gru_error *error)
{
    enum gru_status status = GRU_OK;
    for (size_t k = 0; status == GRU_OK && k < n_series(dataset); k++) {
        if (!has_missing(dataset, series_at(dataset, k))) {
            continue;
        }
        if (!dataset->filled) {
            dataset->filled = calloc(n_series(dataset), sizeof *dataset->filled);
        }
        status =
            dataset->filled ? fill_series(dataset, k, filler, error) : gru_fail_no_memory(error);
    }
    return status;
}

static bool place_stretches(struct dataset *dataset)
{
    const size_t n = dataset->training->n_series;
    size_t sum = 0;
    if (dataset->n_stretches == 0) {
        return true;
    }
    dataset->begins = gru_array_alloc(n, sizeof *dataset->begins);
    for (size_t k = 0; dataset->begins && k < n; k++) {
        sum += gru_dataset_begins(dataset, k);
        dataset->begins[k] = sum;
    }
    return dataset->begins != NULL;
}

enum gru_status gru_dataset_fill(struct dataset *dataset, const struct gru_model *model,
                                 struct gru_error *error)
{
    const struct gru_info *info = dataset->info;
    if (!place_stretches(dataset)) {
        return gru_fail_no_memory(error);
    }
    struct filler filler = { .model = model };
    size_t n_y = (CHUNK_ROWS + 1) * info->y_floats;
    double *block = gru_array_alloc(info->n_inputs + n_y, sizeof *block);
    filler.state = gru_array_alloc(info->state_floats, sizeof *filler.state);
    if (!block || !filler.state || gru_work_create(&filler.work) != GRU_OK) {
        free(filler.state);
        free(block);
        return gru_fail_no_memory(error);
    }
    filler.last = block;
    filler.y = filler.last + info->n_inputs;
    enum gru_status status = fill_all(dataset, &filler, error);
    gru_work_free(filler.work);
    free(filler.state);
    free(block);
    return status;
}
