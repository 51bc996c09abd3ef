#include "service/pool/pool_format3.h"

#include "base/digest.h"
#include "service/pool/pool_former_values.h"
#include "service/pool/record_ring.h"

#include <stdlib.h>
#include <string.h>

struct format3_header {
    uint32_t check; /* over what follows; 0: not in use; inverted: its session has ended */
    uint8_t n_id;
    uint8_t birth_tag[3];
    uint64_t birth;
    char id[SESSION_ID_MAX];
    struct record_life life;
};

struct format3_copy {
    uint64_t check; /* over what follows, and the header's check */
    uint64_t writes : 48, n_readings : 16;
    uint64_t step;
    int64_t last_seen_at_ms : 46;
    uint64_t gap : 18;
    uint64_t digest;
    double last_at;
    uint32_t version;
    uint32_t last_block_check;
    struct former_error errors[]; /* [O], the state, the base, the tail */
};

struct format3_base {
    uint32_t n_since, gap;
    double last_at;
    struct former_error errors[]; /* [O], then the state */
};

struct format3_entry {
    uint64_t target; /* the record's slot and which copy; 0: none */
    char copy[];
};
enum { JOURNAL_ENTRIES = 8, STAMP_FLOATS = 3 };

struct format3_note {
    uint32_t page, n_slots;
    uint32_t record_class;
    uint32_t check; /* over what precedes, and its number */
};
enum { NOTE_OF_JOURNAL = 7 }; /* there were no more classes */

/* ---- sizes ---- */

static size_t values_bytes(const struct format3_layout *layout)
{
    return former_values_bytes(layout->n_outputs, layout->state_floats);
}

static size_t own_bytes(const struct format3_layout *layout)
{
    return record_round_up(offsetof(struct format3_copy, errors) + values_bytes(layout));
}

static size_t base_bytes(const struct format3_layout *layout)
{
    return layout->stamp_floats > 0
               ? record_round_up(offsetof(struct format3_base, errors) + values_bytes(layout))
               : 0;
}

struct record_layout format3_layout_today(const struct format3_layout *layout)
{
    const struct gru_info info = { .n_inputs = layout->n_inputs,
                                   .n_outputs = layout->n_outputs,
                                   .state_floats = layout->state_floats };
    const struct record_layout today = record_layout_of(&info, layout->n_history);
    return layout->stamp_floats > 0 ? record_layout_with_base(&today) : today;
}

static struct format3_layout with_tail(const struct format3_layout *layout, size_t tail_bytes)
{
    struct format3_layout result = *layout;
    const struct record_layout today = format3_layout_today(layout);
    result.tail_bytes = (uint32_t)tail_bytes;
    result.copy_bytes = (uint32_t)(own_bytes(layout) + base_bytes(layout) + tail_bytes);
    result.record_bytes = (uint32_t)record_round_up(
        sizeof(struct format3_header) + 2 * (size_t)result.copy_bytes + record_ring_bytes(&today));
    return result;
}

bool format3_layout_is_valid(const struct format3_layout *layout)
{
    if ((layout->stamp_floats != 0 && layout->stamp_floats != STAMP_FLOATS) ||
        layout->n_inputs > GRU_WIDTH_MAX || layout->n_outputs > GRU_WIDTH_MAX ||
        layout->n_history > RECORD_HISTORY_MAX || layout->state_floats > RECORD_STATE_MAX ||
        layout->tail_bytes != 0) {
        return false;
    }
    const struct format3_layout expected = with_tail(layout, 0);
    return layout->copy_bytes == expected.copy_bytes &&
           layout->record_bytes == expected.record_bytes &&
           layout->ring_rows == record_ring_rows(layout->n_history);
}

void format3_set_layouts(struct format3_file *file, const struct format3_layout *layout,
                         const struct pool_class *classes, size_t n_classes)
{
    file->n_classes = n_classes;
    file->layouts[0] = *layout;
    for (size_t k = 0; k < n_classes; k++) {
        file->layouts[k + 1] = with_tail(layout, classes[k].tail_bytes);
    }
}

/* ---- extents ---- */

/* They lie one behind the other from here on. */
enum { NOTES_MAX = 2 * RECORD_PAGE / sizeof(struct format3_note), HEAD_BYTES = 3 * RECORD_PAGE };

static const struct format3_note *note_at(const struct format3_file *file, size_t k)
{
    return (const struct format3_note *)(const void *)(file->bytes + RECORD_PAGE) + k;
}

static size_t whole_pages(size_t n_bytes)
{
    return (n_bytes + RECORD_PAGE - 1) / RECORD_PAGE * RECORD_PAGE;
}

