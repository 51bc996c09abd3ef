#include "service/pool/pool_translate.h"

#include "base/log.h"
#include "service/pool/pool_extents.h"
#include "service/pool/pool_file.h"
#include "service/pool/pool_load.h"
#include "service/pool/pool_move.h"

#include <unistd.h>

static enum status translate_all(const struct format2_file *file, struct pool *to,
                                 struct fault *fault)
{
    size_t n = format2_count(file);
    enum status status = STATUS_OK;
    to->n_slots = n > to->n_slots ? n : to->n_slots;
    for (size_t position = 0; status == STATUS_OK && position < n; position++) {
        uint32_t slot;
        status = extents_take_fresh(to, 0, &slot, fault);
        if (status == STATUS_OK && !format2_translate(file, position, pool_record(to, slot))) {
            status = fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to read former sessions");
        }
    }
    return status;
}

/* The new file, beside the old one. It is not synced. */
static enum status write_file(const struct pool_options *options, struct pool *old,
                              const char *beside, struct fault *fault)
{
    const struct format2_layout *layout = pool_file_format2(old);
    struct format2_file file = { .layout = layout,
                                 .n_bytes = atomic_load(&old->region.size),
                                 .today = format2_layout_today(layout) };
    struct pool_options today = *options;
    struct pool *to;
    char *bytes;
    enum status status = region_map(&old->region, 0, file.n_bytes, &bytes, fault);
    file.bytes = bytes;
    today.layout = file.today;
    today.memory = NULL;
    if (status == STATUS_OK) {
        status = pool_load(&today, beside, true, &to, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = translate_all(&file, to, fault);
    pool_file_take_promises(to, old);
    pool_unref(to);
    return status;
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
