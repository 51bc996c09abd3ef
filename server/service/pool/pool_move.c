#include "service/pool/pool_move.h"

#include "base/log.h"
#include "service/pool/pool_adopt.h"
#include "service/pool/pool_file.h"
#include "service/pool/pool_load.h"
#include "service/pool/pool_slots.h"
#include "service/pool/pool_write.h"
#include "service/pool/relayout.h"
#include "store/files.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- another layout ---- */

struct moving {
    struct pool *from;
    struct relayout relayout;
    char *file; /* of format 1 */
    int64_t now_ms;
};

/* A session of which nothing is whole. */
static void note_lost(const struct moving *moving, const struct pool_key *key)
{
    struct pool *to = moving->relayout.to;
    log_event(LOG_ERROR, "session_damaged", LOG_STRING("session", key->id));
    tombstones_add(&to->tombstones, key->hash, TOMBSTONE_DAMAGED, moving->now_ms, 0);
    atomic_fetch_add_explicit(&to->n_ended[TOMBSTONE_DAMAGED], 1, memory_order_relaxed);
}

static struct relayout_source source_of(struct pool *pool, uint32_t slot)
{
    const unsigned record_class = pool_extent(pool, slot)->record_class;
    return (struct relayout_source){ .layout = pool_layout(pool, slot),
                                     .record = pool_record(pool, slot),
                                     .kind = record_class > 0 ? &pool->classes[record_class - 1]
                                                              : NULL };
}

static enum status move_session(const struct moving *moving, uint32_t slot, struct fault *fault)
{
    struct pool *to = moving->relayout.to;
    char id[SESSION_ID_MAX + 1];
    struct pool_key key = pool_key_of_record(pool_record(moving->from, slot), id);
    if (!pool_verify(moving->from, slot, moving->now_ms)) {
        note_lost(moving, &key);
        return STATUS_OK;
    }
    const struct relayout_source source = source_of(moving->from, slot);
    uint32_t to_slot;
    enum status status = pool_alloc(to, &key, relayout_class(&moving->relayout, &source),
                                    POOL_KEEP_NONE, OWNER_MAIN, 0, &to_slot, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (pool_publish(to, &key, to_slot, fault) != CLAIM_OK) {
        return fault_status(fault);
    }
    relayout_session(&moving->relayout, &source, to_slot);
    pool_release(to, to_slot);
    return STATUS_OK;
}

/* Claims a slot for OWNER_MOVED if a session is in it. */
static bool claim_for_good(struct pool *pool, uint32_t slot)
{
    uint16_t none = OWNER_NONE;
    if (!(atomic_load(&pool_slot(pool, slot)->flags) & SLOT_USED)) {
        return false;
    }
    while (!atomic_compare_exchange_weak(&pool_slot(pool, slot)->owner, &none, OWNER_MOVED)) {
        none = OWNER_NONE;
        sched_yield();
    }
    if (atomic_load(&pool_slot(pool, slot)->flags) & SLOT_USED) {
        return true;
    }
    pool_release(pool, slot);
    return false;
}

static void reopen_pool(struct pool *pool)
{
    for (uint32_t slot = pool_next_slot(pool, INDEX_NONE); slot != INDEX_NONE;
         slot = pool_next_slot(pool, slot)) {
        if (atomic_load(&pool_slot(pool, slot)->owner) == OWNER_MOVED) {
            pool_release(pool, slot);
        }
    }
    atomic_store(&pool->is_closed, false);
}

/* No session is added to a closed pool; callers that have just looked whether it is closed hold
 * their shard's lock. */
static void close_pool(struct pool *pool)
{
    atomic_store(&pool->is_closed, true);
    for (uint64_t shard = 0; shard < INDEX_SHARDS; shard++) {
        index_unlock(index_lock(&pool->index, shard << 58));
    }
}

/* Copies all sessions of `from` into the empty pool `to`; their states are left for the next step
 * to re-warm. Afterwards claims on `from` say CLAIM_MOVED, until it is reopened. */
static enum status move_all(const struct pool_options *options, struct pool *from, struct pool *to,
                            struct fault *fault)
{
    struct moving moving = { .from = from, .now_ms = options->now_ms };
    enum status status =
        relayout_begin(&moving.relayout, to, options, from->layout.n_history, fault);
    if (status == STATUS_OK) {
        close_pool(from);
    }
    for (uint32_t slot = pool_next_slot(from, INDEX_NONE);
         status == STATUS_OK && slot != INDEX_NONE; slot = pool_next_slot(from, slot)) {
        if (claim_for_good(from, slot)) {
            status = move_session(&moving, slot, fault);
        }
    }
    relayout_end(&moving.relayout);
    return status;
}

/* Moves the tombstones and counts. A pool whose sessions have all moved gets no further ones. */
static void move_memory(struct pool *from, struct pool *to)
{
    tombstones_copy(&from->tombstones, &to->tombstones);
    atomic_store(&to->owes_sync, atomic_load(&from->owes_sync));
    atomic_fetch_add(&to->n_created, atomic_load(&from->n_created));
    atomic_fetch_add(&to->n_stepped_back, atomic_load(&from->n_stepped_back));
    atomic_fetch_add(&to->n_readings_lost, atomic_load(&from->n_readings_lost));
    atomic_fetch_add(&to->n_exposed, atomic_load(&from->n_exposed));
    for (int reason = 0; reason < TOMBSTONE_REASONS; reason++) {
        atomic_fetch_add(&to->n_ended[reason], atomic_load(&from->n_ended[reason]));
    }
}

enum status pool_replace_file(struct pool *pool, const char *beside, const char *path,
                              struct fault *fault)
{
    if (!pool_sync(pool)) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "cannot sync %s", beside);
    }
    if (rename(beside, path) != 0) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "cannot put in place %s: %s", path,
                         strerrordesc_np(errno));
    }
    if (!files_sync_folder_of(path)) {
        log_event(LOG_ERROR, "sync_failed", LOG_STRING("file", path));
        pool_file_distrust(pool);
    }
    return STATUS_OK;
}

