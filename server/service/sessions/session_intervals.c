#include "service/sessions/session_intervals.h"
#include "service/sessions/version_change.h"

#include "service/models/interval_classes.h"
#include "service/models/models.h"
#include "service/pool/pool_write.h"
#include "service/scores/anomaly.h"
#include "service/scores/blend.h"
#include "service/scores/version_errors.h"
#include "service/service_private.h"
#include "service/sessions/session_blend.h"

#include <math.h>
#include <string.h>

struct interval_sessions interval_sessions_of(const struct service_context *context,
                                              const struct model *model)
{
    return (struct interval_sessions){ .pool = model->pool,
                                       .offered = &context->service->interval_levels,
                                       .version = model->active,
                                       .owner = context->owner,
                                       .now_ms = context->now_ms };
}

/* ---- tails ---- */

static void view(const struct interval_levels *offered, const struct pool_class *kind,
                 size_t n_outputs, uint32_t held, char *tail,
                 struct session_intervals *ret_intervals)
{
    ret_intervals->levels.n = 0;
    for (size_t i = 0; i < offered->n; i++) {
        if (held >> i & 1) {
            ret_intervals->levels.level[ret_intervals->levels.n++] = offered->level[i];
        }
    }
    ret_intervals->layout = interval_class_layout(kind, n_outputs);
    ret_intervals->tail = (struct tail){ .tracker = { .layout = &ret_intervals->layout,
                                                      .levels = &ret_intervals->levels,
                                                      .bytes = (unsigned char *)tail },
                                         .parts = interval_class_parts(kind) };
}

static unsigned class_of(const struct interval_sessions *of, uint32_t slot)
{
    return pool_extent(of->pool, slot)->record_class;
}

bool session_intervals_of_copy(const struct interval_sessions *of, unsigned record_class,
                               struct record_copy *copy, struct session_intervals *ret_intervals)
{
    if (record_class == 0 || copy->tail_mark == 0) {
        return false;
    }
    const struct record_layout *layout = &of->pool->layouts[record_class];
    view(of->offered, &of->pool->classes[record_class - 1], layout->n_outputs, copy->tail_mark,
         record_tail(layout, copy), ret_intervals);
    return true;
}

/* That of a copy of the slot's class. */
static bool view_copy(const struct interval_sessions *of, uint32_t slot, struct record_copy *copy,
                      struct session_intervals *ret_intervals)
{
    return session_intervals_of_copy(of, class_of(of, slot), copy, ret_intervals);
}

/* ---- a session asks ---- */

/* Levels that are not offered are none. */
static uint32_t asked_levels(const struct interval_levels *offered,
                             const struct interval_levels *levels)
{
    uint32_t asked = 0;
    for (size_t i = 0; i < levels->n; i++) {
        const size_t at = interval_levels_find(offered, levels->level[i]);
        asked |= at < offered->n ? 1U << at : 0;
    }
    return asked;
}

/* What parts of a tail need where no level is asked for: the one that is nearest to 0.9. */
static uint32_t usual_level(const struct interval_levels *offered)
{
    const double usual = 0.9;
    size_t nearest = 0;
    for (size_t i = 1; i < offered->n; i++) {
        nearest =
            fabs(offered->level[i] - usual) < fabs(offered->level[nearest] - usual) ? i : nearest;
    }
    return offered->n > 0 ? 1U << nearest : 0;
}

/* Of a session that has those already. */
static uint32_t needed_levels(const struct interval_levels *offered,
                              const struct forecast_options *options, uint32_t held)
{
    if (!forecast_options_have_levels(options)) {
        return held == 0 && options->parts != 0 ? usual_level(offered) : held;
    }
    return asked_levels(offered, forecast_options_levels(options, offered)) | held;
}

/* Which levels a class would have for those. */
static uint32_t levels_of_class(const struct interval_class *meaning, uint32_t asked)
{
    return meaning->n_levels == meaning->n_offered ? (1U << meaning->n_offered) - 1 : asked;
}

static size_t farthest(const struct pool *pool)
{
    size_t most = 0;
    for (size_t k = 0; k < pool->n_classes; k++) {
        const struct interval_class meaning = interval_class_of(&pool->classes[k]);
        most = meaning.n_horizons > most ? meaning.n_horizons : most;
    }
    return most;
}

/* The first class with room for that, as far ahead as any reaches; 0: there are none. */
static unsigned find_class(const struct pool *pool, uint32_t asked, size_t n_ahead, uint32_t parts)
{
    const bool is_one_level = asked != 0 && (asked & (asked - 1)) == 0;
    const size_t most = farthest(pool), reach = n_ahead < most ? n_ahead : most;
    for (unsigned k = 1; k <= pool->n_classes; k++) {
        const struct interval_class meaning = interval_class_of(&pool->classes[k - 1]);
        if (meaning.n_horizons >= reach &&
            (meaning.n_levels == meaning.n_offered || is_one_level) &&
            (parts & ~interval_class_parts(&pool->classes[k - 1])) == 0) {
            return k;
        }
    }
    return 0;
}

