#include "service/pool/record.h"

#include "base/digest.h"
#include "service/pool/record_ring.h"

#include <math.h>
#include <string.h>

_Static_assert(sizeof(struct record_header) == 24 && offsetof(struct record_copy, errors) == 52 &&
                   sizeof(struct record_layout) == 32,
               "they lie on disk, and copies behind the header");

/* Multiples of 8: the longest, and what a number and a UUID take. */
const uint8_t record_rooms[RECORD_ROOMS] = { 16, 40, SESSION_ID_MAX };

enum { STAMP_FLOATS = (sizeof(double) + sizeof(uint32_t)) / sizeof(float) };

/* The sizes that follow from the rest. */
static void measure(struct record_layout *layout)
{
    layout->copy_bytes = (uint32_t)record_round_up(record_front_bytes(layout) + layout->tail_bytes);
    layout->record_bytes = (uint32_t)record_round_up(
        record_header_bytes(layout) + 2 * (size_t)layout->copy_bytes + record_ring_bytes(layout));
}

struct record_layout record_layout_of(const struct gru_info *info, size_t n_history)
{
    const bool has_season = info->season > 0 && info->season <= n_history;
    struct record_layout layout = { .n_inputs = (uint32_t)info->n_inputs,
                                    .n_outputs = (uint32_t)info->n_outputs,
                                    .n_history = (uint16_t)n_history,
                                    .is_wide = info->is_wide,
                                    .id_bytes = record_rooms[RECORD_ROOMS - 1],
                                    .state_floats = (uint32_t)info->state_floats,
                                    .ring_rows = (uint16_t)record_ring_rows(n_history),
                                    .season = has_season ? (uint16_t)info->season : 0 };
    measure(&layout);
    return layout;
}

struct record_layout record_layout_with_base(const struct record_layout *layout)
{
    struct record_layout result = *layout;
    result.stamp_floats = STAMP_FLOATS;
    measure(&result);
    return result;
}

struct record_layout record_layout_with_tail(const struct record_layout *layout, size_t tail_bytes)
{
    struct record_layout result = *layout;
    result.tail_bytes = (uint32_t)tail_bytes;
    measure(&result);
    return result;
}

struct record_layout record_layout_with_room(const struct record_layout *layout, unsigned room)
{
    struct record_layout result = *layout;
    result.id_bytes = record_rooms[room];
    measure(&result);
    return result;
}

bool record_layout_is_valid(const struct record_layout *layout)
{
    if ((layout->stamp_floats != 0 && layout->stamp_floats != STAMP_FLOATS) ||
        layout->n_inputs > GRU_WIDTH_MAX || layout->n_outputs > GRU_WIDTH_MAX ||
        layout->n_history > RECORD_HISTORY_MAX || layout->state_floats > RECORD_STATE_MAX ||
        layout->tail_bytes > RECORD_TAIL_MAX || layout->tail_bytes % sizeof(float) != 0) {
        return false;
    }
    const struct gru_info info = { .n_inputs = layout->n_inputs,
                                   .n_outputs = layout->n_outputs,
                                   .state_floats = layout->state_floats,
                                   .season = layout->season,
                                   .is_wide = layout->is_wide };
    struct record_layout expected = record_layout_of(&info, layout->n_history);
    expected = record_has_base(layout) ? record_layout_with_base(&expected) : expected;
    expected = record_layout_with_tail(&expected, layout->tail_bytes);
    return memcmp(&expected, layout, sizeof expected) == 0;
}

struct record_error record_error_of(uint32_t n, float absolute, float squared)
{
    const struct running_means unknown = RUNNING_MEANS_UNKNOWN;
    if (n == 0) {
        return (struct record_error){ .n = 0 };
    }
    return (struct record_error){ .n = n,
                                  .absolute.recent = (float)running_means_bound(absolute),
                                  .squared.recent = (float)running_means_bound(squared),
                                  .symmetric = unknown,
                                  .bias = unknown,
                                  .persistence = unknown,
                                  .truth = unknown,
                                  .truth_variance = unknown,
                                  .forecast_variance = unknown };
}

/* ---- the base ---- */

void record_rebase(const struct record_layout *layout, struct record_copy *copy,
                   const struct record_copy *from)
{
    if (record_has_base(layout)) {
        struct record_base *base = record_base_of(layout, copy);
        base->n_since = 0;
        base->gap = (uint32_t)from->gap;
        base->last_at = from->last_at;
        memcpy(base->errors, from->errors, record_values_bytes(layout));
    }
}

void record_take_base(const struct record_layout *layout, struct record_copy *copy,
                      const struct record_base *base)
{
    memcpy(record_base_of(layout, copy), base, record_base_bytes(layout));
}

/* Whether there are as many readings as it says; it may be damage that a checksum does not see. */
static bool base_fits(const struct record_layout *layout, const struct record_copy *copy)
{
    const char *own_end = (const char *)copy + record_round_up(record_own_bytes(layout));
    struct record_base base = { .n_since = 0 };
    if (record_has_base(layout)) {
        memcpy(&base, own_end, offsetof(struct record_base, errors));
    }
    return base.n_since <= copy->n_readings;
}

/* ---- the header ---- */

static uint32_t header_check(const struct record_header *header)
{
    const size_t n_room = record_rooms[record_room_of(header->n_id)];
    uint32_t check =
        (uint32_t)digest_64(&header->n_id, sizeof *header - sizeof header->check + n_room, 0);
    return check != 0 && check != UINT32_MAX ? check : 1; /* nor may it be 0 when inverted */
}

