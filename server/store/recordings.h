/*
 * recordings.h - the last readings of each session, kept for training: recordings.db in the data
 * directory, or in memory without one. SQLite, one connection, used by one thread.
 *
 * A session's readings are kept in the order in which they came, each with its step number. Where
 * the numbers do not follow one another (readings were lost, or the session began anew) one
 * sequence ends and another begins. Of each session the last `rows_max` readings are kept.
 */
#ifndef RECORDINGS_H
#define RECORDINGS_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recordings;

__attribute__((warn_unused_result)) enum status recordings_open(const char *data, size_t rows_max,
                                                                struct recordings **ret_recordings,
                                                                struct fault *fault);
void recordings_close(struct recordings *recordings); /* takes NULL */

/* A reading that a session took in, and what had been forecast for it then. Without x: the news
 * that the session goes on behind that step, with a sequence of its own, or (step 0) that it was
 * deleted, with all it recorded. */
struct recorded {
    const char *model, *session;
    uint64_t step;
    double at;       /* the reading's own time; NaN: it has none */
    const double *x; /* [n_inputs] NaN: missing */
    size_t n_inputs;
    const double *y; /* [n_outputs]; NULL: nothing had been forecast, or it is not known */
    size_t n_outputs;
};
/* Adds n readings in order, in one transaction, and drops what is beyond rows_max. A reading whose
 * step is not after the session's last recorded one begins a new sequence. */
__attribute__((warn_unused_result)) enum status recordings_add(struct recordings *recordings,
                                                               const struct recorded *readings,
                                                               size_t n, struct fault *fault);
/* The step of the session's last recorded reading; 0: none. */
__attribute__((warn_unused_result)) enum status
recordings_last_step(struct recordings *recordings, const char *model, const char *session,
                     uint64_t *ret_step, struct fault *fault);

/* One unbroken sequence of a session. */
struct recording {
    const char *session; /* all sequences of a session have the same pointer */
    const double *x;     /* [n_rows][n_inputs] */
    size_t n_rows;
};
/* All sequences of a session, or of those whose ids begin with `session` (is_prefix), by session id
 * and then in time; memory from the arena. Readings of another width than n_inputs are left out.
 * STATUS_REQUEST_TOO_LARGE if they are more than bytes_max. */
__attribute__((warn_unused_result)) enum status
recordings_read(struct recordings *recordings, const char *model, const char *session,
                bool is_prefix, size_t n_inputs, size_t bytes_max, struct arena *arena,
                struct recording **ret_recordings, size_t *ret_n, struct fault *fault);

/* A reading as it was recorded. */
struct recorded_reading {
    uint64_t step;
    double at;       /* NaN: it has none */
    const double *x; /* [n_inputs] */
    const double *y; /* [n_outputs]; NULL: not known, as of what earlier releases recorded */
};
/* Which of a session's readings: the last `limit` whose steps are from `first` up to `before`, that
 * one not included. */
struct recordings_page {
    const char *model, *session;
    uint64_t first, before;
    size_t limit;
    size_t n_inputs, n_outputs; /* readings of another width are left out */
};
/* They come in the order of their steps; memory from the arena. Where a session was set back and
 * made steps again, those that it made later count. */
__attribute__((warn_unused_result)) enum status
recordings_read_page(struct recordings *recordings, const struct recordings_page *page,
                     struct arena *arena, struct recorded_reading **ret_readings, size_t *ret_n,
                     struct fault *fault);

#endif
