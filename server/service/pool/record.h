/*
 * record.h - one session as it lies in memory and in the pool's file: a record of fixed size.
 *
 *     header | copy 0 | copy 1 | checks of the readings | readings (record_ring.h)
 *
 * A copy is a whole state of the session, sealed by a checksum that binds it to its header. Behind
 * the state it may have a base: what the session was before the oldest of its readings, so that
 * they can be replayed (--amend). Behind that it may have a tail: bytes whose meaning is the
 * caller's (pool.h, classes). Of two
 * sealed copies the one with more `writes` is the newest. Which of them may be written over, so
 * that neither a kill nor a power failure loses what was promised, is decided by pool_write.h.
 *
 * A record has lives: each session that is made in it gets a birth, a number that is given once in
 * the life of the file. The header's check covers it, so what an earlier life left in the record
 * counts for nothing, whichever part of it the disk still has.
 *
 * Functions here work on memory that the caller has claimed; they take no lock and fail only where
 * they say so.
 */
#ifndef RECORD_H
#define RECORD_H

#include "base/running_means.h"
#include "gru.h"
#include "service/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_PAGE = 4096 };
enum { RECORD_TTL_CONFIGURED = UINT32_MAX };
/* What is known of the time between the last reading and the one before it: so many missing ones
 * were filled, or the hidden state began anew; or the last reading came without a time, though
 * earlier ones had some. */
enum {
    RECORD_GAP_FILLED_MAX = 100000,
    RECORD_GAP_RESTARTED = (1 << 18) - 2,
    RECORD_GAP_UNTIMED = (1 << 18) - 1
};
enum {
    RECORD_HISTORY_MAX = 4096,
    RECORD_STATE_MAX = 1 << 28,
    RECORD_TAIL_MAX = 1 << 24
}; /* within which sizes fit their 32 bits */

/* How well an output that feeds an input has forecast it, one step ahead, in n comparisons
 * (sessions/forecast_errors.h). What began before there was a mean of it is not known. */
struct record_error {
    uint32_t n;
    struct running_means absolute, squared, symmetric; /* of the errors */
    struct running_means bias;                         /* truth - forecast */
    struct running_means persistence;                  /* |error| of "the last known value stays" */
    struct running_means truth;
    struct running_means truth_variance, forecast_variance;
};
/* One of which only these are known. */
struct record_error record_error_of(uint32_t n, float absolute, float squared);
/* |error| of those whose value one season before was known. */
struct record_seasonal {
    uint32_t n;
    struct running_means model, reference;
};

/* What is fixed as long as a session is not written anew. */
struct record_life {
    uint32_t created_at_s;
    uint32_t ttl_s; /* RECORD_TTL_CONFIGURED, or its own (0: never) */
};

/* Written once, when the session is created. A record begins at a multiple of 8 bytes, so that
 * check and tag are never torn apart by the disk; the tag tells whether the birth has been. */
struct record_header {
    uint32_t check; /* over what follows; 0: not in use; inverted: its session has ended */
    uint8_t n_id;
    uint8_t birth_tag[3]; /* its low bits */
    uint64_t birth;
    struct record_life life;
    char id[]; /* [id_bytes] of the layout, which are those that n_id needs */
};
/* Most ids are short, so records have room for one of these lengths. */
enum { RECORD_ROOMS = 3 };
extern const uint8_t record_rooms[RECORD_ROOMS]; /* ascending; any id fits into the last one */
/* The room that an id of that length needs. */
static inline unsigned record_room_of(size_t n_id)
{
    unsigned room = 0;
    while (room < RECORD_ROOMS - 1 && n_id > record_rooms[room]) {
        room++;
    }
    return room;
}

struct record_copy {
    uint32_t check;            /* over what follows, and the header's check */
    uint32_t last_block_check; /* of the last block of its readings, as far as `step` */
    uint64_t writes : 43, n_readings : 13;
    uint64_t tail_mark : 8; /* what the tail is: the caller's meaning, as the tail's own */
    uint64_t step;
    int64_t last_seen_at_ms : 46;
    uint64_t gap : 18; /* before its last reading: RECORD_GAP_… */
    uint64_t digest;   /* of the model version that the state belongs to */
    double last_at;    /* the time of its last reading that came with one; NaN: none has */
    uint32_t version;
    struct record_error errors[]; /* [O], then the state: float [state_floats], with a season
                                     struct record_seasonal [O], then the base, then the tail */
};

