#include "service/sessions/step_cluster_replies.h"

#include "service/models/catalogue.h"
#include "service/pool/pool_wire.h"
#include "service/service_private.h"
#include "service/sessions/pending_step.h"
#include "service/sessions/recorder.h"
#include "service/sessions/step_events.h"
#include "service/sessions/step_trip.h"

#include <stdlib.h>

/* ---- what begins again ---- */

/* To be done again on what the cache has now, or has no more. */
static void do_again(struct step_cluster *cluster, struct trip_session *session, bool is_checked,
                     bool is_absent)
{
    struct step *step;
    while ((step = step_trip_take(cluster, session))) {
        step->is_checked = is_checked;
        step->is_absent = is_absent;
        step->ahead = NULL;
        step->amend = NULL;
        step->explaining = NULL;
    }
}

/* Of a step that another node's came before. */
static void refuse(struct step_cluster *cluster, struct trip_session *session, bool is_absent)
{
    struct fault fault;
    fault_set(&fault, STATUS_OVERLOADED, "session",
              "other nodes step session '%s' at the same time; send this again, and have one node "
              "get all requests of a session",
              session->first ? session->first->session : "");
    if (session->first && session->first->n_refused == CLUSTER_REFUSALS_MAX) {
        engine_count_given_up(cluster->engine);
        step_trip_fail(cluster, session, &fault);
        return;
    }
    for (struct step *step = session->first; step; step = step->next_out) {
        step->n_refused++;
    }
    do_again(cluster, session, true, is_absent);
}

/* ---- what comes back ---- */

static struct pool_key key_of_slot(const struct trip_session *session, char id[SESSION_ID_MAX + 1])
{
    return pool_key_of_record(pool_record(session->pool, session->slot), id);
}

/* Puts what the engine has in the cache. */
static enum claim take_record(struct step_cluster *cluster, struct pool *pool,
                              const struct pool_key *key, const struct cluster_text *record,
                              struct fault *fault)
{
    const struct service_context *context = cluster->context;
    uint32_t slot;
    const enum claim claim = pool_wire_take(pool, key, record->bytes, record->n, context->owner,
                                            context->now_ms, &slot, fault);
    if (claim == CLAIM_OK) {
        *pool_stamp(pool, slot) = engine_stamp(cluster->engine);
        pool_release(pool, slot);
    }
    return claim;
}

static void take_written(struct step_cluster *cluster, struct trip_session *session, uint64_t stamp)
{
    struct service_context *context = cluster->context;
    struct step *step;
    engine_count_write(cluster->engine, CLUSTER_WRITE_DONE);
    *pool_token(session->pool, session->slot) = session->next;
    *pool_stamp(session->pool, session->slot) = stamp;
    step_trip_tell(cluster, session);
    for (step = session->first; step; step = step->next_out) {
        const struct pending_step told = { .step = step, .key = pool_key_of(step->session) };
        if (step->fault.status == STATUS_OK && !step->is_repeated) {
            step_events_tell(context, &told);
        }
    }
    pool_release(session->pool, session->slot);
    recorder_count(context->service->recorder, session->recording.n, 0);
    while ((step = step_trip_take(cluster, session))) {
        step->is_done = true;
        atomic_fetch_add_explicit(&context->service->counters.n_steps,
                                  step->fault.status == STATUS_OK, memory_order_relaxed);
    }
}

/* The engine has another record than the one that was stepped. */
static void take_refusal(struct step_cluster *cluster, struct trip_session *session,
                         const struct cluster_reply *reply)
{
    char id[SESSION_ID_MAX + 1];
    const struct pool_key key = key_of_slot(session, id);
    struct fault fault;
    engine_count_write(cluster->engine, CLUSTER_WRITE_REFUSED);
    step_trip_drop(session);
    pool_remove(session->pool, session->slot);
    const enum claim claim = reply->type == CLUSTER_TEXT
                                 ? take_record(cluster, session->pool, &key, &reply->text, &fault)
                                 : CLAIM_ABSENT;
    if (claim == CLAIM_ENDED) {
        step_trip_fail(cluster, session, &fault);
    } else {
        refuse(cluster, session, claim == CLAIM_ABSENT);
    }
}

static void settle_written(struct step_cluster *cluster, struct trip_session *session,
                           const struct cluster_reply *reply)
{
    struct fault fault;
    if (reply->type == CLUSTER_NUMBER && reply->number == 1) {
        session->is_taken = true;
    } else if (reply->type == CLUSTER_ERROR) {
        step_trip_drop(session);
        pool_remove(session->pool, session->slot);
        engine_count_write(cluster->engine, CLUSTER_WRITE_FAILED);
        (void)engine_refuse(reply, &fault);
        step_trip_fail(cluster, session, &fault);
    } else {
        take_refusal(cluster, session, reply);
    }
}

