/* pool_open.c - the life of a pool as a whole: opening its file, finding what the last process left, moving
 * to another layout. */
#include "log.h"
#include "service/pool.h"
#include "store/files.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char magic[8] = "grudpool";
enum { FORMAT = 1 };

/* The file's first page. */
struct file_header {
    char magic[8];
    uint32_t format, unused;
    struct record_layout layout;
    uint64_t check; /* over what precedes */
};

static uint64_t file_header_check(const struct file_header *header)
{
    return digest_64(header, offsetof(struct file_header, check), 0);
}

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
        munmap(pool->slots, pool->session_max * sizeof *pool->slots);
    }
    region_close(&pool->region);
    index_done(&pool->index);
    tombs_done(&pool->tombs);
    free(pool);
}

static enum status alloc_pool(const struct pool_options *options, struct pool **ret_pool, struct fault *fault)
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
    void *slots = mmap(NULL, options->session_max * sizeof *pool->slots, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    pool->slots = slots == MAP_FAILED ? NULL : slots;
    if (!pool->slots || !index_init(&pool->index, pool, is_slot, hash_of_slot) ||
        !tombs_init(&pool->tombs, options->tombstone_max)) {
        pool_unref(pool);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for a session pool");
    }
    *ret_pool = pool;
    return STATUS_OK;
}

/* ---- the file ---- */

static enum status begin_file(struct pool *pool, const struct record_layout *layout, struct fault *fault)
{
    enum status status = region_grow(&pool->region, RECORD_PAGE, fault);
    if (status == STATUS_OK) {
        struct file_header header = { .format = FORMAT, .layout = *layout };
        memcpy(header.magic, magic, sizeof magic);
        header.check = file_header_check(&header);
        memcpy(pool->region.base, &header, sizeof header);
        pool->layout = *layout;
    }
    return status;
}

static enum status check_file(struct pool *pool, const char *path, struct fault *fault)
{
    struct file_header header = { .format = 0 };
    size_t size = atomic_load(&pool->region.size);
    if (size >= RECORD_PAGE) {
        memcpy(&header, pool->region.base, sizeof header);
    }
    if (memcmp(header.magic, magic, sizeof magic) != 0 || header.check != file_header_check(&header)) {
        return fault_set(
            fault, STATUS_STORAGE_FAILED, NULL,
            "%s is not a session file of grud, or its header is damaged; move it away to start without "
            "its sessions",
            path);
    }
    if (header.format != FORMAT) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "%s has format %u; this grud reads %d", path,
                         header.format, FORMAT);
    }
    pool->layout = header.layout;
    return STATUS_OK;
}

/* A header whose copies were never sealed belongs to a session that was being created when the process ended.
 */
static bool was_born(const struct record_layout *layout, char *record)
{
    return record_copy_at(layout, record, 0)->check != 0 || record_copy_at(layout, record, 1)->check != 0;
}

static enum status adopt(struct pool *pool, uint32_t slot, struct fault *fault)
{
    char *record = pool_record(pool, slot);
    const struct record_header *header = record_header_of(record);
    if (!record_header_is_valid(record) || !was_born(&pool->layout, record)) {
        record_header_clear(record);
        pool->slots[slot].hash = pool->first_free;
        pool->first_free = slot;
        return STATUS_OK;
    }
    char id[SESSION_ID_MAX + 1] = "";
    memcpy(id, header->id, header->n_id);
    struct pool_key key = pool_key_of(id);
    pool->slots[slot].hash = (uint32_t)key.hash;
    struct index_shard *shard = index_lock(&pool->index, key.hash);
    bool is_new = index_find(&pool->index, shard, key.hash, id, key.n) == INDEX_NONE;
    bool inserted = is_new && index_insert(&pool->index, shard, slot);
    index_unlock(shard);
    if (!inserted) {
        return fault_set(fault, is_new ? STATUS_NO_MEMORY : STATUS_STORAGE_FAILED, NULL, "%s '%s'",
                         is_new ? "no memory for session" : "the session file has two records of session",
                         id);
    }
    atomic_store_explicit(&pool->slots[slot].flags, SLOT_USED, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->n_sessions, 1, memory_order_relaxed);
    pool_note_copy(pool, slot, record_newest(&pool->layout, record));
    return STATUS_OK;
}

