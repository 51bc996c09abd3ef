#include "service/pool/pool_wire.h"

#include "base/clock.h"
#include "base/hash.h"
#include "service/pool/pool_slots.h"
#include "service/pool/pool_write.h"
#include "service/pool/record_ring.h"
#include "service/pool/relayout.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { WIRE_FORMAT = 2 };

struct wire_head {
    uint64_t name, order;     /* of the token */
    uint32_t format, n_bytes; /* of all */
    int64_t wall_ahead_ms;    /* of the steady clock by which its times are, where it was written */
    struct record_layout layout;
    struct pool_class kind; /* of class 0: zeros */
    uint64_t life;          /* of the token; since format 2 */
};

_Static_assert(offsetof(struct wire_head, format) == POOL_TOKEN_BYTES &&
                   offsetof(struct pool_token, life) == POOL_TOKEN_BYTES,
               "the engine compares the first bytes");

static size_t head_bytes(uint32_t format)
{
    return format == 1 ? offsetof(struct wire_head, life) : sizeof(struct wire_head);
}

uint32_t pool_life(const struct pool *pool, uint32_t slot)
{
    const uint64_t life = pool->is_cache ? pool_token(pool, slot)->life : 0;
    return life != 0 ? (uint32_t)life
                     : record_header_of(pool_record(pool, slot))->life.created_at_s;
}

