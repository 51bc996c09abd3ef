#include "service/sessions/session_figures.h"

#include "service/scores/error_totals.h"
#include "service/service_private.h"
#include "service/sessions/session_intervals.h"
#include "service/sessions/sessions.h"

#include <math.h>
#include <string.h>

/* Of a session of before there were means of changes: in those of the readings that it keeps. */
static double mase_of_kept(const struct session *session, size_t output, double mae)
{
    const struct gru_info *info = gru_model_info(session->gru);
    const bool has_season = info->season > 0 && info->season < session->n_readings;
    const int fed = info->outputs[output].feeds;
    const double scale = fed < 0 ? NAN
                                 : error_scale(session->readings + fed, session->n_readings,
                                               info->n_inputs, has_season ? info->season : 1);
    return scale > 0.0 ? mae / scale : NAN;
}

static bool read_outputs(const struct session *session, struct arena *arena,
                         struct session_figures *figures)
{
    const size_t n_outputs = gru_model_info(session->gru)->n_outputs;
    bool has_room = true;
    for (enum error_span span = 0; has_room && span < ERROR_N_SPANS; span++) {
        struct error_figures *of_outputs = arena_array(arena, n_outputs, sizeof *of_outputs);
        has_room = of_outputs != NULL;
        for (size_t o = 0; has_room && o < n_outputs; o++) {
            const struct error_sums sums =
                session_errors_sums(&session->errors, n_outputs, o, span);
            of_outputs[o] = error_totals_figures(&sums, NAN);
            if (isnan(sums.persistence.absolute.sum)) {
                of_outputs[o].values[ERROR_MASE] =
                    mase_of_kept(session, o, of_outputs[o].values[ERROR_MAE]);
            }
        }
        figures->of_outputs[span] = of_outputs;
    }
    return has_room;
}

static bool read_told(const struct interval_tracker *tracker, size_t n_outputs, struct arena *arena,
                      struct session_figures *figures)
{
    const size_t n = tracker->levels->n * n_outputs;
    bool has_room = true;
    for (enum error_span span = 0; has_room && span < ERROR_N_SPANS; span++) {
        struct error_figures *of_intervals = arena_array(arena, n, sizeof *of_intervals);
        has_room = of_intervals != NULL;
        for (size_t i = 0; has_room && i < n; i++) {
            const size_t level = i / n_outputs;
            const struct error_sums sums =
                interval_tracker_sums(tracker, level, i % n_outputs, span);
            of_intervals[i] = error_figures_of(&sums, NAN, tracker->levels->level[level]);
        }
        figures->of_intervals[span] = of_intervals;
    }
    return has_room;
}

/* Of all levels; about forecasts of 0, whose upper bounds are half a width. */
static bool read_widths(const struct interval_tracker *tracker, size_t n_outputs,
                        struct arena *arena, struct session_figures *figures)
{
    const size_t n = figures->n_ahead * n_outputs;
    float *widths = arena_array(arena, figures->levels.n * n, sizeof *widths);
    double *lower = arena_array(arena, n, sizeof *lower);
    double *upper = arena_array(arena, n, sizeof *upper);
    double *still = arena_array(arena, n, sizeof *still);
    if (!widths || !lower || !upper || !still) {
        return false;
    }
    memset(still, 0, n * sizeof *still);
    for (size_t level = 0; level < figures->levels.n; level++) {
        float *of_level = widths + level * n;
        (void)interval_tracker_bounds(tracker, level, still, figures->n_ahead, lower, upper);
        for (size_t i = 0; i < n; i++) {
            of_level[i] = (float)(upper[i] - lower[i]);
        }
    }
    figures->widths = widths;
    return true;
}

static bool read_intervals(const struct interval_tracker *tracker, size_t n_outputs,
                           struct arena *arena, struct session_figures *figures)
{
    const size_t n_ahead = tracker->layout->n_horizons, n_levels = tracker->levels->n;
    float *recent_mae = arena_array(arena, n_ahead * n_outputs, sizeof *recent_mae);
    struct interval_coverage *coverage = arena_array(arena, n_levels * n_ahead, sizeof *coverage);
    figures->n_ahead = n_ahead;
    figures->levels = *tracker->levels;
    if (!recent_mae || !coverage || !read_widths(tracker, n_outputs, arena, figures) ||
        !read_told(tracker, n_outputs, arena, figures)) {
        return false;
    }
    for (size_t i = 0; i < n_ahead * n_outputs; i++) {
        recent_mae[i] = interval_tracker_mean(tracker, i % n_outputs, i / n_outputs + 1);
    }
    for (size_t i = 0; i < n_levels * n_ahead; i++) {
        coverage[i] = interval_tracker_coverage(tracker, i / n_ahead, i % n_ahead + 1);
    }
    figures->recent_mae = recent_mae;
    figures->coverage = coverage;
    return true;
}

enum status session_figures_read(struct session *session, struct arena *arena, struct fault *fault)
{
    struct session_figures *figures = arena_array(arena, 1, sizeof *figures);
    bool has_room = figures != NULL;
    if (has_room) {
        *figures = (struct session_figures){ .n_ahead = 0 };
        has_room = read_outputs(session, arena, figures);
    }
    const struct session_calibration *calibration = &session->calibration;
    struct session_intervals intervals;
    if (has_room && calibration->levels.n > 0) {
        session_calibration_view(gru_model_info(session->gru), calibration, &intervals);
        has_room = read_intervals(&intervals.tail.tracker, gru_model_info(session->gru)->n_outputs,
                                  arena, figures);
    }
    session->figures = figures;
    return has_room ? STATUS_OK
                    : fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the reply");
}
