#include "service/sessions/step_cluster.h"

#include "base/clock.h"
#include "cluster/cluster_library.h"
#include "service/models/catalogue.h"
#include "service/models/models_behind.h"
#include "service/pool/pool_wire.h"
#include "service/service_private.h"
#include "service/sessions/error_notes.h"
#include "service/sessions/pending_step.h"
#include "service/sessions/step_cluster_replies.h"
#include "service/sessions/step_notes.h"
#include "service/sessions/step_trip.h"

#include <stdlib.h>
#include <string.h>

enum {
    TRIP_SESSIONS_MAX = 64, /* a larger batch gains nothing, and holds the engine up */
    TRIP_BYTES_MAX = 1 << 20
};

/* ---- life ---- */

enum status step_cluster_create(struct service_context *context, struct step_cluster **ret_cluster)
{
    struct step_cluster *cluster = calloc(1, sizeof *cluster);
    if (!cluster) {
        return STATUS_NO_MEMORY;
    }
    cluster->context = context;
    cluster->engine = context->engine;
    *ret_cluster = cluster;
    return STATUS_OK;
}

void step_cluster_free(struct step_cluster *cluster)
{
    if (cluster) {
        free(cluster->written);
        free(cluster->asked);
        free(cluster->places);
        free(cluster);
    }
}

static bool grow(struct step_cluster *cluster, size_t n)
{
    size_t n_places = 64; /* a power of two, and never more than half full */
    while (n_places < 2 * n) {
        n_places *= 2;
    }
    free(cluster->written);
    free(cluster->asked);
    free(cluster->places);
    cluster->written = reallocarray(NULL, n, sizeof *cluster->written);
    cluster->asked = reallocarray(NULL, n, sizeof *cluster->asked);
    cluster->places = calloc(n_places, sizeof *cluster->places);
    const bool fine = cluster->written && cluster->asked && cluster->places;
    cluster->room = fine ? n : 0;
    cluster->n_places = n_places;
    return fine;
}

bool step_cluster_begin(struct step_cluster *cluster, size_t n)
{
    cluster->n_written = cluster->n_asked = 0;
    return n <= cluster->room || grow(cluster, n);
}

enum status step_cluster_check(const struct step_cluster *cluster, struct fault *fault)
{
    const enum status status = engine_check(cluster->engine, fault);
    return status == STATUS_OK ? models_check_behind(cluster->context->service, fault) : status;
}

/* ---- what a call gathers ---- */

static void begin_session(struct trip_session *session, const struct pending_step *pending)
{
    *session = (struct trip_session){ .model = pending->step->model,
                                      .pool = pending->step->model->pool,
                                      .slot = INDEX_NONE,
                                      .hash = pending->key.hash };
}

void step_cluster_ask(struct step_cluster *cluster, const struct pending_step *pending)
{
    struct trip_session *session = &cluster->asked[cluster->n_asked++];
    begin_session(session, pending);
    memcpy(session->id, pending->key.id, pending->key.n + 1);
    ++*step_trip_asked_for(cluster, session->hash);
    step_trip_add(cluster, session, pending->step);
}

bool step_cluster_is_asking(struct step_cluster *cluster, const struct pending_step *pending)
{
    return cluster && *step_trip_asked_for(cluster, pending->key.hash) > 0;
}

bool step_cluster_must_ask(const struct step_cluster *cluster, const struct pending_step *pending)
{
    return cluster && !pending->written && !pending->is_new && !pending->step->is_checked;
}

/* Where the written session has its place, or would have. */
static uint32_t *place_of(const struct step_cluster *cluster, const struct pool *pool,
                          uint64_t hash)
{
    size_t at = hash & (cluster->n_places - 1);
    for (;; at = (at + 1) & (cluster->n_places - 1)) {
        const uint32_t place = cluster->places[at];
        if (place == 0 || (cluster->written[place - 1].hash == hash &&
                           cluster->written[place - 1].pool == pool)) {
            return &cluster->places[at];
        }
    }
}

