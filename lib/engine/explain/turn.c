/* See turn.h. */
#include "engine/explain/turn.h"

#include <math.h>
#include <string.h>

void gru_turn_begin(const struct gru_model *model, const float *state, struct turn_lane *lane)
{
    const struct gru_info *info = &model->info;
    for (size_t k = 0; k < model->n_transformed; k++) {
        const struct gru_variable *input = &info->inputs[model->transformed[k].input];
        lane->walks[k] =
            (struct transform_walk){ .transform = &input->transform,
                                     .state = state + gru_state_transforms_offset(model) +
                                              model->transformed[k].at,
                                     .forecasts = lane->raw + input->feeds,
                                     .stride = info->n_outputs };
    }
}

void gru_turn_on(const struct gru_model *model, struct turn_lane *lane, size_t first, size_t n)
{
    const size_t n_outputs = model->info.n_outputs;
    for (size_t at = first * n_outputs; at < (first + n) * n_outputs; at++) {
        lane->raw[at] = lane->u[at];
        lane->unit[at] = 1;
    }
    for (size_t k = 0; k < model->n_transformed; k++) {
        const size_t output = (size_t)model->info.inputs[model->transformed[k].input].feeds;
        for (size_t j = first; j < first + n; j++) {
            const size_t at = j * n_outputs + output;
            const struct transform_map map = gru_transform_walk_map(&lane->walks[k]);
            lane->unit[at] = gru_transform_is_known(map) ? map.unit : 0;
            lane->raw[at] = gru_transform_invert(map, lane->u[at]);
            gru_transform_walk_on(&lane->walks[k]);
        }
    }
}

/* ---- slopes: what is in a row's place is the slope by its x̂, until it is its turn ---- */

/* By x̂_j: by û_j, and by the x̂ that it was added to. */
static void difference_slopes(const struct turn_lane *lane, size_t lag, size_t row, size_t stride,
                              size_t output)
{
    for (size_t j = row + 1; j-- > 0;) {
        const size_t at = j * stride + output;
        const bool is_known = lane->unit[at] > 0;
        const size_t back = is_known ? lag : 1;
        if (j >= back) {
            lane->slopes[at - back * stride] += lane->slopes[at];
        }
        lane->slopes[at] = is_known ? lane->slopes[at] : 0;
    }
}

/* n: readings before the forecasts. */
static void level_slopes(const struct gru_transform *transform, const struct turn_lane *lane,
                         double n, size_t row, size_t stride, size_t output)
{
    double by_level = 0, by_scale = 0; /* after row j */
    for (size_t j = row + 1; j-- > 0;) {
        const size_t at = j * stride + output;
        const double before = n + (double)j; /* readings */
        const double rate = fmax(transform->rate, 1 / (before + 1));
        const double scale_rate =
            transform->scale && before > 0 ? fmax(transform->rate, 1 / before) : 0;
        const double off = lane->unit[at] * lane->u[at];
        const double sign = off > 0 ? 1 : off < 0 ? -1 : 0;
        const double by_off = lane->slopes[at] + rate * by_level + scale_rate * sign * by_scale;
        by_level += lane->slopes[at];
        by_scale = (1 - scale_rate) * by_scale +
                   (transform->scale && lane->unit[at] > 0 ? by_off * lane->u[at] : 0);
        lane->slopes[at] = by_off * lane->unit[at];
    }
}

void gru_turn_slopes(const struct gru_model *model, const float *state, struct turn_lane *lane,
                     size_t n_rows, size_t row, size_t output)
{
    const struct gru_info *info = &model->info;
    const int fed = info->outputs[output].feeds;
    const struct gru_transform none = { .kind = GRU_TRANSFORM_NONE };
    const struct gru_transform *transform = fed >= 0 ? &info->inputs[fed].transform : &none;
    memset(lane->slopes, 0, n_rows * info->n_outputs * sizeof *lane->slopes);
    lane->slopes[row * info->n_outputs + output] = 1;
    switch (transform->kind) {
    case GRU_DIFFERENCE:
    case GRU_SEASONAL_DIFFERENCE:
        difference_slopes(lane, gru_transform_lag(transform), row, info->n_outputs, output);
        break;
    case GRU_LEVEL:
        level_slopes(transform, lane, gru_state_transform(model, state, (size_t)fed, 0), row,
                     info->n_outputs, output);
        break;
    default:
        break;
    }
}
