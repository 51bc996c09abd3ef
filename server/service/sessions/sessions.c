#include "service/sessions/sessions.h"

#include "service/models/catalogue.h"
#include "service/pool/pool_write.h"
#include "service/pool/record_ring.h"
#include "service/service_private.h"
#include "service/sessions/commit.h"
#include "service/sessions/recorder.h"
#include "service/sessions/rewarm.h"
#include "service/sessions/session_claim.h"
#include "service/sessions/session_cluster.h"
#include "service/sessions/session_copy.h"
#include "service/sessions/session_time.h"
#include "service/sessions/step_events.h"
#include "service/sessions/step_rules.h"

#include <math.h>
#include <string.h>

/* ---- reading ---- */

static void read_row(const struct pool *pool, uint32_t slot, struct session_row *row)
{
    char *record = pool_record(pool, slot);
    const struct record_header *header = record_header_of(record);
    const struct record_copy *copy = pool_newest(pool, slot);
    memcpy(row->session, header->id, header->n_id);
    row->session[header->n_id] = '\0';
    row->step = copy->step;
    row->version = copy->version;
    row->created_at_ms = (int64_t)header->life.created_at_s * 1000;
    row->last_seen_at_ms =
        atomic_load_explicit(&pool_slot(pool, slot)->last_seen_at_ms, memory_order_relaxed);
    row->expires_at_ms = pool_expires_at_ms(pool, slot);
}

static bool read_session(const struct service_context *context, const struct model *model,
                         uint32_t slot, struct arena *arena, struct session *session)
{
    const struct interval_sessions sessions = interval_sessions_of(context, model);
    const struct pool *pool = model->pool;
    const struct record_layout *layout = pool_layout(pool, slot);
    const uint32_t ttl_s = record_header_of(pool_record(pool, slot))->life.ttl_s;
    char *record = pool_record(pool, slot);
    struct record_copy *copy = record_newest(layout, record);
    float *state = arena_array(arena, layout->state_floats, sizeof *state);
    double *readings =
        arena_array(arena, (size_t)copy->n_readings * layout->n_inputs, sizeof *readings);
    if (!state || !readings || !session_errors_read(layout, copy, arena, &session->errors) ||
        !session_calibration_read(&sessions, slot, arena, &session->calibration)) {
        return false;
    }
    memcpy(state, record_state(layout, copy), layout->state_floats * sizeof *state);
    record_read_readings(layout, record, copy, readings);
    session->row.model = NULL;
    read_row(pool, slot, &session->row);
    session->ttl_s = ttl_s == RECORD_TTL_CONFIGURED ? -1 : (int64_t)ttl_s;
    session->gru = model->active->gru;
    session->digest = model->active->digest;
    session->state = state;
    session->readings = readings;
    session->n_readings = copy->n_readings;
    session->figures = NULL;
    session->time = session_time_read(copy);
    return true;
}

enum status session_read(struct service_context *context, const struct model *model, const char *id,
                         struct arena *arena, struct session *ret_session, struct fault *fault)
{
    uint32_t slot;
    enum status status = session_claim_live(context, &model, id, &slot, fault);
    if (status != STATUS_OK) {
        return status;
    }
    bool read = read_session(context, model, slot, arena, ret_session);
    pool_release(model->pool, slot);
    if (!read) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the reply");
    }
    return pool_check_whole(model->pool, fault);
}

