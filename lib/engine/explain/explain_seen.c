/* explain_seen.c - what the network has seen: of the readings, as the replay has run them, and of
 * the known future. */
#include "engine/buffer.h"
#include "engine/explain/explain.h"
#include "engine/readings.h"
#include "kernels/flush.h"

#include <math.h>
#include <stdlib.h>
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

/* From before the first reading on: nothing was known or forecast. */
static void see(struct gru_explain *explain, const struct carried *carried, double *nothing)
{
    const struct gru_model *model = explain->model;
    const struct gru_info *info = &model->info;
    const double *x = explain->lane.x, *y = nothing;
    for (size_t i = 0; i < info->n_inputs; i++) {
        carried->last[i] = NAN;
    }
    for (size_t k = 0; k < info->y_floats; k++) {
        nothing[k] = NAN;
    }
    memcpy(carried->transforms, model->initial_state + gru_state_transforms_offset(model),
           model->transform_floats * sizeof *carried->transforms);
    memset(explain->seen, 0, info->n_inputs * sizeof *explain->seen); /* if there are no readings */
    for (size_t t = 0; t < explain->lane.n_rows; t++) {
        see_row(explain, carried, x + t * info->n_inputs, y, explain->seen + t * info->n_inputs);
        y = explain->y + t * info->y_floats;
    }
    see_future(explain, carried->last);
}

enum gru_status gru_explain_see(struct gru_explain *explain)
{
    const struct gru_model *model = explain->model;
    double *nothing = gru_array_alloc(model->info.y_floats, sizeof *nothing);
    const struct carried carried = {
        .last = gru_array_alloc(model->info.n_inputs, sizeof *carried.last),
        .transforms = gru_array_alloc(model->transform_floats, sizeof *carried.transforms)
    };
    const bool has_room = nothing && carried.last && carried.transforms;
    if (has_room) {
        const uint64_t before = k_flush_begin();
        see(explain, &carried, nothing);
        k_flush_end(before);
    }
    free(nothing);
    free(carried.last);
    free(carried.transforms);
    return has_room ? GRU_OK : GRU_NO_MEMORY;
}
