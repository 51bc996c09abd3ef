/* explain_seen.c - what the network has seen: of the readings, as the replay has run them, and of
 * the known future. */
#include "engine/explain/explain.h"
#include "engine/readings.h"
#include "kernels/flush.h"

#include <math.h>
#include <string.h>

/* What is carried from reading to reading, as in a state. */
struct carried {
    double *last;      /* [I] */
    float *transforms; /* of a state */
};

/* y: what was forecast for the row; [S * O], NaN: nothing. */
static void see_row(const struct gru_explain *explain, const struct carried *carried,
                    const double *x, const double *y, float *seen)
{
    const struct gru_model *model = explain->model;
    const struct gru_info *info = &model->info;
    for (size_t i = 0; i < info->n_inputs; i++) {
        const struct gru_transformed *transformed = gru_model_transformed(model, i);
        double raw;
        const double u = transformed
                             ? gru_read_transformed(info, i, x[i], carried->last, y,
                                                    carried->transforms + transformed->at, &raw)
                             : gru_read_plain(info, i, x[i], carried->last, y, &raw);
        seen[i] = gru_normalise(&info->inputs[i], u);
    }
}

/* The known future has no transforms, for nothing feeds it. */
static void see_future(const struct gru_explain *explain, double *last)
{
    const struct gru_info *info = &explain->model->info;
    const double *future = explain->question.future;
    float *seen = explain->seen + explain->sizes.n_kept * info->n_inputs;
    for (size_t t = explain->sizes.n_kept; t < explain->sizes.n_steps; t++) {
        for (size_t i = 0; i < info->n_inputs; i++, seen++) {
            double raw;
            *seen = info->inputs[i].feeds >= 0
                        ? 0
                        : gru_normalise(&info->inputs[i],
                                        gru_read_plain(info, i, *future++, last, NULL, &raw));
        }
    }
}

enum gru_status gru_explain_see(struct gru_explain *explain)
{
    const struct gru_model *model = explain->model;
    const struct gru_info *info = &model->info;
    const size_t n_floats = model->transform_floats, at = gru_state_transforms_offset(model);
    struct block_cutter count = { 0 };
    block_take_doubles(&count, 1, info->n_inputs + info->y_floats);
    block_take_floats(&count, 1, n_floats);
    void *block = block_alloc(&count);
    if (!block) {
        return GRU_NO_MEMORY;
    }
    struct block_cutter cutter = { .block = block };
    double *nothing = block_take_doubles(&cutter, 1, info->n_inputs + info->y_floats);
    const struct carried carried = { .last = nothing + info->y_floats,
                                     .transforms = block_take_floats(&cutter, 1, n_floats) };
    for (size_t k = 0; k < info->n_inputs + info->y_floats; k++) {
        nothing[k] = NAN;
    }
    if (carried.transforms) {
        memcpy(carried.transforms, model->initial_state + at, n_floats * sizeof(float));
    }
    const double *x = explain->lane.x, *y = nothing;
    const uint64_t before = k_flush_begin();
    memset(explain->seen, 0, info->n_inputs * sizeof *explain->seen); /* if there are no readings */
    for (size_t t = 0; t < explain->lane.n_rows; t++) {
        see_row(explain, &carried, x + t * info->n_inputs, y, explain->seen + t * info->n_inputs);
        y = explain->y + t * info->y_floats;
    }
    see_future(explain, carried.last);
    k_flush_end(before);
    free(block);
    return GRU_OK;
}
