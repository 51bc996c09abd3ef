#include "service/scores/version_errors.h"

bool version_errors_are_known(const struct gru_model *gru, size_t n_horizons)
{
    const struct gru_residuals *residuals = gru_model_residuals(gru);
    return residuals && residuals->n_horizons >= n_horizons;
}

void version_errors_begin(const struct gru_model *gru, const struct interval_tracker *tracker)
{
    const struct gru_info *info = gru_model_info(gru);
    const struct gru_residuals *residuals = gru_model_residuals(gru);
    for (size_t o = 0; residuals && o < info->n_outputs; o++) {
        if (info->outputs[o].feeds >= 0) {
            interval_tracker_begin_output(tracker, o, residuals->of + o * residuals->n_horizons,
                                          residuals->n_horizons);
        }
    }
}

static bool is_telling(const struct gru_residual *residual)
{
    return residual->n >= INTERVAL_WARM_UP && residual->mean > 0;
}

void version_errors_rescale(const struct gru_residuals *former, const struct gru_residuals *present,
                            const struct tail *tail)
{
    const struct interval_layout *layout = tail->tracker.layout;
    if (!former || !present) {
        return;
    }
    for (size_t o = 0; o < layout->n_outputs; o++) {
        double ratio = 1;
        for (size_t ahead = 1; ahead <= layout->n_horizons; ahead++) {
            if (ahead <= former->n_horizons && ahead <= present->n_horizons) {
                const struct gru_residual *was = &former->of[o * former->n_horizons + ahead - 1];
                const struct gru_residual *is = &present->of[o * present->n_horizons + ahead - 1];
                ratio = is_telling(was) && is_telling(is) ? is->mean / was->mean : 1;
            }
            tail_rescale(tail, o, ahead, ratio);
        }
    }
}