static enum status adopt_all(struct pool *pool, const char *path, struct fault *fault)
{
    size_t area = atomic_load(&pool->region.size) - RECORD_PAGE;
    size_t n = area / pool->layout.group_bytes * pool->layout.records_per_group;
    if (n > pool->session_max) {
        /* The file was grown in pages; only sessions beyond the limit are a reason to refuse it. */
        for (uint32_t slot = (uint32_t)pool->session_max; slot < n; slot++) {
            if (record_header_is_valid(pool_record(pool, slot))) {
                return fault_set(fault, STATUS_STORAGE_FAILED, "session-max",
                                 "%s holds more sessions than session-max = %zu allows", path,
                                 pool->session_max);
            }
        }
        n = pool->session_max;
    }
    enum status status = STATUS_OK;
    pool->n_fresh = (uint32_t)n;
    /* From the last to the first, so that the free list hands out the first first. */
    for (uint32_t slot = (uint32_t)n; status == STATUS_OK && slot > 0; slot--) {
        status = adopt(pool, slot - 1, fault);
    }
    return status;
}

/* Opens the file with the layout that it has, or begins it with the given one. */
static enum status load(const struct pool_options *options, const char *path, struct pool **ret_pool,
                        struct fault *fault)
{
    struct pool *pool = NULL;
    enum status status = alloc_pool(options, &pool, fault);
    if (status != STATUS_OK) {
        return status;
    }
    /* A file of another layout must fit as well: it may have been made with more readings or a larger model.
     */
    enum { RESERVE_FACTOR = 4 };
    size_t most = RECORD_PAGE + record_area_bytes(&options->layout, options->session_max);
    status = region_open(&pool->region, path, most * RESERVE_FACTOR, fault);
    if (status == STATUS_OK && atomic_load(&pool->region.size) == 0) {
        status = begin_file(pool, &options->layout, fault);
    } else if (status == STATUS_OK) {
        status = check_file(pool, path, fault);
        if (status == STATUS_OK) {
            status = adopt_all(pool, path, fault);
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
    copy->writes = 1;
    if (from->layout.n_outputs == to->layout.n_outputs) {
        memcpy(copy->errors, old->errors, to->layout.n_outputs * sizeof *copy->errors);
    }
    record_read_readings(&from->layout, old_record, old, readings);
    record_put_readings(&to->layout, record, copy, readings + (old->n_readings - n) * from->layout.n_inputs,
                        n);
    record_seal(&to->layout, record, copy);
    pool_note_copy(to, to_slot, copy);
}

static enum status move_session(struct pool *from, uint32_t slot, struct pool *to, float *readings,
                                struct fault *fault)
{
    char *record = pool_record(from, slot);
    char id[SESSION_ID_MAX + 1] = "";
    memcpy(id, record_header_of(record)->id, record_header_of(record)->n_id);
    if (!(atomic_load(&from->slots[slot].flags) & SLOT_VERIFIED) && !record_verify(&from->layout, record)) {
        log_event(LOG_ERROR, "session_damaged", LOG_STRING("session", id));
        return STATUS_OK;
    }
    struct pool_key key = pool_key_of(id);
    uint32_t to_slot;
    enum status status = pool_alloc(to, &key, OWNER_MAIN, 0, &to_slot, fault);
    if (status != STATUS_OK) {
        return status;
    }
    copy_session(from, slot, to, to_slot, readings);
    if (pool_publish(to, &key, to_slot, fault) != CLAIM_OK) {
        return fault->status;
    }
    pool_release(to, to_slot);
    return STATUS_OK;
}

/* Claims a slot for OWNER_MOVED if a session is in it. */
static bool claim_for_good(struct pool *pool, uint32_t slot)
{
    uint16_t nobody = OWNER_NONE;
    if (!(atomic_load(&pool->slots[slot].flags) & SLOT_USED)) {
        return false;
    }
    while (!atomic_compare_exchange_weak(&pool->slots[slot].owner, &nobody, OWNER_MOVED)) {
        nobody = OWNER_NONE;
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
    for (uint32_t slot = 0; slot < pool->n_fresh; slot++) {
        if (atomic_load(&pool->slots[slot].owner) == OWNER_MOVED) {
            pool_release(pool, slot);
        }
    }
    atomic_store(&pool->is_closed, false);
}

/* No session is added to a closed pool; those who have just looked whether it is closed hold their shard's
 * lock. */
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

/* Copies all sessions of `from` into the empty pool `to`; their states are left for the next step to re-warm.
 * Afterwards claims on `from` say CLAIM_MOVED. On failure `from` is as it was. */
static enum status pool_move(struct pool *from, struct pool *to, struct fault *fault)
{
    float *readings = calloc((size_t)from->layout.n_history * from->layout.n_inputs + 1, sizeof *readings);
    if (!readings) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to move the sessions");
    }
    uint32_t n_fresh = close_pool(from);
    enum status status = STATUS_OK;
    for (uint32_t slot = 0; status == STATUS_OK && slot < n_fresh; slot++) {
        if (claim_for_good(from, slot)) {
            status = move_session(from, slot, to, readings, fault);
        }
    }
    if (status != STATUS_OK) {
        reopen_pool(from);
    }
    free(readings);
    return status;
}

/* Makes the finished file beside durable, and puts it in the old one's place. */
static enum status replace_file(struct pool *pool, const char *beside, const char *path, struct fault *fault)
{
    if (!region_sync(&pool->region)) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "cannot sync %s", beside);
    }
    return files_replace(beside, path, fault);
}