/* The hash is keyed by the process: no other node gives the same name. */
struct pool_token pool_token_next(struct pool *pool, uint32_t slot)
{
    const uint64_t before = be64toh(pool_token(pool, slot)->order);
    const uint64_t wall_ms = (uint64_t)clock_wall_ms();
    struct pool_token next = { .order = htobe64(wall_ms > before ? wall_ms : before + 1),
                               .life = pool_life(pool, slot) };
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

static size_t bytes_of(uint32_t format, const struct record_layout *layout)
{
    return head_bytes(format) + record_header_bytes(layout) + layout->copy_bytes +
           record_ring_bytes(layout);
}

size_t pool_wire_bytes(const struct pool *pool, uint32_t slot)
{
    return bytes_of(WIRE_FORMAT, pool_layout(pool, slot));
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
    struct wire_head head = { .name = token->name,
                              .order = token->order,
                              .format = WIRE_FORMAT,
                              .n_bytes = (uint32_t)bytes_of(WIRE_FORMAT, layout),
                              .wall_ahead_ms = clock_wall_of(0),
                              .layout = *layout,
                              .life = token->life };
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

/* What comes to a pool, and under which id. */
struct arrival {
    const struct pool_key *key;
    struct wire_head head;
    const char *bytes; /* behind the head */
    int64_t now_ms;
};

static enum claim refuse(const struct pool_key *key, const char *what, struct fault *fault)
{
    fault_set(fault, STATUS_STORAGE_FAILED, "session", "what the engine keeps of session '%s' %s",
              key->id, what);
    return CLAIM_ENDED;
}

/* Whether a layout of unknown origin is one that a record of that id can have. */
static bool layout_is_valid(const struct wire_head *head, const struct pool_key *key)
{
    const struct record_layout any = record_layout_with_room(&head->layout, RECORD_ROOMS - 1);
    if (!record_layout_is_valid(&any) || head->layout.tail_bytes != head->kind.tail_bytes) {
        return false;
    }
    const struct record_layout exact = record_layout_with_room(&any, record_room_of(key->n));
    return memcmp(&exact, &head->layout, sizeof exact) == 0;
}

static enum claim read_head(const struct pool_key *key, const char *bytes, size_t n_bytes,
                            struct wire_head *head, struct fault *fault)
{
    if (n_bytes < head_bytes(1)) {
        return refuse(key, "is no record of grud", fault);
    }
    head->life = 0;
    memcpy(head, bytes, head_bytes(1));
    if (head->format == 0 || head->format > WIRE_FORMAT) {
        return refuse(key, "was written by another version of grud: update this node", fault);
    }
    if (n_bytes < head_bytes(head->format)) {
        return refuse(key, "is no record of grud", fault);
    }
    memcpy(head, bytes, head_bytes(head->format));
    return head->n_bytes == n_bytes && layout_is_valid(head, key) &&
                   n_bytes == bytes_of(head->format, &head->layout)
               ? CLAIM_OK
               : refuse(key, "is no record of grud", fault);
}

/* The pool's class for it. A tail cannot be brought to another number of outputs: then it is 0.
 * Where nodes differ in their options, each would undo what the other has written. */
static enum claim find_class(const struct pool *pool, const struct arrival *arrival,
                             unsigned *ret_class, struct fault *fault)
{
    const struct record_layout *layout = &arrival->head.layout;
    const bool has_tail = layout->tail_bytes > 0;
    *ret_class = has_tail ? pool_class_of(pool, &arrival->head.kind, layout->n_outputs) : 0;
    if (layout->n_inputs != pool->layout.n_inputs) {
        return refuse(arrival->key,
                      "has another number of inputs than the model of this node: give all nodes "
                      "the same model, or DELETE the session",
                      fault);
    }
    if (layout->n_history != pool->layout.n_history ||
        layout->stamp_floats != pool->layout.stamp_floats) {
        return refuse(arrival->key,
                      "is a record of another layout: give all nodes the same --session-history "
                      "and --amend, or DELETE the session",
                      fault);
    }
    if (has_tail && *ret_class == 0 && layout->n_outputs == pool->layout.n_outputs) {
        return refuse(arrival->key,
                      "has intervals that this node does not: start all nodes with the same "
                      "--interval-levels and --interval-horizon-max",
                      fault);
    }
    return CLAIM_OK;
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
           copy->n_readings <= layout->n_history && copy->n_readings <= copy->step &&
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

/* The record, wherever it lies, with its times by this node's clock. */
static enum claim check_record(const struct pool *pool, const struct arrival *arrival, char *record,
                               struct fault *fault)
{
    const struct record_layout *layout = &arrival->head.layout;
    const struct pool_key *key = arrival->key;
    if (!is_whole(layout, record, key)) {
        return refuse(key, "is damaged; DELETE or PUT it to begin anew", fault);
    }
    set_times(layout, record, arrival->head.wall_ahead_ms);
    const uint32_t own_ttl_s = record_header_of(record)->life.ttl_s;
    const uint32_t ttl_s = own_ttl_s == RECORD_TTL_CONFIGURED ? pool->ttl_s : own_ttl_s;
    const int64_t over_ms = arrival->now_ms - record_copy_at(layout, record, 0)->last_seen_at_ms -
                            (int64_t)ttl_s * 1000;
    return ttl_s > 0 && over_ms >= 0 ? pool_fault_expired(key, over_ms / 1000, ttl_s, fault)
                                     : CLAIM_OK;
}

static enum claim take_as_it_is(struct pool *pool, uint32_t slot, const struct arrival *arrival,
                                struct fault *fault)
{
    char *record = pool_record(pool, slot);
    put_record(&arrival->head.layout, record, arrival->bytes);
    const enum claim claim = check_record(pool, arrival, record, fault);
    if (claim != CLAIM_OK) {
        return claim;
    }
    slots_note_life(pool, slot);
    slots_note_copy(pool, slot, pool_newest(pool, slot));
    return pool_publish(pool, arrival->key, slot, fault);
}

static enum claim relayout_arrival(const struct relayout *relayout, uint32_t slot,
                                   const struct arrival *arrival, char *record, struct fault *fault)
{
    const struct wire_head *head = &arrival->head;
    const struct relayout_source source = { .layout = &head->layout,
                                            .record = record,
                                            .kind =
                                                head->layout.tail_bytes > 0 ? &head->kind : NULL };
    put_record(&head->layout, record, arrival->bytes);
    enum claim claim = check_record(relayout->to, arrival, record, fault);
    if (claim == CLAIM_OK) {
        claim = pool_publish(relayout->to, arrival->key, slot, fault);
    }
    if (claim == CLAIM_OK) {
        relayout_session(relayout, &source, slot);
    }
    return claim;
}

static enum claim take_in_another_layout(struct pool *pool, uint32_t slot,
                                         const struct arrival *arrival, struct fault *fault)
{
    static const struct pool_options no_translators;
    const struct record_layout *layout = &arrival->head.layout;
    char *record = calloc(1, layout->record_bytes);
    struct relayout into;
    enum claim claim = CLAIM_ENDED;
    const enum status status =
        relayout_begin(&into, pool, &no_translators, layout->n_history, fault);
    if (status == STATUS_OK && record) {
        claim = relayout_arrival(&into, slot, arrival, record, fault);
    } else if (status == STATUS_OK) {
        fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for session '%s'", arrival->key->id);
    }
    relayout_end(&into);
    free(record);
    return claim;
}

enum claim pool_wire_take(struct pool *pool, const struct pool_key *key, const char *bytes,
                          size_t n_bytes, uint16_t owner, int64_t now_ms, uint32_t *ret_slot,
                          struct fault *fault)
{
    struct arrival arrival = { .key = key, .now_ms = now_ms };
    unsigned record_class = 0;
    uint32_t slot;
    enum claim claim = read_head(key, bytes, n_bytes, &arrival.head, fault);
    if (claim == CLAIM_OK) {
        claim = find_class(pool, &arrival, &record_class, fault);
    }
    if (claim != CLAIM_OK) {
        return claim;
    }
    if (pool_alloc(pool, key, record_class, key->hash, owner, now_ms, &slot, fault) != STATUS_OK) {
        return CLAIM_ENDED;
    }
    arrival.bytes = bytes + head_bytes(arrival.head.format);
    const bool is_same =
        memcmp(pool_layout(pool, slot), &arrival.head.layout, sizeof arrival.head.layout) == 0;
    claim = is_same ? take_as_it_is(pool, slot, &arrival, fault)
                    : take_in_another_layout(pool, slot, &arrival, fault);
    if (claim != CLAIM_OK) {
        pool_discard(pool, slot);
        return claim;
    }
    *pool_token(pool, slot) = (struct pool_token){ .name = arrival.head.name,
                                                   .order = arrival.head.order,
                                                   .life = arrival.head.life };
    *ret_slot = slot;
    return CLAIM_OK;
}
