#include "service/sessions/session_cluster.h"

#include "cluster/cluster_library.h"
#include "service/cluster/engine.h"
#include "service/models/models_behind.h"
#include "service/pool/pool_wire.h"
#include "service/service_private.h"
#include "service/sessions/step_notes.h"

#include <string.h>

/* ---- reading ---- */

static void note_known(struct service_context *context, const struct cluster_text *record)
{
    context->known = (struct pool_token){ .name = 0 };
    if (record->n >= POOL_TOKEN_BYTES) {
        memcpy(&context->known, record->bytes, POOL_TOKEN_BYTES);
    }
}

static enum status ask(struct service_context *context, const struct pool *pool,
                       const struct pool_key *key, const struct pool_token *known,
                       const struct cluster_reply **ret_reply, struct fault *fault)
{
    if (engine_wait(context->engine, fault) != STATUS_OK &&
        engine_check(context->engine, fault) != STATUS_OK) {
        return fault_status(fault);
    }
    if (models_check_behind(context->service, fault) != STATUS_OK) {
        return fault_status(fault);
    }
    engine_begin(context->engine, CLUSTER_READ);
    engine_read(context->engine, pool->name, key, known);
    return engine_call_one(context->engine, ret_reply, fault);
}

enum claim session_cluster_confirm(struct service_context *context, struct pool *pool,
                                   const struct pool_key *key, bool is_claimed, uint32_t *slot,
                                   struct fault *fault)
{
    const struct cluster_reply *reply;
    context->known = is_claimed ? *pool_token(pool, *slot) : (struct pool_token){ .name = 0 };
    const bool is_told = ask(context, pool, key, &context->known, &reply, fault) == STATUS_OK;
    engine_count_read(context->engine, is_told ? reply : NULL, is_claimed);
    if (!is_told) {
        context->known = (struct pool_token){ .name = 0 };
        if (is_claimed) {
            pool_release(pool, *slot);
        }
        return CLAIM_ENDED;
    }
    if (is_claimed && reply->type == CLUSTER_NUMBER && reply->number == 1) {
        return CLAIM_OK;
    }
    if (is_claimed) {
        pool_remove(pool, *slot);
    }
    if (reply->type != CLUSTER_TEXT) {
        context->known = (struct pool_token){ .name = 0 };
        return CLAIM_ABSENT;
    }
    note_known(context, &reply->text);
    const enum claim claim = pool_wire_take(pool, key, reply->text.bytes, reply->text.n,
                                            context->owner, context->now_ms, slot, fault);
    if (claim == CLAIM_OK) {
        *pool_stamp(pool, *slot) = engine_stamp(context->engine);
    }
    return claim;
}

/* ---- writing ---- */

void session_cluster_replace(const struct service_context *context, const struct pool *pool,
                             uint32_t slot)
{
    *pool_token(pool, slot) = context->known;
}

/* The call that is put together is a write; replicas are waited for, too. */
static enum claim write_out(const struct service_context *context, struct fault *fault)
{
    const struct cluster_reply *reply;
    if (engine_call_one(context->engine, &reply, fault) != STATUS_OK) {
        engine_count_write(context->engine, CLUSTER_WRITE_FAILED);
        return CLAIM_ENDED;
    }
    const bool is_done = reply->type == CLUSTER_NUMBER && reply->number == 1;
    engine_count_write(context->engine, is_done ? CLUSTER_WRITE_DONE : CLUSTER_WRITE_REFUSED);
    if (!is_done) {
        return CLAIM_MOVED;
    }
    return engine_call_wait(context->engine, fault) == STATUS_OK ? CLAIM_OK : CLAIM_ENDED;
}

enum claim session_cluster_write(struct service_context *context, struct pool *pool, uint32_t slot,
                                 struct fault *fault)
{
    struct engine_recording no_reading = { .n = 0 };
    step_notes_take(context->notes, &no_reading);
    pool_token(pool, slot)->life = 0; /* what is written anew begins another */
    const struct pool_token next = pool_token_next(pool, slot);
    engine_begin(context->engine, CLUSTER_WRITE);
    engine_write(context->engine, pool, slot, &next, &no_reading);
    const enum claim claim = write_out(context, fault);
    if (claim == CLAIM_OK) {
        *pool_token(pool, slot) = next;
        *pool_stamp(pool, slot) = engine_stamp(context->engine);
    } else {
        pool_remove(pool, slot);
    }
    return claim;
}

enum claim session_cluster_delete(struct service_context *context, const char *model,
                                  const struct pool_key *key, struct fault *fault)
{
    engine_begin(context->engine, CLUSTER_WRITE);
    engine_delete(context->engine, model, key, &context->known);
    return write_out(context, fault);
}

enum status session_cluster_refuse(const struct service_context *context,
                                   const struct pool_key *key, struct fault *fault)
{
    engine_count_given_up(context->engine);
    return fault_set(fault, STATUS_OVERLOADED, "session",
                     "other nodes work on session '%s' at the same time; send this again, and have "
                     "one node get all requests of a session",
                     key->id);
}

/* ---- lists ---- */

enum status session_cluster_unlist(struct service_context *context, const char *model,
                                   const struct pool_key *key, enum claim claim,
                                   struct fault *fault)
{
    const struct cluster_reply *reply;
    if (claim == CLAIM_ENDED && fault_status(fault) != STATUS_SESSION_EXPIRED) {
        const bool is_there = context->known.name != 0;
        return is_there ? STATUS_OK : fault_status(fault);
    }
    engine_begin(context->engine, CLUSTER_LEAVE);
    engine_leave(context->engine, model, key, &context->known);
    return engine_call(context->engine, &reply, fault);
}
