#include "service/scores/interval_reply.h"

static bool make(const struct interval_tracker *tracker, double level, const float *forecasts,
                 size_t n_rows, struct arena *arena, struct interval_reply *ret_reply)
{
    const size_t at = interval_levels_find(tracker->levels, level);
    const size_t n = n_rows * tracker->layout->n_outputs;
    struct interval_reply reply = {
        .level = level,
        .lower = arena_array(arena, n, sizeof(float)),
        .upper = arena_array(arena, n, sizeof(float)),
        .coverage = arena_array(arena, n_rows, sizeof(double)),
        .observed = arena_array(arena, n_rows, sizeof(uint64_t)),
    };
    if (!reply.lower || !reply.upper || !reply.coverage || !reply.observed) {
        return false;
    }
    reply.is_saturated =
        interval_tracker_bounds(tracker, at, forecasts, n_rows, reply.lower, reply.upper);
    for (size_t row = 0; row < n_rows; row++) {
        const struct interval_coverage coverage = interval_tracker_coverage(tracker, at, row + 1);
        reply.coverage[row] = coverage.covered;
        reply.observed[row] = coverage.n_scored;
    }
    *ret_reply = reply;
    return true;
}

bool interval_replies_make(const struct interval_tracker *tracker,
                           const struct interval_levels *levels, const float *forecasts,
                           size_t n_rows, struct arena *arena, struct interval_replies *ret_replies)
{
    struct interval_replies replies = { .n = levels->n,
                                        .n_rows = n_rows,
                                        .n_outputs = tracker->layout->n_outputs,
                                        .of = arena_array(arena, levels->n, sizeof *replies.of) };
    bool is_made = replies.of != NULL;
    for (size_t i = 0; is_made && i < levels->n; i++) {
        is_made = make(tracker, levels->level[i], forecasts, n_rows, arena, &replies.of[i]);
    }
    if (is_made) {
        *ret_replies = replies;
    }
    return is_made;
}
