/*
 * cluster_link.h - one connection to the engine, Redis or Valkey, of one thread. Commands go out
 * together, and their replies come back in order.
 *
 * A link connects by itself, again and again until it is freed, and nothing of it waits:
 * cluster_link_poll says for what its thread's loop has to, and cluster_link_go_on does what can be
 * done. Before it is ready it has seen that the engine is fit: new enough, no replica, with the
 * library of functions (library/), which it loads where it is absent, and with an epoch. An engine
 * that has less than the link knows is refused (library/6_meeting.lua), and all nodes are told by a
 * mark in it.
 *
 * An engine that does not answer within --cluster-timeout-ms (and a second more for each MiB that
 * is moved meanwhile) is given up: all that is out ends, and the link connects anew. It asks an
 * engine that it has nothing to ask for a sign of life each second.
 *
 * Callbacks may send further commands; they must not free the link, nor call cluster_link_go_on or
 * cluster_link_call.
 */
#ifndef CLUSTER_LINK_H
#define CLUSTER_LINK_H

#include "base/status.h"
#include "cluster/cluster_reply.h"
#include "cluster/cluster_target.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLUSTER_OUT_MAX = 256 << 20 }; /* bytes of commands that wait to be written */

struct cluster_counts;
struct cluster_link;

/* Begins to connect. The target stays its caller's, and is there as long as the link. */
__attribute__((warn_unused_result)) enum status cluster_link_create(struct cluster_target *target,
                                                                    struct cluster_link **ret_link,
                                                                    struct fault *fault);
/* All that is out ends. Takes NULL. */
void cluster_link_free(struct cluster_link *link);

/* Connected, and the engine is fit. */
bool cluster_link_is_ready(const struct cluster_link *link);
/* Why it is not; STATUS_OK: it is. A fault that may not pass (fault_may_pass) stays until somebody
 * changes the engine or the options. */
enum status cluster_link_fault(const struct cluster_link *link, struct fault *fault);
/* Of the engine that it is, or was last, ready with; n = 0: it never was. Valid until the next
 * cluster_link_go_on. */
struct cluster_text cluster_link_epoch(const struct cluster_link *link);
/* What was answered on this connection, and is not to be lost: there were that many writes. */
void cluster_link_note_writes(struct cluster_link *link, int64_t n);
/* From now on this link is ready for CLUSTER_HEAL, and for nothing else, while a loss is healed. */
void cluster_link_admit_loss(struct cluster_link *link);
/* How many writes are left of an engine that is being healed; -1: it is not. */
int64_t cluster_link_n_left(const struct cluster_link *link);
/* It was healed, and is as any other. */
void cluster_link_end_healing(struct cluster_link *link);
/* The last loss of the engine: a number of its own; 0: it has lost nothing. */
unsigned cluster_link_losses(const struct cluster_link *link);
/* The engine came back without what this link knows of, or is another one. */
bool cluster_link_sees_loss(const struct cluster_link *link);

/* What it counts, and its thread may. As long as the link is its thread's. */
struct cluster_counts *cluster_link_counts(const struct cluster_link *link);

/* Queues a command, whose bytes are copied; the next cluster_link_go_on writes it. False: the link
 * is not ready, or there is no memory; `done` is not called then. */
__attribute__((warn_unused_result)) bool cluster_link_send(struct cluster_link *link,
                                                           const struct cluster_text *arguments,
                                                           size_t n, cluster_done *done, void *arg);
/* How many commands have no reply yet. */
size_t cluster_link_n_out(const struct cluster_link *link);

/* What to wait for: an fd, which changes with each connection and is -1 while there is none, and
 * the time until something is due. */
void cluster_link_poll(const struct cluster_link *link, struct pollfd *ret_pollfd,
                       int64_t *ret_wait_ns);
/* Reads, calls back, writes, ends what takes too long, and connects. now_ns: clock_monotonic_ns. */
void cluster_link_go_on(struct cluster_link *link, int64_t now_ns);
/* Of that, only writes: for what has just been queued. */
void cluster_link_send_off(struct cluster_link *link, int64_t now_ns);

/* Waits until it is ready, for threads that may, and no longer than that. */
__attribute__((warn_unused_result)) enum status
cluster_link_wait(struct cluster_link *link, int64_t most_ns, struct fault *fault);
/* Sends a command and waits for its reply, for threads that may: as long as a trip may take, and
 * once more that long for a link that is not ready. The reply is valid until the next call, and may
 * be an error: cluster_reply_fault (cluster_trouble.h) says what it means. */
__attribute__((warn_unused_result)) enum status
cluster_link_call(struct cluster_link *link, const struct cluster_text *arguments, size_t n,
                  const struct cluster_reply **ret_reply, struct fault *fault);

#endif
