/*
 * outbox.h - how notes get from many workers to the job thread (recorder.h says what they are, and
 * why they come in order): an outbox for each worker, and all of them as one queue in the order of
 * tickets.
 *
 * An outbox belongs to one worker's thread, the queue to the job thread's; opening and closing may
 * be done by any. A worker never waits: no lock, and no more than two atomic operations for a note.
 * The job thread waits for the end of a note that a worker is writing.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "store/recordings.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* In a chunk: the note, x [n_inputs], y [n_outputs], the session's id and the model's name, each
 * with its NUL. */
struct note {
    uint64_t ticket;
    uint64_t number;
    double at;
    uint32_t n_bytes;  /* of it all, rounded up */
    uint32_t n_inputs; /* 0: it is no reading (recordings.h) */
    uint32_t n_outputs;
    double x[];
};

struct chunk {
    /* In an outbox: the one below, which is older. In the queue: the next newer one. */
    struct chunk *next;
    size_t size, n; /* bytes */
    struct note notes[];
};

struct outbox {
    struct outboxes *all;
    uint64_t ticket;
    _Atomic(struct chunk *) newest; /* NULL: empty */
    _Atomic bool is_closed;
    /* The job thread's: what was taken and not yet let go. */
    struct outbox *next;
    struct chunk *first, *last;
    size_t at_first;     /* where the notes of `first` begin that were not let go */
    struct chunk *ahead; /* and those that were not gathered; NULL: none */
    size_t at_ahead;
};

struct outboxes {
    _Atomic uint64_t next_ticket;
    _Atomic size_t n_bytes; /* of all chunks */
    pthread_mutex_t mutex;  /* guards `newest` */
    struct outbox *newest;  /* only the job thread removes any */
    struct outbox *taken;   /* the job thread's: the newest when it last took what was in them */
    uint64_t until;         /* the job thread's: notes from that ticket on are not in order yet */
};

void outboxes_init(struct outboxes *outboxes);
void outboxes_done(struct outboxes *outboxes); /* frees the outboxes too */

/* ---- workers ---- */

struct outbox *outbox_open(struct outboxes *outboxes); /* NULL: no memory */
void outbox_close(struct outbox *outbox); /* the job thread frees it when it is empty */
void outbox_take_ticket(struct outbox *outbox);
/* False: the outboxes would take more than n_bytes_max, or there is no memory. */
__attribute__((warn_unused_result)) bool
outbox_put(struct outbox *outbox, const struct recorded *what, size_t n_bytes_max);

/* ---- the job thread ---- */

/* Takes what is in the outboxes. The notes to be gathered are then those since the last that were
 * let go. */
void outboxes_take(struct outboxes *outboxes);
/* The next n_max notes or fewer, in the order of their tickets. */
size_t outboxes_gather(struct outboxes *outboxes, const struct note **notes, size_t n_max);
/* Frees all that were gathered. */
void outboxes_release(struct outboxes *outboxes);

/* NULL: it has none. */
static inline const double *note_forecast(const struct note *note)
{
    return note->n_outputs > 0 ? note->x + note->n_inputs : NULL;
}

static inline const char *note_session(const struct note *note)
{
    return (const char *)(note->x + note->n_inputs + note->n_outputs);
}

static inline const char *note_model(const struct note *note)
{
    return note_session(note) + strlen(note_session(note)) + 1;
}

#endif
