#include "service/pool/pool_format2.h"

#include "base/digest.h"
#include "service/pool/pool_former_values.h"
#include "service/pool/record_ring.h"

#include <stdlib.h>
#include <string.h>

struct format2_header {
    uint32_t check; /* over what follows; 0: not in use; inverted: its session has ended */
    uint8_t n_id;
    uint8_t unused[3];
    uint64_t birth;
    char id[SESSION_ID_MAX];
};

struct format2_copy {
    uint64_t check; /* over what follows, and the header's check */
    uint64_t writes : 48, n_readings : 16;
    uint64_t step;
    int64_t last_seen_at_ms;
    uint64_t digest;
    uint32_t version;
    uint32_t created_at_s;
    uint32_t ttl_s;
    uint32_t last_block_check;
    struct former_error errors[]; /* then the state */
};

struct format2_entry {
    uint64_t target; /* the record's position and which copy; 0: none */
    char copy[];
};
enum { JOURNAL_ENTRIES = 8 };

/* ---- sizes ---- */

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

struct record_layout format2_layout_today(const struct format2_layout *layout)
{
    const struct gru_info info = { .n_inputs = layout->n_inputs,
                                   .n_outputs = layout->n_outputs,
                                   .state_floats = layout->state_floats };
    return record_layout_of(&info, layout->n_history);
}

bool format2_layout_is_valid(const struct format2_layout *layout)
{
    enum { ALIGNMENT = 16 };
    if (layout->n_inputs > GRU_WIDTH_MAX || layout->n_outputs > GRU_WIDTH_MAX ||
        layout->n_history > RECORD_HISTORY_MAX || layout->state_floats > RECORD_STATE_MAX) {
        return false;
    }
    const struct record_layout today = format2_layout_today(layout);
    size_t copy = round_up(offsetof(struct format2_copy, errors) +
                               former_values_bytes(layout->n_outputs, layout->state_floats),
                           sizeof(uint64_t));
    size_t record = sizeof(struct format2_header) + 2 * copy + record_ring_bytes(&today);
    return layout->copy_bytes == copy && layout->ring_rows == today.ring_rows &&
           layout->record_bytes == round_up(record, ALIGNMENT) &&
           layout->copies_from == sizeof(struct format2_header);
}

static size_t entry_bytes(const struct format2_layout *layout)
{
    return sizeof(struct format2_entry) + layout->copy_bytes;
}

static size_t records_from(const struct format2_layout *layout)
{
    return RECORD_PAGE + round_up(JOURNAL_ENTRIES * entry_bytes(layout), RECORD_PAGE);
}

static size_t area_of(const struct format2_file *file)
{
    size_t from = records_from(file->layout);
    return file->n_bytes > from ? file->n_bytes - from : 0;
}

size_t format2_count(const struct format2_file *file)
{
    size_t area = area_of(file), n_bytes = file->layout->record_bytes;
    return area / n_bytes + (area % n_bytes >= sizeof(struct format2_header));
}

/* ---- checks ---- */

static uint32_t header_check(const struct format2_header *header)
{
    uint32_t check = (uint32_t)digest_64(&header->n_id, sizeof *header - sizeof header->check, 0);
    return check != 0 && check != UINT32_MAX ? check : 1;
}

static bool is_whole(const struct format2_layout *layout, const struct format2_header *header,
                     const struct format2_copy *copy)
{
    uint64_t binding = header->check != 0 ? header->check : header_check(header);
    return copy->check == digest_64((const char *)copy + sizeof copy->check,
                                    layout->copy_bytes - sizeof copy->check, 0) +
                              binding * UINT64_C(0x9E3779B97F4A7C15);
}

static struct format2_copy *copy_at(const struct format2_layout *layout, char *record, size_t which)
{
    return (struct format2_copy *)(void *)(record + layout->copies_from +
                                           which * layout->copy_bytes);
}

/* ---- the journal ---- */

