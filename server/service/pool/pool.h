/*
 * pool.h - the sessions of one model: records in a region, found by id, claimed while they are
 * worked on. Any thread.
 *
 * Only the holder of a claim reads and writes the slot's record. A claim is an atomic word in the
 * slot, so taking one never blocks. Locks: `mutex` guards the lists of slots, the eviction
 * candidates, each index shard and the tombstones have their own, and so do syncs. None is held
 * while another is taken, nor while a claim is waited for, but for the mutex of the syncs, under
 * which slots are freed.
 *
 * A session's copies may carry a tail of bytes, whose meaning is the service's. How long it is, and
 * what it means, is said by the record's class; a session that needs more than its record has is
 * raised to another class. Class 0 has no tail.
 *
 * Which place a session's next copy goes to, and when a slot may be used again, is a matter of
 * syncs: pool_write.h and pool_slots.h.
 */
#ifndef POOL_H
#define POOL_H

#include "base/status.h"
#include "service/pool/index.h"
#include "service/pool/pool_key.h"
#include "service/pool/record.h"
#include "service/pool/tombstones.h"
#include "store/region.h"

#include <stdatomic.h>

struct listeners;
struct rule_states;

enum { POOL_VICTIMS = 512, POOL_JOURNAL_ENTRIES = 8 };
enum { POOL_CLASSES_MAX = 24, POOL_CLASSES = 1 + POOL_CLASSES_MAX, POOL_MEANING_BYTES = 64 };

/* Owners of a claim: workers from 1 on, and these. */
enum {
    OWNER_NONE = 0,
    OWNER_ENGINE = UINT16_MAX - 2, /* its write is on its way to the engine (pool_wire.h) */
    OWNER_MAIN = UINT16_MAX - 1,
    OWNER_MOVED = UINT16_MAX
};

enum {
    SLOT_USED = 1,
    SLOT_VERIFIED = 2,
    SLOT_OWN_TTL = 4,
    SLOT_COUNTED = 8,   /* among those that session_max limits */
    SLOT_YOUNG = 16,    /* no sync has begun between its birth and its newest copy */
    SLOT_SUCCESSOR = 32 /* its session has been in another slot */
};

struct slot {
    _Atomic uint16_t owner;
    _Atomic uint16_t flags;
    uint32_t hash; /* low bits of the id's hash; of a free or retired slot: the next in its list */
    _Atomic int64_t last_seen_at_ms;
    uint64_t written; /* the sync that had begun when its newest copy was written, or it retired */
};

/* The slots with the numbers EXTENT_SLOTS_MAX times the extent's, and so on (pool_extents.h). */
enum {
    EXTENT_SLOTS_MAX = 1 << 18,
    EXTENTS_MAX = INDEX_SLOTS_MAX / EXTENT_SLOTS_MAX,
    POOL_SLOTS_MAX = EXTENTS_MAX * EXTENT_SLOTS_MAX
};

/* What the engine of a cluster has of a session: a name that its last write alone has, the order of
 * that, and which life it is of (pool_wire.h). name 0: nothing. */
struct pool_token {
    uint64_t name, order;
    uint64_t life; /* 0: as its record says */
};

/* Likewise, and in which of its writes the engine was known to have it (cluster/heal.h). */
struct pool_kept {
    struct pool_token token;
    uint64_t stamp;
};

struct extent {
    char *records;          /* [n_slots] */
    struct slot *slots;     /* [n_slots] */
    struct pool_kept *kept; /* [n_slots] of a cache; else NULL */
    const struct record_layout *layout;
    _Atomic uint32_t n_fresh; /* slots below it have been in use at some time */
    uint32_t record_bytes, n_slots;
    uint16_t record_class;
    uint16_t room; /* for ids (record.h) */
    size_t from;   /* where in the file its first record is */
} __attribute__((aligned(64)));

/* What the tails of a class are. To the pool only equal ones are the same. */
struct pool_class {
    uint32_t tail_bytes; /* a multiple of 4 */
    uint32_t tail_format;
    char meaning[POOL_MEANING_BYTES]; /* what the tails depend on, but for the outputs */
};

/* A tail, and its mark in the copy (record.h). */
struct pool_tail {
    char *bytes;
    uint8_t mark;
};

/* Makes a tail of one kind of one of another; false: it cannot. Without `ret_tail` it only says
 * whether it could. A pool that takes over sessions calls it where it has no class of their kind.
 */
typedef bool pool_translate_tail(const struct pool_class *from, const struct pool_tail *tail,
                                 const struct pool_class *to, struct pool_tail *ret_tail,
                                 size_t n_outputs);

