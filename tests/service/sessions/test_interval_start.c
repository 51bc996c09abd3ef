/* What the prediction intervals of a session begin from, and what another version makes of them. */
#include "service/service_support.h"
#include "service/sessions/session_intervals.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct interval_levels both = { 2, { 0.8, 0.9 } }, one = { 1, { 0.9 } };

enum { AHEAD = 5, KNOWN = 3 };

static const double means[KNOWN] = { 2, 3, 4 };
static const double future[AHEAD] = { 0.1F, 0.2F, 0.3F, 0.4F, 0.5F };

static void begin(struct world *world, struct bytes file)
{
    world_init(world);
    world_use_data(world);
    world_add_model(world, "m", file);
    world_start(world);
}

static struct forecast_options look_ahead(struct world *world, const struct interval_levels *levels)
{
    struct forecast_options options = forecast_options_make(world, AHEAD, future, AHEAD - 1);
    options.levels = levels;
    return options;
}

static struct step step_of(struct world *world, const char *session, uint64_t number,
                           const struct interval_levels *levels)
{
    static double x[INPUTS];
    arena_reset(&world->arena);
    reading(3, number, x);
    struct step step = step_make(world, session, x);
    step.forecast_options = look_ahead(world, levels);
    step.has_seq = true;
    step.seq = number;
    return step;
}

