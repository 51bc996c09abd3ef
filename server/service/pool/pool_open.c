/* pool_open.c - the life of a pool as a whole: opening its file, finding what the last process
 * left, moving to another layout. */
#include "base/log.h"
#include "service/pool/pool_file.h"
#include "store/files.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint32_t hash_of_slot(const void *context, uint32_t slot)
{
    const struct pool *pool = context;
    return pool->slots[slot].hash;
}

static bool is_slot(const void *context, uint32_t slot, const char *id, size_t n_id)
{
    const struct record_header *header = record_header_of(pool_record(context, slot));
    return header->n_id == n_id && memcmp(header->id, id, n_id) == 0;
}

/* ---- life ---- */

struct pool *pool_ref(struct pool *pool)
{
    atomic_fetch_add(&pool->n_refs, 1);
    return pool;
}

void pool_unref(struct pool *pool)
{
    if (!pool || atomic_fetch_sub(&pool->n_refs, 1) != 1) {
        return;
    }
    if (pool->slots) {
        munmap(pool->slots, pool->n_slots * sizeof *pool->slots);
    }
    region_close(&pool->region);
    index_done(&pool->index);
    tombstones_done(&pool->tombstones);
    free(pool);
}

static enum status alloc_pool(const struct pool_options *options, struct pool **ret_pool,
                              struct fault *fault)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for a session pool");
    }
    atomic_init(&pool->n_refs, 1);
    pool->region.fd = -1;
    pool->session_max = options->session_max;
    pool->ttl_s = options->ttl_s;
    pool->evict = options->evict;
    pool->first_free = INDEX_NONE;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_mutex_init(&pool->sync_mutex, NULL);
    if (!index_init(&pool->index, pool, is_slot, hash_of_slot) ||
        !tombstones_init(&pool->tombstones, options->tombstone_max)) {
        pool_unref(pool);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for a session pool");
    }
    *ret_pool = pool;
    return STATUS_OK;
}

/* A slot for each session that may be, and for each record that the file holds already. */
static enum status map_slots(struct pool *pool, size_t n_records, struct fault *fault)
{
    size_t n = pool->session_max > n_records ? pool->session_max : n_records;
    void *slots = mmap(NULL, n * sizeof *pool->slots, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slots == MAP_FAILED) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for a session pool");
    }
    pool->slots = slots;
    pool->n_slots = n;
    return STATUS_OK;
}

/* ---- what the last process left ---- */

static void free_slot(struct pool *pool, uint32_t slot)
{
    record_header_clear(pool_record(pool, slot));
    pool->slots[slot].hash = pool->first_free;
    pool->first_free = slot;
}

/* Of two records of one session: whether the first is the one to keep. */
static bool is_newer(const struct pool *pool, uint32_t a, uint32_t b)
{
    bool a_whole = record_verify(&pool->layout, pool_record(pool, a));
    bool b_whole = record_verify(&pool->layout, pool_record(pool, b));
    if (!a_whole || !b_whole) {
        return a_whole;
    }
    const struct record_copy *of_a = record_newest(&pool->layout, pool_record(pool, a));
    const struct record_copy *of_b = record_newest(&pool->layout, pool_record(pool, b));
    return of_a->last_seen_at_ms != of_b->last_seen_at_ms
               ? of_a->last_seen_at_ms > of_b->last_seen_at_ms
               : of_a->step > of_b->step;
}

static uint32_t find_slot(struct pool *pool, const struct pool_key *key)
{
    struct index_shard *shard = index_lock(&pool->index, key->hash);
    uint32_t slot = index_find(&pool->index, shard, key->hash, key->id, key->n);
    index_unlock(shard);
    return slot;
}

static void note_damaged(struct pool *pool, uint32_t slot)
{
    log_event(LOG_ERROR, "session_damaged", LOG_STRING("session", NULL), LOG_INT("slot", slot));
    atomic_fetch_add_explicit(&pool->n_ended[TOMBSTONE_DAMAGED], 1, memory_order_relaxed);
}