enum status session_find(struct service_context *context, const struct model *model, const char *id,
                         uint64_t *ret_step, struct fault *fault)
{
    uint32_t slot;
    enum status status = session_claim_live(context, &model, id, &slot, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const uint64_t step = pool_newest(model->pool, slot)->step;
    pool_release(model->pool, slot);
    status = pool_check_whole(model->pool, fault);
    if (status == STATUS_OK) {
        *ret_step = step;
    }
    return status;
}

enum status session_read_row(struct service_context *context, struct session_row *row,
                             bool *ret_is_there, struct fault *fault)
{
    const struct model *model;
    struct pool_key key = pool_key_of(row->session);
    uint32_t slot;
    *ret_is_there = false;
    if (model_find(context, row->model, &model, fault) != STATUS_OK) {
        return STATUS_OK; /* it is gone, with its sessions */
    }
    enum claim claim = session_claim_wait(context, &model, &key, &slot, fault);
    if (claim == CLAIM_OK) {
        read_row(model->pool, slot, row);
        pool_release(model->pool, slot);
        *ret_is_there = true;
        return STATUS_OK;
    }
    if (claim == CLAIM_BUSY) {
        return fault_status(fault);
    }
    return context->engine ? session_cluster_unlist(context, row->model, &key, claim, fault)
                           : STATUS_OK;
}

/* ---- writing ---- */

static enum status session_not_found(const struct model *model, const struct pool_key *key,
                                     struct fault *fault)
{
    return fault_set(fault, STATUS_SESSION_NOT_FOUND, "session", "model '%s' has no session '%s'",
                     model->name, key->id);
}

static void forget_deleted(struct service_context *context, const struct model *model,
                           const struct pool_key *key, uint32_t slot)
{
    step_rules_end(context, model, key);
    pool_remove(model->pool, slot);
    atomic_fetch_add_explicit(&context->service->counters.n_sessions_deleted, 1,
                              memory_order_relaxed);
    commit_owe(context, model->pool);
    step_events_tell_end(context, model, key, SESSION_DELETED);
}

/* claim: CLAIM_OK, or CLAIM_ENDED of one that this node cannot go on with. CLAIM_MOVED: another
 * node was faster. */
static enum claim delete_from_engine(struct service_context *context, const struct model *model,
                                     const struct pool_key *key, enum claim claim, uint32_t slot,
                                     struct fault *fault)
{
    const enum claim deleted = session_cluster_delete(context, model->name, key, fault);
    if (claim == CLAIM_OK && deleted == CLAIM_OK) {
        forget_deleted(context, model, key, slot);
    } else if (claim == CLAIM_OK) {
        pool_remove(model->pool, slot);
    }
    return deleted;
}

static enum status delete_in_cluster(struct service_context *context, const struct model *model,
                                     const struct pool_key *key, struct fault *fault)
{
    for (int k = 0; k <= CLUSTER_REFUSALS_MAX; k++) {
        uint32_t slot = INDEX_NONE;
        enum claim claim = session_claim_wait(context, &model, key, &slot, fault);
        if (claim == CLAIM_ABSENT) {
            return session_not_found(model, key, fault);
        }
        if (claim == CLAIM_BUSY || (claim == CLAIM_ENDED && context->known.name == 0)) {
            return fault_status(fault);
        }
        claim = delete_from_engine(context, model, key, claim, slot, fault);
        if (claim != CLAIM_MOVED) {
            return claim == CLAIM_OK ? STATUS_OK : fault_status(fault);
        }
    }
    return session_cluster_refuse(context, key, fault);
}

enum status session_delete(struct service_context *context, const struct model *model,
                           const char *id, struct fault *fault)
{
    struct pool_key key = pool_key_of(id);
    uint32_t slot;
    if (context->engine) {
        return delete_in_cluster(context, model, &key, fault);
    }
    enum claim claim = session_claim_wait(context, &model, &key, &slot, fault);
    if (claim == CLAIM_ABSENT) {
        return session_not_found(model, &key, fault);
    }
    if (claim == CLAIM_BUSY) {
        return fault_status(fault);
    }
    /* With the session claimed, or before its tombstone goes: what its successor records comes
     * after. */
    struct tombstone tombstone;
    bool is_there = claim == CLAIM_OK || tombstones_find(&model->pool->tombstones, key.hash,
                                                         context->now_ms, &tombstone);
    if (is_there && recorder_note_deletion(context->outbox, model->name, id, fault) != STATUS_OK) {
        if (claim == CLAIM_OK) {
            pool_release(model->pool, slot);
        }
        return fault_status(fault);
    }
    if (claim == CLAIM_OK) {
        forget_deleted(context, model, &key, slot);
        return pool_check_whole(model->pool, fault);
    }
    return tombstones_forget(&model->pool->tombstones, key.hash) ? STATUS_OK : fault_status(fault);
}

/* A session that is to be written anew, whether it was there or not; claimed. */
struct session_draft {
    struct pool_key key;
    const struct model *model;
    uint32_t slot;
    unsigned record_class; /* that it gets */
    bool is_new;           /* there is nothing of it yet */
};

static enum status begin_draft(struct service_context *context, const struct model *model,
                               const char *id, bool may_exist, uint64_t keep,
                               const struct session_calibration *calibration,
                               struct session_draft *draft, struct fault *fault)
{
    *draft = (struct session_draft){ .key = pool_key_of(id), .model = model };
    for (;;) {
        enum claim claim =
            session_claim_wait(context, &draft->model, &draft->key, &draft->slot, fault);
        struct pool *pool = draft->model->pool;
        if (claim == CLAIM_BUSY) {
            return fault_status(fault);
        }
        if (claim == CLAIM_OK && !may_exist) {
            pool_release(pool, draft->slot);
            return fault_set(fault, STATUS_SESSION_EXISTS, "to", "there is a session '%s' already",
                             id);
        }
        draft->is_new = claim != CLAIM_OK;
        const struct interval_sessions sessions = interval_sessions_of(context, draft->model);
        draft->record_class = session_calibration_class(
            &sessions, draft->is_new ? INDEX_NONE : draft->slot, calibration);
        if (!draft->is_new) {
            return STATUS_OK;
        }
        const bool replaces = claim == CLAIM_ENDED && context->engine && context->known.name != 0 &&
                              (may_exist || fault->status == STATUS_SESSION_EXPIRED);
        if (claim == CLAIM_ENDED && !replaces &&
            (pool_check_whole(pool, fault) != STATUS_OK ||
             !tombstones_forget(&pool->tombstones, draft->key.hash))) {
            return fault_status(fault);
        }
        claim = session_copy_create(context, draft->model, &draft->key, draft->record_class, keep,
                                    &draft->slot, fault);
        if (claim == CLAIM_OK && replaces) {
            session_cluster_replace(context, pool, draft->slot);
        }
        if (claim != CLAIM_MOVED && claim != CLAIM_BUSY) {
            return claim == CLAIM_OK ? STATUS_OK : fault_status(fault);
        }
    }
}

static void drop_draft(const struct session_draft *draft)
{
    struct pool *pool = draft->model->pool;
    draft->is_new ? pool_remove(pool, draft->slot) : pool_release(pool, draft->slot);
}

/* Writes it, and lets go of it. What there was stays until all of this is whole. CLAIM_MOVED: its
 * pool is closed; begin anew. */
static enum claim write_draft(struct service_context *context, struct session_draft *draft,
                              const struct record_life *life, struct record_copy *copy,
                              const struct pool_readings *readings, struct fault *fault)
{
    struct pool *pool = draft->model->pool;
    enum claim claim = CLAIM_OK;
    if (draft->is_new) {
        uint64_t section = pool_begin_writes(pool);
        pool_write_first(pool, section, draft->slot, life, copy, readings);
        pool_end_writes(pool, section);
        atomic_fetch_add_explicit(&pool->n_created, 1, memory_order_relaxed);
    } else if (pool_make_room(pool, draft->slot, draft->record_class, context->owner,
                              context->now_ms, fault) != STATUS_OK) {
        claim = CLAIM_ENDED;
    } else {
        claim = pool_write_anew(pool, &draft->slot, draft->record_class, context->owner, life, copy,
                                readings, fault);
    }
    if (claim == CLAIM_OK && context->engine) {
        claim = session_cluster_write(context, pool, draft->slot, fault);
        if (claim != CLAIM_OK) {
            return claim;
        }
    }
    if (claim == CLAIM_OK && !draft->is_new) {
        step_rules_end(context, draft->model, &draft->key);
        step_events_tell_end(context, draft->model, &draft->key, SESSION_REPLACED);
    }
    pool_release(pool, draft->slot);
    return claim;
}

/* The restored session's state: what was given, or a fresh one in context->rewarm. */
static enum status restored_state(struct service_context *context, const struct version *version,
                                  const struct session_restore *restore, const float **ret_state,
                                  struct fault *fault)
{
    if (restore->state) {
        *ret_state = restore->state;
        if (restore->has_digest && digest_equals(restore->digest, version->digest)) {
            return STATUS_OK;
        }
        return fault_set(fault, STATUS_DIGEST_MISMATCH, "digest",
                         "this state belongs to another model than version %u; give its last "
                         "readings as \"rewarm\"",
                         version->number);
    }
    if (!rewarm_grow(context, gru_model_info(version->gru)->state_floats * sizeof(float))) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to restore the session");
    }
    gru_state_init(version->gru, context->rewarm);
    *ret_state = context->rewarm;
    return STATUS_OK;
}

