#include "service/models/models_follow.h"

#include "base/clock.h"
#include "base/log.h"
#include "cluster/cluster_greeting.h"
#include "service/cluster/engine.h"
#include "service/models/change.h"
#include "service/models/models_behind.h"
#include "service/models/shared_models.h"
#include "service/service_context.h"
#include "service/service_private.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 250, MS_NS = 1000000, ALL = -1 };

struct models_follower {
    pthread_t thread;
    struct service_context *context;
    /* the thread's own */
    int64_t since;                     /* the counter of changes; ALL: nothing is known */
    char epoch[CLUSTER_EPOCH_MAX + 1]; /* of the engine that it is of */
    char told[sizeof((struct fault *)NULL)->message]; /* what was logged last; empty: all is well */
    /* of all threads */
    _Atomic bool is_anew, is_halting, is_halted;
    pthread_mutex_t mutex; /* for the condition alone */
    pthread_cond_t is_woken;
};

/* ---- one round ---- */

/* Told once, until something else is wrong or all is well. */
static void tell(struct models_follower *follower, const char *model, const struct fault *fault)
{
    if (strcmp(follower->told, fault->message) != 0) {
        snprintf(follower->told, sizeof follower->told, "%s", fault->message);
        log_event(LOG_WARN, "cluster_models_not_read", LOG_STRING("model", model),
                  LOG_STRING("reason", fault->message));
    }
}

static enum status settle(struct models_follower *follower, const char *name, struct fault *fault)
{
    struct service_context *context = follower->context;
    struct catalogue *next = NULL;
    enum status status = change_begin(context, &next, fault);
    struct sharing sharing = { context->service, context->engine, next, false };
    if (status == STATUS_OK) {
        status = shared_model_settle(&sharing, name, fault);
    }
    return change_end(context, next, sharing.has_changed, status);
}

/* False: nothing more can be settled in this round. */
static bool goes_on(const struct models_follower *follower)
{
    return !atomic_load(&follower->is_halting) &&
           cluster_link_is_ready(engine_link(follower->context->engine));
}

/* One that fails keeps no other from being settled; all are looked at again then. */
static bool settle_one(struct models_follower *follower, const char *name)
{
    struct fault fault;
    const bool is_settled = goes_on(follower) && settle(follower, name, &fault) == STATUS_OK;
    if (!is_settled && goes_on(follower)) { /* else the link tells of it */
        tell(follower, name, &fault);
    }
    return is_settled;
}

/* Those of the node, which the engine may not have. */
static bool settle_own(struct models_follower *follower)
{
    struct catalogue *catalogue = catalogue_ref(follower->context->service);
    bool are_settled = true;
    for (size_t k = 0; k < catalogue->n_models; k++) {
        are_settled &= settle_one(follower, catalogue->models[k]->name);
    }
    catalogue_unref(catalogue);
    return are_settled;
}

static bool settle_changed(struct models_follower *follower, const struct shared_changes *changes)
{
    bool are_settled = true;
    for (size_t k = 0; k < changes->n; k++) {
        are_settled &= settle_one(follower, changes->names[k]);
    }
    return are_settled;
}

/* An engine that is another one, or has fewer changes than it had, has to be gone through. */
static bool is_another(struct models_follower *follower, const struct shared_changes *changes)
{
    const struct cluster_text epoch = cluster_link_epoch(engine_link(follower->context->engine));
    const bool is_same = strcmp(follower->epoch, epoch.bytes) == 0;
    snprintf(follower->epoch, sizeof follower->epoch, "%s", epoch.bytes);
    return !is_same || changes->at < follower->since;
}

static void look(struct models_follower *follower)
{
    struct shared_changes changes;
    struct fault fault;
    follower->since = atomic_exchange(&follower->is_anew, false) ? ALL : follower->since;
    if (shared_changes_read(follower->context->engine, follower->since, &changes, &fault) !=
        STATUS_OK) {
        if (goes_on(follower)) {
            tell(follower, "", &fault);
        }
        return;
    }
    if (is_another(follower, &changes) && follower->since != ALL) {
        follower->since = ALL;
        shared_changes_done(&changes);
        return; /* what is to be read are all of them, in the next round */
    }
    bool is_done = follower->since != ALL || settle_own(follower);
    is_done &= settle_changed(follower, &changes);
    if (is_done) {
        follower->since = changes.at;
        follower->told[0] = '\0';
    }
    if (goes_on(follower)) { /* what failed is told, and keeps the rest from nothing */
        models_set_behind(follower->context->service, false);
    }
    shared_changes_done(&changes);
}

