/*
 * session_intervals.h - the prediction intervals of a session: a tracker in the tail of its record,
 * which each step scores and feeds in the step's own copy. So a kill or a power failure keeps it
 * bit for bit with the state. A session has one from the first step on that asks for a `level`
 * or a `crossing`; it is raised to a class of records with room for as many steps ahead, and for
 * its levels.
 *
 * It begins from the validation of the version; else like another session of the model that has
 * seen enough; else with nothing.
 *
 * Called by the holder of the claim. Takes no lock, and waits for nothing.
 */
#ifndef SESSION_INTERVALS_H
#define SESSION_INTERVALS_H

#include "gru.h"
#include "service/pool/pool.h"
#include "service/scores/interval_reply.h"
#include "service/scores/tail.h"
#include "service/sessions/forecast_options.h"

struct model;
struct service_context;
struct version;

/* The sessions of a model that a thread works on. */
struct interval_sessions {
    struct pool *pool;
    const struct interval_levels *offered;
    const struct version *version; /* the active one */
    uint16_t owner;                /* of the claims */
    int64_t now_ms;
};
struct interval_sessions interval_sessions_of(const struct service_context *context,
                                              const struct model *model);

/* A tail, and what it is of. */
struct session_intervals {
    struct interval_layout layout;
    struct interval_levels levels;
    struct tail tail;
};
/* That of a copy of such a record; false: it has none. The view must stay where it is. */
__attribute__((warn_unused_result)) bool
session_intervals_of_copy(const struct interval_sessions *of, unsigned record_class,
                          struct record_copy *copy, struct session_intervals *ret_intervals);
/* Gives a copy of such a record one for those levels, to begin. */
void session_intervals_make(const struct interval_sessions *of, unsigned record_class,
                            const struct interval_levels *levels, struct record_copy *copy,
                            struct session_intervals *ret_intervals);

/* The class that a session needs for what a step asks for, and has already: `slot`'s, INDEX_NONE:
 * it is new. */
unsigned session_intervals_class(const struct interval_sessions *of, uint32_t slot,
                                 const struct forecast_options *options);
/* The first class with room for that, as far ahead as any reaches; 0: there are none. */
unsigned session_intervals_class_for(const struct interval_sessions *of,
                                     const struct interval_levels *levels, size_t n_ahead,
                                     uint32_t parts);
/* Makes room in the session's record, if it has not enough: `scratch` has room for any copy. As
 * pool_raise. */
enum claim session_intervals_raise(const struct interval_sessions *of, uint32_t *slot,
                                   const struct forecast_options *options,
                                   struct record_copy *scratch, struct fault *fault);

/* Whether the slot's copies have a tail. */
static inline bool session_intervals_are_kept(const struct pool *pool, uint32_t slot)
{
    return pool_extent(pool, slot)->record_class > 0;
}
/* What a reading ([I]) says of the outputs ([O], NaN: nothing). */
void session_intervals_truths(const struct gru_info *info, const double *x, double *ret_truths);
/* What the tail of a step's copy has, which begins if the step is the first to ask. False: nothing,
 * for it has not begun. */
__attribute__((warn_unused_result)) bool
session_intervals_begin(const struct interval_sessions *of, uint32_t slot, struct record_copy *copy,
                        const struct forecast_options *options,
                        struct session_intervals *ret_intervals);
/* What a step makes of that: the reading is scored, and the forecast[n_rows][O] that was made from
 * there waits. `step` is its number. */
void session_intervals_step(const struct interval_sessions *of, uint32_t slot, uint64_t step,
                            const struct session_intervals *intervals, const double *truths,
                            const double *forecast, size_t n_rows);
/* How unusual the reading was that was taken in last; NaN: not known. ret_by_output: [O], NULL: not
 * asked for. */
double session_intervals_anomaly(const struct session_intervals *intervals, double *ret_by_output);
/* The copy's state is the active version's from here on; before it was that of `before` (NULL: a
 * version that is gone). */
void session_intervals_follow(const struct interval_sessions *of, uint32_t slot,
                              struct record_copy *copy, const struct version *before);
/* The hidden state begins anew with the next reading. */
void session_intervals_restart(const struct interval_sessions *of, uint32_t slot,
                               struct record_copy *copy);

#endif