unsigned session_intervals_class_for(const struct interval_sessions *of,
                                     const struct interval_levels *levels, size_t n_ahead,
                                     uint32_t parts)
{
    return find_class(of->pool, asked_levels(of->offered, levels), n_ahead, parts);
}

/* Without a level and a mixture nothing is asked of steps further ahead. */
static size_t needed_reach(const struct interval_sessions *of,
                           const struct forecast_options *options)
{
    const size_t n_rows = forecast_options_rows(gru_model_info(of->version->gru), options);
    const bool is_ahead = forecast_options_have_levels(options) || (options->parts & TAIL_BLEND);
    return is_ahead && n_rows > 0 ? n_rows : 1;
}

unsigned session_intervals_class(const struct interval_sessions *of, uint32_t slot,
                                 const struct forecast_options *options)
{
    const struct pool *pool = of->pool;
    const unsigned now = slot == INDEX_NONE ? 0 : class_of(of, slot);
    if (!forecast_options_have_levels(options) && options->parts == 0) {
        return now;
    }
    const size_t n_ahead = needed_reach(of, options);
    if (now == 0) {
        return find_class(pool, needed_levels(of->offered, options, 0), n_ahead, options->parts);
    }
    const struct pool_class *kind = &pool->classes[now - 1];
    const size_t reach = interval_class_of(kind).n_horizons;
    const uint32_t held = pool_newest(pool, slot)->tail_mark;
    const uint32_t needed = needed_levels(of->offered, options, held);
    const uint32_t parts = interval_class_parts(kind);
    if (needed == held && n_ahead <= reach && (options->parts & ~parts) == 0) {
        return now;
    }
    return find_class(pool, needed, n_ahead > reach ? n_ahead : reach, options->parts | parts);
}

static void make(const struct interval_sessions *of, unsigned record_class, uint32_t asked,
                 struct record_copy *copy, struct session_intervals *ret_intervals)
{
    const struct pool_class *kind = &of->pool->classes[record_class - 1];
    const struct interval_class meaning = interval_class_of(kind);
    const uint32_t held = levels_of_class(&meaning, asked);
    char *tail = record_tail(&of->pool->layouts[record_class], copy);
    memset(tail, 0, kind->tail_bytes);
    copy->tail_mark = (uint8_t)held;
    view(of->offered, kind, of->pool->layout.n_outputs, held, tail, ret_intervals);
}

void session_intervals_make(const struct interval_sessions *of, unsigned record_class,
                            const struct interval_levels *levels, struct record_copy *copy,
                            struct session_intervals *ret_intervals)
{
    make(of, record_class, asked_levels(of->offered, levels), copy, ret_intervals);
}

/* ---- it begins ---- */

/* Another session that steps may be written by another thread: its claim is tried, and not waited
 * for. */
static void begin_like_another(const struct interval_sessions *of, uint32_t slot,
                               const struct interval_tracker *tracker)
{
    struct session_intervals other;
    uint32_t donor;
    const enum claim claim = pool_claim_donor(of->pool, of->owner, &donor);
    if (claim != CLAIM_OK && claim != CLAIM_OWN) {
        return;
    }
    struct record_copy *copy = pool_newest(of->pool, donor);
    const bool is_other = donor != slot;
    const bool is_fit = is_other && copy->version == of->version->number &&
                        copy->digest == of->version->digest.low &&
                        view_copy(of, donor, copy, &other);
    if (is_fit) {
        interval_tracker_begin_like(tracker, &other.tail.tracker);
    } else if (is_other) { /* one of this version takes its place */
        atomic_store_explicit(&of->pool->donor, INDEX_NONE, memory_order_relaxed);
    }
    if (claim == CLAIM_OK) {
        pool_release(of->pool, donor);
    }
}

/* Wherever it has seen nothing itself. What the version's validation says comes before what another
 * session has seen. */
static void begin_from_others(const struct interval_sessions *of, uint32_t slot,
                              const struct interval_tracker *tracker)
{
    version_errors_begin(of->version->gru, tracker);
    if (!version_errors_are_known(of->version->gru, tracker->layout->n_horizons)) {
        begin_like_another(of, slot, tracker);
    }
}

/* What a mixture may not know of the session. */
static void know(const struct interval_sessions *of, const float *state, const struct tail *tail)
{
    if (tail->parts & TAIL_BLEND) {
        const struct blend blend = blend_of(&tail->tracker, tail_part(tail, TAIL_BLEND));
        session_blend_know(of->version->gru, state, &blend.mixture);
    }
}