/* The cache's own, unless it is in use. CLAIM_OK: it is gone, or was not there. */
static enum claim drop_cached(struct step_cluster *cluster, struct pool *pool,
                              const struct pool_key *key)
{
    const struct service_context *context = cluster->context;
    struct fault fault;
    uint32_t slot;
    const enum claim claim = pool_claim(pool, key, context->owner, context->now_ms, &slot, &fault);
    if (claim == CLAIM_OK) {
        pool_remove(pool, slot);
    }
    return claim == CLAIM_ABSENT ? CLAIM_OK : claim;
}

static void settle_asked(struct step_cluster *cluster, struct trip_session *session,
                         const struct cluster_reply *reply)
{
    const struct pool_key key = pool_key_of(session->id);
    struct fault fault;
    engine_count_read(cluster->engine, reply, session->was_cached);
    --*step_trip_asked_for(cluster, session->hash);
    if (reply->type == CLUSTER_ERROR) {
        (void)engine_refuse(reply, &fault);
        step_trip_fail(cluster, session, &fault);
        return;
    }
    const bool is_same = reply->type == CLUSTER_NUMBER && reply->number == 1;
    enum claim claim = is_same ? CLAIM_OK : drop_cached(cluster, session->pool, &key);
    if (claim == CLAIM_OK && reply->type == CLUSTER_TEXT) {
        claim = take_record(cluster, session->pool, &key, &reply->text, &fault);
    }
    if (claim == CLAIM_ENDED) {
        step_trip_fail(cluster, session, &fault);
    } else {
        do_again(cluster, session, claim == CLAIM_OK,
                 claim == CLAIM_OK && reply->type == CLUSTER_NUMBER && reply->number == 0);
    }
}

/* Whether what its steps name stays as long as they may be looked at: to the end of this turn. */
static bool keep_models(const struct trip *trip)
{
    return catalogue_hold(trip->cluster->context, catalogue_share(trip->catalogue));
}

static void end_trip(struct trip *trip)
{
    catalogue_unref(trip->catalogue);
    free(trip);
}

/* The entries of its sessions, unless there are none (*fault). */
static const struct cluster_reply *entries_of(const struct trip *trip,
                                              const struct cluster_reply *reply, bool was_sent,
                                              struct fault *fault)
{
    const struct cluster_reply *entries = NULL;
    if (!reply) {
        fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                  was_sent ? "the cluster's engine did not answer, so whether this was done is "
                             "not known; with `seq` it is safe to send it again"
                           : "the cluster's engine went away before it was asked; send this "
                             "again");
        return NULL;
    }
    entries = engine_entries(trip->cluster->engine, reply, trip->n);
    if (!entries) {
        (void)engine_refuse(reply, fault);
    }
    return entries;
}

/* What the engine has taken is done, if enough replicas have it, too. */
static void settle_taken(struct trip *trip)
{
    for (size_t k = 0; k < trip->n; k++) {
        struct trip_session *session = &trip->sessions[k];
        if (session->is_taken && trip->lacks_replicas) {
            step_trip_fail_all(trip->cluster, session, 1, &trip->fault);
        } else if (session->is_taken) {
            take_written(trip->cluster, session, trip->stamp);
        }
    }
}

void step_cluster_take_reply(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct trip *trip = arg;
    struct step_cluster *cluster = trip->cluster;
    struct fault fault;
    const struct cluster_reply *entries = entries_of(trip, reply, was_sent, &fault);
    if (!keep_models(trip) && entries) {
        entries = NULL;
        fault_set(&fault, STATUS_NO_MEMORY, NULL, "no memory for the reply");
    }
    trip->stamp = engine_stamp(cluster->engine);
    if (!entries) {
        step_trip_fail_all(cluster, trip->sessions, trip->n, &fault);
    }
    for (size_t k = 0; entries && k < trip->n; k++) {
        struct trip_session *session = &trip->sessions[k];
        if (session->slot != INDEX_NONE) {
            settle_written(cluster, session, &entries[k]);
        } else if (trip->lacks_replicas) {
            step_trip_fail_all(cluster, session, 1, &trip->fault);
        } else {
            settle_asked(cluster, session, &entries[k]);
        }
    }
    if (!trip->awaits_replicas) {
        settle_taken(trip);
        end_trip(trip);
    }
}

void step_cluster_take_wait(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct trip *trip = arg;
    (void)was_sent;
    trip->lacks_replicas =
        engine_check_wait(trip->cluster->engine, reply, &trip->fault) != STATUS_OK;
    if (trip->awaits_replicas) {
        if (!keep_models(trip) && !trip->lacks_replicas) {
            trip->lacks_replicas = true;
            fault_set(&trip->fault, STATUS_NO_MEMORY, NULL, "no memory for the reply");
        }
        settle_taken(trip);
        end_trip(trip);
    }
}
