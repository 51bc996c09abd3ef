#include "service/pool/pool_translate.h"

#include "base/log.h"
#include "service/pool/pool_extents.h"
#include "service/pool/pool_file.h"
#include "service/pool/pool_load.h"
#include "service/pool/pool_move.h"

#include <unistd.h>

/* ---- a record of the new file ---- */

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to read former sessions");
}

static enum status take_record(struct pool *to, unsigned record_class, size_t n_id,
                               uint32_t *ret_slot, struct fault *fault)
{
    return extents_take_fresh(to, record_class, record_room_of(n_id), ret_slot, fault);
}

/* ---- format 2 ---- */

static enum status translate_format2(const struct format2_file *file, struct pool *to,
                                     struct fault *fault)
{
    size_t n = format2_count(file);
    enum status status = STATUS_OK;
    to->n_slots = n > to->n_slots ? n : to->n_slots;
    for (size_t position = 0; status == STATUS_OK && position < n; position++) {
        uint32_t slot;
        status = take_record(to, 0, format2_id_length(file, position), &slot, fault);
        if (status == STATUS_OK &&
            !format2_translate(file, position, pool_layout(to, slot), pool_record(to, slot))) {
            status = no_memory(fault);
        }
    }
    return status;
}

static enum status write_format2(const struct pool_options *options, struct pool *old,
                                 const char *bytes, const char *beside, struct fault *fault)
{
    const struct format2_layout *layout = pool_file_format2(old);
    const struct format2_file file = { .layout = layout,
                                       .bytes = bytes,
                                       .n_bytes = atomic_load(&old->region.size),
                                       .today = format2_layout_today(layout) };
    struct pool_options today = *options;
    struct pool *to;
    today.layout = file.today;
    today.memory = NULL;
    enum status status = pool_load(&today, beside, true, &to, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = translate_format2(&file, to, fault);
    pool_file_take_promises(to, old);
    pool_unref(to);
    return status;
}

/* ---- format 3 ---- */

static enum status translate_extent(const struct format3_extent *extent, struct pool *to,
                                    struct fault *fault)
{
    enum status status = STATUS_OK;
    to->n_slots += extent->n_records;
    for (size_t position = 0; status == STATUS_OK && position < extent->n_records; position++) {
        uint32_t slot;
        if (format3_is_blank(extent, position)) {
            continue;
        }
        status = take_record(to, extent->record_class, format3_id_length(extent, position), &slot,
                             fault);
        if (status == STATUS_OK &&
            !format3_translate(extent, position, pool_layout(to, slot), pool_record(to, slot))) {
            status = no_memory(fault);
        }
    }
    return status;
}

static enum status write_format3(const struct pool_options *options, struct pool *old,
                                 const char *bytes, const char *beside, struct fault *fault)
{
    struct format3_file file = { .bytes = bytes, .n_bytes = atomic_load(&old->region.size) };
    struct pool_options today = *options;
    struct pool *to;
    size_t n_promised;
    bool is_whole;
    pool_file_check_size(old, options->path);
    if (!pool_file_read_format3(old, today.classes, &today.n_classes, &n_promised)) {
        return pool_file_damaged(options->path, fault);
    }
    format3_set_layouts(&file, pool_file_format3(old), today.classes, today.n_classes);
    if (format3_count_extents(&file, &is_whole) < n_promised || !is_whole) {
        return pool_file_damaged(options->path, fault);
    }
    today.layout = format3_layout_today(pool_file_format3(old));
    today.memory = NULL;
    enum status status = pool_load(&today, beside, true, &to, fault);
    if (status != STATUS_OK) {
        return status;
    }
    struct format3_extent extent;
    for (size_t k = 0; status == STATUS_OK && format3_find_extent(&file, k, &extent); k++) {
        status = translate_extent(&extent, to, fault);
    }
    pool_file_take_promises(to, old);
    pool_unref(to);
    return status;
}

/* ---- the file ---- */

/* The new one, beside the old one. It is not synced. */
static enum status write_file(const struct pool_options *options, struct pool *old,
                              const char *beside, struct fault *fault)
{
    char *bytes;
    enum status status = region_map(&old->region, 0, atomic_load(&old->region.size), &bytes, fault);
    if (status != STATUS_OK) {
        return status;
    }
    return pool_file_format2(old) ? write_format2(options, old, bytes, beside, fault)
                                  : write_format3(options, old, bytes, beside, fault);
}

enum status pool_translate(const struct pool_options *options, struct pool *old, const char *beside,
                           struct pool **ret_pool, struct fault *fault)
{
    struct pool *pool = NULL;
    enum status status = write_file(options, old, beside, fault);
    if (status == STATUS_OK) {
        status = pool_load(options, beside, false, &pool, fault);
    }
    if (status == STATUS_OK) {
        status = pool_replace_file(pool, beside, options->path, fault);
    }
    if (status != STATUS_OK) {
        pool_unref(pool);
        unlink(beside);
        return status;
    }
    log_event(LOG_INFO, "sessions_upgraded", LOG_STRING("model", options->name),
              LOG_INT("sessions", (int64_t)atomic_load(&pool->n_sessions)));
    *ret_pool = pool;
    return STATUS_OK;
}
