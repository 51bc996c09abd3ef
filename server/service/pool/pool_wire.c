#include "service/pool/pool_wire.h"

#include "base/clock.h"
#include "base/hash.h"
#include "service/pool/pool_slots.h"
#include "service/pool/pool_write.h"
#include "service/pool/record_ring.h"

#include <string.h>

enum { WIRE_FORMAT = 1 };

struct wire_head {
    struct pool_token token;
    uint32_t format, n_bytes; /* of all */
    int64_t wall_ahead_ms;    /* of the steady clock by which its times are, where it was written */
    struct record_layout layout;
    struct pool_class kind; /* of class 0: zeros */
};

_Static_assert(offsetof(struct wire_head, token) == 0 &&
                   sizeof(struct pool_token) == POOL_TOKEN_BYTES,
               "the engine compares the first bytes");

/* The hash is keyed by the process: no other node gives the same name. */
struct pool_token pool_token_next(struct pool *pool, uint32_t slot)
{
    struct pool_token next = { .writes = pool_token(pool, slot)->writes + 1 };
    while (next.name == 0) {
        const struct {
            const struct pool *pool;
            uint64_t number;
        } unique = { pool, atomic_fetch_add(&pool->next_birth, 1) };
        next.name = hash_64(&unique, sizeof unique);
    }
    return next;
}

/* ---- writing ---- */

static size_t bytes_of(const struct record_layout *layout)
{
    return sizeof(struct wire_head) + record_header_bytes(layout) + layout->copy_bytes +
           record_ring_bytes(layout);
}

size_t pool_wire_bytes(const struct pool *pool, uint32_t slot)
{
    return bytes_of(pool_layout(pool, slot));
}

/* Where the checks and the readings begin. */
static size_t ring_offset(const struct record_layout *layout)
{
    return record_header_bytes(layout) + 2 * (size_t)layout->copy_bytes;
}

void pool_wire_write(const struct pool *pool, uint32_t slot, const struct pool_token *token,
                     char *out)
{
    const struct record_layout *layout = pool_layout(pool, slot);
    const unsigned record_class = pool_extent(pool, slot)->record_class;
    char *record = pool_record(pool, slot);
    struct wire_head head = { .token = *token,
                              .format = WIRE_FORMAT,
                              .n_bytes = (uint32_t)bytes_of(layout),
                              .wall_ahead_ms = clock_wall_of(0),
                              .layout = *layout };
    if (record_class > 0) {
        head.kind = pool->classes[record_class - 1];
    }
    memcpy(out, &head, sizeof head);
    out += sizeof head;
    memcpy(out, record, record_header_bytes(layout));
    out += record_header_bytes(layout);
    memcpy(out, record_newest(layout, record), layout->copy_bytes);
    out += layout->copy_bytes;
    memcpy(out, record + ring_offset(layout), record_ring_bytes(layout));
}

/* ---- taking ---- */

static enum claim refuse(const struct pool_key *key, const char *what, struct fault *fault)
{
    fault_set(fault, STATUS_STORAGE_FAILED, "session", "what the engine keeps of session '%s' %s",
              key->id, what);
    return CLAIM_ENDED;
}

static enum claim find_class(const struct pool *pool, const struct pool_key *key,
                             const struct wire_head *head, unsigned *ret_class, struct fault *fault)
{
    static const struct pool_class none;
    unsigned record_class = 0;
    if (memcmp(&head->kind, &none, sizeof none) != 0) {
        record_class = pool_class_of(pool, &head->kind, head->layout.n_outputs);
        if (record_class == 0) {
            return refuse(key,
                          "has intervals that this node does not: start all nodes with the same "
                          "--interval-levels and --interval-horizon-max",
                          fault);
        }
    }
    const struct record_layout *layout =
        &pool->layouts_by_room[record_class][record_room_of(key->n)];
    if (memcmp(layout, &head->layout, sizeof *layout) != 0) {
        return refuse(key,
                      "is a record of another layout: give all nodes the same model, "
                      "--session-history and --amend, or DELETE the session",
                      fault);
    }
    *ret_class = record_class;
    return CLAIM_OK;
}