/* Makes a state of the model of one that former builds kept of it; false: it is of another size. */
typedef bool pool_translate_state(const struct gru_model *gru, const float *former, size_t n_floats,
                                  float *ret_state);

struct pool_options {
    const char *name;            /* the model's */
    struct listeners *listeners; /* that are told when sessions end on their own; NULL: none */
    struct rule_states
        *rule_states;            /* in which these sessions' firings end; NULL: there are none */
    const char *path;            /* NULL: anonymous memory */
    uint64_t variables;          /* a digest of the names of its inputs and outputs */
    struct record_layout layout; /* of class 0 */
    struct pool_class classes[POOL_CLASSES_MAX]; /* from class 1 on, ascending in their bytes */
    size_t n_classes;
    pool_translate_tail *translate_tail;   /* NULL: none is */
    pool_translate_state *translate_state; /* likewise */
    const struct gru_model *gru;           /* whose states these are */
    size_t session_max, tombstone_max;
    uint32_t ttl_s; /* 0: never */
    bool evict;
    bool is_cache;              /* an engine has the sessions (pool_wire.h) */
    struct pool_memory *memory; /* NULL: they are not counted */
    int64_t now_ms;
};

/* What the sessions of several pools take together, by their records. */
struct pool_memory {
    _Atomic size_t n_bytes;
    size_t max; /* 0: no limit */
};

struct pool_victim {
    uint32_t slot;
    int64_t last_seen_at_ms;
};

/* Why a slot that is no longer in use is kept from being used again (pool_slots.h). */
enum retirement { RETIREMENT_CLEARED, RETIREMENT_SUCCEEDED, RETIREMENT_ENDED, RETIREMENTS };

struct slot_list {
    uint32_t first, last; /* INDEX_NONE: none */
};

/* The slots of one class and room that are not in use. */
struct class_slots {
    size_t n_fresh;      /* slots that have been in use at some time */
    uint32_t first_free; /* INDEX_NONE: none */
    struct slot_list retired[RETIREMENTS];
};

struct pool {
    _Atomic unsigned n_refs;
    /* With room for the longest id: of class 0, and of all but for the tail; and by class. */
    struct record_layout layout, layouts[POOL_CLASSES];
    struct record_layout layouts_by_room[POOL_CLASSES][RECORD_ROOMS];
    struct pool_class classes[POOL_CLASSES_MAX];
    size_t n_classes;
    size_t copy_bytes_max;
    size_t session_max;
    uint32_t ttl_s;
    bool evict;
    bool is_cache;
    struct pool_memory *memory;      /* that these sessions count in, or NULL */
    struct listeners *listeners;     /* or NULL */
    struct rule_states *rule_states; /* or NULL */
    char name[MODEL_NAME_MAX + 1];   /* the model's */
    struct region region;
    _Atomic uint64_t *noted_bytes; /* in its first page: how long the file is */
    char *head, *journal;          /* where the file begins (pool_file.h); pool_journal.h */
    size_t n_slots;                /* at most, of a class */
    struct index index;
    struct tombstones tombstones;
    _Atomic bool is_closed; /* its sessions are moving to another pool: none may be added */
    _Atomic size_t n_sessions, n_record_bytes, n_own_ttl;
    _Atomic uint64_t n_created, n_ended[TOMBSTONE_REASONS];
    _Atomic uint64_t n_stepped_back, n_readings_lost; /* sessions that came back so */
    _Atomic uint64_t n_exposed; /* copies written over while they were being synced */

    /* Of the syncs that have begun, the number of the last one, and of the last one that worked. */
    _Atomic uint64_t begun, done;
    _Atomic uint32_t n_writers[2]; /* in a section that began at an even, an odd `begun` */
    _Atomic uint64_t next_birth;
    uint64_t promised_births; /* what the last process made of births below it was synced */
    _Atomic bool is_entry_taken[POOL_JOURNAL_ENTRIES];

    pthread_mutex_t mutex; /* guards what follows */
    uint32_t n_taken;      /* slots of sessions, also of those in the making: SLOT_COUNTED */
    struct class_slots unused[POOL_CLASSES][RECORD_ROOMS];

    pthread_mutex_t victims_mutex; /* guards the two below */
    struct pool_victim *victims;   /* [POOL_VICTIMS], if it evicts */
    size_t n_victims;

