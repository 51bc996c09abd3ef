/* drift_streams.h - errors of forecasts that nothing is wrong with, of several kinds, and what is
 * done to them from some reading on. Standardised as those of sessions are. */
#ifndef DRIFT_STREAMS_H
#define DRIFT_STREAMS_H

#include "base/choice.h"

#include <stddef.h>
#include <stdint.h>

#define ERROR_KINDS(F, X)                                                                          \
    F(ERRORS_GAUSSIAN, "Gaussian")                                                                 \
    X(ERRORS_LAPLACE, "Laplace")                                                                   \
    X(ERRORS_T4, "t, 4 degrees of freedom")                                                        \
    X(ERRORS_AR_5, "AR(1), 0.5")                                                                   \
    X(ERRORS_AR_8, "AR(1), 0.8")                                                                   \
    X(ERRORS_COLD, "first ten of a session 5 x")                                                   \
    X(ERRORS_DAILY, "a daily rhythm, 1 +- 0.5")                                                    \
    X(ERRORS_GARCH, "GARCH(1, 1), 0.1, 0.85")
/* From N_STATIONARY on their size is not the same at all times. */
enum error_kind { ERROR_KINDS(CHOICE_ID, CHOICE_ID) N_ERROR_KINDS, N_STATIONARY = ERRORS_DAILY };
#define ERROR_CHANGES(F, X)                                                                        \
    F(ERRORS_STAY, "none")                                                                         \
    X(ERRORS_DOUBLE, "x 2")                                                                        \
    X(ERRORS_SHIFT, "mean + 2 sigma")                                                              \
    X(ERRORS_GROW, "x 2 over 5000")
enum error_change { ERROR_CHANGES(CHOICE_ID, CHOICE_ID) N_ERROR_CHANGES };
const char *error_kind_word(enum error_kind kind);
const char *error_change_word(enum error_change change);

/* Sessions take turns; each has errors of a scale of its own. */
enum { DRIFT_SESSIONS_MAX = 100 };
struct drift_stream {
    enum error_kind kind;
    enum error_change change;
    uint64_t change_at; /* reading */
    size_t n_sessions;
    uint64_t seed, n;
    struct drift_session {
        double n, mean, last, variance, scale;
    } sessions[DRIFT_SESSIONS_MAX];
};
void drift_stream_init(struct drift_stream *stream, enum error_kind kind, size_t n_sessions,
                       uint64_t seed);
/* The next standardised error; NaN: its session is too young. */
double drift_stream_next(struct drift_stream *stream);
/* Readings of a change, beginning with the first one, until it is told; 0: not in n readings. */
uint64_t drift_stream_delay(struct drift_stream *stream, uint64_t before, enum error_change change,
                            uint64_t n);
/* Alarms in n readings; the watch begins anew after each. */
uint64_t drift_stream_alarms(struct drift_stream *stream, uint64_t n);

#endif
