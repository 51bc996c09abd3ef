/*
 * session_base.h - the base of a session (record.h, --amend) follows its readings: when there are K
 * behind it and one more comes, it takes in the oldest of them, with the kernels that took it in
 * before. So what is replayed from the base is bit for bit what was.
 *
 * Called by the holder of the claim, while the next copy is made. Without --amend there is nothing
 * to do, and session_base_is_full says so.
 */
#ifndef SESSION_BASE_H
#define SESSION_BASE_H

#include "gru.h"
#include "service/pool/record.h"

/* Whether the next reading pushes one out. */
static inline bool session_base_is_full(const struct record_layout *layout,
                                        struct record_copy *copy)
{
    return record_has_base(layout) && record_base_of(layout, copy)->n_since >= layout->n_history;
}

/* The base of a session whose state begins anew: `next` is the copy as it was, the state `fresh`.
 */
void session_base_restart(const struct record_layout *layout, struct record_copy *next,
                          const float *fresh);
/* A lane from the base of the newest copy through its oldest reading, into the state of the base of
 * `next`. x: [I], and y: [S * O]: scratch. */
void session_base_make_lane(const struct record_layout *layout, char *record,
                            struct record_copy *next, double *x, double *y, struct gru_lane *lane);
/* The oldest reading leaves those behind the base of `next`, whose state has taken it in already
 * (state NULL), or is `state`. To be called while the newest copy is the one before. */
void session_base_let_go(const struct gru_model *gru, const struct record_layout *layout,
                         char *record, struct record_copy *next, const float *state);
/* In place of that, where a reading that once ran runs no more: the newest copy is the base. */
void session_base_lose(const struct record_layout *layout, char *record, struct record_copy *next);

#endif
