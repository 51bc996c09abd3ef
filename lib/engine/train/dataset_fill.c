/* Copies of series: what is missing is filled, and what has a transform is as the network sees it;
 * see dataset.h. */
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
    float *transforms;     /* [transform_floats] after the rows so far */
};

/* The copy of a series that is made. */
struct copy {
    const struct gru_series *series;
    double *x;
    struct transform_map *maps; /* or NULL */
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

static bool has_transforms(const struct dataset *dataset)
{
    return dataset->model->n_transformed > 0;
}

static bool is_copied(const struct dataset *dataset, const struct gru_series *series)
{
    return has_transforms(dataset) || has_missing(dataset, series);
}

static size_t map_rows(const struct dataset *dataset, const struct gru_series *series)
{
    return series->n_rows + dataset->info->steps - 1;
}

/* Adds a * b * c; false: more than fits. */
static bool add_product(size_t a, size_t b, size_t c, size_t *sum)
{
    return !__builtin_mul_overflow(a, b, &a) && !__builtin_mul_overflow(a, c, &a) &&
           !__builtin_add_overflow(*sum, a, sum);
}

bool gru_dataset_bytes(const struct dataset *dataset, size_t *ret_n_bytes)
{
    const struct gru_info *info = dataset->info;
    size_t n_bytes = 0;
    bool any = false, fits = true;
    for (size_t k = 0; fits && k < n_series(dataset); k++) {
        const struct gru_series *series = series_at(dataset, k);
        if (is_copied(dataset, series)) {
            any = true;
            fits = add_product(series->n_rows, info->n_inputs, sizeof(double), &n_bytes);
        }
        if (has_transforms(dataset)) {
            fits = fits && add_product(map_rows(dataset, series), info->n_outputs,
                                       sizeof(struct transform_map), &n_bytes);
        }
    }
    const size_t n_arrays = (size_t)any + has_transforms(dataset);
    fits = fits && add_product(n_arrays, n_series(dataset), sizeof(void *), &n_bytes);
    fits = fits && add_product(dataset->n_stretches > 0, dataset->training->n_series,
                               sizeof *dataset->begins, &n_bytes);
    *ret_n_bytes = n_bytes;
    return fits;
}

void gru_dataset_done(struct dataset *dataset)
{
    for (size_t k = 0; dataset->filled && k < n_series(dataset); k++) {
        free(dataset->filled[k]);
    }
    for (size_t k = 0; dataset->maps && k < n_series(dataset); k++) {
        free(dataset->maps[k]);
    }
    free(dataset->filled);
    free(dataset->maps);
    free(dataset->begins);
    dataset->filled = NULL;
    dataset->maps = NULL;
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

/* ---- rows ---- */

/* What the network sees of a row. y: the output of the row before it. */
static void fill_row(const struct gru_model *model, struct filler *filler, double *x,
                     const double *y)
{
    const struct gru_info *info = &model->info;
    const struct gru_transformed *next = model->transformed, *end = next + model->n_transformed;
    for (size_t i = 0; i < info->n_inputs; i++) {
        if (next < end && next->input == i) {
            double raw;
            x[i] = gru_read_transformed(info, i, x[i], filler->last, y,
                                        filler->transforms + next++->at, &raw);
        } else if (isnan(x[i])) {
            x[i] = gru_fill_missing(info, i, filler->last, y);
        } else {
            x[i] = filler->last[i] = gru_reading(info, x[i]);
        }
    }
}

/* The maps of the readings that come next, by the outputs that forecast them. */
static void note_maps(const struct gru_model *model, const struct filler *filler,
                      struct transform_map *maps)
{
    for (size_t o = 0; o < model->info.n_outputs; o++) {
        maps[o] = (struct transform_map){ .base = 0, .unit = 1 };
    }
    for (size_t k = 0; k < model->n_transformed; k++) {
        const struct gru_variable *input = &model->info.inputs[model->transformed[k].input];
        maps[input->feeds] =
            gru_transform_map(&input->transform, filler->transforms + model->transformed[k].at);
    }
}

/* n_rows rows from row t on, each from the output of the one before it: y_before [S * O], and then
 * filler->y. */
static void fill_rows(const struct gru_model *model, struct filler *filler, const struct copy *copy,
                      size_t t, size_t n_rows, const double *y_before)
{
    const struct gru_info *info = &model->info;
    for (size_t row = 0; row < n_rows; row++) {
        fill_row(model, filler, copy->x + (t + row) * info->n_inputs,
                 row > 0 ? filler->y + (row - 1) * info->y_floats : y_before);
        if (copy->maps) {
            note_maps(model, filler, copy->maps + (t + row) * info->n_outputs);
        }
    }
}

/* Behind the last row posted targets of several steps go on from those before them. */
static void note_maps_ahead(const struct gru_model *model, struct filler *filler,
                            const struct copy *copy)
{
    const struct gru_info *info = &model->info;
    const struct gru_series *series = copy->series;
    const double *y = series->y ? series->y + (series->n_targets - 1) * info->y_floats : NULL;
    for (size_t s = 0; s + 1 < info->steps; s++) {
        for (size_t k = 0; k < model->n_transformed; k++) {
            const struct gru_transformed *transformed = &model->transformed[k];
            const struct gru_variable *input = &info->inputs[transformed->input];
            const double posted = y ? y[s * info->n_outputs + (size_t)input->feeds] : (double)NAN;
            double *last = &filler->last[transformed->input];
            *last = isnan(posted) ? *last : gru_reading(info, posted);
            gru_transform_push(&input->transform, filler->transforms + transformed->at, *last);
        }
        note_maps(model, filler, copy->maps + (series->n_rows + s) * info->n_outputs);
    }
}

/* The model runs over the series as it does when it serves, and what it forecasts is what it fills
 * in. */
static enum gru_status fill_forecast(const struct dataset *dataset, size_t k, struct filler *filler,
                                     const struct copy *copy, struct gru_error *error)
{
    const struct gru_info *info = dataset->info;
    const struct gru_series *series = copy->series;
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
        fill_rows(dataset->model, filler, copy, t, n_rows, y_before);
        memcpy(y_before, filler->y + (n_rows - 1) * info->y_floats,
               info->y_floats * sizeof *y_before);
    }
    return GRU_OK;
}

/* ---- what no float holds ---- */

struct far_value {
    const char *array; /* "x" or "y" */
    size_t row, column;
};

static bool is_far(const struct gru_info *info, const struct gru_variable *input, double u)
{
    return !isfinite(gru_normalise(input, u)) ||
           !isfinite(gru_normalise(&info->outputs[input->feeds], 2 * u)); /* residual or not */
}

static bool find_far_reading(const struct gru_model *model, const struct copy *copy,
                             struct far_value *ret_far)
{
    const struct gru_info *info = &model->info;
    for (size_t t = 0; t < copy->series->n_rows; t++) {
        for (size_t k = 0; k < model->n_transformed; k++) {
            const size_t i = model->transformed[k].input;
            if (is_far(info, &info->inputs[i], copy->x[t * info->n_inputs + i])) {
                *ret_far = (struct far_value){ "x", t, i };
                return true;
            }
        }
    }
    return false;
}

static bool find_far_target(const struct gru_model *model, const struct copy *copy,
                            struct far_value *ret_far)
{
    const struct gru_info *info = &model->info;
    const struct gru_series *series = copy->series;
    const size_t first = series->n_rows - series->n_targets;
    for (size_t k = 0; k < series->n_targets * info->y_floats; k++) {
        const size_t row = k / info->y_floats, column = k % info->y_floats;
        const int fed = info->outputs[column % info->n_outputs].feeds;
        const struct transform_map *map =
            &copy->maps[(first + row) * info->n_outputs + column]; /* a step is a row further */
        if (fed >= 0 &&
            is_far(info, &info->inputs[fed],
                   gru_transform_apply(*map, isnan(series->y[k]) ? map->base : series->y[k], 0))) {
            *ret_far = (struct far_value){ "y", row, column };
            return true;
        }
    }
    return false;
}

static enum gru_status refuse_far(const struct dataset *dataset, size_t k, struct far_value far,
                                  struct gru_error *error)
{
    const size_t n = dataset->training->n_series;
    char param[96];
    snprintf(param, sizeof param, "%s.series[%zu].%s[%zu][%zu]", k < n ? "training" : "validation",
             k < n ? k : k - n, far.array, far.row, far.column);
    return gru_fail(error, GRU_BAD_TRAINING, param,
                    "'%s' is too far from the readings before it: what the input's transform makes "
                    "of it, normalised, no float can hold",
                    param);
}

static enum gru_status fill_copy(const struct dataset *dataset, size_t k, struct filler *filler,
                                 const struct copy *copy, struct gru_error *error)
{
    const struct gru_info *info = dataset->info;
    const struct gru_series *series = copy->series;
    enum gru_status status = GRU_OK;
    memcpy(copy->x, series->x, series->n_rows * info->n_inputs * sizeof *copy->x);
    for (size_t i = 0; i < info->n_inputs; i++) {
        filler->last[i] = (double)NAN;
    }
    gru_state_init_transforms(dataset->model, filler->transforms);
    if (info->missing == GRU_MISSING_FORECAST && info->n_feeds > 0 &&
        has_missing(dataset, series)) {
        status = fill_forecast(dataset, k, filler, copy, error);
    } else { /* outputs are not looked at */
        for (size_t t = 0; t < series->n_rows; t++) {
            fill_rows(dataset->model, filler, copy, t, 1, NULL);
        }
    }
    if (status != GRU_OK || !copy->maps) {
        return status;
    }
    struct far_value far;
    note_maps_ahead(dataset->model, filler, copy);
    return find_far_reading(dataset->model, copy, &far) ||
                   find_far_target(dataset->model, copy, &far)
               ? refuse_far(dataset, k, far, error)
               : GRU_OK;
}

static enum gru_status fill_series(struct dataset *dataset, size_t k, struct filler *filler,
                                   struct gru_error *error)
{
    const struct gru_info *info = dataset->info;
    const struct gru_series *series = series_at(dataset, k);
    struct copy copy = { .series = series,
                         .x = gru_array_alloc(series->n_rows * info->n_inputs, sizeof *copy.x) };
    dataset->filled[k] = copy.x;
    if (dataset->maps) {
        copy.maps = gru_array_alloc(map_rows(dataset, series) * info->n_outputs, sizeof *copy.maps);
        dataset->maps[k] = copy.maps;
    }
    if (!copy.x || (dataset->maps && !copy.maps)) {
        return gru_fail_no_memory(error);
    }
    return fill_copy(dataset, k, filler, &copy, error);
}

static enum gru_status fill_all(struct dataset *dataset, struct filler *filler,
                                struct gru_error *error)
{
    enum gru_status status = GRU_OK;
    if (has_transforms(dataset)) {
        dataset->maps = calloc(n_series(dataset), sizeof *dataset->maps);
        status = dataset->maps ? GRU_OK : gru_fail_no_memory(error);
    }
    for (size_t k = 0; status == GRU_OK && k < n_series(dataset); k++) {
        if (!is_copied(dataset, series_at(dataset, k))) {
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
    filler.state =
        gru_array_alloc(info->state_floats + model->transform_floats, sizeof *filler.state);
    if (!block || !filler.state || gru_work_create(&filler.work) != GRU_OK) {
        free(filler.state);
        free(block);
        return gru_fail_no_memory(error);
    }
    filler.transforms = filler.state + info->state_floats;
    filler.last = block;
    filler.y = filler.last + info->n_inputs;
    enum gru_status status = fill_all(dataset, &filler, error);
    gru_work_free(filler.work);
    free(filler.state);
    free(block);
    return status;
}
