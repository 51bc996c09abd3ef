#include "service/pool/pool_move.h"

#include "base/log.h"
#include "service/pool/pool_adopt.h"
#include "service/pool/pool_file.h"
#include "service/pool/pool_load.h"
#include "service/pool/pool_slots.h"
#include "service/pool/pool_write.h"
#include "service/pool/record_ring.h"
#include "store/files.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- another layout ---- */

struct moving {
    struct pool *from, *to;
    const struct pool_options *options; /* of `to` */
    struct record_copy *copy;           /* one of `to` */
    double *readings;                   /* [K of `from`][I] */
    struct record_stamp *stamps;        /* [K of `from`] */
    char *file;                         /* of format 1 */
    int64_t now_ms;
};

static enum status begin_moving(struct moving *moving, size_t n_history, struct fault *fault)
{
    const struct record_layout *to = &moving->to->layout;
    moving->readings = calloc(n_history * to->n_inputs + 1, sizeof *moving->readings);
    moving->stamps = calloc(n_history, sizeof *moving->stamps);
    moving->copy = calloc(1, moving->to->copy_bytes_max);
    return moving->readings && moving->stamps && moving->copy
               ? STATUS_OK
               : fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to move the sessions");
}

static void end_moving(const struct moving *moving)
{
    free(moving->readings);
    free(moving->stamps);
    free(moving->copy);
}

/* A session of which nothing is whole. */
static void note_lost(const struct moving *moving, const struct pool_key *key)
{
    struct pool *to = moving->to;
    log_event(LOG_ERROR, "session_damaged", LOG_STRING("session", key->id));
    tombstones_add(&to->tombstones, key->hash, TOMBSTONE_DAMAGED, moving->now_ms, 0);
    atomic_fetch_add_explicit(&to->n_ended[TOMBSTONE_DAMAGED], 1, memory_order_relaxed);
}

/* Whether their states are of the same sizes. */
static bool has_same_state(const struct record_layout *a, const struct record_layout *b)
{
    return a->n_inputs == b->n_inputs && a->n_outputs == b->n_outputs &&
           a->n_history == b->n_history && a->state_floats == b->state_floats &&
           a->is_wide == b->is_wide;
}

static bool translate_state(const struct moving *moving, const struct record_layout *from,
                            struct record_copy *old, const struct record_layout *to,
                            struct record_copy *copy)
{
    const struct pool_options *options = moving->options;
    return options->translate_state && from->n_inputs == to->n_inputs &&
           from->n_outputs == to->n_outputs &&
           options->translate_state(options->gru, record_state(from, old), from->state_floats,
                                    record_state(to, copy));
}

/* Otherwise the state is left to be re-warmed: it is of no version then. */
static void copy_state(const struct moving *moving, const struct record_layout *from,
                       struct record_copy *old, const struct record_layout *to,
                       struct record_copy *copy)
{
    if (from->n_outputs == to->n_outputs) {
        memcpy(copy->errors, old->errors, to->n_outputs * sizeof *copy->errors);
    }
    if (from->n_outputs == to->n_outputs && from->season == to->season) {
        memcpy(record_seasonal_of(to, copy), record_seasonal_of(from, old),
               record_seasonal_bytes(to));
    }
    if (has_same_state(from, to)) {
        memcpy(record_state(to, copy), record_state(from, old), to->state_floats * sizeof(float));
        copy->digest = old->digest;
    } else if (translate_state(moving, from, old, to, copy)) {
        copy->digest = old->digest;
    }
    record_rebase(to, copy, copy);
    if (has_same_state(from, to) && record_has_base(from) && record_has_base(to)) {
        record_take_base(to, copy, record_base_of(from, old));
    }
}

/* Those that both layouts have; NULL: there are none. */
static const struct record_stamp *read_stamps(const struct moving *moving,
                                              const struct record_layout *from, char *record,
                                              const struct record_copy *old,
                                              const struct record_layout *to)
{
    if (!record_has_base(from) || !record_has_base(to)) {
        return NULL;
    }
    for (size_t k = 0; k < old->n_readings; k++) {
        moving->stamps[k] = record_read_stamp(from, record, old->step - old->n_readings + 1 + k);
    }
    return moving->stamps;
}

/* Of the session in a slot of a class that has tails. */
static const struct pool_class *kind_of(const struct pool *pool, uint32_t slot)
{
    return &pool->classes[pool_extent(pool, slot)->record_class - 1];
}

static void copy_tail(const struct moving *moving, uint32_t from_slot, uint32_t to_slot,
                      struct record_copy *old)
{
    const struct record_layout *to = pool_layout(moving->to, to_slot);
    if (to->tail_bytes == 0) {
        return;
    }
    const struct pool_class *kind = kind_of(moving->from, from_slot);
    const struct pool_class *wanted = kind_of(moving->to, to_slot);
    const struct pool_tail tail = { record_tail(pool_layout(moving->from, from_slot), old),
                                    (uint8_t)old->tail_mark };
    struct pool_tail new_tail = { record_tail(to, moving->copy), tail.mark };
    if (memcmp(kind, wanted, sizeof *kind) == 0) {
        memcpy(new_tail.bytes, tail.bytes, to->tail_bytes);
    } else {
        (void)moving->options->translate_tail(kind, &tail, wanted, &new_tail, to->n_outputs);
    }
    moving->copy->tail_mark = new_tail.mark;
}