/* Reading `number` of stream 3, with a forecast of AHEAD steps. */
static struct step take(struct world *world, const char *session, uint64_t number,
                        const struct interval_levels *levels)
{
    struct step step = step_of(world, session, number, levels);
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

static struct step take_all(struct world *world, const char *session, uint64_t first, uint64_t last,
                            const struct interval_levels *levels)
{
    for (uint64_t number = first; number < last; number++) {
        (void)take(world, session, number, levels);
    }
    return take(world, session, last, levels);
}

/* Half of the interval of `temp`, which feeds an input; NAN: there is none. */
static double half_width(const struct interval_replies *replies, size_t level, size_t ahead)
{
    const struct interval_reply *reply = &replies->of[level];
    const size_t at = (ahead - 1) * OUTPUTS;
    ck_assert(isnan(reply->upper[at + 1])); /* comfort feeds none */
    return ((double)reply->upper[at] - reply->lower[at]) / 2;
}

/* Those that `forecast` tells of the session now: [AHEAD], of the second level. */
static void read_widths(struct world *world, const char *session, double ret_widths[AHEAD])
{
    struct arena arena;
    struct session_forecast forecast;
    arena_init(&arena, 1 << 20);
    const struct forecast_options options = look_ahead(world, &both);
    forecast_begin(world, &arena, session, &options, &forecast);
    ck_assert_int_eq(prediction_finish(world, &forecast.prediction, 0), STATUS_OK);
    for (size_t ahead = 1; ahead <= AHEAD; ahead++) {
        ret_widths[ahead - 1] = half_width(&forecast.sequence.intervals, 1, ahead);
    }
    arena_done(&arena);
}

TEST(a_session_begins_from_the_validation_of_its_version)
{
    struct world world;
    begin(&world, network_file_with_residuals(HIDDEN, SEED, means, KNOWN));
    (void)take_all(&world, "s", 1, 5, NULL);
    struct step step = take(&world, "s", 6, &both); /* raised */
    for (size_t ahead = 1; ahead <= KNOWN; ahead++) {
        ck_assert_double_eq_tol(half_width(&step.intervals, 0, ahead), 1.6 * means[ahead - 1], .02);
        ck_assert_double_eq_tol(half_width(&step.intervals, 1, ahead), 2 * means[ahead - 1], .02);
    }
    struct step fresh = take(&world, "fresh", 1, &both);
    for (size_t ahead = 1; ahead <= KNOWN; ahead++) {
        ck_assert_double_eq_tol(half_width(&fresh.intervals, 1, ahead), 2 * means[ahead - 1], .02);
    }
    ck_assert(isnan(half_width(&fresh.intervals, 1, KNOWN + 1)));
    ck_assert_uint_eq(fresh.intervals.of[0].observed[0], 0);
    step = take(&world, "s", 7, &both);
    ck_assert_uint_eq(step.intervals.of[0].observed[0], 1); /* the first one was told */
    ck_assert(step.intervals.of[0].coverage[0] == 1);
    world_done(&world);
}

TEST(a_sequence_begins_from_the_validation_of_its_version)
{
    struct world world;
    begin(&world, network_file_with_residuals(HIDDEN, SEED, means, KNOWN));
    double *x = readings(3, 1, 2);
    struct sequence sequence = { .x = x,
                                 .n_rows = 1,
                                 .forecast_options = look_ahead(&world, &both) };
    struct prediction prediction = { .gru = world_model(&world)->active->gru,
                                     .n_sequences = 1,
                                     .sequences = &sequence };
    ck_assert_int_eq(prediction_make(&world, &prediction, &world.arena, 0), STATUS_OK);
    ck_assert_double_eq_tol(half_width(&sequence.intervals, 1, 2), 2 * means[1], 0.02);
    ck_assert(isnan(half_width(&sequence.intervals, 1, KNOWN + 1)));
    free(x);
    world_done(&world);
}

TEST(a_step_that_fails_begins_nothing)
{
    struct world world;
    double widths[AHEAD];
    begin(&world, network_file_with_residuals(HIDDEN, SEED, means, KNOWN));
    (void)take_all(&world, "s", 1, 5, NULL);
    struct step step = step_of(&world, "s", 6, &both);
    step.x = (const double[INPUTS]){ INFINITY, INFINITY };
    ck_assert_int_ne(step_take(&world, &step), STATUS_OK);
    const struct session session = session_get(&world, "s");
    ck_assert_uint_eq(session.calibration.levels.n, 0);
    read_widths(&world, "s", widths); /* it tells what the next step would */
    ck_assert_double_eq_tol(widths[0], 2 * means[0], 0.02);
    (void)take(&world, "s", 6, &both);
    read_widths(&world, "s", widths);
    ck_assert_double_eq_tol(widths[0], 2 * means[0], 0.02);
    world_done(&world);
}

/* One that looks further ahead than before begins there as a new one does; so does one of which
 * nothing was known before its model had this version. */
TEST(what_a_session_has_not_looked_at_begins_later)
{
    struct world world;
    begin(&world, network_file_with_residuals(HIDDEN, SEED, means, KNOWN));
    struct step step;
    for (uint64_t number = 1; number <= 60; number++) {
        step = step_of(&world, "s", number, &one);
        step.forecast_options.horizon = 0;
        step.forecast_options.n_future_rows = 0;
        ck_assert_msg(step_take(&world, &step) == STATUS_OK, "%s", step.fault.message);
    }
    const double known = half_width(&step.intervals, 0, 1);
    step = take(&world, "s", 61, &both);
    ck_assert_double_eq_tol(half_width(&step.intervals, 1, 1), known, 0.3 * known);
    ck_assert_double_eq_tol(half_width(&step.intervals, 1, 2), 2 * means[1], 0.02);
    ck_assert(isnan(half_width(&step.intervals, 1, KNOWN + 1)));
    world_done(&world);
    begin(&world, network_file(HIDDEN, SEED));
    double widths[AHEAD];
    (void)take(&world, "s", 1, &both);
    read_widths(&world, "s", widths);
    ck_assert(isnan(widths[0]));
    world_activate(
        &world, world_put_version(&world, network_file_with_residuals(HIDDEN, SEED, means, KNOWN)));
    read_widths(&world, "s", widths);
    ck_assert_double_eq_tol(widths[2], 2 * means[2], 0.02);
    world_done(&world);
}

TEST(a_session_begins_like_another_one_that_has_seen_enough)
{
    struct world world;
    begin(&world, network_file(HIDDEN, SEED));
    (void)take_all(&world, "near", 1, 30, &both);
    struct step step = take(&world, "early", 1, &both);
    ck_assert(isnan(half_width(&step.intervals, 1, 1)));
    struct step donor = take_all(&world, "near", 31, 60, &both);
    const double expected = half_width(&donor.intervals, 1, AHEAD);
    ck_assert(expected > 0);
    step = take(&world, "s", 1, &both);
    ck_assert_double_eq(half_width(&step.intervals, 1, AHEAD), expected);
    ck_assert_uint_eq(step.intervals.of[0].observed[0], 0);
    /* It is found where a sync has moved it to. */
    ck_assert_int_eq(world_commit(&world), STATUS_OK);
    (void)take(&world, "near", 61, &both);
    step = take(&world, "t", 1, &both);
    ck_assert(half_width(&step.intervals, 1, AHEAD) > 0);
    /* Once it is gone, there is none until another one has seen enough. */
    ck_assert_int_eq(world_delete(&world, "near"), STATUS_OK);
    step = take(&world, "u", 1, &both);
    ck_assert(isnan(half_width(&step.intervals, 1, 1)));
    world_done(&world);
}

/* Neither one that another thread works on, nor one of another version, is asked or waited for. */
TEST(a_session_that_is_in_use_gives_nothing)
{
    struct world world;
    begin(&world, network_file(HIDDEN, SEED));
    (void)take_all(&world, "near", 1, 60, &both);
    struct pool *pool = world_pool(&world);
    const struct pool_key key = pool_key_of("near");
    uint32_t slot;
    ck_assert_int_eq(pool_claim(pool, &key, OWNER_MAIN, world.context->now_ms, &slot, &world.fault),
                     CLAIM_OK);
    ck_assert_uint_eq(atomic_load(&pool->donor), slot);
    struct step step = take(&world, "s", 1, &both);
    ck_assert(isnan(half_width(&step.intervals, 1, 1)));
    pool_release(pool, slot);
    step = take(&world, "t", 1, &both);
    ck_assert(half_width(&step.intervals, 1, 1) > 0);
    world_activate(&world, world_put_version(&world, network_file(HIDDEN, SEED + 1)));
    step = take(&world, "u", 1, &both);
    ck_assert(isnan(half_width(&step.intervals, 1, 1)));
    (void)take_all(&world, "s", 2, 60, &both);
    step = take(&world, "v", 1, &both);
    ck_assert(half_width(&step.intervals, 1, 1) > 0);
    world_done(&world);
}

/* A session with one level at one step ahead gives way to one that knows more. */
TEST(the_session_that_looks_furthest_is_asked)
{
    struct world world;
    begin(&world, network_file(HIDDEN, SEED));
    for (uint64_t number = 1; number <= 60; number++) {
        struct step step = step_of(&world, "one", number, &one);
        step.forecast_options.horizon = 0;
        step.forecast_options.n_future_rows = 0;
        ck_assert_msg(step_take(&world, &step) == STATUS_OK, "%s", step.fault.message);
    }
    struct step step = take(&world, "s", 1, &both);
    ck_assert(half_width(&step.intervals, 1, 1) > 0);
    ck_assert(isnan(half_width(&step.intervals, 1, 2)));
    (void)take_all(&world, "far", 1, 60, &both);
    step = take(&world, "t", 1, &both);
    ck_assert(half_width(&step.intervals, 1, AHEAD) > 0);
    world_done(&world);
}

static void expect_ratios(const double *after, const double *before, const double *ratios)
{
    for (size_t k = 0; k < AHEAD; k++) {
        ck_assert_double_eq_tol(after[k] / before[k], ratios[k], 1e-3 * ratios[k]);
    }
}

/* The fourth and fifth step ahead go with the third, the last one that both versions know. */
TEST(another_version_rescales_by_the_ratio_of_the_validations)
{
    static const double others[KNOWN] = { 1, 6, 16 }, ratios[AHEAD] = { 0.5, 2, 4, 4, 4 },
                        inverse[AHEAD] = { 2, 0.5, 0.25, 0.25, 0.25 },
                        same[AHEAD] = { 1, 1, 1, 1, 1 };
    double first[AHEAD], second[AHEAD], back[AHEAD];
    struct world world;
    begin(&world, network_file_with_residuals(HIDDEN, SEED, means, KNOWN));
    (void)take_all(&world, "s", 1, 60, &both);
    read_widths(&world, "s", first);
    world_activate(&world, world_put_version(
                               &world, network_file_with_residuals(HIDDEN, SEED, others, KNOWN)));
    read_widths(&world, "s", second);
    expect_ratios(second, first, ratios);
    world_activate(&world, 1);
    read_widths(&world, "s", back);
    expect_ratios(back, second, inverse);
    expect_ratios(back, first, same);
    /* From and to a version of which nothing is known they stay. */
    const unsigned unknown = world_put_version(&world, network_file(HIDDEN, SEED + 1));
    world_activate(&world, unknown);
    read_widths(&world, "s", second);
    expect_ratios(second, first, same);
    /* One that was not seen in between does not count, and one that is gone is not known. */
    world_activate(&world, 1);
    (void)take(&world, "s", 61, &both);
    read_widths(&world, "s", first);
    world_activate(&world, unknown);
    world_activate(&world, 2);
    read_widths(&world, "s", second);
    expect_ratios(second, first, ratios);
    world_activate(&world, 1);
    ck_assert_int_eq(model_delete_version(world.context, "m", 2, &world.fault), STATUS_OK);
    read_widths(&world, "s", back);
    expect_ratios(back, second, same);
    world_done(&world);
}

/* A file that says how far its own forecasts were off, and those of the active version. */
static struct bytes file_with_base(struct world *world, const double *own, const double *bases)
{
    struct gru_residual of[OUTPUTS * KNOWN] = { { .n = 0 } };
    struct bytes bytes = network_file_with_residuals(HIDDEN, SEED, own, KNOWN);
    struct gru_model *gru;
    char base[DIGEST_TEXT];
    for (size_t k = 0; k < OUTPUTS * KNOWN; k++) {
        of[k] = (struct gru_residual){ .n = 100, .mean = bases[k % KNOWN] };
    }
    digest_print(world_model(world)->active->digest, base);
    ck_assert_int_eq(gru_model_load(bytes.p, bytes.n, &gru, NULL), GRU_OK);
    free(bytes.p);
    ck_assert_int_eq(
        gru_model_set_base_residuals(gru, base, &(struct gru_residuals){ OUTPUTS, KNOWN, of }),
        GRU_OK);
    ck_assert_int_eq(gru_model_save(gru, &bytes.p, &bytes.n), GRU_OK);
    gru_model_unref(gru);
    return bytes;
}

/* The first job of a model whose file says nothing of its errors; and of one whose own validation
 * was another, so that its errors are not to be compared. */
TEST(a_version_and_its_base_are_compared_by_one_validation)
{
    static const double own[KNOWN] = { 1, 6, 16 }, bases[KNOWN] = { 2, 3, 4 },
                        ratios[AHEAD] = { 0.5, 2, 4, 4, 4 },
                        inverse[AHEAD] = { 2, 0.5, 0.25, 0.25, 0.25 }, easy[KNOWN] = { 20, 30, 40 };
    for (int is_known = 0; is_known < 2; is_known++) {
        double first[AHEAD], second[AHEAD], back[AHEAD];
        struct world world;
        begin(&world, is_known ? network_file_with_residuals(HIDDEN, SEED, easy, KNOWN)
                               : network_file(HIDDEN, SEED));
        (void)take_all(&world, "s", 1, 60, &both);
        read_widths(&world, "s", first);
        world_activate(&world, world_put_version(&world, file_with_base(&world, own, bases)));
        read_widths(&world, "s", second);
        expect_ratios(second, first, ratios);
        world_activate(&world, 1);
        read_widths(&world, "s", back);
        expect_ratios(back, second, inverse);
        world_done(&world);
    }
}

/* Steps up to `last`, all of them asking; the process ends before each of `restarts`. */
static void run_with_restarts(struct world *world, const char *session, uint64_t last,
                              const uint64_t *restarts, size_t n, double *ret_bounds)
{
    size_t k = 0;
    for (uint64_t number = 1; number <= last; number++) {
        if (k < n && restarts[k] == number) {
            world_restart(world);
            k++;
        }
        const struct step step = take(world, session, number, &both);
        for (size_t level = 0; level < both.n; level++) {
            memcpy(ret_bounds, step.intervals.of[level].upper, AHEAD * OUTPUTS * sizeof(double));
            ret_bounds += AHEAD * OUTPUTS;
            for (size_t ahead = 0; ahead < AHEAD; ahead++) {
                *ret_bounds++ = (float)step.intervals.of[level].coverage[ahead];
            }
        }
    }
}

TEST(a_restart_in_the_middle_leaves_a_calibration_that_was_begun_undisturbed)
{
    enum { LAST = 400, FLOATS = LAST * 2 * AHEAD * (OUTPUTS + 1) };
    static const uint64_t restarts[] = { 2, 20, 21, 200 };
    static double undisturbed[FLOATS], disturbed[FLOATS];
    struct world world;
    begin(&world, network_file_with_residuals(HIDDEN, SEED, means, KNOWN));
    run_with_restarts(&world, "s", LAST, NULL, 0, undisturbed);
    world_done(&world);
    begin(&world, network_file_with_residuals(HIDDEN, SEED, means, KNOWN));
    run_with_restarts(&world, "s", LAST, restarts, 4, disturbed);
    ck_assert_mem_eq(disturbed, undisturbed, sizeof disturbed);
    world_done(&world);
}
