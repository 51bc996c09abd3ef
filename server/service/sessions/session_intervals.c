#include "service/sessions/session_intervals.h"

#include "service/models/interval_classes.h"
#include "service/pool/pool_write.h"

#include <math.h>
#include <string.h>

/* ---- tails ---- */

static uint32_t held_levels(const char *tail)
{
    uint32_t held;
    memcpy(&held, tail, sizeof held);
    return held;
}

static void view(const struct interval_levels *offered, const struct pool_class *kind,
                 size_t n_outputs, char *tail, struct session_intervals *ret_intervals)
{
    const uint32_t held = held_levels(tail);
    const struct interval_class meaning = interval_class_of(kind);
    ret_intervals->levels.n = 0;
    for (size_t i = 0; i < offered->n; i++) {
        if (held >> i & 1) {
            ret_intervals->levels.level[ret_intervals->levels.n++] = offered->level[i];
        }
    }
    ret_intervals->layout = interval_layout_of(n_outputs, meaning.n_horizons, meaning.n_levels);
    ret_intervals->tracker =
        (struct interval_tracker){ .layout = &ret_intervals->layout,
                                   .levels = &ret_intervals->levels,
                                   .bytes = (unsigned char *)tail + INTERVAL_TAIL_HEAD };
}

bool session_intervals_of(const struct interval_levels *offered, const struct pool_class *kind,
                          size_t n_outputs, char *tail, struct session_intervals *ret_intervals)
{
    if (held_levels(tail) == 0) {
        return false;
    }
    view(offered, kind, n_outputs, tail, ret_intervals);
    return true;
}

/* That of a copy of the slot's class. */
static bool view_copy(const struct pool *pool, const struct interval_levels *offered, uint32_t slot,
                      struct record_copy *copy, struct session_intervals *ret_intervals)
{
    const struct record_layout *layout = pool_layout(pool, slot);
    return layout->tail_bytes > 0 &&
           session_intervals_of(offered, &pool->classes[pool_extent(pool, slot)->record_class - 1],
                                layout->n_outputs, record_tail(layout, copy), ret_intervals);
}

/* ---- a session asks ---- */

static uint32_t asked_levels(const struct interval_levels *offered,
                             const struct interval_levels *levels)
{
    uint32_t asked = 0;
    for (size_t i = 0; i < levels->n; i++) {
        asked |= 1U << interval_levels_find(offered, levels->level[i]);
    }
    return asked;
}

/* Which levels a class would have for those. */
static uint32_t levels_of_class(const struct interval_class *meaning, uint32_t asked)
{
    return meaning->n_levels == meaning->n_offered ? (1U << meaning->n_offered) - 1 : asked;
}

unsigned session_intervals_class(const struct pool *pool, const struct interval_levels *offered,
                                 uint32_t slot, const struct gru_info *info,
                                 const struct forecast_options *options)
{
    const unsigned now = slot == INDEX_NONE ? 0 : pool_extent(pool, slot)->record_class;
    if (!options->levels) {
        return now;
    }
    const size_t n_rows = forecast_options_rows(info, options);
    size_t n_ahead = n_rows > 0 ? n_rows : 1;
    uint32_t asked = asked_levels(offered, options->levels);
    if (now > 0) {
        const struct record_layout *layout = pool_layout(pool, slot);
        const struct interval_class meaning = interval_class_of(&pool->classes[now - 1]);
        n_ahead = meaning.n_horizons > n_ahead ? meaning.n_horizons : n_ahead;
        asked |= held_levels(record_tail(layout, pool_newest(pool, slot)));
    }
    for (unsigned k = 1; k <= pool->n_classes; k++) {
        const struct interval_class meaning = interval_class_of(&pool->classes[k - 1]);
        if (meaning.n_horizons >= n_ahead &&
            (meaning.n_levels == meaning.n_offered || (asked & (asked - 1)) == 0)) {
            return k;
        }
    }
    return now;
}

