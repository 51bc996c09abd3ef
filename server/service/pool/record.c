#include "service/pool/record.h"

#include "base/digest.h"

#include <string.h>

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

struct record_layout record_layout_of(const struct gru_info *info, size_t n_history)
{
    struct record_layout layout = { .n_inputs = (uint32_t)info->n_inputs,
                                    .n_outputs = (uint32_t)info->n_outputs,
                                    .n_history = (uint32_t)n_history,
                                    .state_floats = (uint32_t)info->state_floats };
    size_t values =
        info->n_outputs * sizeof(struct record_error) + info->state_floats * sizeof(float);
    layout.copy_bytes =
        (uint32_t)round_up(offsetof(struct record_copy, errors) + values, sizeof(uint64_t));
    size_t readings = (n_history + 1) * info->n_inputs * sizeof(float);
    size_t record = round_up(
        sizeof(struct record_header) + 2 * (size_t)layout.copy_bytes + readings, sizeof(uint64_t));
    layout.record_bytes = (uint32_t)record;
    layout.records_per_group = record <= RECORD_PAGE ? (uint32_t)(RECORD_PAGE / record) : 1;
    layout.group_bytes = record <= RECORD_PAGE ? RECORD_PAGE : (uint32_t)record;
    return layout;
}

bool record_layout_is_valid(const struct record_layout *layout)
{
    if (layout->n_inputs > GRU_WIDTH_MAX || layout->n_outputs > GRU_WIDTH_MAX ||
        layout->n_history > RECORD_HISTORY_MAX || layout->state_floats > RECORD_STATE_MAX) {
        return false;
    }
    const struct gru_info info = { .n_inputs = layout->n_inputs,
                                   .n_outputs = layout->n_outputs,
                                   .state_floats = layout->state_floats };
    struct record_layout expected = record_layout_of(&info, layout->n_history);
    return memcmp(&expected, layout, sizeof expected) == 0;
}

size_t record_offset(const struct record_layout *layout, size_t slot)
{
    return slot / layout->records_per_group * layout->group_bytes +
           slot % layout->records_per_group * layout->record_bytes;
}

size_t record_area_bytes(const struct record_layout *layout, size_t n_records)
{
    size_t n_groups = (n_records + layout->records_per_group - 1) / layout->records_per_group;
    return n_groups * layout->group_bytes;
}

/* ---- copies ---- */

struct record_copy *record_newest(const struct record_layout *layout, char *record)
{
    struct record_copy *first = record_copy_at(layout, record, 0);
    struct record_copy *second = record_copy_at(layout, record, 1);
    return (uint16_t)(second->writes - first->writes) == 1 ? second : first;
}

struct record_copy *record_other(const struct record_layout *layout, char *record,
                                 const struct record_copy *copy)
{
    struct record_copy *first = record_copy_at(layout, record, 0);
    return copy == first ? record_copy_at(layout, record, 1) : first;
}

static uint64_t copy_check(const struct record_layout *layout, char *record,
                           const struct record_copy *copy)
{
    const struct record_header *header = record_header_of(record);
    const char *from = (const char *)copy + sizeof copy->check;
    /* Seeding a long hash would derive new secrets each time; adding the header's check binds the
     * copy to its id as well. */
    return digest_64(from, layout->copy_bytes - sizeof copy->check, 0) +
           header->check * UINT64_C(0x9E3779B97F4A7C15);
}

void record_seal(const struct record_layout *layout, char *record, struct record_copy *copy)
{
    copy->check = copy_check(layout, record, copy);
}

/* ---- readings ---- */

float *record_reading(const struct record_layout *layout, char *record, uint64_t step)
{
    size_t at = sizeof(struct record_header) + 2 * (size_t)layout->copy_bytes;
    size_t row = (size_t)((step - 1) % (layout->n_history + 1));
    return (float *)(void *)(record + at) + row * layout->n_inputs;
}

static uint64_t reading_hash(const struct record_layout *layout, char *record, uint64_t step)
{
    return digest_64(record_reading(layout, record, step), layout->n_inputs * sizeof(float), step);
}

void record_read_readings(const struct record_layout *layout, char *record,
                          const struct record_copy *copy, float *out)
{
    for (uint64_t step = copy->step - copy->n_readings + 1; step <= copy->step; step++) {
        memcpy(out, record_reading(layout, record, step), layout->n_inputs * sizeof *out);
        out += layout->n_inputs;
    }
}