static enum claim read_head(const struct pool *pool, const struct pool_key *key, const char *bytes,
                            size_t n_bytes, struct wire_head *head, unsigned *ret_class,
                            struct fault *fault)
{
    if (n_bytes < sizeof *head) {
        return refuse(key, "is no record of grud", fault);
    }
    memcpy(head, bytes, sizeof *head);
    if (head->format != WIRE_FORMAT) {
        return refuse(key, "was written by another version of grud: update this node", fault);
    }
    if (head->n_bytes != n_bytes) {
        return refuse(key, "is no record of grud", fault);
    }
    enum claim claim = find_class(pool, key, head, ret_class, fault);
    return claim == CLAIM_OK && n_bytes != bytes_of(&head->layout)
               ? refuse(key, "is no record of grud", fault)
               : claim;
}

static void put_record(const struct record_layout *layout, char *record, const char *bytes)
{
    memcpy(record, bytes, record_header_bytes(layout));
    bytes += record_header_bytes(layout);
    memcpy(record_copy_at(layout, record, 0), bytes, layout->copy_bytes);
    bytes += layout->copy_bytes;
    record_copy_at(layout, record, 1)->writes = 0;
    memcpy(record + ring_offset(layout), bytes, record_ring_bytes(layout));
}

/* Whether the record in the slot is whole, and of that session. */
static bool is_whole(const struct record_layout *layout, char *record, const struct pool_key *key)
{
    const struct record_header *header = record_header_of(record);
    const struct record_copy *copy = record_copy_at(layout, record, 0);
    return record_use_of(layout, record) == RECORD_IN_USE && header->n_id == key->n &&
           memcmp(header->id, key->id, key->n) == 0 && record_copy_is_whole(layout, record, copy) &&
           record_count_readings(layout, record, copy) == copy->n_readings;
}

/* Its times by this node's steady clock. Each node's goes its own way once its wall clock is set;
 * what is less than a second is how exactly two machines agree. */
static void set_times(const struct record_layout *layout, char *record, int64_t wall_ahead_ms)
{
    enum { AGREED_MS = 1000 };
    const int64_t later_ms = wall_ahead_ms - clock_wall_of(0);
    struct record_life *life = &record_header_of(record)->life;
    struct record_copy *copy = record_copy_at(layout, record, 0);
    const int64_t seen_ms = copy->last_seen_at_ms + later_ms;
    if (later_ms > -AGREED_MS && later_ms < AGREED_MS) {
        return;
    }
    life->created_at_s = (uint32_t)((int64_t)life->created_at_s + later_ms / 1000);
    copy->last_seen_at_ms = seen_ms > 0 ? seen_ms : 0;
    record_header_seal(record);
    record_seal(layout, record, copy);
}

static enum claim check_slot(struct pool *pool, uint32_t slot, const struct pool_key *key,
                             const struct wire_head *head, int64_t now_ms, struct fault *fault)
{
    const struct record_layout *layout = pool_layout(pool, slot);
    if (!is_whole(layout, pool_record(pool, slot), key)) {
        return refuse(key, "is damaged; DELETE or PUT it to begin anew", fault);
    }
    set_times(layout, pool_record(pool, slot), head->wall_ahead_ms);
    slots_note_life(pool, slot);
    slots_note_copy(pool, slot, pool_newest(pool, slot));
    const int64_t expires_at_ms = pool_expires_at_ms(pool, slot);
    return expires_at_ms > 0 && expires_at_ms <= now_ms
               ? pool_fault_expired(key, (now_ms - expires_at_ms) / 1000, pool_ttl_of(pool, slot),
                                    fault)
               : CLAIM_OK;
}

enum claim pool_wire_take(struct pool *pool, const struct pool_key *key, const char *bytes,
                          size_t n_bytes, uint16_t owner, int64_t now_ms, uint32_t *ret_slot,
                          struct fault *fault)
{
    struct wire_head head;
    unsigned record_class = 0;
    uint32_t slot;
    enum claim claim = read_head(pool, key, bytes, n_bytes, &head, &record_class, fault);
    if (claim != CLAIM_OK) {
        return claim;
    }
    if (pool_alloc(pool, key, record_class, key->hash, owner, now_ms, &slot, fault) != STATUS_OK) {
        return CLAIM_ENDED;
    }
    put_record(pool_layout(pool, slot), pool_record(pool, slot), bytes + sizeof head);
    *pool_token(pool, slot) = head.token;
    claim = check_slot(pool, slot, key, &head, now_ms, fault);
    if (claim == CLAIM_OK) {
        claim = pool_publish(pool, key, slot, fault);
    }
    if (claim != CLAIM_OK) {
        pool_discard(pool, slot);
        return claim;
    }
    *ret_slot = slot;
    return CLAIM_OK;
}