bool step_cluster_claim(struct step_cluster *cluster, struct pending_step *pending)
{
    const uint32_t place = *place_of(cluster, pending->step->model->pool, pending->key.hash);
    if (place == 0 || cluster->written[place - 1].is_in_round) {
        return false;
    }
    pending->written = &cluster->written[place - 1];
    pending->written->is_in_round = true;
    pending->slot = pending->written->slot;
    return true;
}

void step_cluster_release(const struct pending_step *pending)
{
    pending->written->slot = pending->slot;
    pending->written->is_in_round = false;
}

void step_cluster_write(struct step_cluster *cluster, struct pending_step *pending)
{
    struct trip_session *session = pending->written;
    if (!session) {
        uint32_t *place = place_of(cluster, pending->step->model->pool, pending->key.hash);
        session = &cluster->written[cluster->n_written++];
        *place = (uint32_t)cluster->n_written;
        begin_session(session, pending);
    }
    session->slot = pending->slot;
    session->is_in_round = false;
    step_notes_take(cluster->context->notes, &session->recording);
    rule_looks_move(&session->looks, &cluster->looks);
    error_notes_move(&session->errors, &pending->errors);
    step_trip_add(cluster, session, pending->step);
}

/* ---- what goes on its way ---- */

static struct trip *make_trip(struct step_cluster *cluster, struct trip_session *sessions, size_t n)
{
    struct trip *trip = malloc(sizeof *trip + n * sizeof *sessions);
    if (!trip) {
        return NULL;
    }
    trip->cluster = cluster;
    trip->catalogue = catalogue_share(cluster->context->catalogue);
    trip->n = n;
    trip->awaits_replicas = trip->lacks_replicas = false;
    memcpy(trip->sessions, sessions, n * sizeof *sessions);
    for (size_t k = 0; k < n; k++) {
        for (struct step *step = sessions[k].first; step; step = step->next_out) {
            step->trip_session = &trip->sessions[k];
        }
    }
    return trip;
}

static void put_written(struct step_cluster *cluster, struct trip_session *session)
{
    session->next = pool_token_next(session->pool, session->slot);
    engine_write(cluster->engine, session->pool, session->slot, &session->next,
                 &session->recording);
    atomic_store_explicit(&pool_slot(session->pool, session->slot)->owner, OWNER_ENGINE,
                          memory_order_release);
}

/* What the cache has of it, if that can be looked at. */
static struct pool_token known_of(const struct step_cluster *cluster,
                                  const struct trip_session *session, const struct pool_key *key)
{
    const struct service_context *context = cluster->context;
    struct pool_token known = { .name = 0 };
    struct fault fault;
    uint32_t slot;
    if (pool_claim(session->pool, key, context->owner, context->now_ms, &slot, &fault) ==
        CLAIM_OK) {
        known = *pool_token(session->pool, slot);
        pool_release(session->pool, slot);
    }
    return known;
}

static void put_asked(struct step_cluster *cluster, struct trip_session *session)
{
    const struct pool_key key = pool_key_of(session->id);
    const struct pool_token known = known_of(cluster, session, &key);
    session->was_cached = known.name != 0;
    engine_read(cluster->engine, session->pool->name, &key, &known);
}

static void no_memory(struct fault *fault)
{
    fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to ask the cluster's engine");
}

static void ignore(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    (void)arg;
    (void)reply;
    (void)was_sent;
}

/* What is read may be told as done: a step that was sent again. So what was written until now must
 * be on replicas, whoever wrote it; a write of nothing has the engine wait for all of it. Returns
 * whether the trip gets that reply. */
static bool wait_before_reading(struct step_cluster *cluster, struct trip *trip)
{
    no_memory(&trip->fault);
    engine_begin(cluster->engine, CLUSTER_WRITE);
    const bool is_sent = engine_send(cluster->engine, ignore, NULL, &trip->fault) &&
                         engine_send_wait(cluster->engine, step_cluster_take_wait, trip);
    trip->lacks_replicas = !is_sent;
    return is_sent;
}

