/* Which outputs the tails of sessions have room for, and session files from before that was asked.
 */
#include "formats.h"
#include "service/models/interval_classes.h"
#include "service/models/model_versions.h"
#include "service/service_support.h"
#include "service/sessions/session_intervals.h"
#include "test.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct interval_levels offered = { 3, { 0.8, 0.9, 0.95 } }, one = { 1, { 0.9 } };

enum { COMFORT = 1 }; /* the output that feeds nothing */

TEST(outputs_that_feed_no_input_take_no_room)
{
    struct world world;
    struct pool_class classes[POOL_CLASSES_MAX];
    world_init(&world);
    world_add_model(&world, "n", network_file_of_other_shape());
    world_start(&world);
    struct gru_info info = *gru_model_info(world_model(&world)->active->gru);
    const size_t n = interval_classes(&offered, 24, &info, classes);
    ck_assert_uint_eq(n, 6 * (TAIL_PARTS_ALL + 1));
    for (size_t k = 0; k < n; k++) {
        const struct interval_class meaning = interval_class_of(&classes[k]);
        const struct interval_layout layout =
            interval_layout_of(1, meaning.n_horizons, meaning.n_levels);
        const size_t n_bytes = tail_bytes(&layout, interval_class_parts(&classes[k]));
        ck_assert_uint_eq(meaning.untracked.n, 1);
        ck_assert_uint_eq(meaning.untracked.bits[0], 1U << COMFORT);
        ck_assert_uint_eq(classes[k].tail_bytes, n_bytes);
        ck_assert(k == 0 || classes[k].tail_bytes >= classes[k - 1].tail_bytes);
    }
    const struct model *closed; /* a model none of whose truths ever comes */
    ck_assert_int_eq(model_find(world.context, "n", &closed, &world.fault), STATUS_OK);
    ck_assert_uint_eq(closed->pool->n_classes, 0);
    world_done(&world);
}

