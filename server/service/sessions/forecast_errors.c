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

void forecast_errors_note(const struct gru_model *gru, const float *state, const float *x,
                          struct record_error *errors, struct error_tally *tallies)
{
    const struct gru_info *info = gru_model_info(gru);
    const float *last = state + gru_state_last_offset(gru), *y = state + gru_state_y_offset(gru);
    for (size_t o = 0; o < info->n_outputs; o++) {
        const int fed = info->outputs[o].feeds;
        const float seen = fed >= 0 ? x[fed] : NAN;
        if (isnan(seen) || isnan(y[o])) {
            continue;
        }
        const double miss = (double)seen - (double)y[o];
        if (errors[o].n < UINT32_MAX) {
            note(&errors[o], miss);
        }
        if (tallies && o < ERROR_TOTALS_OUTPUTS && !isnan(last[fed])) {
            error_tally_note(&tallies[o], (double)seen, (double)y[o], (double)last[fed]);
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