/* The trip of what could not be sent. It ends here, unless it gets the reply of a wait. */
static void give_up_trip(struct trip *trip, bool is_waiting, const struct fault *fault)
{
    step_trip_fail_all(trip->cluster, trip->sessions, trip->n, fault);
    trip->n = 0;
    trip->awaits_replicas = is_waiting;
    if (!is_waiting) {
        catalogue_unref(trip->catalogue); /* the context has one of its own */
        free(trip);
    }
}

/* One trip of n sessions. */
static void send(struct step_cluster *cluster, const char *function, struct trip_session *sessions,
                 size_t n)
{
    struct trip *trip = make_trip(cluster, sessions, n);
    struct fault fault;
    if (!trip) {
        no_memory(&fault);
        step_trip_fail_all(cluster, sessions, n, &fault);
        return;
    }
    const bool is_written = sessions[0].slot != INDEX_NONE;
    const bool has_replicas = engine_has_replicas(cluster->engine);
    const bool is_waiting = has_replicas && !is_written && wait_before_reading(cluster, trip);
    engine_begin(cluster->engine, function);
    for (size_t k = 0; k < n; k++) {
        is_written ? put_written(cluster, &trip->sessions[k])
                   : put_asked(cluster, &trip->sessions[k]);
    }
    if (!engine_send(cluster->engine, step_cluster_take_reply, trip, &fault)) {
        give_up_trip(trip, is_waiting, &fault);
    } else if (has_replicas && is_written) {
        no_memory(&trip->fault);
        trip->awaits_replicas = engine_send_wait(cluster->engine, step_cluster_take_wait, trip);
        trip->lacks_replicas = !trip->awaits_replicas;
    }
}

/* How many of the n sessions go on one trip. */
static size_t share_of_trip(const struct trip_session *sessions, size_t n)
{
    size_t k = 0;
    for (size_t n_bytes = 0; k < n && k < TRIP_SESSIONS_MAX && n_bytes < TRIP_BYTES_MAX; k++) {
        n_bytes += sessions[k].slot != INDEX_NONE
                       ? pool_wire_bytes(sessions[k].pool, sessions[k].slot) +
                             sessions[k].recording.n_bytes
                       : 0;
    }
    return k;
}

static void send_all(struct step_cluster *cluster, const char *function,
                     struct trip_session *sessions, size_t n)
{
    for (size_t at = 0; at < n;) {
        const size_t n_here = share_of_trip(sessions + at, n - at);
        send(cluster, function, sessions + at, n_here);
        at += n_here;
    }
}

void step_cluster_send(struct step_cluster *cluster)
{
    if (cluster->n_written > 0) {
        memset(cluster->places, 0, cluster->n_places * sizeof *cluster->places);
    }
    send_all(cluster, CLUSTER_WRITE, cluster->written, cluster->n_written);
    send_all(cluster, CLUSTER_READ, cluster->asked, cluster->n_asked);
    cluster->n_written = cluster->n_asked = 0;
    step_notes_reset(cluster->context->notes);
    cluster_link_send_off(engine_link(cluster->engine), clock_monotonic_ns());
}

/* ---- for the thread that steps ---- */

void service_steps_poll(const struct service_context *context, struct pollfd *ret_pollfd,
                        int64_t *ret_wait_ns)
{
    cluster_link_poll(engine_link(context->engine), ret_pollfd, ret_wait_ns);
}

void service_steps_take(struct service_context *context)
{
    cluster_link_go_on(engine_link(context->engine), clock_monotonic_ns());
}

size_t service_steps_out(const struct service_context *context)
{
    return context->cluster->n_out;
}

void service_steps_forget(struct service_context *context, struct step *step)
{
    step_trip_forget(context->cluster, step);
}