void record_advance(const struct record_layout *layout, char *record, struct record_copy *copy,
                    const float *x)
{
    copy->step++;
    memcpy(record_reading(layout, record, copy->step), x, layout->n_inputs * sizeof *x);
    copy->readings_sum += reading_hash(layout, record, copy->step);
    if (copy->n_readings < layout->n_history) {
        copy->n_readings++;
    } else {
        copy->readings_sum -= reading_hash(layout, record, copy->step - layout->n_history);
    }
}

void record_put_readings(const struct record_layout *layout, char *record, struct record_copy *copy,
                         const float *x, size_t n)
{
    copy->n_readings = (uint16_t)n;
    copy->readings_sum = 0;
    for (uint64_t step = copy->step - n + 1; step <= copy->step; step++) {
        memcpy(record_reading(layout, record, step), x, layout->n_inputs * sizeof *x);
        copy->readings_sum += reading_hash(layout, record, step);
        x += layout->n_inputs;
    }
}

/* ---- headers ---- */

static uint32_t header_check(const struct record_header *header)
{
    uint32_t check = (uint32_t)digest_64(&header->n_id, sizeof *header - sizeof header->check, 0);
    return check ? check : 1; /* 0 stands for a record that is not in use */
}

void record_header_write(char *record, const char *id)
{
    struct record_header *header = record_header_of(record);
    memset(header, 0, sizeof *header);
    header->n_id = (uint8_t)strlen(id);
    memcpy(header->id, id, header->n_id);
    header->check = header_check(header);
}

void record_header_clear(char *record)
{
    record_header_of(record)->check = 0;
}

/* "unborn": the check of a record's second copy while it is that (record.h). A session seals its
 * second copy at its first step, and so after that. */
#define UNBORN UINT64_C(0x6E726F626E75)

bool record_header_is_damaged(const struct record_layout *layout, char *record)
{
    const struct record_header *header = record_header_of(record);
    if (header->check != 0) {
        return !record_header_is_valid(record);
    }
    /* A session that ended leaves its id behind. A header of zeros in front of a sealed copy is
     * damage. */
    uint64_t second = record_copy_at(layout, record, 1)->check;
    return header->n_id == 0 && second != UNBORN &&
           (second != 0 || record_copy_at(layout, record, 0)->check != 0);
}

bool record_header_is_valid(char *record)
{
    const struct record_header *header = record_header_of(record);
    return header->check != 0 && session_id_is_valid(header->id, header->n_id) &&
           header->check == header_check(header);
}

/* ---- after a restart ---- */

/* Beyond any that is written, so that no sum with one overflows: a checksum does not keep anyone
 * from writing the file. */
static const uint64_t step_max = UINT64_C(1) << 62;
static const int64_t time_max_ms = INT64_C(1) << 53;

static bool copy_is_whole(const struct record_layout *layout, char *record,
                          const struct record_copy *copy)
{
    return copy->check == copy_check(layout, record, copy) &&
           copy->n_readings <= layout->n_history && copy->n_readings <= copy->step &&
           copy->step <= step_max && copy->last_seen_at_ms >= 0 &&
           copy->last_seen_at_ms <= time_max_ms;
}

void record_begin(const struct record_layout *layout, char *record)
{
    record_copy_at(layout, record, 1)->check = UNBORN;
    record_copy_at(layout, record, 0)->check = 0;
}

void record_end_birth(const struct record_layout *layout, char *record)
{
    record_copy_at(layout, record, 1)->check = 0;
}

bool record_is_unborn(const struct record_layout *layout, char *record)
{
    return record_copy_at(layout, record, 1)->check == UNBORN &&
           !copy_is_whole(layout, record, record_copy_at(layout, record, 0));
}

static bool readings_fit(const struct record_layout *layout, char *record,
                         const struct record_copy *copy)
{
    uint64_t sum = 0;
    for (uint64_t k = 0; k < copy->n_readings; k++) {
        sum += reading_hash(layout, record, copy->step - k);
    }
    return sum == copy->readings_sum;
}

bool record_verify(const struct record_layout *layout, char *record)
{
    struct record_copy *first = record_copy_at(layout, record, 0);
    struct record_copy *second = record_copy_at(layout, record, 1);
    bool first_whole = copy_is_whole(layout, record, first);
    bool second_whole = copy_is_whole(layout, record, second);
    if (!first_whole && !second_whole) {
        return false;
    }
    if (first_whole && !second_whole) {
        second->writes = (uint16_t)(first->writes - 1);
    } else if (!first_whole) {
        first->writes = (uint16_t)(second->writes - 1);
    }
    struct record_copy *newest = record_newest(layout, record);
    if (!readings_fit(layout, record, newest)) {
        newest->n_readings = 0;
        newest->readings_sum = 0;
        record_seal(layout, record, newest);
    }
    return true;
}