static enum status adopt(struct pool *pool, uint32_t slot, int64_t now_ms, struct fault *fault)
{
    char *record = pool_record(pool, slot);
    const struct record_header *header = record_header_of(record);
    if (record_header_is_damaged(&pool->layout, record)) {
        note_damaged(pool, slot);
        record_begin(&pool->layout, record); /* so that it is noted once */
    }
    if (!record_header_is_valid(record) || record_is_unborn(&pool->layout, record)) {
        free_slot(pool, slot);
        return STATUS_OK;
    }
    char id[SESSION_ID_MAX + 1] = "";
    memcpy(id, header->id, header->n_id);
    struct pool_key key = pool_key_of(id);
    pool->slots[slot].hash = (uint32_t)key.hash;
    /* A power failure may keep the end of a session from the disk, but not what was made of its id
     * since. */
    uint32_t other = find_slot(pool, &key);
    if (other != INDEX_NONE) {
        log_event(LOG_WARN, "session_found_twice", LOG_STRING("session", id));
        if (!is_newer(pool, slot, other)) {
            free_slot(pool, slot);
            return STATUS_OK;
        }
        pool_remove(pool, other);
    }
    struct index_shard *shard = index_lock(&pool->index, key.hash);
    bool inserted = index_insert(&pool->index, shard, slot);
    index_unlock(shard);
    if (!inserted) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for session '%s'", id);
    }
    atomic_store_explicit(&pool->slots[slot].flags, SLOT_USED, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->n_sessions, 1, memory_order_relaxed);
    pool->n_taken++;
    pool_note_found(pool, slot, record_newest(&pool->layout, record), now_ms);
    return STATUS_OK;
}

/* How many whole records the file holds. Of a record that was cut off, the rest goes: the file will
 * grow again, and what the slot held once would be found there by a later process. */
static size_t count_records(struct pool *pool)
{
    const struct record_layout *layout = &pool->layout;
    size_t area = atomic_load(&pool->region.size) - RECORD_PAGE;
    size_t n_partial = area % layout->group_bytes / layout->record_bytes; /* of the last group */
    n_partial = n_partial < layout->records_per_group ? n_partial : layout->records_per_group;
    size_t n = area / layout->group_bytes * layout->records_per_group + n_partial;
    size_t end = record_offset(layout, n);
    if (end + sizeof(struct record_header) <= area &&
        record_header_of(pool_record(pool, (uint32_t)n))->check != 0) {
        note_damaged(pool, (uint32_t)n);
    }
    if (end < area) {
        memset(pool->region.base + RECORD_PAGE + end, 0, area - end);
    }
    return n;
}

static bool is_unused(const struct pool *pool, uint32_t slot)
{
    char *record = pool_record(pool, slot);
    return record_header_of(record)->check == 0 && !record_header_is_damaged(&pool->layout, record);
}

static enum status adopt_all(struct pool *pool, const char *path, int64_t now_ms,
                             struct fault *fault)
{
    size_t n = count_records(pool);
    /* The file was grown in pages; beyond the limit only what holds a session is a slot. */
    while (n > pool->session_max && is_unused(pool, (uint32_t)n - 1)) {
        n--;
    }
    if (n > INDEX_SLOTS_MAX) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                         "%s has room for %zu sessions, and grud can hold %d of a model", path, n,
                         INDEX_SLOTS_MAX);
    }
    enum status status = map_slots(pool, n, fault);
    pool->n_fresh = (uint32_t)n;
    /* From the last to the first, so that the free list hands out the first first. */
    for (uint32_t slot = (uint32_t)n; status == STATUS_OK && slot > 0; slot--) {
        status = adopt(pool, slot - 1, now_ms, fault);
    }
    return status;
}