void pool_clear_beside(const struct pool_options *options, char beside[PATH_MAX])
{
    beside[0] = '\0';
    if (options->path) {
        snprintf(beside, PATH_MAX, "%s.new", options->path);
        unlink(beside);
    }
}

/* What a cache has the engine has, too, and pool_wire_take brings it over when it is asked for. */
static enum status begin_cache(const struct pool_options *options, struct pool *old,
                               struct pool **ret_pool, struct fault *fault)
{
    enum status status = pool_load(options, NULL, true, ret_pool, fault);
    if (status == STATUS_OK) {
        move_memory(old, *ret_pool);
    }
    return status;
}

enum status pool_convert(const struct pool_options *options, struct pool *old,
                         struct pool **ret_pool, struct fault *fault)
{
    if (options->is_cache) {
        return begin_cache(options, old, ret_pool, fault);
    }
    if (old->layout.n_inputs != options->layout.n_inputs) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                         "the sessions of model '%s' have %u inputs, not %u; move their file away "
                         "to start without them",
                         options->name, old->layout.n_inputs, options->layout.n_inputs);
    }
    char beside[PATH_MAX];
    struct pool *pool = NULL;
    struct pool_options roomy = *options; /* for all that there are, also beyond the limit */
    size_t n_old = atomic_load(&old->n_sessions);
    roomy.memory = NULL;
    roomy.session_max = n_old > options->session_max ? n_old : options->session_max;
    pool_clear_beside(options, beside);
    enum status status = pool_load(&roomy, options->path ? beside : NULL, true, &pool, fault);
    if (status == STATUS_OK) {
        status = move_all(options, old, pool, fault);
        pool->session_max = options->session_max;
        pool_count_in(pool, options->memory);
        if (status == STATUS_OK && options->path) {
            status = pool_replace_file(pool, beside, options->path, fault);
        }
        if (status != STATUS_OK) {
            reopen_pool(old);
        }
    }
    if (status != STATUS_OK) {
        pool_unref(pool);
        unlink(beside);
        return status;
    }
    move_memory(old, pool);
    log_event(LOG_INFO, "sessions_converted", LOG_STRING("model", options->name),
              LOG_INT("sessions", (int64_t)atomic_load(&pool->n_sessions)));
    *ret_pool = pool;
    return STATUS_OK;
}