/* A session without a calibration has a tail of zeros, and no mark. */
static void begin(const struct interval_sessions *of, uint32_t slot, struct record_copy *copy,
                  const struct forecast_options *options)
{
    if ((!forecast_options_have_levels(options) && options->parts == 0) || copy->tail_mark != 0) {
        return;
    }
    struct session_intervals intervals;
    make(of, class_of(of, slot), needed_levels(of->offered, options, 0), copy, &intervals);
    tail_begin(&intervals.tail);
    begin_from_others(of, slot, &intervals.tail.tracker);
    know(of, record_state(&of->pool->layout, copy), &intervals.tail);
}

/* ---- a step ---- */

enum claim session_intervals_raise(const struct interval_sessions *of, uint32_t *slot,
                                   const struct forecast_options *options,
                                   struct record_copy *scratch, struct fault *fault)
{
    struct pool *pool = of->pool;
    const unsigned wanted = session_intervals_class(of, *slot, options);
    if (wanted == class_of(of, *slot)) {
        return CLAIM_OK;
    }
    if (pool_make_room(pool, *slot, wanted, of->owner, of->now_ms, fault) != STATUS_OK) {
        return CLAIM_ENDED;
    }
    const struct record_layout *layout = &pool->layouts[wanted];
    struct session_intervals before, after;
    struct record_copy *newest = pool_newest(pool, *slot);
    if (view_copy(of, *slot, newest, &before)) {
        make(of, wanted, needed_levels(of->offered, options, newest->tail_mark), scratch, &after);
        tail_take(&after.tail, &before.tail);
        begin_from_others(of, *slot, &after.tail.tracker);
        know(of, record_state(&pool->layout, newest), &after.tail);
    } else { /* it begins with the step */
        memset(record_tail(layout, scratch), 0, layout->tail_bytes);
        scratch->tail_mark = 0;
    }
    return pool_raise(pool, slot, wanted, of->owner, scratch, fault);
}

/* The one that has seen enough the furthest ahead is the one to begin like. */
static void offer(struct pool *pool, uint32_t slot, const struct interval_tracker *tracker)
{
    const uint32_t donor = atomic_load_explicit(&pool->donor, memory_order_relaxed);
    const size_t known =
        donor == INDEX_NONE ? 0 : atomic_load_explicit(&pool->donor_reach, memory_order_relaxed);
    size_t reach = known;
    while (interval_tracker_has_seen_enough(tracker, reach + 1)) {
        reach++;
    }
    if (reach > known) {
        atomic_store_explicit(&pool->donor_reach, (uint32_t)reach, memory_order_relaxed);
        atomic_store_explicit(&pool->donor, slot, memory_order_relaxed);
    }
}

void session_intervals_truths(const struct gru_info *info, const double *x, double *ret_truths)
{
    for (size_t o = 0; o < info->n_outputs; o++) {
        ret_truths[o] = info->outputs[o].feeds >= 0 ? x[info->outputs[o].feeds] : (double)NAN;
    }
}

bool session_intervals_begin(const struct interval_sessions *of, uint32_t slot,
                             struct record_copy *copy, const struct forecast_options *options,
                             struct session_intervals *ret_intervals)
{
    begin(of, slot, copy, options);
    return view_copy(of, slot, copy, ret_intervals);
}

void session_intervals_step(const struct interval_sessions *of, uint32_t slot, uint64_t step,
                            const struct session_intervals *intervals, const double *truths,
                            const double *forecast, size_t n_rows)
{
    tail_step(&intervals->tail, step, truths, forecast, n_rows);
    offer(of->pool, slot, &intervals->tail.tracker);
}

double session_intervals_anomaly(const struct session_intervals *intervals, double *ret_by_output)
{
    const struct tail *tail = &intervals->tail;
    return tail->parts & TAIL_ANOMALY
               ? anomaly_p_value(&tail->tracker, tail_part(tail, TAIL_ANOMALY), ret_by_output)
               : (double)NAN;
}

void session_intervals_follow(const struct interval_sessions *of, uint32_t slot,
                              struct record_copy *copy, const struct version *before)
{
    struct session_intervals intervals;
    if (view_copy(of, slot, copy, &intervals)) {
        version_change_rescale(before, of->version, &intervals.tail);
        version_errors_begin(of->version->gru, &intervals.tail.tracker);
        tail_drop_waiting(&intervals.tail);
    }
}

void session_intervals_restart(const struct interval_sessions *of, uint32_t slot,
                               struct record_copy *copy)
{
    struct session_intervals intervals;
    if (view_copy(of, slot, copy, &intervals)) {
        tail_restart(&intervals.tail);
    }
}