/* Opens the file with the layout that it has, or begins it with the given one. */
static enum status load(const struct pool_options *options, const char *path,
                        struct pool **ret_pool, struct fault *fault)
{
    struct pool *pool = NULL;
    enum status status = alloc_pool(options, &pool, fault);
    if (status != STATUS_OK) {
        return status;
    }
    size_t most = RECORD_PAGE + record_area_bytes(&options->layout, options->session_max);
    status = region_open(&pool->region, path, most, fault);
    if (status == STATUS_OK && pool_file_is_unfinished(pool)) {
        status = map_slots(pool, 0, fault);
        status = status == STATUS_OK ? pool_file_begin(pool, options, path, fault) : status;
    } else if (status == STATUS_OK) {
        status = pool_file_check(pool, options, path, fault);
        if (status == STATUS_OK) {
            status = adopt_all(pool, path, options->now_ms, fault);
        }
    }
    if (status != STATUS_OK) {
        pool_unref(pool);
        return status;
    }
    *ret_pool = pool;
    return STATUS_OK;
}

/* ---- moving ---- */

static void copy_session(struct pool *from, uint32_t from_slot, struct pool *to, uint32_t to_slot,
                         float *readings)
{
    char *old_record = pool_record(from, from_slot);
    char *record = pool_record(to, to_slot);
    struct record_copy *old = record_newest(&from->layout, old_record);
    struct record_copy *copy = record_copy_at(&to->layout, record, 0);
    size_t n = old->n_readings < to->layout.n_history ? old->n_readings : to->layout.n_history;
    memset(copy, 0, to->layout.copy_bytes);
    copy->step = old->step;
    copy->last_seen_at_ms = old->last_seen_at_ms;
    copy->created_at_s = old->created_at_s;
    copy->ttl_s = old->ttl_s;
    copy->version = old->version;
    copy->digest = 0; /* of no version: to be re-warmed */
    copy->writes = 1;
    if (from->layout.n_outputs == to->layout.n_outputs) {
        memcpy(copy->errors, old->errors, to->layout.n_outputs * sizeof *copy->errors);
    }
    record_read_readings(&from->layout, old_record, old, readings);
    record_put_readings(&to->layout, record, copy,
                        readings + (old->n_readings - n) * from->layout.n_inputs, n);
    record_seal(&to->layout, record, copy);
    record_end_birth(&to->layout, record);
    pool_note_copy(to, to_slot, copy);
}

static enum status move_session(struct pool *from, uint32_t slot, struct pool *to, float *readings,
                                int64_t now_ms, struct fault *fault)
{
    char *record = pool_record(from, slot);
    char id[SESSION_ID_MAX + 1] = "";
    memcpy(id, record_header_of(record)->id, record_header_of(record)->n_id);
    struct pool_key key = pool_key_of(id);
    if (!(atomic_load(&from->slots[slot].flags) & SLOT_VERIFIED) &&
        !record_verify(&from->layout, record)) {
        log_event(LOG_ERROR, "session_damaged", LOG_STRING("session", id));
        tombstones_add(&to->tombstones, key.hash, TOMBSTONE_DAMAGED, now_ms, 0);
        atomic_fetch_add_explicit(&to->n_ended[TOMBSTONE_DAMAGED], 1, memory_order_relaxed);
        return STATUS_OK;
    }
    uint32_t to_slot;
    enum status status = pool_alloc(to, &key, OWNER_MAIN, 0, &to_slot, fault);
    if (status != STATUS_OK) {
        return status;
    }
    copy_session(from, slot, to, to_slot, readings);
    if (pool_publish(to, &key, to_slot, fault) != CLAIM_OK) {
        return fault_status(fault);
    }
    pool_release(to, to_slot);
    return STATUS_OK;
}

/* Claims a slot for OWNER_MOVED if a session is in it. */
static bool claim_for_good(struct pool *pool, uint32_t slot)
{
    uint16_t none = OWNER_NONE;
    if (!(atomic_load(&pool->slots[slot].flags) & SLOT_USED)) {
        return false;
    }
    while (!atomic_compare_exchange_weak(&pool->slots[slot].owner, &none, OWNER_MOVED)) {
        none = OWNER_NONE;
        sched_yield();
    }
    if (atomic_load(&pool->slots[slot].flags) & SLOT_USED) {
        return true;
    }
    pool_release(pool, slot);
    return false;
}

