/*
 * session_figures.h - what can be said of how good a session's forecasts were, from the means that
 * its record has (struct session_errors), and from what its intervals know. All of it is of the
 * forecasts as they were made then. Any thread; memory comes from the arena given.
 */
#ifndef SESSION_FIGURES_H
#define SESSION_FIGURES_H

#include "base/arena.h"
#include "base/status.h"
#include "service/scores/interval_tracker.h"

struct service_context;
struct session;

/* What cannot be said is NaN. */
struct session_figures {
    /* [O], one step ahead. As of error_totals_figures (scores/error_totals.h). */
    const struct error_figures *of_outputs[ERROR_N_SPANS];
    /* Of a session that has asked for a level, of 1 to n_ahead steps ahead; else n_ahead is 0. */
    size_t n_ahead;
    struct interval_levels levels;
    const float *recent_mae;                  /* [n_ahead][O] */
    const struct interval_coverage *coverage; /* [L][n_ahead] of all outputs */
    const float *widths;                      /* [L][n_ahead][O] of the intervals told now */
    /* [L][O], of the intervals one step ahead */
    const struct error_figures *of_intervals[ERROR_N_SPANS];
};

/* Gives them to a session as session_read made it. */
enum status session_figures_read(struct session *session, struct arena *arena, struct fault *fault);

#endif
