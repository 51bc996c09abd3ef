/*
 * hold.h - replies that are held until what they acknowledge is on disk (--sync-interval-ms 0). The
 * work is done and the reply is made by the worker; a disk's thread syncs (service/sessions/
 * commit.h), and then the replies go out, or become 503. One sync is on its way for a worker at a
 * time; what is held meanwhile shares the next. That worker's thread only.
 *
 * The connection of a held reply is suspended, as that of an exchange that is offloaded.
 */
#ifndef HOLD_H
#define HOLD_H

#include "http/exchange.h"

/* A worker's. */
struct holds {
    struct exchange_list list; /* in the order in which they came */
    struct disk_inbox inbox;
    struct disk_task task; /* the sync that is on its way */
    bool is_out;           /* it is */
    uint64_t n_begun;      /* syncs; an exchange has the number of the one that it waits for */
};

void holds_init(struct holds *holds, int wake_fd);
/* What the worker's context has written since the last call is this exchange's. */
void hold_note(struct exchange *exchange);
/* Its reply is made, and it owes a sync. */
void hold_reply(struct exchange *exchange);
/* It is given up; does nothing to one that is not held. */
void hold_remove(struct exchange *exchange);
/* At the end of a turn: begins a sync, if there is a reply that no earlier one is for. */
void holds_begin(struct worker *worker);
/* Lets the replies go whose sync is done. */
void holds_take_back(struct worker *worker);

#endif