static void copy_session(const struct moving *moving, uint32_t from_slot, uint32_t to_slot)
{
    const struct record_layout *from = pool_layout(moving->from, from_slot);
    const struct record_layout *to = pool_layout(moving->to, to_slot);
    char *old_record = pool_record(moving->from, from_slot);
    struct record_copy *old = record_newest(from, old_record);
    struct record_copy *copy = moving->copy;
    size_t n = old->n_readings < to->n_history ? old->n_readings : to->n_history;
    record_clear_copy(to, copy);
    copy->step = old->step;
    copy->last_seen_at_ms = old->last_seen_at_ms;
    copy->gap = old->gap;
    copy->last_at = old->last_at;
    copy->version = old->version;
    copy_state(moving, from, old, to, copy);
    copy_tail(moving, from_slot, to_slot, old);
    record_read_readings(from, old_record, old, moving->readings);
    const struct record_stamp *stamps = read_stamps(moving, from, old_record, old, to);
    const size_t n_left_out = old->n_readings - n;
    const struct pool_readings readings = { .x = moving->readings + n_left_out * from->n_inputs,
                                            .stamps = stamps ? stamps + n_left_out : NULL,
                                            .n = n };
    uint64_t section = pool_begin_writes(moving->to);
    pool_write_first(moving->to, section, to_slot, &record_header_of(old_record)->life, copy,
                     &readings);
    pool_end_writes(moving->to, section);
}

/* Of the new pool, for a session of that slot. */
static unsigned class_in(const struct moving *moving, uint32_t slot)
{
    const struct pool *from = moving->from, *to = moving->to;
    const size_t n_outputs = from->layout.n_outputs;
    if (pool_extent(from, slot)->record_class == 0 || n_outputs != to->layout.n_outputs) {
        return 0;
    }
    const struct pool_class *kind = kind_of(from, slot);
    pool_translate_tail *translate = moving->options->translate_tail;
    unsigned found = pool_class_of(to, kind, n_outputs);
    for (unsigned k = 0; translate && found == 0 && k < to->n_classes; k++) {
        found = translate(kind, NULL, &to->classes[k], NULL, n_outputs) ? k + 1 : 0;
    }
    return found;
}

static enum status move_session(const struct moving *moving, uint32_t slot, struct fault *fault)
{
    struct pool *to = moving->to;
    char id[SESSION_ID_MAX + 1];
    struct pool_key key = pool_key_of_record(pool_record(moving->from, slot), id);
    if (!pool_verify(moving->from, slot, moving->now_ms)) {
        note_lost(moving, &key);
        return STATUS_OK;
    }
    uint32_t to_slot;
    enum status status = pool_alloc(to, &key, class_in(moving, slot), POOL_KEEP_NONE, OWNER_MAIN, 0,
                                    &to_slot, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (pool_publish(to, &key, to_slot, fault) != CLAIM_OK) {
        return fault_status(fault);
    }
    copy_session(moving, slot, to_slot);
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
    struct moving moving = {
        .from = from, .to = to, .options = options, .now_ms = options->now_ms
    };
    enum status status = begin_moving(&moving, from->layout.n_history, fault);
    if (status == STATUS_OK) {
        close_pool(from);
    }
    for (uint32_t slot = pool_next_slot(from, INDEX_NONE);
         status == STATUS_OK && slot != INDEX_NONE; slot = pool_next_slot(from, slot)) {
        if (claim_for_good(from, slot)) {
            status = move_session(&moving, slot, fault);
        }
    }
    end_moving(&moving);
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

enum status pool_convert(const struct pool_options *options, struct pool *old,
                         struct pool **ret_pool, struct fault *fault)
{
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
    struct pool *to = moving->to;
    char id[SESSION_ID_MAX + 1];
    uint32_t to_slot;
    struct record_life life;
    enum format1_found found = format1_read(pool_file_format1(moving->from), moving->file, slot, id,
                                            &life, moving->copy, moving->readings);
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
    if (is_outdated(to, &key, moving->copy)) {
        return STATUS_OK;
    }
    enum status status = pool_alloc(to, &key, 0, POOL_KEEP_NONE, OWNER_MAIN, 0, &to_slot, fault);
    if (status == STATUS_OK && pool_publish(to, &key, to_slot, fault) != CLAIM_OK) {
        status = fault_status(fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const struct pool_readings readings = { .x = moving->readings, .n = moving->copy->n_readings };
    uint64_t section = pool_begin_writes(to);
    pool_write_first(to, section, to_slot, &life, moving->copy, &readings);
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
    struct moving moving = { .from = old, .to = pool, .now_ms = options->now_ms };
    if (status == STATUS_OK) {
        status = begin_moving(&moving, layout->n_history, fault);
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
    end_moving(&moving);
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
