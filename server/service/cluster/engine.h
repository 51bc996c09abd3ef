/*
 * engine.h - a thread's way to the engine of a cluster: its link, and the call of the engine's
 * functions (cluster/library) that is being put together. One thread's. Memory that is lacking is
 * told when the call is sent.
 *
 * The engine keeps a session under "PREFIXs:MODEL:ID", as pool_wire.h has it, and the ids of a
 * model in the sorted sets "PREFIXi:MODEL" and "PREFIXi:MODEL:seen". What a session has recorded is
 * in the list "PREFIXs:MODEL:ID/r", as reading_wire.h has it. A session outlives its time by
 * a day there, so that who asks for it until then hears that it expired.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "cluster/cluster_counts.h"
#include "cluster/cluster_link.h"
#include "service/pool/pool.h"

struct engine;

/* How often what another node was faster with is begun anew. */
enum { CLUSTER_REFUSALS_MAX = 3 };

__attribute__((warn_unused_result)) enum status
engine_create(struct cluster_target *target, struct engine **ret_engine, struct fault *fault);
void engine_free(struct engine *engine); /* takes NULL */
struct cluster_link *engine_link(const struct engine *engine);

/* For /metrics: what the engine has said of a session that it was asked for (NULL: nothing), of
 * which the cache had a record or not; what has become of a write; and that one was refused once
 * too often. */
void engine_count_read(struct engine *engine, const struct cluster_reply *reply, bool was_cached);
void engine_count_write(struct engine *engine, enum cluster_write_outcome outcome);
void engine_count_given_up(struct engine *engine);

/* Why the engine cannot be asked now, in the terms of a request: whoever sent that did nothing
 * wrong. STATUS_OK: it can. */
enum status engine_check(const struct engine *engine, struct fault *fault);
/* The same of a reply that is not what was asked for. */
enum status engine_refuse(const struct cluster_reply *reply, struct fault *fault);

/* ---- a call: of a function of cluster/cluster_library.h ---- */

void engine_begin(struct engine *engine, const char *function);

/* Keys and arguments behind those of the epoch, in their order: "PREFIXNAME", bytes, digits. */
void engine_put_key(struct engine *engine, const char *name);
void engine_put_text(struct engine *engine, const void *bytes, size_t n);
void engine_put_number(struct engine *engine, int64_t number);

/* What a session has recorded that goes with its write: n readings of reading_wire.h. */
struct engine_reading {
    struct engine_reading *next;
    size_t n_bytes;
    char bytes[];
};
struct engine_recording {
    size_t rows_max; /* that are kept; 0: sessions record nothing */
    size_t n, n_bytes;
    struct engine_reading *first, *last;
};

/* CLUSTER_READ and CLUSTER_WRITE: for one session or more. */

/* A session that is to be read if it is another one than `known`. */
void engine_read(struct engine *engine, const char *model, const struct pool_key *key,
                 const struct pool_token *known);
/* The claimed session, to be written under the token `next` if the engine has what the slot's token
 * says; and then what it has recorded. */
void engine_write(struct engine *engine, const struct pool *pool, uint32_t slot,
                  const struct pool_token *next, const struct engine_recording *recording);
/* CLUSTER_HEAL: the claimed session, to be given back as it is. */
void engine_heal(struct engine *engine, const struct pool *pool, uint32_t slot);
/* To be deleted if the engine has `known`. */
void engine_delete(struct engine *engine, const char *model, const struct pool_key *key,
                   const struct pool_token *known);

/* CLUSTER_RECORDED: from the reading `first` to `last`, both counted from the newest, which is 1.
 */
void engine_recorded(struct engine *engine, const char *model, const struct pool_key *key,
                     size_t first, size_t last);

/* CLUSTER_LIST_IDS: those that begin with the prefix, behind `after` ("": all). */
void engine_list_ids(struct engine *engine, const char *model, const char *prefix,
                     const char *after, size_t n);
/* CLUSTER_LIST_SEEN: behind the mark (NULL: all). */
struct engine_mark {
    int64_t last_seen_at_ms; /* by the steady clock */
    const char *session;
};
void engine_list_seen(struct engine *engine, const char *model, const struct engine_mark *after,
                      size_t n);
/* CLUSTER_LEAVE: of a session that is as `known`. */
void engine_leave(struct engine *engine, const char *model, const struct pool_key *key,
                  const struct pool_token *known);

/* Sends the call; its reply is what the library says of the function, or an error. As
 * cluster_link_send; where that says false, *fault says why. */
__attribute__((warn_unused_result)) bool engine_send(struct engine *engine, cluster_done *done,
                                                     void *arg, struct fault *fault);
/* The entries of a reply that ends with how many writes there were, which is noted: to CLUSTER_READ
 * or CLUSTER_WRITE one for each of the n sessions, of a change of a model or a job its own reply.
 * NULL: it is none, which engine_refuse tells of. */
const struct cluster_reply *engine_entries(struct engine *engine, const struct cluster_reply *reply,
                                           size_t n);
/* What the sessions of those entries are stamped with: the engine's last loss, and how many writes
 * there were. */
enum { ENGINE_WRITES_BITS = 48 };
uint64_t engine_stamp(const struct engine *engine);
/* ---- replicas ---- */

/* Whether what is acknowledged must be on some (--cluster-replicas). */
bool engine_has_replicas(const struct engine *engine);
/* The reply comes when enough of them have all that was written on the link before, or half of
 * --cluster-timeout-ms is over; what is sent later waits behind it. Otherwise as engine_send. */
__attribute__((warn_unused_result)) bool engine_send_wait(struct engine *engine, cluster_done *done,
                                                          void *arg);
/* Why enough do not, by the reply to that. STATUS_OK: they do. */
enum status engine_check_wait(const struct engine *engine, const struct cluster_reply *reply,
                              struct fault *fault);
/* Waits for them, for threads that may, where there must be some. */
enum status engine_call_wait(struct engine *engine, struct fault *fault);

/* ---- for threads that may wait ---- */

/* Waits until the engine can be called, for threads that may; before a call begins. */
enum status engine_wait(struct engine *engine, struct fault *fault);
/* The same, and no longer than that. */
__attribute__((warn_unused_result)) enum status engine_wait_ms(struct engine *engine, int64_t ms,
                                                               struct fault *fault);
/* Sends it and waits, for threads that may: the reply, which is no error. As cluster_link_call. */
__attribute__((warn_unused_result)) enum status
engine_call(struct engine *engine, const struct cluster_reply **ret_reply, struct fault *fault);
/* The same of a call for one session, or of a change of a model or a job: the entry, which is no
 * error. */
__attribute__((warn_unused_result)) enum status
engine_call_one(struct engine *engine, const struct cluster_reply **ret_reply, struct fault *fault);

#endif
