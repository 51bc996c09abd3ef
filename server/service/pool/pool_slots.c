#include "service/pool/pool_slots.h"

#include "service/pool/pool_extents.h"

#include <errno.h>
#include <sched.h>
#include <sys/file.h>

size_t slots_needed(size_t session_max)
{
    enum { MORE = 64 };
    size_t n = 2 * session_max + MORE;
    return n < POOL_SLOTS_MAX ? n : POOL_SLOTS_MAX;
}

void slots_init(struct pool *pool, size_t session_max)
{
    pool->n_slots = slots_needed(session_max);
    atomic_init(&pool->donor, INDEX_NONE);
    for (int k = 0; k < POOL_CLASSES * RECORD_ROOMS; k++) {
        struct class_slots *unused = &pool->unused[k / RECORD_ROOMS][k % RECORD_ROOMS];
        unused->first_free = INDEX_NONE;
        for (int r = 0; r < RETIREMENTS; r++) {
            unused->retired[r].first = INDEX_NONE;
        }
    }
}

static struct class_slots *unused_of(struct pool *pool, uint32_t slot)
{
    const struct extent *extent = pool_extent(pool, slot);
    return &pool->unused[extent->record_class][extent->room];
}

uint32_t pool_next_slot(const struct pool *pool, uint32_t slot)
{
    uint32_t next = slot + 1; /* of INDEX_NONE: 0 */
    uint32_t n_extents = atomic_load_explicit(&pool->n_extents, memory_order_acquire);
    for (uint32_t k = next / EXTENT_SLOTS_MAX; k < n_extents; k++) {
        if (next % EXTENT_SLOTS_MAX <
            atomic_load_explicit(&pool->extents[k].n_fresh, memory_order_acquire)) {
            return next;
        }
        next = (k + 1) * EXTENT_SLOTS_MAX;
    }
    return INDEX_NONE;
}

void slots_note_life(struct pool *pool, uint32_t slot)
{
    unsigned flags = slots_flags(pool, slot);
    uint32_t ttl_s = record_header_of(pool_record(pool, slot))->life.ttl_s;
    bool own = ttl_s != RECORD_TTL_CONFIGURED && ttl_s != 0;
    if (own != ((flags & SLOT_OWN_TTL) != 0)) {
        slots_set_flags(pool, slot, flags ^ SLOT_OWN_TTL);
        atomic_fetch_add_explicit(&pool->n_own_ttl, own ? 1 : (size_t)-1, memory_order_relaxed);
    }
}

void slots_note_found(struct pool *pool, uint32_t slot, const struct record_copy *copy,
                      int64_t now_ms)
{
    slots_note_life(pool, slot);
    slots_note_copy(pool, slot, copy);
    if (copy->last_seen_at_ms > now_ms) {
        atomic_store_explicit(&pool_slot(pool, slot)->last_seen_at_ms, now_ms,
                              memory_order_relaxed);
    }
}

/* ---- lists, with the mutex held ---- */

static void append(struct pool *pool, struct slot_list *list, uint32_t slot)
{
    pool_slot(pool, slot)->hash = INDEX_NONE;
    if (list->first == INDEX_NONE) {
        list->first = slot;
    } else {
        pool_slot(pool, list->last)->hash = slot;
    }
    list->last = slot;
}

static uint32_t take_first(struct pool *pool, struct slot_list *list)
{
    uint32_t slot = list->first;
    if (slot != INDEX_NONE) {
        list->first = pool_slot(pool, slot)->hash;
    }
    return slot;
}

void slots_push_free(struct pool *pool, uint32_t slot)
{
    struct class_slots *unused = unused_of(pool, slot);
    pool_slot(pool, slot)->hash = unused->first_free;
    unused->first_free = slot;
}

/* The cleared ones first, and an end last: what has succeeded others must not outlive them. */
static uint32_t take_before_its_time(struct pool *pool, struct class_slots *unused)
{
    uint32_t slot = INDEX_NONE;
    for (int k = 0; slot == INDEX_NONE && k < RETIREMENTS; k++) {
        slot = take_first(pool, &unused->retired[k]);
    }
    return slot;
}

static enum status find_slot(struct pool *pool, unsigned record_class, unsigned room,
                             uint32_t *ret_slot, struct fault *fault)
{
    struct class_slots *unused = &pool->unused[record_class][room];
    enum status status = STATUS_SESSIONS_FULL;
    if (unused->first_free != INDEX_NONE) {
        *ret_slot = unused->first_free;
        unused->first_free = pool_slot(pool, *ret_slot)->hash;
        return STATUS_OK;
    }
    if (unused->n_fresh < pool->n_slots) {
        status = extents_take_fresh(pool, record_class, room, ret_slot, fault);
    }
    uint32_t early = status == STATUS_OK ? INDEX_NONE : take_before_its_time(pool, unused);
    if (early != INDEX_NONE) {
        *ret_slot = early;
        status = STATUS_OK;
    }
    return status;
}

