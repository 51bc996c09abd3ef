#include "service/cluster/watch.h"

#include "base/clock.h"
#include "service/cluster/engine.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { MISSED_MS = 5000 };

struct cluster_watch {
    struct engine *engine;
    bool was_seen;
    int64_t
        seen_at_ms; /* by clock_monotonic_ms; before it was ever seen: since when it is missed */
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

bool cluster_watch_look(struct cluster_watch *watch)
{
    struct cluster_link *link = engine_link(watch->engine);
    cluster_link_go_on(link, clock_monotonic_ns());
    const bool is_there = cluster_link_is_ready(link);
    const int64_t now_ms = clock_monotonic_ms();
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

bool cluster_watch_misses(const struct cluster_watch *watch)
{
    return atomic_load_explicit(&watch->misses, memory_order_relaxed);
}

int64_t cluster_watch_away_ms(const struct cluster_watch *watch)
{
    const int64_t since_ms = atomic_load_explicit(&watch->away_since_ms, memory_order_relaxed);
    return since_ms == 0 ? 0 : clock_monotonic_ms() - since_ms;
}
