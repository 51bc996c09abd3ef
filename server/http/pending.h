/*
 * pending.h - what handlers have handed in and a worker's turn works on: steps, as one batch of all
 * requests, and long predictions, a slice at a time; and what is to be tried again because another
 * thread has its session. That worker's thread only.
 */
#ifndef PENDING_H
#define PENDING_H

#include "http/exchange.h"
#include "http/metrics.h"

enum {
    BATCH_STEPS = 4096,      /* of one turn */
    STEPS_PER_REQUEST = 1024 /* of those, so that a long list does not keep the others waiting */
};

struct pending {
    struct exchange_list stepping, predicting, blocked; /* in the order of their arrival */
    unsigned n_stuck_turns; /* in which no step was done, though some waited */
    struct step *batch[BATCH_STEPS];
};

void pending_init(struct pending *pending);
/* The exchange waits for its worker's turn. */
void pending_add(struct exchange *exchange);
/* Its handler, or `finish`, is to be called again: another thread has its session. */
void pending_block(struct exchange *exchange);
/* Lets those go on that are due: libmicrohttpd calls for them again. */
void pending_retry(struct worker *worker);
/* At the end: lets all go on, as they are. */
void pending_cut(struct worker *worker);
/* It is done, or given up; does nothing to one that does not wait. */
void pending_remove(struct exchange *exchange);
/* It ends: none of its steps is waited for, though the engine of a cluster may still take them. */
void pending_forget_steps(struct exchange *exchange);
/* What it asks for is begun at this moment (worker->now_ns): counts how long that waited, once. */
void pending_end_wait(struct exchange *exchange, enum wait wait);
/* Its prediction is done or given up; counts how long that took. */
void pending_end_prediction(struct exchange *exchange);
/* Collects the batch of this turn, and returns how many steps it has: no more than the load allows,
 * and than a slice of a long prediction has work. ret_n_rows: how many rows they are. */
size_t pending_gather_steps(struct worker *worker, size_t *ret_n_rows);
/* The first step of the exchange that is not done has work that is done in slices; and that work is
 * done, or has failed: the exchange waits for its steps again. */
void pending_begin_slices(struct exchange *exchange);
void pending_end_slices(struct exchange *exchange, enum status status);

#endif