/* What a session was n_since readings ago. In a copy, where the layout has it. */
struct record_base {
    uint32_t n_since;
    uint32_t gap;                 /* as the copy's */
    double last_at;               /* likewise */
    struct record_error errors[]; /* [O], then the state: float [state_floats] */
};

/* What the copy that a reading led to said of time. */
struct record_stamp {
    double last_at;
    uint32_t gap;
};

/* The sizes that follow from a model, K, --amend, the tail and the room for the id. */
struct record_layout {
    uint32_t n_inputs, n_outputs;
    uint16_t n_history;
    uint8_t stamp_floats : 7; /* behind each reading: its stamp; 0: none, and copies have no base */
    uint8_t is_wide : 1;      /* a reading's value is two floats (record_ring.h) */
    uint8_t id_bytes;
    uint32_t state_floats;
    uint32_t copy_bytes, record_bytes;
    uint16_t ring_rows;  /* places for readings */
    uint16_t season;     /* the model's, if so many readings are kept; else 0 */
    uint32_t tail_bytes; /* a multiple of 4 */
};

/* Without a base and a tail and with room for any id, and the same with one, or with another room.
 * A base is added before a tail. */
struct record_layout record_layout_of(const struct gru_info *info, size_t n_history);
struct record_layout record_layout_with_base(const struct record_layout *layout);
struct record_layout record_layout_with_tail(const struct record_layout *layout, size_t tail_bytes);
struct record_layout record_layout_with_room(const struct record_layout *layout, unsigned room);
/* Whether a layout read from a file is one that record_layout_of gives. */
bool record_layout_is_valid(const struct record_layout *layout);

static inline size_t record_offset(const struct record_layout *layout, size_t slot)
{
    return slot * layout->record_bytes; /* from the first record */
}

static inline struct record_header *record_header_of(char *record)
{
    return (struct record_header *)(void *)record;
}

static inline size_t record_header_bytes(const struct record_layout *layout)
{
    return sizeof(struct record_header) + layout->id_bytes;
}

static inline struct record_copy *record_copy_at(const struct record_layout *layout, char *record,
                                                 int which)
{
    return (struct record_copy *)(void *)(record + record_header_bytes(layout) +
                                          (size_t)which * layout->copy_bytes);
}

/* Asks for what a step reads and writes of a record. Among a million sessions none of it is in the
 * cache. */
static inline void record_prefetch(const struct record_layout *layout, const char *record)
{
    enum { LINE = 64, MOST = 4096 };
    size_t n = record_header_bytes(layout) + 2 * (size_t)layout->copy_bytes;
    for (size_t at = 0; at < n && at < MOST; at += LINE) {
        __builtin_prefetch(record + at, 1);
    }
}

/* The copy that was written last, of two of which at least that one is known to be whole. */
static inline struct record_copy *record_newest(const struct record_layout *layout, char *record)
{
    struct record_copy *first = record_copy_at(layout, record, 0);
    struct record_copy *second = record_copy_at(layout, record, 1);
    return second->writes > first->writes ? second : first;
}

static inline struct record_copy *record_other(const struct record_layout *layout, char *record,
                                               const struct record_copy *copy)
{
    struct record_copy *first = record_copy_at(layout, record, 0);
    return copy == first ? record_copy_at(layout, record, 1) : first;
}

static inline float *record_state(const struct record_layout *layout, struct record_copy *copy)
{
    return (float *)(void *)(copy->errors + layout->n_outputs);
}

static inline char *record_tail(const struct record_layout *layout, struct record_copy *copy)
{
    return (char *)copy + layout->copy_bytes - layout->tail_bytes;
}

static inline bool record_has_base(const struct record_layout *layout)
{
    return layout->stamp_floats > 0;
}

/* Of a copy's errors and state, and of a base's. */
static inline size_t record_values_bytes(const struct record_layout *layout)
{
    return layout->n_outputs * sizeof(struct record_error) + layout->state_floats * sizeof(float);
}

/* [O], in a layout with a season. An amended session keeps them: the values that they were compared
 * with are no longer there. */