/* ---- in use ---- */

enum status slots_take(struct pool *pool, unsigned record_class, unsigned room, size_t most,
                       uint16_t owner, uint32_t *ret_slot, struct fault *fault)
{
    enum status status = STATUS_SESSIONS_FULL;
    uint32_t slot = INDEX_NONE;
    bool is_counted = most != SLOTS_UNCOUNTED;
    pthread_mutex_lock(&pool->mutex);
    if (!is_counted || pool->n_taken < most) {
        status = find_slot(pool, record_class, room, &slot, fault);
    }
    if (status == STATUS_OK) {
        pool->n_taken += is_counted;
        slots_set_flags(pool, slot, is_counted ? SLOT_COUNTED : 0);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (status != STATUS_OK) {
        return status;
    }
    while (slots_claim(pool, slot, owner) != OWNER_NONE) {
        sched_yield(); /* expiry or eviction looks whether the slot is in use; it lets go at once */
    }
    *ret_slot = slot;
    return STATUS_OK;
}

/* ---- no longer in use ---- */

/* With the mutex held. */
static void leave(struct pool *pool, uint32_t slot)
{
    unsigned flags = slots_flags(pool, slot);
    if (flags & SLOT_OWN_TTL) {
        atomic_fetch_sub_explicit(&pool->n_own_ttl, 1, memory_order_relaxed);
    }
    pool->n_taken -= (flags & SLOT_COUNTED) != 0;
    slots_set_flags(pool, slot, 0);
}

void slots_free(struct pool *pool, uint32_t slot)
{
    record_header_clear(pool_record(pool, slot));
    pthread_mutex_lock(&pool->mutex);
    leave(pool, slot);
    slots_push_free(pool, slot);
    pool_release(pool, slot);
    pthread_mutex_unlock(&pool->mutex);
}

/* Whether a backup reads the file (pool_copy.h). It must not miss a session on its way from one
 * slot to another. */
static bool is_being_copied(const struct pool *pool)
{
    if (flock(pool->region.fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK;
    }
    (void)flock(pool->region.fd, LOCK_UN);
    return false;
}

/* Whether the disk cannot miss the record: it came after the last sync began. An end stays if the
 * disk may have the session in another slot. */
static bool is_free_at_once(const struct pool *pool, uint64_t section, uint32_t slot,
                            enum retirement retirement)
{
    unsigned flags = slots_flags(pool, slot);
    bool is_news = (flags & SLOT_YOUNG) && pool_slot(pool, slot)->written == section;
    bool tells_nothing = retirement == RETIREMENT_SUCCEEDED || !(flags & SLOT_SUCCESSOR);
    return pool->region.fd < 0 || (is_news && tells_nothing && !is_being_copied(pool));
}

void slots_retire(struct pool *pool, uint64_t section, uint32_t slot, enum retirement retirement)
{
    if (is_free_at_once(pool, section, slot, retirement)) {
        slots_free(pool, slot);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    leave(pool, slot);
    pool_slot(pool, slot)->written = section;
    append(pool, &unused_of(pool, slot)->retired[retirement], slot);
    pool_release(pool, slot);
    pthread_mutex_unlock(&pool->mutex);
}

static void sweep(struct pool *pool, struct class_slots *unused, enum retirement retirement,
                  uint64_t n_syncs)
{
    struct slot_list *list = &unused->retired[retirement];
    uint64_t done = atomic_load(&pool->done);
    for (;;) {
        pthread_mutex_lock(&pool->mutex);
        bool is_due =
            list->first != INDEX_NONE && pool_slot(pool, list->first)->written + n_syncs <= done;
        uint32_t slot = is_due ? take_first(pool, list) : INDEX_NONE;
        if (is_due && retirement == RETIREMENT_CLEARED) {
            slots_push_free(pool, slot);
        } else if (is_due) {
            record_header_clear(pool_record(pool, slot));
            pool_slot(pool, slot)->written = done;
            append(pool, &unused->retired[RETIREMENT_CLEARED], slot);
        }
        pthread_mutex_unlock(&pool->mutex);
        if (!is_due) {
            return;
        }
    }
}

void slots_sweep(struct pool *pool)
{
    if (is_being_copied(pool)) {
        return;
    }
    for (size_t k = 0; k < (1 + pool->n_classes) * RECORD_ROOMS; k++) {
        struct class_slots *unused = &pool->unused[k / RECORD_ROOMS][k % RECORD_ROOMS];
        sweep(pool, unused, RETIREMENT_CLEARED, 1);
        sweep(pool, unused, RETIREMENT_SUCCEEDED, 1);
        sweep(pool, unused, RETIREMENT_ENDED, 2);
    }
}