/* In one store, so that a kill leaves the check before or the one after it. */
static void write_check(char *record, uint32_t check)
{
    __atomic_store_n(&record_header_of(record)->check, check, __ATOMIC_RELEASE);
}

void record_begin(const struct record_layout *layout, char *record, const char *id, size_t n_id)
{
    struct record_header *header = record_header_of(record);
    write_check(record, 0);
    memset(&header->n_id, 0, record_header_bytes(layout) - sizeof header->check);
    header->n_id = (uint8_t)n_id;
    memcpy(header->id, id, n_id);
    for (int k = 0; k < 2; k++) {
        struct record_copy *copy = record_copy_at(layout, record, k);
        copy->check = 0;
        copy->writes = 0;
    }
}

static void make_tag(uint64_t birth, uint8_t tag[3])
{
    for (int k = 0; k < 3; k++) {
        tag[k] = (uint8_t)(birth >> (8 * k));
    }
}

void record_set_birth(char *record, uint64_t birth)
{
    record_header_of(record)->birth = birth;
    make_tag(birth, record_header_of(record)->birth_tag);
}

bool record_birth_is_torn(char *record)
{
    enum { SECTOR = 512 };
    uint8_t tag[3];
    make_tag(record_header_of(record)->birth, tag);
    /* Elsewhere they are in one sector, so a birth of another tag is damaged. */
    return ((uintptr_t)record + offsetof(struct record_header, birth)) % SECTOR == 0 &&
           memcmp(tag, record_header_of(record)->birth_tag, sizeof tag) != 0;
}

void record_header_seal(char *record)
{
    write_check(record, header_check(record_header_of(record)));
}

void record_header_end(char *record)
{
    write_check(record, ~header_check(record_header_of(record)));
}

void record_header_clear(char *record)
{
    write_check(record, 0);
}

enum record_use record_use_of(const struct record_layout *layout, char *record)
{
    const struct record_header *header = record_header_of(record);
    if (header->check == 0) {
        /* A session that ended leaves its id behind. The second place is written only once the
         * header is on the disk, so a header of zeros in front of it is damage. */
        bool is_lost = header->n_id == 0 && record_copy_at(layout, record, 1)->check != 0;
        return is_lost ? RECORD_DAMAGED : RECORD_UNUSED;
    }
    uint32_t check = header_check(header);
    if ((header->check != check && header->check != ~check) || header->n_id > layout->id_bytes ||
        !session_id_is_valid(header->id, header->n_id)) {
        return RECORD_DAMAGED;
    }
    return header->check == check ? RECORD_IN_USE : RECORD_ENDED;
}

/* ---- copies ---- */

void record_clear_copy(const struct record_layout *layout, struct record_copy *copy)
{
    memset(copy, 0, layout->copy_bytes);
    copy->last_at = NAN;
}

void record_take_copy(const struct record_layout *layout, struct record_copy *to,
                      const struct record_copy *from)
{
    const uint8_t mark = (uint8_t)to->tail_mark;
    memcpy(to, from, record_front_bytes(layout));
    to->tail_mark = mark;
}

static uint32_t copy_check(const struct record_layout *layout, char *record,
                           const struct record_copy *copy)
{
    const struct record_header *header = record_header_of(record);
    uint64_t binding = header->check != 0 ? header->check : header_check(header);
    const char *from = (const char *)copy + sizeof copy->check;
    /* Seeding a long hash would derive new secrets each time; adding the header's check binds the
     * copy to its id and its birth as well. */
    uint64_t digest = digest_64(from, layout->copy_bytes - sizeof copy->check, 0) +
                      binding * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(digest ^ digest >> 32);
}

void record_seal(const struct record_layout *layout, char *record, struct record_copy *copy)
{
    copy->check = copy_check(layout, record, copy);
}

/* Beyond any that is written, so that no sum with one overflows: a checksum does not keep anyone
 * from writing the file. */
static const uint64_t step_max = UINT64_C(1) << 62, writes_max = UINT64_C(1) << 42;
static const int64_t time_max_ms = INT64_C(1) << 44; /* 557 years; its field has two bits more */

bool record_copy_is_whole(const struct record_layout *layout, char *record,
                          const struct record_copy *copy)
{
    return copy->check == copy_check(layout, record, copy) &&
           copy->n_readings <= layout->n_history && copy->n_readings <= copy->step &&
           copy->step <= step_max && copy->writes <= writes_max && copy->last_seen_at_ms >= 0 &&
           copy->last_seen_at_ms <= time_max_ms && base_fits(layout, copy);
}

void record_examine(const struct record_layout *layout, char *record,
                    struct record_findings *ret_findings)
{
    struct record_copy *newest = record_newest(layout, record);
    struct record_copy *copies[] = { newest, record_other(layout, record, newest) };
    struct record_findings findings = { .copy = NULL };
    bool has_all = false;
    for (int k = 0; k < 2 && !has_all; k++) {
        if (!record_copy_is_whole(layout, record, copies[k])) {
            continue;
        }
        uint32_t n = record_count_readings(layout, record, copies[k]);
        has_all = n == copies[k]->n_readings;
        if (!findings.copy) {
            findings.writes = copies[k]->writes;
        }
        if (!findings.copy || has_all || n > findings.n_readings) {
            findings.copy = copies[k];
            findings.n_readings = n;
        }
    }
    findings.is_behind = findings.copy && findings.copy != newest;
    *ret_findings = findings;
}