enum status pool_convert(const struct pool_options *options, struct pool *old, struct pool **ret_pool,
                         struct fault *fault)
{
    if (old->layout.n_inputs != options->layout.n_inputs) {
        return fault_set(
            fault, STATUS_STORAGE_FAILED, NULL,
            "the sessions of model '%s' have %u inputs, not %u; move their file away to start without them",
            options->name, old->layout.n_inputs, options->layout.n_inputs);
    }
    char beside[PATH_MAX];
    if (options->path) {
        snprintf(beside, sizeof beside, "%s.new", options->path);
        unlink(beside); /* what an interrupted conversion left */
    }
    struct pool *pool;
    enum status status = load(options, options->path ? beside : NULL, &pool, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = pool_move(old, pool, fault);
    if (status == STATUS_OK && options->path) {
        status = replace_file(pool, beside, options->path, fault);
        if (status != STATUS_OK) {
            unlink(beside);
            reopen_pool(old);
        }
    }
    if (status != STATUS_OK) {
        pool_unref(pool);
        return status;
    }
    log_event(LOG_INFO, "sessions_converted", LOG_STRING("model", options->name),
              LOG_INT("sessions", (int64_t)atomic_load(&pool->n_sessions)));
    *ret_pool = pool;
    return STATUS_OK;
}

enum status pool_open(const struct pool_options *options, struct pool **ret_pool, struct fault *fault)
{
    struct pool *pool;
    enum status status = load(options, options->path, &pool, fault);
    if (status != STATUS_OK || memcmp(&pool->layout, &options->layout, sizeof pool->layout) == 0) {
        if (status == STATUS_OK) {
            *ret_pool = pool;
        }
        return status;
    }
    status = pool_convert(options, pool, ret_pool, fault);
    pool_unref(pool);
    return status;
}