enum claim session_intervals_raise(struct pool *pool, const struct interval_levels *offered,
                                   uint32_t *slot, uint16_t owner, const struct gru_info *info,
                                   const struct forecast_options *options,
                                   struct record_copy *scratch, struct fault *fault)
{
    const unsigned wanted = session_intervals_class(pool, offered, *slot, info, options);
    if (wanted == pool_extent(pool, *slot)->record_class) {
        return CLAIM_OK;
    }
    const struct pool_class *kind = &pool->classes[wanted - 1];
    const struct interval_class meaning = interval_class_of(kind);
    const uint32_t asked = levels_of_class(&meaning, asked_levels(offered, options->levels));
    char *tail = record_tail(&pool->layouts[wanted], scratch);
    struct session_intervals before, after;
    memset(tail, 0, kind->tail_bytes);
    memcpy(tail, &asked, sizeof asked);
    view(offered, kind, info->n_outputs, tail, &after);
    if (view_copy(pool, offered, *slot, pool_newest(pool, *slot), &before)) {
        interval_tracker_take(&after.tracker, &before.tracker);
    } else {
        interval_tracker_begin(&after.tracker);
    }
    return pool_raise(pool, slot, wanted, owner, scratch, fault);
}

/* ---- a step ---- */

/* The tail of a new session is zeros. */
static void begin(const struct pool *pool, const struct interval_levels *offered, uint32_t slot,
                  struct record_copy *copy, const struct forecast_options *options)
{
    const struct record_layout *layout = pool_layout(pool, slot);
    char *tail = record_tail(layout, copy);
    if (held_levels(tail) != 0 || !options->levels) {
        return;
    }
    const struct pool_class *kind = &pool->classes[pool_extent(pool, slot)->record_class - 1];
    const struct interval_class meaning = interval_class_of(kind);
    const uint32_t asked = levels_of_class(&meaning, asked_levels(offered, options->levels));
    struct session_intervals intervals;
    memcpy(tail, &asked, sizeof asked);
    view(offered, kind, layout->n_outputs, tail, &intervals);
    interval_tracker_begin(&intervals.tracker);
}

void session_intervals_truths(const struct gru_info *info, const float *x, float *ret_truths)
{
    for (size_t o = 0; o < info->n_outputs; o++) {
        ret_truths[o] = info->outputs[o].feeds >= 0 ? x[info->outputs[o].feeds] : NAN;
    }
}

void session_intervals_step(const struct pool *pool, const struct interval_levels *offered,
                            uint32_t slot, struct record_copy *copy, uint64_t step,
                            const struct forecast_options *options, const float *truths,
                            const float *forecast, size_t n_rows)
{
    struct session_intervals intervals;
    begin(pool, offered, slot, copy, options);
    if (!view_copy(pool, offered, slot, copy, &intervals)) {
        return;
    }
    interval_tracker_step(&intervals.tracker, step, truths, forecast, n_rows);
}

void session_intervals_tell(const struct pool *pool, const struct interval_levels *offered,
                            uint32_t slot, struct record_copy *copy,
                            const struct interval_replies *replies, const float *forecast)
{
    struct session_intervals intervals;
    const bool has_tracker = view_copy(pool, offered, slot, copy, &intervals);
    interval_replies_fill(replies, has_tracker ? &intervals.tracker : NULL, forecast);
}

void session_intervals_follow(const struct pool *pool, const struct interval_levels *offered,
                              uint32_t slot, struct record_copy *copy)
{
    struct session_intervals intervals;
    if (view_copy(pool, offered, slot, copy, &intervals)) {
        interval_tracker_rescale(&intervals.tracker, 1);
    }
}

void session_intervals_restart(const struct pool *pool, const struct interval_levels *offered,
                               uint32_t slot, struct record_copy *copy)
{
    struct session_intervals intervals;
    if (view_copy(pool, offered, slot, copy, &intervals)) {
        interval_tracker_restart(&intervals.tracker);
    }
}
