#include "service/sessions/commit.h"

#include "service/degraded.h"
#include "service/models/catalogue.h"
#include "service/pool/pool.h"
#include "service/service_private.h"

void commit_owe(struct service_context *context, struct pool *pool)
{
    if (context->service->config->sync_interval_ms == 0 && pool->region.fd >= 0) {
        atomic_store(&pool->owes_sync, true);
        context->owes_sync = true;
    }
}

bool commit_is_done(const struct service_context *context, const struct pool *pool, uint32_t slot)
{
    return context->service->config->sync_interval_ms != 0 || pool->region.fd < 0 ||
           atomic_load(&pool->done) > pool_slot(pool, slot)->written;
}

bool commit_is_owed(struct service_context *context)
{
    bool is_owed = context->owes_sync;
    context->owes_sync = false;
    return is_owed;
}

bool commit_sync_pool(struct service *service, struct pool *pool)
{
    if (pool->region.fd < 0) {
        return true;
    }
    atomic_fetch_add(&service->counters.n_syncs, 1);
    if (pool_sync(pool)) {
        return true;
    }
    atomic_fetch_add(&service->counters.n_failed_syncs, 1);
    degraded_begins(service, DEGRADED_SYNC);
    return false;
}

void commit_run(struct service_context *context)
{
    const struct catalogue *catalogue = context->catalogue;
    struct listeners *listeners = &context->service->listeners;
    const uint64_t number = atomic_fetch_add(&listeners->commits_begun, 1) + 1;
    for (size_t k = 0; k < catalogue->n_models; k++) {
        struct pool *pool = catalogue->models[k]->pool;
        if (atomic_exchange(&pool->owes_sync, false) && !commit_sync_pool(context->service, pool)) {
            atomic_store(&pool->has_failed_commit, true);
        }
    }
    atomic_store(&listeners->commits_done, number);
}

uint64_t commit_awaited(struct service_context *context, struct pool *pool)
{
    if (context->service->config->sync_interval_ms != 0 || pool->region.fd < 0) {
        return 0;
    }
    atomic_store(&pool->owes_sync, true); /* before the number is read: a later commit does it */
    return atomic_load(&context->service->listeners.commits_begun) + 1;
}

bool commit_has_failed(struct service_context *context, const char *name)
{
    const struct model *model = catalogue_find(context->catalogue, name);
    return model && atomic_load(&model->pool->has_failed_commit);
}

enum status commit_refuse(struct fault *fault)
{
    return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                     "done, but a sync failed: what is not known to be on disk is not acknowledged "
                     "until grud is restarted; with `seq` it is safe to send it again then");
}
