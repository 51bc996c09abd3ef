#include "service/sessions/session_calibration.h"

#include "service/models/models.h"
#include "service/scores/version_errors.h"
#include "service/sessions/sessions.h"
#include "service/sessions/version_change.h"

#include <string.h>

static struct interval_layout layout_of(enum session_calibration_format format,
                                        const struct gru_info *info, size_t n_horizons,
                                        size_t n_levels)
{
    const struct interval_untracked none = { .n = 0 };
    const struct interval_layout first =
        interval_layout_former(&none, info->n_outputs, n_horizons, n_levels);
    const struct interval_layout layout = interval_layout_of(info->n_outputs, n_horizons, n_levels);
    switch (format) {
    case SESSION_CALIBRATION_FIRST:
        return first;
    case SESSION_CALIBRATION_WIDE:
        return interval_layout_wide(&layout);
    default:
        return layout;
    }
}

enum session_calibration_format session_calibration_format(const struct gru_info *info)
{
    return info->is_wide ? SESSION_CALIBRATION_WIDE : SESSION_CALIBRATION_NARROW;
}

struct interval_layout session_calibration_layout(const struct gru_info *info, size_t n_horizons,
                                                  size_t n_levels)
{
    return layout_of(session_calibration_format(info), info, n_horizons, n_levels);
}

void session_calibration_view(const struct gru_info *info,
                              const struct session_calibration *calibration,
                              struct session_intervals *ret_intervals)
{
    ret_intervals->levels = calibration->levels;
    ret_intervals->layout =
        session_calibration_layout(info, calibration->n_horizons, calibration->levels.n);
    ret_intervals->tail = (struct tail){ .tracker = { .layout = &ret_intervals->layout,
                                                      .levels = &ret_intervals->levels,
                                                      .bytes = calibration->bytes },
                                         .parts = calibration->parts };
}

size_t session_calibration_bytes(enum session_calibration_format format,
                                 const struct gru_info *info,
                                 const struct session_calibration *calibration)
{
    const struct interval_layout layout =
        layout_of(format, info, calibration->n_horizons, calibration->levels.n);
    return tail_bytes(&layout, calibration->parts);
}

void session_calibration_take(enum session_calibration_format format, const struct gru_info *info,
                              unsigned char *bytes, const struct session_calibration *calibration)
{
    const struct interval_layout layout =
        layout_of(format, info, calibration->n_horizons, calibration->levels.n);
    const struct tail from = { { &layout, &calibration->levels, bytes }, calibration->parts };
    struct session_intervals own;
    session_calibration_view(info, calibration, &own);
    tail_take(&own.tail, &from);
}

bool session_calibration_read(const struct interval_sessions *of, uint32_t slot,
                              struct arena *arena, struct session_calibration *ret_calibration)
{
    const struct gru_info *info = gru_model_info(of->version->gru);
    struct session_intervals own, told;
    struct record_copy *copy = pool_newest(of->pool, slot);
    *ret_calibration = (struct session_calibration){ .step = copy->step, .digest = copy->digest };
    if (!session_intervals_of_copy(of, pool_extent(of->pool, slot)->record_class, copy, &own)) {
        return true;
    }
    const size_t n_horizons = own.layout.n_horizons;
    const struct interval_layout layout =
        session_calibration_layout(info, n_horizons, own.levels.n);
    ret_calibration->bytes = arena_array(arena, tail_bytes(&layout, own.tail.parts), 1);
    if (!ret_calibration->bytes) {
        return false;
    }
    ret_calibration->levels = own.levels;
    ret_calibration->n_horizons = n_horizons;
    ret_calibration->parts = own.tail.parts;
    session_calibration_view(info, ret_calibration, &told);
    tail_take(&told.tail, &own.tail);
    return true;
}

unsigned session_calibration_class(const struct interval_sessions *of, uint32_t slot,
                                   const struct session_calibration *calibration)
{
    if (!calibration) {
        return slot == INDEX_NONE ? 0 : pool_extent(of->pool, slot)->record_class;
    }
    return calibration->levels.n == 0
               ? 0
               : session_intervals_class_for(of, &calibration->levels, calibration->n_horizons,
                                             calibration->parts);
}

/* With the tail that it gets: what it is of. */
static struct session_calibration write_tail(const struct interval_sessions *of, uint32_t slot,
                                             unsigned record_class,
                                             const struct session_calibration *calibration,
                                             struct record_copy *copy)
{
    const struct record_layout *layout = &of->pool->layouts[record_class];
    struct session_intervals from, to;
    if (!calibration) {
        struct record_copy *now = pool_newest(of->pool, slot);
        memcpy(record_tail(layout, copy), record_tail(layout, now), layout->tail_bytes);
        copy->tail_mark = now->tail_mark;
        return (struct session_calibration){ .digest = now->digest, .step = UINT64_MAX };
    }
    session_calibration_view(gru_model_info(of->version->gru), calibration, &from);
    session_intervals_make(of, record_class, &calibration->levels, copy, &to);
    tail_take(&to.tail, &from.tail);
    return *calibration;
}

void session_calibration_write(const struct interval_sessions *of, const struct model *model,
                               uint32_t slot, unsigned record_class,
                               const struct session_restore *restore, struct record_copy *copy)
{
    struct session_intervals intervals;
    if (record_class == 0) {
        return;
    }
    const struct session_calibration was =
        write_tail(of, slot, record_class, restore->calibration, copy);
    if (!session_intervals_of_copy(of, record_class, copy, &intervals)) {
        return;
    }
    if (was.digest != copy->digest) {
        const struct version *before = version_with_digest(model, was.digest);
        version_change_rescale(before, of->version, &intervals.tail);
    }
    if (was.digest != copy->digest || was.step != copy->step) {
        tail_drop_waiting(&intervals.tail);
    }
    if (!restore->state) {
        tail_restart(&intervals.tail);
    }
}
