/*
 * cluster_greeting.h - what a new connection begins with, in as few trips as there can be: who grud
 * is, whether the engine is fit, its library, and its epoch, which are made where there is none;
 * and whether the engine has all that the link knows it had. Sends through its link, and is of the
 * link's thread.
 */
#ifndef CLUSTER_GREETING_H
#define CLUSTER_GREETING_H

#include "cluster/cluster_reply.h"
#include "cluster/cluster_socket.h"
#include "cluster/cluster_target.h"

#include <stdbool.h>
#include <stddef.h>

enum { CLUSTER_EPOCH_MAX = 64, CLUSTER_RUN_MAX = 95 };

/* Of the engine that a link was ready with last; "": none. */
struct cluster_known {
    char epoch[CLUSTER_EPOCH_MAX + 1];
    char run[CLUSTER_RUN_MAX + 1]; /* from its start, or from when it became the primary */
    int64_t n_writes;              /* the highest number of one that the link was told */
};

/* Queues a command of a link. False: no memory. */
typedef bool cluster_queue(void *link, const struct cluster_text *arguments, size_t n,
                           cluster_done *done, void *arg);

struct cluster_greeting {
    const struct cluster_target *target;
    cluster_queue *queue;
    void *link;
    size_t n_out;    /* replies that it waits for */
    size_t n_rounds; /* looks that it has taken */
    bool has_library;
    bool is_noted;  /* what is to be, by CLUSTER_MEET */
    bool may_evict; /* the engine drops keys when its memory is full */
    const struct cluster_known *known;
    struct cluster_known found;
    bool admits_loss; /* it is over, too, if a loss is being healed */
    int64_t n_left;   /* then: of the writes; else -1 */
    /* OVER: the engine is fit */
    enum cluster_progress progress;
    struct cluster_failure failure;
};

/* Queues the first trip; the rest follows from the replies. */
void cluster_greeting_begin(struct cluster_greeting *greeting, const struct cluster_target *target,
                            const struct cluster_known *known, bool admits_loss,
                            cluster_queue *queue, void *link);

#endif