static struct step take(struct world *world, const char *model, const char *id, const double *x)
{
    arena_reset(&world->arena);
    struct step step = step_make(world, id, x);
    strcpy(step.model_name, model);
    step.forecast_options.levels = &one;
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

TEST(a_model_without_truths_has_no_bounds_and_no_tails)
{
    struct world world;
    const struct model *model;
    world_init(&world);
    world_add_model(&world, "n", network_file_of_other_shape());
    world_start(&world);
    for (int k = 0; k < 40; k++) {
        const struct step step = take(&world, "n", "s", &(double){ 0.5 });
        ck_assert_uint_eq(step.intervals.n, 1);
        ck_assert(isnan(step.intervals.of[0].lower[0]) && isnan(step.intervals.of[0].upper[0]));
        ck_assert(isnan(step.intervals.of[0].coverage[0]));
        ck_assert_uint_eq(step.intervals.of[0].observed[0], 0);
    }
    ck_assert_int_eq(model_find(world.context, "n", &model, &world.fault), STATUS_OK);
    const uint32_t slot = pool_next_slot(model->pool, INDEX_NONE);
    ck_assert_uint_eq(pool_extent(model->pool, slot)->record_class, 0);
    world_done(&world);
}

/* A version whose comfort feeds humidity. */
static struct bytes network_that_feeds_both(void)
{
    return network_file_with(
        HIDDEN, SEED + 1,
        "{\\\"inputs\\\":[{\\\"name\\\":\\\"temp\\\"},{\\\"name\\\":\\\"humidity\\\"}],"
        "\\\"outputs\\\":[{\\\"name\\\":\\\"temp\\\"},"
        "{\\\"name\\\":\\\"comfort\\\",\\\"feeds\\\":\\\"humidity\\\"}]}");
}

TEST(a_version_that_tracks_other_outputs_keeps_what_both_do)
{
    struct world world;
    double x[INPUTS];
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    const unsigned both = world_put_version(&world, network_that_feeds_both());
    uint64_t number = 1, n_observed = 0;
    for (int round = 0; round < 3; round++) {
        struct step step;
        for (int k = 0; k < 50; k++) {
            reading(3, number++, x);
            step = take(&world, "m", "s", x);
        }
        const struct interval_reply *reply = &step.intervals.of[0];
        ck_assert(reply->lower[0] < reply->upper[0]);
        ck_assert_int_eq(reply->lower[COMFORT] < reply->upper[COMFORT], round == 1);
        ck_assert_uint_gt(reply->observed[0], n_observed + 25);
        n_observed = round == 1 ? 0 : reply->observed[0];
        world_activate(&world, round == 0 ? both : 1);
        if (round == 1) {
            world_restart(&world);
        }
    }
    world_done(&world);
}

/* ---- a session file of format 3 whose tails are of all outputs: tails.tar.gz ---- */

static const char *const ids[] = { "plain", "one", "all", "four", "twelve", "farthest" };
enum { SESSIONS = sizeof ids / sizeof *ids };

/* Tails began with a mask of their levels, and had no means of widths and scores. */
enum { FORMER_HEAD = sizeof(uint32_t) };
static struct interval_layout former_layout(const struct interval_class *meaning)
{
    return interval_layout_former(&meaning->untracked, OUTPUTS, meaning->n_horizons,
                                  meaning->n_levels);
}

/* The classes as they were then: of all outputs, and none for a single level 12 steps ahead. */
static void use_former_classes(struct pool_options *options)
{
    size_t n = 0;
    for (size_t k = 0; k < options->n_classes; k++) {
        struct interval_class meaning = interval_class_of(&options->classes[k]);
        if ((meaning.n_horizons > 1 && meaning.n_levels == 1) ||
            interval_class_parts(&options->classes[k]) != 0) {
            continue;
        }
        struct pool_class kind = options->classes[k];
        meaning.untracked = (struct interval_untracked){ .n = 0 };
        const size_t n_bytes = former_layout(&meaning).n_bytes;
        kind.tail_format = 1;
        kind.tail_bytes = (uint32_t)((FORMER_HEAD + n_bytes + 7) & ~7UL);
        memcpy(kind.meaning, &meaning, sizeof meaning);
        options->classes[n++] = kind;
    }
    options->n_classes = n;
}

static struct pool *open_former(struct world *world)
{
    struct pool *pool;
    char folder[128], path[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/former", world->folder);
    format_unpack_archive(3, "tails", folder);
    const struct model *model = world_model(world);
    struct pool_options options =
        model_pool_options(world->service, model, model->active->gru, path);
    use_former_classes(&options);
    options.memory = NULL;
    snprintf(path, sizeof path, "%s/sessions/m.pool", folder);
    options.path = path;
    ck_assert_msg(pool_open(&options, &pool, &world->fault) == STATUS_OK, "%s",
                  world->fault.message);
    return pool;
}

static uint32_t claim(struct world *world, struct pool *pool, const char *id)
{
    const struct pool_key key = pool_key_of(id);
    uint32_t slot;
    ck_assert_int_eq(pool_claim(pool, &key, OWNER_MAIN, 1, &slot, &world->fault), CLAIM_OK);
    ck_assert(pool_verify(pool, slot, 1));
    return slot;
}

/* What the sections of a tracker's bytes are of `temp`, which is the first of both outputs. */
static void expect_same_tracker(const struct interval_layout *old, const unsigned char *old_bytes,
                                const struct interval_layout *own, const unsigned char *own_bytes)
{
    const size_t was[] = { 0,           old->factors, old->recent, old->told, old->forecasts,
                           old->scored, old->covered, old->widths, old->seen, old->widened };
    const size_t is[] = { 0,           own->factors, own->recent, own->told, own->forecasts,
                          own->scored, own->covered, own->widths, own->seen, own->widened };
    enum { TOLD = 3 }; /* which it had not */
    for (size_t k = 0; k + 1 < sizeof is / sizeof *is; k++) {
        const size_t n = is[k + 1] - is[k];
        ck_assert_uint_eq(was[k + 1] - was[k], k == TOLD ? 0 : OUTPUTS * n);
        ck_assert(k == TOLD || memcmp(old_bytes + was[k], own_bytes + is[k], n) == 0);
    }
    for (size_t k = own->told; k < own->forecasts; k += sizeof(float)) {
        float mean;
        memcpy(&mean, own_bytes + k, sizeof mean);
        ck_assert(isnan(mean));
    }
    ck_assert_int_eq(old_bytes[old->widened], own_bytes[own->widened]);
}

static void expect_same_tail(struct pool *old, uint32_t old_slot, struct pool *own,
                             uint32_t own_slot)
{
    struct session_intervals after;
    const unsigned classes[] = { pool_extent(old, old_slot)->record_class,
                                 pool_extent(own, own_slot)->record_class };
    ck_assert_int_eq(classes[0] == 0, classes[1] == 0);
    if (classes[0] == 0) {
        return;
    }
    const struct interval_sessions of_own = { .pool = own, .offered = &offered };
    const struct interval_class meaning = interval_class_of(&old->classes[classes[0] - 1]);
    const struct interval_layout before = former_layout(&meaning);
    const unsigned char *tail =
        (const unsigned char *)record_tail(pool_layout(old, old_slot), pool_newest(old, old_slot));
    uint32_t held;
    memcpy(&held, tail, sizeof held);
    ck_assert(session_intervals_of_copy(&of_own, classes[1], pool_newest(own, own_slot), &after));
    ck_assert_uint_eq(held, pool_newest(own, own_slot)->tail_mark);
    ck_assert_uint_eq(before.n_horizons, after.layout.n_horizons);
    expect_same_tracker(&before, tail + FORMER_HEAD, &after.layout, after.tail.tracker.bytes);
}

static void expect_same_copy(const struct pool *old, uint32_t old_slot, const struct pool *own,
                             uint32_t own_slot)
{
    struct record_copy *a = pool_newest(old, old_slot), *b = pool_newest(own, own_slot);
    const struct record_layout *layout = pool_layout(own, own_slot);
    ck_assert(a->step == b->step && a->step >= 10 && a->n_readings == b->n_readings);
    ck_assert(a->digest == b->digest && a->version == b->version);
    ck_assert_mem_eq(a->errors, b->errors,
                     OUTPUTS * sizeof *a->errors + layout->state_floats * sizeof(float));
}

TEST(a_file_whose_tails_are_of_all_outputs_keeps_all_that_can_be_scored)
{
    struct world world;
    double x[INPUTS];
    world_init(&world);
    world_use_data(&world);
    format_unpack_archive(3, "tails", world.data);
    world_start(&world);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), SESSIONS);
    for (int restart = 0; restart < 2; restart++) {
        struct pool *old = open_former(&world);
        ck_assert_uint_eq(atomic_load(&old->n_sessions), SESSIONS);
        for (size_t k = 0; k < SESSIONS; k++) {
            const uint32_t old_slot = claim(&world, old, ids[k]);
            const uint32_t slot = claim(&world, world_pool(&world), ids[k]);
            ck_assert_int_eq(pool_extent(old, old_slot)->record_class != 0, k > 0);
            expect_same_copy(old, old_slot, world_pool(&world), slot);
            expect_same_tail(old, old_slot, world_pool(&world), slot);
            pool_release(world_pool(&world), slot);
        }
        pool_unref(old);
        world_restart(&world);
    }
    reading(2, 71, x);
    const struct step step = take(&world, "m", "one", x);
    ck_assert_uint_eq(step.intervals.of[0].observed[0], 50);
    ck_assert(step.intervals.of[0].lower[0] < step.intervals.of[0].upper[0]);
    ck_assert(isnan(step.intervals.of[0].lower[COMFORT]));
    world_done(&world);
}