static size_t bytes_of(const struct format3_file *file, const struct format3_note *note)
{
    return note->record_class == NOTE_OF_JOURNAL
               ? (size_t)note->n_slots * RECORD_PAGE
               : whole_pages((size_t)note->n_slots *
                             file->layouts[note->record_class].record_bytes);
}

/* The k-th note, if it is whole and the one before it ends at `from`. */
static const struct format3_note *read_note(const struct format3_file *file, size_t k, size_t from)
{
    if (k >= NOTES_MAX || file->n_bytes < HEAD_BYTES) {
        return NULL;
    }
    const struct format3_note *note = note_at(file, k);
    uint32_t check = (uint32_t)digest_64(note, offsetof(struct format3_note, check), k + 1);
    const bool is_known =
        note->record_class <= file->n_classes || note->record_class == NOTE_OF_JOURNAL;
    return note->check == (check ? check : 1) && note->page == from / RECORD_PAGE && is_known &&
                   note->n_slots > 0 && note->n_slots <= EXTENT_SLOTS_MAX
               ? note
               : NULL;
}

size_t format3_count_extents(const struct format3_file *file, bool *ret_is_whole)
{
    size_t n = 0, from = HEAD_BYTES;
    const struct format3_note *note;
    while ((note = read_note(file, n, from)) != NULL) {
        from += bytes_of(file, note);
        n++;
    }
    *ret_is_whole = n == NOTES_MAX || file->n_bytes < HEAD_BYTES || note_at(file, n)->check == 0;
    return n;
}

static size_t longest_copy(const struct format3_file *file)
{
    size_t n = 0;
    for (size_t c = 0; c <= file->n_classes; c++) {
        n = file->layouts[c].copy_bytes > n ? file->layouts[c].copy_bytes : n;
    }
    return n;
}

/* The last one is in the place of any other. */
static void find_journal(const struct format3_file *file, struct format3_extent *extent)
{
    const size_t n_entry = sizeof(struct format3_entry) + longest_copy(file);
    size_t from = HEAD_BYTES;
    const struct format3_note *note;
    for (size_t k = 0; (note = read_note(file, k, from)) != NULL; k++) {
        const size_t n = bytes_of(file, note);
        if (note->record_class == NOTE_OF_JOURNAL && n >= JOURNAL_ENTRIES * n_entry &&
            from + n <= file->n_bytes) {
            extent->journal = file->bytes + from;
            extent->journal_entry_bytes = n_entry;
        }
        from += n;
    }
}

bool format3_find_extent(const struct format3_file *file, size_t k,
                         struct format3_extent *ret_extent)
{
    size_t from = HEAD_BYTES, n_found = 0;
    const struct format3_note *note;
    for (size_t at = 0; (note = read_note(file, at, from)) != NULL; at++) {
        if (note->record_class != NOTE_OF_JOURNAL && n_found++ == k) {
            const struct format3_layout *layout = &file->layouts[note->record_class];
            const size_t left = file->n_bytes > from ? file->n_bytes - from : 0;
            const size_t n = left / layout->record_bytes;
            *ret_extent =
                (struct format3_extent){ .layout = layout,
                                         .record_class = note->record_class,
                                         .records = file->bytes + from,
                                         .n_records = n < note->n_slots ? n : note->n_slots,
                                         .first_slot = at * EXTENT_SLOTS_MAX };
            find_journal(file, ret_extent);
            return true;
        }
        from += bytes_of(file, note);
    }
    return false;
}

/* ---- checks ---- */

static uint32_t header_check(const struct format3_header *header)
{
    uint32_t check = (uint32_t)digest_64(&header->n_id, sizeof *header - sizeof header->check, 0);
    return check != 0 && check != UINT32_MAX ? check : 1;
}

static bool is_whole(const struct format3_layout *layout, const struct format3_header *header,
                     const struct format3_copy *copy)
{
    uint64_t binding = header->check != 0 ? header->check : header_check(header);
    return copy->check == digest_64((const char *)copy + sizeof copy->check,
                                    layout->copy_bytes - sizeof copy->check, 0) +
                              binding * UINT64_C(0x9E3779B97F4A7C15);
}

static struct format3_copy *copy_at(const struct format3_layout *layout, char *record, size_t which)
{
    return (struct format3_copy *)(void *)(record + sizeof(struct format3_header) +
                                           which * layout->copy_bytes);
}

/* ---- the journal ---- */

static bool is_newer(const struct format3_layout *layout, char *record,
                     const struct format3_copy *copy)
{
    const struct format3_header *header = (const struct format3_header *)(const void *)record;
    for (size_t k = 0; k < 2; k++) {
        const struct format3_copy *there = copy_at(layout, record, k);
        if (there->writes >= copy->writes && is_whole(layout, header, there)) {
            return false;
        }
    }
    return true;
}