/* Not after now, whatever clock it was written by. */
static int64_t created_at_ms(const struct service_context *context,
                             const struct session_restore *restore)
{
    bool is_past = restore->created_at_ms != 0 && restore->created_at_ms < context->now_ms;
    return is_past ? restore->created_at_ms : context->now_ms;
}

static struct record_life life_of(const struct service_context *context,
                                  const struct session_restore *restore)
{
    return (struct record_life){ .created_at_s = (uint32_t)(created_at_ms(context, restore) / 1000),
                                 .ttl_s = restore->ttl_s < 0 ? RECORD_TTL_CONFIGURED
                                                             : (uint32_t)restore->ttl_s };
}

static void make_restored(const struct service_context *context, const struct session_draft *draft,
                          const struct session_restore *restore, const float *state,
                          struct record_copy *copy)
{
    const struct model *model = draft->model;
    const struct record_layout *layout = &model->pool->layouts[draft->record_class];
    record_clear_copy(layout, copy);
    copy->step = restore->step > restore->n_readings ? restore->step : restore->n_readings;
    copy->last_seen_at_ms = context->now_ms;
    copy->version = model->active->number;
    copy->digest = model->active->digest.low;
    memcpy(record_state(layout, copy), state, layout->state_floats * sizeof *state);
    session_time_write(&restore->time, copy);
    session_errors_write(layout, &restore->errors, copy);
    record_rebase(layout, copy, copy);
    const struct interval_sessions sessions = interval_sessions_of(context, model);
    session_calibration_write(&sessions, model, draft->slot, draft->record_class, restore, copy);
}

