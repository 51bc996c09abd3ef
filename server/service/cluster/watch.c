#include "service/cluster/watch.h"

#include "base/clock.h"
#include "cluster/cluster_library.h"
#include "cluster/cluster_target.h"
#include "service/cluster/engine.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { MISSED_MS = 5000, ASKED_MS = 500 };

struct cluster_watch {
    struct engine *engine;
    bool was_seen;
    int64_t
        seen_at_ms; /* by clock_monotonic_ms; before it was ever seen: since when it is missed */
    int64_t asked_at_ms;
    _Atomic bool misses;
    _Atomic int64_t away_since_ms; /* 0: it is there */
};

enum status cluster_watch_create(struct cluster_target *target, struct cluster_watch **ret_watch,
                                 struct fault *fault)
{
    struct cluster_watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        return fault_set(fault, STATUS_NO_MEMORY, "cluster", "no memory for the cluster's engine");
    }
    enum status status = engine_create(target, &watch->engine, fault);
    if (status == STATUS_OK) {
        watch->seen_at_ms = clock_monotonic_ms();
        if (target->heals) {
            cluster_link_admit_loss(engine_link(watch->engine));
        }
        status = engine_wait(watch->engine, fault);
        status = status == STATUS_OK || fault_may_pass(fault) ? STATUS_OK : status;
    }
    if (status != STATUS_OK) {
        cluster_watch_free(watch);
        return status;
    }
    (void)cluster_watch_look(watch);
    *ret_watch = watch;
    return STATUS_OK;
}

void cluster_watch_free(struct cluster_watch *watch)
{
    if (watch) {
        engine_free(watch->engine);
        free(watch);
    }
}

static void take_reply(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct cluster_watch *watch = arg;
    (void)was_sent;
    if (reply) {
        (void)engine_entries(watch->engine, reply, 0);
    }
}

/* For no session: how many writes there are, and whether another node has found that some are lost,
 * which ends the link and has it meet the engine anew. */
static void ask(struct cluster_watch *watch, int64_t now_ms)
{
    struct fault fault;
    const struct cluster_link *link = engine_link(watch->engine);
    const bool is_due = now_ms - watch->asked_at_ms >= ASKED_MS && cluster_link_n_out(link) == 0;
    if (is_due && cluster_link_is_ready(link)) {
        engine_begin(watch->engine, CLUSTER_READ);
        if (engine_send(watch->engine, take_reply, watch, &fault)) {
            watch->asked_at_ms = now_ms;
        }
    }
}

bool cluster_watch_look(struct cluster_watch *watch)
{
    struct cluster_link *link = engine_link(watch->engine);
    const int64_t now_ms = clock_monotonic_ms();
    ask(watch, now_ms);
    cluster_link_go_on(link, clock_monotonic_ns());
    const bool is_there = cluster_link_is_ready(link);
    watch->was_seen |= is_there;
    watch->seen_at_ms = is_there ? now_ms : watch->seen_at_ms;
    atomic_store(&watch->misses, !watch->was_seen || now_ms - watch->seen_at_ms > MISSED_MS);
    atomic_store(&watch->away_since_ms, is_there ? 0 : watch->seen_at_ms);
    return is_there;
}

struct engine *cluster_watch_engine(const struct cluster_watch *watch)
{
    return watch->engine;
}

bool cluster_watch_sees_loss(const struct cluster_watch *watch)
{
    return cluster_link_sees_loss(engine_link(watch->engine));
}

struct engine *cluster_watch_healing(const struct cluster_watch *watch)
{
    return cluster_link_n_left(engine_link(watch->engine)) >= 0 ? watch->engine : NULL;
}

bool cluster_watch_misses(const struct cluster_watch *watch)
{
    return atomic_load_explicit(&watch->misses, memory_order_relaxed);
}

int64_t cluster_watch_away_ms(const struct cluster_watch *watch)
{
    const int64_t since_ms = atomic_load_explicit(&watch->away_since_ms, memory_order_relaxed);
    return since_ms == 0 ? 0 : clock_monotonic_ms() - since_ms;
}