static bool is_newer(const struct format2_layout *layout, char *record,
                     const struct format2_copy *copy)
{
    const struct format2_header *header = (const struct format2_header *)(const void *)record;
    for (size_t k = 0; k < 2; k++) {
        const struct format2_copy *there = copy_at(layout, record, k);
        if (there->writes >= copy->writes && is_whole(layout, header, there)) {
            return false;
        }
    }
    return true;
}

/* Puts into the record what was on its way there. */
static void end_write(const struct format2_file *file, size_t position, char *record)
{
    const struct format2_layout *layout = file->layout;
    const struct format2_header *header = (const struct format2_header *)(const void *)record;
    for (size_t k = 0; k < JOURNAL_ENTRIES; k++) {
        const struct format2_entry *entry =
            (const struct format2_entry *)(const void *)(file->bytes + RECORD_PAGE +
                                                         k * entry_bytes(layout));
        const struct format2_copy *copy = (const struct format2_copy *)(const void *)entry->copy;
        if (entry->target != 0 && (entry->target - 1) >> 1 == position &&
            header->check == header_check(header) && is_whole(layout, header, copy) &&
            is_newer(layout, record, copy)) {
            memcpy(copy_at(layout, record, (entry->target - 1) & 1), copy, layout->copy_bytes);
        }
    }
}

/* ---- a record ---- */

size_t format2_id_length(const struct format2_file *file, size_t position)
{
    const char *record =
        file->bytes + records_from(file->layout) + position * file->layout->record_bytes;
    return ((const struct format2_header *)(const void *)record)->n_id;
}

static void translate_header(const struct format2_layout *layout, char *old,
                             const struct record_layout *today, char *record)
{
    const struct format2_header *from = (const struct format2_header *)(void *)old;
    const struct format2_copy *newest = copy_at(layout, old, 0), *other = copy_at(layout, old, 1);
    struct record_header *header = record_header_of(record);
    if (other->writes > newest->writes) {
        newest = other;
    }
    if (!is_whole(layout, from, newest)) {
        newest = newest == other ? copy_at(layout, old, 0) : other;
    }
    header->n_id = from->n_id;
    header->life = (struct record_life){ newest->created_at_s, newest->ttl_s };
    record_set_birth(record, from->birth);
    memcpy(header->id, from->id, today->id_bytes);
    if (from->check == header_check(from)) {
        record_header_seal(record);
    } else if (from->check == ~header_check(from)) {
        record_header_end(record);
    } else {
        header->check = from->check; /* 0, or damaged */
    }
}

static void translate_copy(const struct format2_file *file, char *old, size_t which,
                           const struct record_layout *today, char *record)
{
    const struct format2_copy *from = copy_at(file->layout, old, which);
    struct record_copy *copy = record_copy_at(today, record, (int)which);
    record_clear_copy(today, copy);
    copy->check = (uint32_t)from->check; /* 0, or damaged */
    copy->writes = from->writes;
    copy->n_readings = from->n_readings;
    copy->step = from->step;
    copy->last_seen_at_ms = from->last_seen_at_ms;
    copy->digest = from->digest;
    copy->version = from->version;
    copy->last_block_check = from->last_block_check;
    former_values_take(from->errors, today->n_outputs, today->state_floats, copy->errors);
    if (is_whole(file->layout, (const struct format2_header *)(void *)old, from)) {
        record_seal(today, record, copy);
    }
}

bool format2_translate(const struct format2_file *file, size_t position,
                       const struct record_layout *today, char *record)
{
    const struct format2_layout *layout = file->layout;
    size_t at = position * layout->record_bytes, left = area_of(file) - at;
    size_t ring = layout->copies_from + 2 * (size_t)layout->copy_bytes;
    char *old = calloc(1, layout->record_bytes);
    if (!old) {
        return false;
    }
    memcpy(old, file->bytes + records_from(layout) + at,
           left < layout->record_bytes ? left : layout->record_bytes);
    end_write(file, position, old);
    translate_header(layout, old, today, record);
    for (size_t k = 0; k < 2; k++) {
        translate_copy(file, old, k, today, record);
    }
    memcpy(record + record_header_bytes(today) + 2 * (size_t)today->copy_bytes, old + ring,
           record_ring_bytes(today));
    free(old);
    return true;
}
