#include "service/pool/pool_format1.h"

#include "base/digest.h"
#include "service/pool/pool_former_values.h"

#include <math.h>
#include <string.h>

struct format1_header {
    uint32_t check; /* over what follows; 0: not in use */
    uint8_t n_id;
    char id[SESSION_ID_MAX];
    uint8_t unused[3];
};

struct format1_copy {
    uint64_t check; /* over what follows, and the header's check */
    uint64_t step;
    int64_t last_seen_at_ms;
    uint64_t readings_sum; /* of the hashes of the n_readings readings up to `step` */
    uint64_t digest;
    uint32_t version;
    uint32_t created_at_s;
    uint32_t ttl_s;
    uint16_t writes;
    uint16_t n_readings;
    struct former_error errors[]; /* then the state */
};

/* ---- sizes ---- */

static size_t round_up(size_t n)
{
    return (n + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
}

static size_t values_bytes(const struct format1_layout *layout)
{
    return former_values_bytes(layout->n_outputs, layout->state_floats);
}

bool format1_layout_is_valid(const struct format1_layout *layout)
{
    if (layout->n_inputs > GRU_WIDTH_MAX || layout->n_outputs > GRU_WIDTH_MAX ||
        layout->n_history > RECORD_HISTORY_MAX || layout->state_floats > RECORD_STATE_MAX) {
        return false;
    }
    size_t copy = round_up(offsetof(struct format1_copy, errors) + values_bytes(layout));
    size_t readings = ((size_t)layout->n_history + 1) * layout->n_inputs * sizeof(float);
    size_t record = round_up(sizeof(struct format1_header) + 2 * copy + readings);
    bool is_small = record <= RECORD_PAGE;
    return layout->copy_bytes == copy && layout->record_bytes == record &&
           layout->records_per_group == (is_small ? RECORD_PAGE / record : 1) &&
           layout->group_bytes == (is_small ? RECORD_PAGE : record);
}

struct record_layout format1_layout_today(const struct format1_layout *layout)
{
    const struct gru_info info = { .n_inputs = layout->n_inputs,
                                   .n_outputs = layout->n_outputs,
                                   .state_floats = layout->state_floats };
    return record_layout_of(&info, layout->n_history);
}

size_t format1_count(const struct format1_layout *layout, size_t file_bytes)
{
    size_t area = file_bytes - RECORD_PAGE;
    size_t n_partial = area % layout->group_bytes / layout->record_bytes; /* of the last group */
    n_partial = n_partial < layout->records_per_group ? n_partial : layout->records_per_group;
    return area / layout->group_bytes * layout->records_per_group + n_partial;
}

/* ---- a record ---- */

static const struct format1_copy *copy_at(const struct format1_layout *layout, const char *record,
                                          int which)
{
    return (const struct format1_copy *)(const void *)(record + sizeof(struct format1_header) +
                                                       (size_t)which * layout->copy_bytes);
}

static const float *reading_at(const struct format1_layout *layout, const char *record,
                               uint64_t step)
{
    const char *rows = record + sizeof(struct format1_header) + 2 * (size_t)layout->copy_bytes;
    return (const float *)(const void *)rows +
           (size_t)((step - 1) % (layout->n_history + 1)) * layout->n_inputs;
}

static bool is_whole(const struct format1_layout *layout, const char *record,
                     const struct format1_copy *copy)
{
    const struct format1_header *header = (const struct format1_header *)(const void *)record;
    uint64_t check = digest_64((const char *)copy + sizeof copy->check,
                               layout->copy_bytes - sizeof copy->check, 0) +
                     header->check * UINT64_C(0x9E3779B97F4A7C15);
    return copy->check == check && copy->n_readings <= layout->n_history &&
           copy->n_readings <= copy->step && copy->step <= UINT64_C(1) << 62 &&
           copy->last_seen_at_ms >= 0 && copy->last_seen_at_ms <= INT64_C(1) << 53;
}

static const struct format1_copy *newest_whole(const struct format1_layout *layout,
                                               const char *record)
{
    const struct format1_copy *first = copy_at(layout, record, 0);
    const struct format1_copy *second = copy_at(layout, record, 1);
    if (!is_whole(layout, record, second)) {
        return is_whole(layout, record, first) ? first : NULL;
    }
    bool is_second =
        (uint16_t)(second->writes - first->writes) == 1 || !is_whole(layout, record, first);
    return is_second ? second : first;
}

static void read_readings(const struct format1_layout *layout, const char *record,
                          const struct format1_copy *old, struct record_copy *copy,
                          double *readings)
{
    size_t n_bytes = layout->n_inputs * sizeof(float);
    uint64_t sum = 0;
    for (uint64_t step = old->step - old->n_readings + 1; step <= old->step; step++) {
        const float *x = reading_at(layout, record, step);
        sum += digest_64(x, n_bytes, step);
        for (uint32_t k = 0; k < layout->n_inputs; k++) {
            *readings++ = (double)x[k];
        }
    }
    copy->n_readings = sum == old->readings_sum ? old->n_readings : 0;
}

/* "unborn": the check of a second copy as long as the first one was not sealed. */
#define UNBORN UINT64_C(0x6E726F626E75)

enum format1_found format1_read(const struct format1_layout *layout, const char *file, size_t slot,
                                char id[SESSION_ID_MAX + 1], struct record_life *life,
                                struct record_copy *copy, double *readings)
{
    const char *record = file + RECORD_PAGE +
                         slot / layout->records_per_group * layout->group_bytes +
                         slot % layout->records_per_group * layout->record_bytes;
    const struct format1_header *header = (const struct format1_header *)(const void *)record;
    uint64_t first = copy_at(layout, record, 0)->check;
    uint64_t second = copy_at(layout, record, 1)->check;
    if (header->check == 0) {
        bool is_damaged = header->n_id == 0 && second != UNBORN && (second != 0 || first != 0);
        return is_damaged ? FORMAT1_NAMELESS : FORMAT1_UNUSED;
    }
    uint32_t check = (uint32_t)digest_64(&header->n_id, sizeof *header - sizeof header->check, 0);
    if (!session_id_is_valid(header->id, header->n_id) || header->check != (check ? check : 1)) {
        return FORMAT1_NAMELESS;
    }
    memcpy(id, header->id, header->n_id);
    id[header->n_id] = '\0';
    const struct format1_copy *old = newest_whole(layout, record);
    if (!old) {
        return second == UNBORN ? FORMAT1_UNUSED : FORMAT1_DAMAGED;
    }
    *copy = (struct record_copy){ .step = old->step,
                                  .last_seen_at_ms = old->last_seen_at_ms,
                                  .digest = old->digest,
                                  .last_at = NAN,
                                  .version = old->version };
    *life = (struct record_life){ old->created_at_s, old->ttl_s };
    former_values_take(old->errors, layout->n_outputs, layout->state_floats, copy->errors);
    read_readings(layout, record, old, copy, readings);
    return FORMAT1_SESSION;
}
