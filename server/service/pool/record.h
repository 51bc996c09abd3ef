/*
 * record.h - one session as it lies in memory and in the pool's file: a record of fixed size.
 *
 *     header | copy 0 | copy 1 | readings [K + 1][I]
 *
 * A step writes the older copy and seals it with a checksum, whereby it becomes the newer one: a
 * half-written copy is never the newest valid one. Readings are a ring of one more than the K that
 * are kept, so that writing the next one destroys none that the newest copy stands for; the copy
 * holds the sum of their hashes.
 *
 * Functions here work on memory that the caller has claimed; they take no lock and fail only where
 * they say so.
 */
#ifndef RECORD_H
#define RECORD_H

#include "gru.h"
#include "service/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_PAGE = 4096 };
enum { RECORD_TTL_CONFIGURED = UINT32_MAX };
enum {
    RECORD_HISTORY_MAX = 4096,
    RECORD_STATE_MAX = 1 << 28
}; /* within which sizes fit their 32 bits */

/* How well an output that feeds an input has forecast it, one step ahead. */
struct record_error {
    uint32_t n;
    float mae, mse; /* means over n comparisons */
};

/* Written once, when the session is created. */
struct record_header {
    uint32_t check; /* over what follows; a record that is not in use has 0 */
    uint8_t n_id;
    char id[SESSION_ID_MAX];
    uint8_t unused[3];
};

struct record_copy {
    uint64_t check; /* over what follows, and the header's check */
    uint64_t step;
    int64_t last_seen_at_ms;
    uint64_t readings_sum; /* sum of the hashes of the n_readings readings up to `step` */
    uint64_t digest;       /* of the model version that the state belongs to */
    uint32_t version;
    uint32_t created_at_s;
    uint32_t ttl_s;  /* RECORD_TTL_CONFIGURED, or its own (0: never) */
    uint16_t writes; /* the copy written later has one more (modulo 2^16) */
    uint16_t n_readings;
    struct record_error errors[]; /* [O], then the state: float [state_floats] */
};

/* The sizes that follow from a model and K. */
struct record_layout {
    uint32_t n_inputs, n_outputs, n_history;
    uint32_t state_floats;
    uint32_t copy_bytes, record_bytes;
    uint32_t records_per_group,
        group_bytes; /* records are packed into pages so that no pair of copies straddles two */
};

struct record_layout record_layout_of(const struct gru_info *info, size_t n_history);
/* Whether a layout read from a file is one that record_layout_of gives. */
bool record_layout_is_valid(const struct record_layout *layout);
size_t record_offset(const struct record_layout *layout,
                     size_t slot); /* from the start of the first group */
size_t record_area_bytes(const struct record_layout *layout, size_t n_records);

static inline struct record_header *record_header_of(char *record)
{
    return (struct record_header *)(void *)record;
}

static inline struct record_copy *record_copy_at(const struct record_layout *layout, char *record,
                                                 int which)
{
    return (struct record_copy *)(void *)(record + sizeof(struct record_header) +
                                          (size_t)which * layout->copy_bytes);
}

/* Asks for what a step reads and writes of a record. Among a million sessions none of it is in the
 * cache. */
static inline void record_prefetch(const struct record_layout *layout, const char *record)
{
    enum { LINE = 64, MOST = 4096 };
    size_t n = sizeof(struct record_header) + 2 * (size_t)layout->copy_bytes;
    for (size_t at = 0; at < n && at < MOST; at += LINE) {
        __builtin_prefetch(record + at, 1);
    }
}

/* The copy that was written last, of two that are both known to be whole. */
struct record_copy *record_newest(const struct record_layout *layout, char *record);
struct record_copy *record_other(const struct record_layout *layout, char *record,
                                 const struct record_copy *copy);

static inline float *record_state(const struct record_layout *layout, struct record_copy *copy)
{
    return (float *)(void *)(copy->errors + layout->n_outputs);
}

/* Where the reading of that step (from 1) is kept. */
float *record_reading(const struct record_layout *layout, char *record, uint64_t step);
/* Copies the readings that `copy` stands for, oldest first, to out[n_readings][I]. */
void record_read_readings(const struct record_layout *layout, char *record,
                          const struct record_copy *copy, float *out);

/* Takes a copy one reading x further: its step, and the readings that it stands for. */
void record_advance(const struct record_layout *layout, char *record, struct record_copy *copy,
                    const float *x);
/* Puts n readings in place as the last ones up to copy->step (n at most K and at most the step). */
void record_put_readings(const struct record_layout *layout, char *record, struct record_copy *copy,
                         const float *x, size_t n);

/* Writes a fresh header; until then the record counts as unused. */
void record_header_write(char *record, const char *id);
void record_header_clear(char *record);
bool record_header_is_valid(char *record);
/* Whether there was a session whose header is damaged now. */
bool record_header_is_damaged(const struct record_layout *layout, char *record);

/* A record is unborn until its first copy is sealed: it belongs to a session that is being created,
 * and the next process drops it. Other checks than these two set are not 0, so zeros on the disk
 * are damage. */
void record_begin(const struct record_layout *layout, char *record);
void record_end_birth(const struct record_layout *layout, char *record);
bool record_is_unborn(const struct record_layout *layout, char *record);

/* Seals a copy: from here on it counts. `writes` must be set. */
void record_seal(const struct record_layout *layout, char *record, struct record_copy *copy);

/* After a restart: makes sure that the newest copy is whole, together with its readings. If only
 * one copy is, the other is made the older one; if the readings do not fit their sum, they are
 * forgotten. False if neither copy is whole. */
bool record_verify(const struct record_layout *layout, char *record);

#endif