    _Atomic uint32_t donor;       /* a session whose tail others may begin like; INDEX_NONE: none */
    _Atomic uint32_t donor_reach; /* how much that one knows: the service's measure */
    _Atomic bool owes_sync;       /* somebody waits for a sync (commit.h) */
    _Atomic bool has_failed_commit; /* for good: one that somebody waited for */
    _Atomic uint64_t n_sync_tickets;
    pthread_mutex_t sync_mutex; /* held while the disk works; guards what follows */
    uint64_t n_synced_tickets;
    bool has_failed_sync; /* for good */

    bool is_cut; /* its file was, and that was logged. Main thread only */

    _Atomic uint32_t n_extents;
    struct extent *extents; /* [EXTENTS_MAX], address space that is touched as they come */
};

enum status pool_open(const struct pool_options *options, struct pool **ret_pool,
                      struct fault *fault);
struct pool *pool_ref(struct pool *pool);
void pool_unref(struct pool *pool);

static inline const struct extent *pool_extent(const struct pool *pool, uint32_t slot)
{
    return &pool->extents[slot / EXTENT_SLOTS_MAX];
}

static inline char *pool_record(const struct pool *pool, uint32_t slot)
{
    const struct extent *extent = pool_extent(pool, slot);
    return extent->records + (size_t)extent->record_bytes * (slot % EXTENT_SLOTS_MAX);
}

static inline struct slot *pool_slot(const struct pool *pool, uint32_t slot)
{
    return pool_extent(pool, slot)->slots + slot % EXTENT_SLOTS_MAX;
}

/* Of a cache; whoever has claimed the slot. */
static inline struct pool_token *pool_token(const struct pool *pool, uint32_t slot)
{
    return &pool_extent(pool, slot)->kept[slot % EXTENT_SLOTS_MAX].token;
}

static inline uint64_t *pool_stamp(const struct pool *pool, uint32_t slot)
{
    return &pool_extent(pool, slot)->kept[slot % EXTENT_SLOTS_MAX].stamp;
}

static inline const struct record_layout *pool_layout(const struct pool *pool, uint32_t slot)
{
    return pool_extent(pool, slot)->layout;
}

static inline struct record_copy *pool_newest(const struct pool *pool, uint32_t slot)
{
    return record_newest(pool_layout(pool, slot), pool_record(pool, slot));
}

/* What a session of that class takes, whose id has that length. */
static inline size_t pool_record_bytes(const struct pool *pool, unsigned record_class, size_t n_id)
{
    return pool->layouts_by_room[record_class][record_room_of(n_id)].record_bytes;
}

/* Of the slots that have been in use at some time, the one behind that one, or (INDEX_NONE) the
 * first; INDEX_NONE: there are no more. */
uint32_t pool_next_slot(const struct pool *pool, uint32_t slot);

enum claim {
    CLAIM_OK,
    CLAIM_OWN,   /* this owner has it already */
    CLAIM_BUSY,  /* another owner works on it */
    CLAIM_MOVED, /* it is in another pool, which is about to be published */
    CLAIM_ABSENT,
    CLAIM_ENDED /* expired, evicted or damaged: *fault says so */
};

/* Claims the session for `owner`. One whose time is over is ended on the way. */
enum claim pool_claim(struct pool *pool, const struct pool_key *key, uint16_t owner, int64_t now_ms,
                      uint32_t *ret_slot, struct fault *fault);
/* The answer to who asks for a session whose time is over: CLAIM_ENDED. */
enum claim pool_fault_expired(const struct pool_key *key, long long ago_s, uint32_t ttl_s,
                              struct fault *fault);
/* Claims the donor, unless somebody else works on it. CLAIM_OK, CLAIM_OWN, CLAIM_BUSY, or
 * CLAIM_ABSENT. */
enum claim pool_claim_donor(struct pool *pool, uint16_t owner, uint32_t *ret_slot);
static inline void pool_release(struct pool *pool, uint32_t slot)
{
    atomic_store_explicit(&pool_slot(pool, slot)->owner, OWNER_NONE, memory_order_release);
}

/* One session more in that slot, or (size_t)-1: one less. */
static inline void pool_count_session(struct pool *pool, uint32_t slot, size_t n)
{
    size_t n_bytes = n * pool_extent(pool, slot)->record_bytes;
    atomic_fetch_add_explicit(&pool->n_sessions, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->n_record_bytes, n_bytes, memory_order_relaxed);
    if (pool->memory) {
        atomic_fetch_add_explicit(&pool->memory->n_bytes, n_bytes, memory_order_relaxed);
    }
}

/* Whether sessions may take so many bytes more. Threads that ask at the same time may each get
 * them. */