/* With the session claimed. *ret_again: its pool was closed meanwhile. */
static enum status put_draft(struct service_context *context, struct session_draft *draft,
                             const struct session_restore *restore, bool *ret_again,
                             struct fault *fault)
{
    const struct record_layout *layout = &draft->model->pool->layout;
    const float *state = NULL;
    *ret_again = false;
    enum status status = restored_state(context, draft->model->active, restore, &state, fault);
    if (status == STATUS_OK && !session_copy_room(context, draft->model->pool, 1)) {
        status = fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to restore the session");
    }
    if (status != STATUS_OK) {
        drop_draft(draft);
        return status;
    }
    struct record_copy *copy = session_copy_scratch(context, draft->model->pool, 0);
    make_restored(context, draft, restore, state, copy);
    const struct record_life life = life_of(context, restore);
    size_t n = restore->n_readings < layout->n_history ? restore->n_readings : layout->n_history;
    const struct pool_readings last = {
        .x = n > 0 ? restore->readings + (restore->n_readings - n) * layout->n_inputs : NULL, .n = n
    };
    enum claim claim = write_draft(context, draft, &life, copy, &last, fault);
    *ret_again = claim == CLAIM_MOVED;
    if (claim != CLAIM_OK) {
        return fault_status(fault);
    }
    commit_owe(context, draft->model->pool);
    return pool_check_whole(draft->model->pool, fault);
}

static enum status put(struct service_context *context, const struct model *model, const char *id,
                       bool may_exist, uint64_t keep, const struct session_restore *restore,
                       bool *ret_created, struct fault *fault)
{
    const float *state = NULL;
    /* First of all: a restore that fails must not have evicted another session for the room. */
    enum status status = restored_state(context, model->active, restore, &state, fault);
    bool again = status == STATUS_OK;
    for (int k = 0; again; k++) {
        struct session_draft draft;
        if (context->engine && k > CLUSTER_REFUSALS_MAX) {
            const struct pool_key key = pool_key_of(id);
            return session_cluster_refuse(context, &key, fault);
        }
        status =
            begin_draft(context, model, id, may_exist, keep, restore->calibration, &draft, fault);
        if (status != STATUS_OK) {
            return status;
        }
        status = put_draft(context, &draft, restore, &again, fault);
        *ret_created = draft.is_new;
    }
    return status;
}

enum status session_put(struct service_context *context, const struct model *model, const char *id,
                        const struct session_restore *restore, bool *ret_created,
                        struct fault *fault)
{
    return put(context, model, id, true, POOL_KEEP_NONE, restore, ret_created, fault);
}

enum status session_fork(struct service_context *context, const struct model *model, const char *id,
                         const char *to, struct arena *arena, struct fault *fault)
{
    for (;;) {
        struct session session;
        enum status status = session_read(context, model, id, arena, &session, fault);
        if (status != STATUS_OK) {
            return status;
        }
        const struct session_restore restore = { .ttl_s = session.ttl_s,
                                                 .step = session.row.step,
                                                 .has_digest = true,
                                                 .digest = session.digest,
                                                 .state = session.state,
                                                 .readings = session.readings,
                                                 .n_readings = session.n_readings,
                                                 .errors = session.errors,
                                                 .calibration = &session.calibration,
                                                 .time = session.time };
        bool created;
        /* Not the source, of which there may be more to fork. */
        status = put(context, model, to, false, pool_key_of(id).hash, &restore, &created, fault);
        if (status != STATUS_DIGEST_MISMATCH) {
            return status;
        }
        /* Another version was activated in between. */
        status = model_find(context, model->name, &model, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
}