/* Puts into the record what was on its way there. */
static void end_write(const struct format3_extent *extent, size_t position, char *record)
{
    const struct format3_layout *layout = extent->layout;
    const struct format3_header *header = (const struct format3_header *)(const void *)record;
    for (size_t k = 0; extent->journal && k < JOURNAL_ENTRIES; k++) {
        const struct format3_entry *entry =
            (const struct format3_entry *)(const void *)(extent->journal +
                                                         k * extent->journal_entry_bytes);
        const struct format3_copy *copy = (const struct format3_copy *)(const void *)entry->copy;
        if (entry->target != 0 && (entry->target - 1) >> 1 == extent->first_slot + position &&
            header->check == header_check(header) && is_whole(layout, header, copy) &&
            is_newer(layout, record, copy)) {
            memcpy(copy_at(layout, record, (entry->target - 1) & 1), copy, layout->copy_bytes);
        }
    }
}

/* ---- a record ---- */

static const char *record_at(const struct format3_extent *extent, size_t position)
{
    return extent->records + position * extent->layout->record_bytes;
}

size_t format3_id_length(const struct format3_extent *extent, size_t position)
{
    return ((const struct format3_header *)(const void *)record_at(extent, position))->n_id;
}

bool format3_is_blank(const struct format3_extent *extent, size_t position)
{
    const char *record = record_at(extent, position);
    return record[0] == 0 && memcmp(record, record + 1, extent->layout->record_bytes - 1) == 0;
}

static void translate_header(const char *old, const struct record_layout *layout, char *record)
{
    const struct format3_header *from = (const struct format3_header *)(const void *)old;
    struct record_header *header = record_header_of(record);
    header->n_id = from->n_id;
    header->life = from->life;
    record_set_birth(record, from->birth);
    memcpy(header->birth_tag, from->birth_tag, sizeof header->birth_tag);
    memcpy(header->id, from->id, layout->id_bytes);
    if (from->check == header_check(from)) {
        record_header_seal(record);
    } else if (from->check == ~header_check(from)) {
        record_header_end(record);
    } else {
        header->check = from->check; /* 0, or damaged */
    }
}

static void translate_base(const struct format3_layout *layout, const struct format3_copy *from,
                           const struct record_layout *today, struct record_copy *copy)
{
    if (layout->stamp_floats == 0) {
        return;
    }
    const struct format3_base *old =
        (const struct format3_base *)(const void *)((const char *)from + own_bytes(layout));
    struct record_base *base = record_base_of(today, copy);
    base->n_since = old->n_since;
    base->gap = old->gap;
    base->last_at = old->last_at;
    former_values_take(old->errors, layout->n_outputs, layout->state_floats, base->errors);
}

static void translate_copy(const struct format3_layout *layout, char *old, size_t which,
                           const struct record_layout *today, char *record)
{
    const struct format3_copy *from = copy_at(layout, old, which);
    struct record_copy *copy = record_copy_at(today, record, (int)which);
    record_clear_copy(today, copy);
    copy->check = (uint32_t)from->check; /* 0, or damaged */
    copy->writes = from->writes;
    copy->n_readings = from->n_readings;
    copy->step = from->step;
    copy->last_seen_at_ms = from->last_seen_at_ms;
    copy->gap = from->gap;
    copy->digest = from->digest;
    copy->last_at = from->last_at;
    copy->version = from->version;
    copy->last_block_check = from->last_block_check;
    former_values_take(from->errors, layout->n_outputs, layout->state_floats, copy->errors);
    translate_base(layout, from, today, copy);
    memcpy(record_tail(today, copy), (const char *)from + layout->copy_bytes - layout->tail_bytes,
           layout->tail_bytes);
    if (is_whole(layout, (const struct format3_header *)(void *)old, from)) {
        record_seal(today, record, copy);
    }
}

bool format3_translate(const struct format3_extent *extent, size_t position,
                       const struct record_layout *layout, char *record)
{
    const struct format3_layout *from = extent->layout;
    char *old = calloc(1, from->record_bytes);
    if (!old) {
        return false;
    }
    memcpy(old, record_at(extent, position), from->record_bytes);
    end_write(extent, position, old);
    translate_header(old, layout, record);
    for (size_t k = 0; k < 2; k++) {
        translate_copy(from, old, k, layout, record);
    }
    memcpy(record + record_header_bytes(layout) + 2 * (size_t)layout->copy_bytes,
           old + sizeof(struct format3_header) + 2 * (size_t)from->copy_bytes,
           record_ring_bytes(layout));
    free(old);
    return true;
}
