#include "service/sessions/session_blend.h"

#include "service/pool/record_ring.h"

#include <math.h>

void session_blend_know(const struct gru_model *gru, const float *state,
                        const struct mixture *mixture)
{
    const struct gru_info *info = gru_model_info(gru);
    for (size_t o = 0; o < info->n_outputs; o++) {
        if (info->outputs[o].feeds >= 0) {
            mixture_know(mixture, o, gru_state_last(gru, state, (size_t)info->outputs[o].feeds));
        }
    }
}

/* Of the reading of that step. */
static void read_outputs(const struct gru_info *info, const struct record_layout *layout,
                         char *record, uint64_t step, double *ret)
{
    const float *reading = record_reading(layout, record, step);
    for (size_t o = 0; o < info->n_outputs; o++) {
        ret[o] = info->outputs[o].feeds >= 0
                     ? record_value(layout, reading, (size_t)info->outputs[o].feeds)
                     : (double)NAN;
    }
}

void session_blend_seasonal(const struct gru_info *info, const struct record_layout *layout,
                            char *record, const struct record_copy *copy, const double *x, size_t n,
                            double *ret_seasonal)
{
    for (size_t i = 0; i < n; i++, ret_seasonal += info->n_outputs) {
        const size_t back = layout->season - i - 1; /* readings behind x, which is not kept yet */
        if (back > 0 && back <= copy->n_readings) {
            read_outputs(info, layout, record, copy->step + 1 - back, ret_seasonal);
            continue;
        }
        for (size_t o = 0; o < info->n_outputs; o++) {
            const int fed = info->outputs[o].feeds;
            ret_seasonal[o] = back == 0 && fed >= 0 ? x[fed] : (double)NAN;
        }
    }
}

static struct interval_layout layout_of_first(const struct gru_info *info, size_t n_rows)
{
    const struct interval_untracked untracked = interval_untracked_of(info);
    const struct interval_layout layout =
        interval_layout_without(&untracked, info->n_outputs, n_rows, 1);
    return info->is_wide ? interval_layout_wide(&layout) : layout;
}

size_t session_blend_first_bytes(const struct gru_info *info, size_t n_rows)
{
    const struct interval_layout layout = layout_of_first(info, n_rows);
    return mixture_bytes(&layout);
}

void session_blend_first(const struct gru_model *gru, const float *state, size_t n_rows,
                         unsigned char *bytes, struct session_blend_first *ret_first)
{
    ret_first->layout = layout_of_first(gru_model_info(gru), n_rows);
    ret_first->mixture = (struct mixture){ .layout = &ret_first->layout, .bytes = bytes };
    mixture_begin(&ret_first->mixture);
    session_blend_know(gru, state, &ret_first->mixture);
}