static inline struct record_seasonal *record_seasonal_of(const struct record_layout *layout,
                                                         struct record_copy *copy)
{
    return (struct record_seasonal *)(void *)(record_state(layout, copy) + layout->state_floats);
}

static inline size_t record_seasonal_bytes(const struct record_layout *layout)
{
    return layout->season > 0 ? layout->n_outputs * sizeof(struct record_seasonal) : 0;
}

/* Of a copy without its base and its tail. */
static inline size_t record_own_bytes(const struct record_layout *layout)
{
    return offsetof(struct record_copy, errors) + record_values_bytes(layout) +
           record_seasonal_bytes(layout);
}

static inline size_t record_round_up(size_t n)
{
    return (n + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
}

static inline size_t record_base_bytes(const struct record_layout *layout)
{
    size_t n = offsetof(struct record_base, errors) + record_values_bytes(layout);
    return record_has_base(layout) ? record_round_up(n) : 0;
}

/* Of a copy without its tail. */
static inline size_t record_front_bytes(const struct record_layout *layout)
{
    return record_has_base(layout)
               ? record_round_up(record_own_bytes(layout)) + record_base_bytes(layout)
               : record_own_bytes(layout);
}

/* In a layout that has one. */
static inline struct record_base *record_base_of(const struct record_layout *layout,
                                                 struct record_copy *copy)
{
    return (struct record_base *)(void *)((char *)copy + record_round_up(record_own_bytes(layout)));
}
static inline float *record_base_state(const struct record_layout *layout, struct record_base *base)
{
    return (float *)(void *)(base->errors + layout->n_outputs);
}
/* `from`, which may be the copy itself, becomes its base, if the layout has one: no reading before
 * it can be replayed. */
void record_rebase(const struct record_layout *layout, struct record_copy *copy,
                   const struct record_copy *from);

/* Gives it the base of a copy of the same outputs and state, and the same readings. */
void record_take_base(const struct record_layout *layout, struct record_copy *copy,
                      const struct record_base *base);

/* A copy of which nothing is known yet: zeros, and no time. */
void record_clear_copy(const struct record_layout *layout, struct record_copy *copy);
/* Makes `to` what `from` says, in another layout of the same inputs, outputs and state; its tail is
 * left as it is. */
void record_take_copy(const struct record_layout *layout, struct record_copy *to,
                      const struct record_copy *from);

/* ---- the header ---- */

/* Names a session that is not born yet: nothing of the record counts. */
void record_begin(const struct record_layout *layout, char *record, const char *id, size_t n_id);
/* Before it is born. */
void record_set_birth(char *record, uint64_t birth);
static inline void record_set_life(char *record, const struct record_life *life)
{
    record_header_of(record)->life = *life;
}
/* The header counts from here on, and with it a copy that was sealed under this birth. */
void record_header_seal(char *record);
/* The session has ended, and so has what other records hold of it. */
void record_header_end(char *record);
void record_header_clear(char *record); /* not in use */
/* Whether the session is still to be born. */
static inline bool record_is_unborn(const char *record)
{
    return ((const struct record_header *)(const void *)record)->check == 0;
}
enum record_use {
    RECORD_UNUSED,
    RECORD_IN_USE,
    RECORD_ENDED,
    RECORD_DAMAGED /* there was a session, of which the header does not tell any more */
};
enum record_use record_use_of(const struct record_layout *layout, char *record);
/* Whether the disk has the check of another life than the birth's, where it can have torn the two
 * apart: of one that had just begun. */
bool record_birth_is_torn(char *record);

/* ---- copies ---- */

/* Seals a copy of that record's session, wherever it lies: once it is in its place, it counts.
 * `writes` must be set. */
void record_seal(const struct record_layout *layout, char *record, struct record_copy *copy);
bool record_copy_is_whole(const struct record_layout *layout, char *record,
                          const struct record_copy *copy);

/* What a restart finds. */
struct record_findings {
    struct record_copy *copy; /* to go on from; NULL: none is whole */
    uint32_t n_readings; /* of those that it stands for, the last ones that are still its own */
    uint64_t writes;     /* the most that a whole copy has */
    bool is_behind;      /* another one was written later */
};

/* Looks for the copy to go on from: the newest one that has all its readings; if none has, the one
 * that has most of them. */
void record_examine(const struct record_layout *layout, char *record,
                    struct record_findings *ret_findings);

#endif
