#include "service/sessions/forecast_errors.h"

#include "service/pool/record.h"
#include "service/scores/error_totals.h"
#include "service/scores/interval_tracker.h"

#include <float.h>
#include <math.h>

/* m += (x - m) / n (B. P. Welford, Technometrics 4(3), 1962). In doubles and bounded: a square may
 * be beyond any float, and the mean must come back from it. */
static void note(struct record_error *error, double miss)
{
    error->n++;
    double mae = error->mae + (fabs(miss) - error->mae) / error->n;
    double mse = error->mse + (miss * miss - error->mse) / error->n;
    error->mae = (float)fmin(mae, FLT_MAX);
    error->mse = (float)fmin(mse, FLT_MAX);
}

/* What came for an output's forecast; NaN: nothing that it can be compared with. */
static float seen_of(const struct gru_info *info, const float *x, const float *y, size_t o)
{
    const int fed = info->outputs[o].feeds;
    return fed >= 0 && !isnan(y[o]) ? x[fed] : NAN;
}

void forecast_errors_note(const struct gru_model *gru, const float *state, const float *x,
                          struct record_error *errors)
{
    const struct gru_info *info = gru_model_info(gru);
    const float *y = state + gru_state_y_offset(gru);
    for (size_t o = 0; o < info->n_outputs; o++) {
        const float seen = seen_of(info, x, y, o);
        if (!isnan(seen) && errors[o].n < UINT32_MAX) {
            note(&errors[o], (double)seen - (double)y[o]);
        }
    }
}

void forecast_errors_tally(const struct gru_model *gru, const float *state, const float *x,
                           const float *season_ago, struct error_tally *tallies)
{
    const struct gru_info *info = gru_model_info(gru);
    const float *last = state + gru_state_last_offset(gru), *y = state + gru_state_y_offset(gru);
    for (size_t o = 0; o < info->n_outputs && o < ERROR_TOTALS_OUTPUTS; o++) {
        const float seen = seen_of(info, x, y, o);
        const int fed = info->outputs[o].feeds;
        if (!isnan(seen) && !isnan(last[fed])) {
            error_tally_note(&tallies[o], (double)seen, (double)y[o], (double)last[fed],
                             season_ago ? (double)season_ago[fed] : NAN);
        }
    }
}

void forecast_errors_note_intervals(const struct interval_tracker *tracker, size_t n_outputs,
                                    const struct interval_levels *offered, uint64_t step,
                                    const float *truths, struct interval_tally *tallies)
{
    for (size_t o = 0; o < n_outputs && o < ERROR_TOTALS_OUTPUTS; o++) {
        for (size_t k = 0; k < tracker->levels->n && !isnan(truths[o]); k++) {
            const double level = tracker->levels->level[k];
            const size_t which = interval_levels_find(offered, level);
            float lower, upper;
            if (interval_tracker_issued(tracker, k, step, o, &lower, &upper)) {
                interval_tally_note(&tallies[o * INTERVAL_LEVELS_MAX + which], level,
                                    (double)truths[o], (double)lower, (double)upper);
            }
        }
    }
}