/* ---- the thread ---- */

static void wait_for_next(struct models_follower *follower)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += POLL_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int timed_out = 0;
    pthread_mutex_lock(&follower->mutex);
    while (!atomic_load(&follower->is_halting) && timed_out == 0) {
        timed_out = pthread_cond_timedwait(&follower->is_woken, &follower->mutex, &until);
    }
    pthread_mutex_unlock(&follower->mutex);
}

/* A step of the way to an engine that was away. */
static void look_for_engine(struct cluster_link *link)
{
    struct pollfd waiting;
    int64_t wait_ns;
    cluster_link_poll(link, &waiting, &wait_ns);
    (void)poll(&waiting, 1, wait_ns < POLL_MS * MS_NS ? (int)(wait_ns / MS_NS) + 1 : POLL_MS);
    cluster_link_go_on(link, clock_monotonic_ns());
}

static void *follow(void *arg)
{
    struct models_follower *follower = arg;
    struct cluster_link *link = engine_link(follower->context->engine);
    while (!atomic_load(&follower->is_halting)) {
        if (!cluster_link_is_ready(link)) {
            look_for_engine(link);
            continue;
        }
        service_context_turn(follower->context);
        look(follower);
        service_context_rest(follower->context);
        wait_for_next(follower);
    }
    atomic_store(&follower->is_halted, true);
    return NULL;
}

static bool run(struct models_follower *follower)
{
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGBUS); /* one that is blocked ends the process (store/region_guard.h) */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool runs = pthread_create(&follower->thread, NULL, follow, follower) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (runs) {
        pthread_setname_np(follower->thread, "models");
    }
    return runs;
}

/* ---- life ---- */

static void free_follower(struct models_follower *follower)
{
    service_context_free(follower->context);
    pthread_cond_destroy(&follower->is_woken);
    pthread_mutex_destroy(&follower->mutex);
    free(follower);
}

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to follow the cluster's models");
}

static struct models_follower *create(struct service *service)
{
    pthread_condattr_t attributes;
    struct models_follower *follower = calloc(1, sizeof *follower);
    if (!follower) {
        return NULL;
    }
    follower->since = ALL;
    pthread_mutex_init(&follower->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&follower->is_woken, &attributes);
    pthread_condattr_destroy(&attributes);
    if (service_context_create(service, &follower->context) != STATUS_OK) {
        free_follower(follower);
        return NULL;
    }
    return follower;
}

enum status models_follow_start(struct service *service, struct fault *fault)
{
    struct models_follower *follower = create(service);
    struct fault ignored; /* told by the watch */
    if (!follower) {
        return no_memory(fault);
    }
    models_set_behind(service, true);
    if (engine_wait(follower->context->engine, &ignored) == STATUS_OK) {
        look(follower);
    }
    service_context_rest(follower->context);
    if (!run(follower)) {
        free_follower(follower);
        return no_memory(fault);
    }
    service->models_follower = follower;
    return STATUS_OK;
}

void models_follow_anew(struct service *service)
{
    if (service->models_follower) {
        atomic_store(&service->models_follower->is_anew, true);
    }
}

void models_follow_halt(struct service *service)
{
    struct models_follower *follower = service->models_follower;
    if (follower) {
        pthread_mutex_lock(&follower->mutex);
        atomic_store(&follower->is_halting, true);
        pthread_cond_signal(&follower->is_woken);
        pthread_mutex_unlock(&follower->mutex);
    }
}

bool models_follow_is_halted(const struct service *service)
{
    return !service->models_follower || atomic_load(&service->models_follower->is_halted);
}

void models_follow_stop(struct service *service)
{
    if (service->models_follower) {
        models_follow_halt(service);
        pthread_join(service->models_follower->thread, NULL);
        free_follower(service->models_follower);
        service->models_follower = NULL;
    }
}
