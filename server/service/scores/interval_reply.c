#include "service/scores/interval_reply.h"

#include <math.h>

/* In one piece, the widest first. */
static bool make_room(double level, size_t n_rows, size_t n_outputs, struct arena *arena,
                      struct interval_reply *ret_reply)
{
    const size_t n_row_bytes = sizeof(double) + sizeof(uint64_t) + 2 * n_outputs * sizeof(double);
    double *coverage = arena_array(arena, n_rows, n_row_bytes);
    if (!coverage) {
        return false;
    }
    uint64_t *observed = (uint64_t *)(void *)(coverage + n_rows);
    double *lower = (double *)(void *)(observed + n_rows);
    *ret_reply = (struct interval_reply){ .level = level,
                                          .lower = lower,
                                          .upper = lower + n_rows * n_outputs,
                                          .coverage = coverage,
                                          .observed = observed };
    return true;
}

bool interval_replies_room(const struct interval_levels *levels, size_t n_rows, size_t n_outputs,
                           struct arena *arena, struct interval_replies *ret_replies)
{
    struct interval_replies replies = { .n = levels->n,
                                        .n_rows = n_rows,
                                        .n_outputs = n_outputs,
                                        .of = arena_array(arena, levels->n, sizeof *replies.of) };
    bool has_room = replies.of != NULL;
    for (size_t i = 0; has_room && i < levels->n; i++) {
        has_room = make_room(levels->level[i], n_rows, n_outputs, arena, &replies.of[i]);
    }
    if (has_room) {
        *ret_replies = replies;
    }
    return has_room;
}

static void fill_nothing(const struct interval_replies *replies, struct interval_reply *reply)
{
    for (size_t i = 0; i < replies->n_rows * replies->n_outputs; i++) {
        reply->lower[i] = reply->upper[i] = (double)NAN;
    }
}

void interval_replies_fill(const struct interval_replies *replies,
                           const struct interval_tracker *tracker, const double *forecasts)
{
    for (size_t i = 0; i < replies->n; i++) {
        struct interval_reply *reply = &replies->of[i];
        const size_t at = tracker ? interval_levels_find(tracker->levels, reply->level) : 0;
        const bool is_known = tracker && at < tracker->levels->n;
        reply->is_saturated =
            is_known && interval_tracker_bounds(tracker, at, forecasts, replies->n_rows,
                                                reply->lower, reply->upper);
        if (!is_known) {
            fill_nothing(replies, reply);
        }
        for (size_t row = 0; row < replies->n_rows; row++) {
            struct interval_coverage coverage = { .n_scored = 0, .covered = NAN };
            if (is_known && row < tracker->layout->n_horizons) {
                coverage = interval_tracker_coverage(tracker, at, row + 1);
            }
            reply->coverage[row] = coverage.covered;
            reply->observed[row] = coverage.n_scored;
        }
    }
}