static void reopen_pool(struct pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    uint32_t n_fresh = pool->n_fresh;
    pthread_mutex_unlock(&pool->mutex);
    for (uint32_t slot = 0; slot < n_fresh; slot++) {
        if (atomic_load(&pool->slots[slot].owner) == OWNER_MOVED) {
            pool_release(pool, slot);
        }
    }
    atomic_store(&pool->is_closed, false);
}

/* No session is added to a closed pool; callers that have just looked whether it is closed hold
 * their shard's lock. */
static uint32_t close_pool(struct pool *pool)
{
    atomic_store(&pool->is_closed, true);
    for (uint64_t shard = 0; shard < INDEX_SHARDS; shard++) {
        index_unlock(index_lock(&pool->index, shard << 58));
    }
    pthread_mutex_lock(&pool->mutex);
    uint32_t n_fresh = pool->n_fresh;
    pthread_mutex_unlock(&pool->mutex);
    return n_fresh;
}

/* Copies all sessions of `from` into the empty pool `to`; their states are left for the next step
 * to re-warm. Afterwards claims on `from` say CLAIM_MOVED, until it is reopened. */
static enum status move_all(struct pool *from, struct pool *to, int64_t now_ms, struct fault *fault)
{
    float *readings =
        calloc((size_t)from->layout.n_history * from->layout.n_inputs + 1, sizeof *readings);
    if (!readings) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to move the sessions");
    }
    uint32_t n_fresh = close_pool(from);
    enum status status = STATUS_OK;
    for (uint32_t slot = 0; status == STATUS_OK && slot < n_fresh; slot++) {
        if (claim_for_good(from, slot)) {
            status = move_session(from, slot, to, readings, now_ms, fault);
        }
    }
    free(readings);
    return status;
}

/* Moves the tombstones and counts. A pool whose sessions have all moved gets no further ones. */
static void move_memory(struct pool *from, struct pool *to)
{
    tombstones_copy(&from->tombstones, &to->tombstones);
    atomic_store(&to->owes_sync, atomic_load(&from->owes_sync));
    atomic_fetch_add(&to->n_created, atomic_load(&from->n_created));
    for (int reason = 0; reason < TOMBSTONE_REASONS; reason++) {
        atomic_fetch_add(&to->n_ended[reason], atomic_load(&from->n_ended[reason]));
    }
}

/* Makes the finished file beside durable, and puts it in the old one's place. From then on there is
 * no way back: should the folder not be synced, a power failure may bring the old file back, so
 * that nothing which is written to the new one is durable. */
static enum status replace_file(struct pool *pool, const char *beside, const char *path,
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

/* Where a new file is made; what an interrupted conversion left there goes. */
static void clear_beside(const struct pool_options *options, char beside[PATH_MAX])
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
    roomy.session_max = n_old > options->session_max ? n_old : options->session_max;
    clear_beside(options, beside);
    enum status status = load(&roomy, options->path ? beside : NULL, &pool, fault);
    if (status == STATUS_OK) {
        status = move_all(old, pool, options->now_ms, fault);
        pool->session_max = options->session_max;
        if (status == STATUS_OK && options->path) {
            status = replace_file(pool, beside, options->path, fault);
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

enum status pool_open(const struct pool_options *options, struct pool **ret_pool,
                      struct fault *fault)
{
    char beside[PATH_MAX];
    struct pool *pool;
    clear_beside(options, beside);
    enum status status = load(options, options->path, &pool, fault);
    if (status != STATUS_OK || memcmp(&pool->layout, &options->layout, sizeof pool->layout) == 0) {
        if (status == STATUS_OK) {
            pool_file_claim(pool, options);
            *ret_pool = pool;
        }
        return status;
    }
    status = pool_convert(options, pool, ret_pool, fault);
    pool_unref(pool);
    return status;
}
