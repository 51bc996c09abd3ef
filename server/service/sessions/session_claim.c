#include "service/sessions/session_claim.h"

#include "service/models/catalogue.h"
#include "service/service_private.h"
#include "service/sessions/rewarm.h"
#include "service/sessions/session_cluster.h"
#include "service/sessions/session_copy.h"
#include "service/sessions/sessions.h"

#include <sched.h>

enum { CLAIM_ATTEMPTS = 100 };

/* The verb has changed nothing, and is to be called again in a later turn. */
static enum claim give_up_claim(struct service_context *context, const struct pool_key *key,
                                struct fault *fault)
{
    context->is_blocked = true;
    fault_set(
        fault, STATUS_OVERLOADED, "session",
        "session '%s' is in use, or is being brought to another version; send this again later",
        key->id);
    return CLAIM_BUSY;
}

/* On a node of a cluster: as the engine has it. */
static enum claim try_claim(struct service_context *context, struct pool *pool,
                            const struct pool_key *key, uint32_t *ret_slot, struct fault *fault)
{
    const enum claim claim =
        pool_claim(pool, key, context->owner, context->now_ms, ret_slot, fault);
    return context->engine && (claim == CLAIM_OK || claim == CLAIM_ABSENT)
               ? session_cluster_confirm(context, pool, key, claim == CLAIM_OK, ret_slot, fault)
               : claim;
}

enum claim session_claim_wait(struct service_context *context, const struct model **model,
                              const struct pool_key *key, uint32_t *ret_slot, struct fault *fault)
{
    for (int k = 0;; k++) {
        const enum claim claim = try_claim(context, (*model)->pool, key, ret_slot, fault);
        if (claim == CLAIM_OK || claim == CLAIM_ABSENT || claim == CLAIM_ENDED) {
            return claim;
        }
        if (k == CLAIM_ATTEMPTS) {
            return give_up_claim(context, key, fault);
        }
        sched_yield();
        if (!catalogue_renew(context)) {
            fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
            return CLAIM_ENDED;
        }
        if (model_find(context, (*model)->name, model, fault) != STATUS_OK) {
            return CLAIM_ENDED;
        }
    }
}

bool session_was_blocked(struct service_context *context)
{
    bool was_blocked = context->is_blocked;
    context->is_blocked = false;
    return was_blocked;
}

bool sessions_are_moving(struct service_context *context, const char *name)
{
    const struct model *model = name ? catalogue_find(context->catalogue, name) : NULL;
    return model && atomic_load(&model->pool->is_closed);
}

bool sessions_are_shared(const struct service_context *context)
{
    return context->engine != NULL;
}

enum status session_claim_live(struct service_context *context, const struct model **model,
                               const char *id, uint32_t *ret_slot, struct fault *fault)
{
    struct pool_key key = pool_key_of(id);
    enum claim claim = session_claim_wait(context, model, &key, ret_slot, fault);
    if (claim == CLAIM_ABSENT) {
        return fault_set(fault, STATUS_SESSION_NOT_FOUND, "session",
                         "model '%s' has no session '%s'", (*model)->name, id);
    }
    if (claim != CLAIM_OK) {
        return fault_status(fault);
    }
    if (!session_copy_room(context, (*model)->pool, 1)) {
        pool_release((*model)->pool, *ret_slot);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    struct record_copy *scratch = session_copy_scratch(context, (*model)->pool, 0);
    enum rewarm rewarm = rewarm_session(context, *model, ret_slot, scratch, fault);
    if (rewarm != REWARM_DONE) {
        pool_release((*model)->pool, *ret_slot);
    }
    if (rewarm == REWARM_LATER) {
        (void)give_up_claim(context, &key, fault);
    }
    return rewarm == REWARM_DONE ? STATUS_OK : fault_status(fault);
}