static inline bool pool_has_memory(const struct pool *pool, size_t n_bytes)
{
    const struct pool_memory *memory = pool->memory;
    return !memory || memory->max == 0 ||
           atomic_load_explicit(&memory->n_bytes, memory_order_relaxed) + n_bytes <= memory->max;
}

/* Whether another session of that class, whose id has that length, needs one to be evicted. */
static inline bool pool_is_full(const struct pool *pool, unsigned record_class, size_t n_id)
{
    return atomic_load_explicit(&pool->n_sessions, memory_order_relaxed) >= pool->session_max ||
           !pool_has_memory(pool, pool_record_bytes(pool, record_class, n_id));
}

#define POOL_KEEP_NONE UINT64_C(0) /* no id has this hash */

/* Whether the pool's records are what the options ask for. */
bool pool_fits(const struct pool *pool, const struct pool_options *options);
/* The pool's class whose tails are of that kind, with as many outputs; 0: it has none. */
unsigned pool_class_of(const struct pool *pool, const struct pool_class *kind, size_t n_outputs);

/* A record for a new session, claimed and named, but unborn and not to be found until pool_publish;
 * its life (record.h) is to be set before it is born.
 * When the pool is full, the least recently used session makes room, but none whose id has the hash
 * `keep`, or the answer is sessions_full. A pool that the last process left fuller than session_max
 * serves all that there are; for a new one two make room, until the limit holds. */
enum status pool_alloc(struct pool *pool, const struct pool_key *key, unsigned record_class,
                       uint64_t keep, uint16_t owner, int64_t now_ms, uint32_t *ret_slot,
                       struct fault *fault);
/* Memory for what a claimed session takes more in a record of that class: the least recently used
 * ones make room, or the answer is sessions_full. */
enum status pool_make_room(struct pool *pool, uint32_t slot, unsigned record_class, uint16_t owner,
                           int64_t now_ms, struct fault *fault);
/* Lets the record be found (it stays claimed). CLAIM_BUSY: another thread made a session of that id
 * meanwhile. CLAIM_ENDED: no memory (*fault). On anything but CLAIM_OK the caller discards the
 * slot. */
enum claim pool_publish(struct pool *pool, const struct pool_key *key, uint32_t slot,
                        struct fault *fault);
void pool_discard(struct pool *pool, uint32_t slot); /* a slot that was not published */
/* A claimed session: it is gone, and so is the claim. */
void pool_remove(struct pool *pool, uint32_t slot);

/* Looks at a claimed session that the last process left, once: it goes on from what is whole of it,
 * and what it has lost is logged and counted. False if nothing is whole. */
__attribute__((warn_unused_result)) bool pool_verify(struct pool *pool, uint32_t slot,
                                                     int64_t now_ms);

/* The session goes on from that step, and there was a later one. 0: it was made after the last
 * sync, and is gone. */
void pool_note_stepped_back(struct pool *pool, const char *id, uint64_t step);

/* How long the session lives without being seen; 0: for ever. */
uint32_t pool_ttl_of(const struct pool *pool, uint32_t slot);
/* When the claimed session's time is over; 0: never. All times here are by the steady clock. */
int64_t pool_expires_at_ms(const struct pool *pool, uint32_t slot);

/* Returns once everything that was written before the call is on disk; calls meanwhile share
 * the next sync. False if a sync has ever failed: the kernel then forgets what it was to
 * write, so that one that works proves nothing of what came before it. The next process that opens
 * the file writes all of it anew. */
__attribute__((warn_unused_result)) bool pool_sync(struct pool *pool);

/* Whether the sessions can be trusted: STATUS_STORAGE_FAILED for good if another program has cut
 * the file. To be asked behind what was read or written, before it is answered; a claim asks by
 * itself. */
enum status pool_check_whole(const struct pool *pool, struct fault *fault);

/* Ends every session whose time is over. */
void pool_expire(struct pool *pool, int64_t now_ms);

/* The sessions of `old` in a new pool of the wanted layout, whose file takes the place of the old
 * one's. A session keeps its tail if the new pool has a class of that kind, or one that it can be
 * translated to; else it is of class 0. Its state is left for the next step to re-warm, unless only
 * the tails are others. Afterwards, and for good, claims on `old` say CLAIM_MOVED; on failure `old`
 * is as it was. A cache begins empty, and `old` may be used until nobody holds it. */
enum status pool_convert(const struct pool_options *options, struct pool *old,
                         struct pool **ret_pool, struct fault *fault);

#endif