/* ---- format 1 ---- */

/* Of two records of one session: ends the one that is there already if it is the older one. */
static bool is_outdated(struct pool *pool, const struct pool_key *key,
                        const struct record_copy *copy)
{
    uint32_t slot = pool_find_slot(pool, key);
    if (slot == INDEX_NONE) {
        return false;
    }
    const struct record_copy *other = pool_newest(pool, slot);
    bool is_newer = copy->last_seen_at_ms != other->last_seen_at_ms
                        ? copy->last_seen_at_ms > other->last_seen_at_ms
                        : copy->step > other->step;
    if (is_newer && slots_claim(pool, slot, OWNER_MAIN) == OWNER_NONE) {
        pool_remove(pool, slot);
    }
    return !is_newer;
}

static enum status upgrade_session(const struct moving *moving, size_t slot, struct fault *fault)
{
    struct pool *to = moving->relayout.to;
    char id[SESSION_ID_MAX + 1];
    uint32_t to_slot;
    struct record_life life;
    enum format1_found found =
        format1_read(pool_file_format1(moving->from), moving->file, slot, id, &life,
                     moving->relayout.copy, moving->relayout.readings);
    if (found == FORMAT1_UNUSED) {
        return STATUS_OK;
    }
    if (found == FORMAT1_NAMELESS) {
        pool_note_damaged(to, slot);
        return STATUS_OK;
    }
    struct pool_key key = pool_key_of(id);
    if (found == FORMAT1_DAMAGED) {
        note_lost(moving, &key);
        return STATUS_OK;
    }
    if (is_outdated(to, &key, moving->relayout.copy)) {
        return STATUS_OK;
    }
    enum status status = pool_alloc(to, &key, 0, POOL_KEEP_NONE, OWNER_MAIN, 0, &to_slot, fault);
    if (status == STATUS_OK && pool_publish(to, &key, to_slot, fault) != CLAIM_OK) {
        status = fault_status(fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const struct pool_readings readings = { .x = moving->relayout.readings,
                                            .n = moving->relayout.copy->n_readings };
    uint64_t section = pool_begin_writes(to);
    pool_write_first(to, section, to_slot, &life, moving->relayout.copy, &readings);
    pool_end_writes(to, section);
    pool_release(to, to_slot);
    return STATUS_OK;
}

enum status pool_upgrade(const struct pool_options *options, struct pool *old, const char *beside,
                         struct pool **ret_pool, struct fault *fault)
{
    const struct format1_layout *layout = pool_file_format1(old);
    size_t n = format1_count(layout, atomic_load(&old->region.size));
    struct pool_options today = *options;
    struct pool *pool = NULL;
    today.layout = format1_layout_today(layout);
    today.session_max = n > options->session_max ? n : options->session_max;
    today.memory = NULL; /* all that there are go on */
    enum status status = pool_load(&today, beside, true, &pool, fault);
    struct moving moving = { .from = old, .now_ms = options->now_ms };
    if (status == STATUS_OK) {
        status = relayout_begin(&moving.relayout, pool, &today, layout->n_history, fault);
    }
    if (status == STATUS_OK) {
        status = region_map(&old->region, 0, atomic_load(&old->region.size), &moving.file, fault);
    }
    for (size_t slot = 0; status == STATUS_OK && slot < n; slot++) {
        status = upgrade_session(&moving, slot, fault);
    }
    if (status == STATUS_OK) {
        status = pool_replace_file(pool, beside, options->path, fault);
    }
    relayout_end(&moving.relayout);
    if (status != STATUS_OK) {
        pool_unref(pool);
        unlink(beside);
        return status;
    }
    pool->session_max = options->session_max;
    pool_count_in(pool, options->memory);
    log_event(LOG_INFO, "sessions_upgraded", LOG_STRING("model", options->name),
              LOG_INT("sessions", (int64_t)atomic_load(&pool->n_sessions)));
    *ret_pool = pool;
    return STATUS_OK;
}
