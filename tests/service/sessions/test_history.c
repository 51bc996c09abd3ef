/* What a session took in, and what had been forecast for it then: never something made up. */
#include "recorded.h"
#include "test.h"
#include "timed_readings.h"

#include <math.h>
#include <string.h>

enum { N = 30, FEW = 8 /* kept readings */ };

/* The replies to readings 1..n of a stream: y[k] is what is forecast after k of them. */
static void feed(struct world *world, const char *session, uint64_t from, uint64_t to,
                 double y[][OUTPUTS])
{
    for (uint64_t k = from; k <= to; k++) {
        expect_step(world, session, 3, k, y[k]);
    }
}

static struct session_history history_of(struct world *world, const char *session, uint64_t before,
                                         size_t limit)
{
    struct session_history history;
    const struct model *model = world_model(world);
    ck_assert_int_eq(session_history_read(world->context, model, session, before, limit,
                                          &world->kept, &history, &world->fault),
                     STATUS_OK);
    return history;
}

/* Readings first..last of the stream, each with what had been forecast for it if that is known. */
static void expect_history(const struct session_history *history, uint64_t first, uint64_t last,
                           uint64_t first_known, double y[][OUTPUTS])
{
    ck_assert_uint_eq(history->n, last - first + 1);
    for (size_t k = 0; k < history->n; k++) {
        const struct session_reading *read = &history->readings[k];
        double x[INPUTS];
        ck_assert_uint_eq(read->step, first + k);
        reading(3, read->step, x);
        expect_same_values(read->x, x, INPUTS);
        ck_assert_msg((read->y != NULL) == (read->step > 1 && read->step >= first_known), "step %d",
                      (int)read->step);
        if (read->y) {
            expect_same_values(read->y, y[read->step - 1], OUTPUTS);
        }
    }
}

static void start(struct world *world, size_t record, size_t n_kept, bool amend)
{
    world_init(world);
    world_use_data(world);
    world->config.record = record;
    world->config.session_history = n_kept;
    world->config.amend = amend;
    world_start(world);
}

TEST(a_recorded_session_shows_all_it_took_in)
{
    struct world world;
    double y[N + 1][OUTPUTS];
    start(&world, 1000, FEW, false);
    feed(&world, "s", 1, N, y);
    struct session_history all = history_of(&world, "s", UINT64_MAX, 100);
    expect_history(&all, 1, N, 1, y);
    ck_assert(!all.has_more);
    expect_same_values(all.y, y[N], OUTPUTS);
    struct session_history page = history_of(&world, "s", 12, 5);
    expect_history(&page, 7, 11, 1, y);
    ck_assert(page.has_more);
    page = history_of(&world, "s", 7, 6);
    expect_history(&page, 1, 6, 1, y);
    ck_assert(!page.has_more);
    page = history_of(&world, "s", 1, 6);
    ck_assert_uint_eq(page.n, 0);
    world_restart(&world);
    all = history_of(&world, "s", UINT64_MAX, 100);
    expect_history(&all, 1, N, 1, y);
    world_done(&world);
}

/* Of the kept readings alone: all of them, from the session's beginning on, are replayed. */
TEST(a_young_session_shows_its_forecasts_without_a_recording)
{
    struct world world;
    double y[N + 1][OUTPUTS];
    start(&world, 0, N, false);
    feed(&world, "s", 1, N, y);
    struct session_history all = history_of(&world, "s", UINT64_MAX, 100);
    expect_history(&all, 1, N, 1, y);
    all = history_of(&world, "s", 9, 3);
    expect_history(&all, 6, 8, 1, y);
    ck_assert(all.has_more);
    world_done(&world);
}

TEST(what_had_been_forecast_is_not_known_without_the_readings_before)
{
    struct world world;
    double y[N + 1][OUTPUTS];
    start(&world, 0, FEW, false);
    feed(&world, "s", 1, N, y);
    struct session_history all = history_of(&world, "s", UINT64_MAX, 100);
    expect_history(&all, N - FEW + 1, N, N + 1, y);
    ck_assert(!all.has_more);
    world_done(&world);
}

TEST(a_session_that_may_be_amended_shows_the_forecasts_of_all_that_it_keeps)
{
    struct world world;
    double y[N + 1][OUTPUTS];
    start(&world, 0, FEW, true);
    feed(&world, "s", 1, N, y);
    struct session_history all = history_of(&world, "s", UINT64_MAX, 100);
    expect_history(&all, N - FEW + 1, N, 1, y);
    world_done(&world);
}

/* Another version would forecast otherwise than was forecast then. */
TEST(after_another_version_a_replay_says_nothing)
{
    struct world world;
    double y[N + 1][OUTPUTS];
    start(&world, 0, N, false);
    unsigned second = world_put_version(&world, network_file(HIDDEN, 77));
    feed(&world, "s", 1, 10, y);
    world_activate(&world, second);
    struct session_history all = history_of(&world, "s", UINT64_MAX, 100);
    expect_history(&all, 1, 10, N, y);
    world_done(&world);
}

TEST(a_recording_remembers_what_another_version_forecast)
{
    struct world world;
    double y[N + 1][OUTPUTS];
    start(&world, 1000, N, false);
    unsigned second = world_put_version(&world, network_file(HIDDEN, 77));
    feed(&world, "s", 1, 10, y);
    world_activate(&world, second);
    (void)session_get(&world, "s"); /* re-warms it: the next reading is compared with this */
    memcpy(y[10], history_of(&world, "s", UINT64_MAX, 1).y, sizeof y[10]);
    feed(&world, "s", 11, 20, y);
    struct session_history all = history_of(&world, "s", UINT64_MAX, 100);
    memcpy(y[10], all.readings[10].y, sizeof y[10]);
    expect_history(&all, 1, 20, 1, y);
    world_done(&world);
}

TEST(times_are_shown_and_missing_values_too)
{
    for (int way = 0; way < 2; way++) { /* recorded; kept with their times */
        struct world world;
        start(&world, way == 0 ? 100 : 0, FEW, way == 1);
        for (int k = 0; k < 5; k++) {
            const double x[INPUTS] = { (float)k, NAN };
            struct step step = step_make(&world, "s", x);
            step.has_at = k != 2;
            step.at = 1000 + k;
            ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
        }
        struct session_history all = history_of(&world, "s", UINT64_MAX, 100);
        ck_assert_uint_eq(all.n, 5);
        for (int k = 0; k < 5; k++) {
            ck_assert(k == 2 ? isnan(all.readings[k].at) : all.readings[k].at == 1000 + k);
            ck_assert(all.readings[k].x[0] == (float)k && isnan(all.readings[k].x[1]));
        }
        world_done(&world);
    }
}

/* What was put in its place later was not forecast, nor was what comes after it then. */
TEST(an_amended_reading_shows_as_it_is_now)
{
    struct world world;
    start(&world, 100, FEW, true);
    for (int k = 0; k < 6; k++) {
        const double x[INPUTS] = { (float)k, 1 };
        struct step step = step_make(&world, "s", x);
        step.has_at = true;
        step.at = 1000 + k;
        ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
    }
    struct session_history before = history_of(&world, "s", UINT64_MAX, 100);
    const double corrected[INPUTS] = { 40, 1 };
    struct step amend = step_make(&world, "s", corrected);
    amend.may_amend = amend.has_at = true;
    amend.at = 1003;
    ck_assert_int_eq(step_take(&world, &amend), STATUS_OK);
    struct session_history after = history_of(&world, "s", UINT64_MAX, 100);
    ck_assert_uint_eq(after.n, 6);
    for (size_t k = 0; k < 6; k++) {
        ck_assert(after.readings[k].x[0] == (k == 3 ? 40.0F : (float)k));
        ck_assert(after.readings[k].at == 1000 + (double)k);
        if (k > 0 && k != 3) { /* as it was forecast then */
            expect_same_values(after.readings[k].y, before.readings[k].y, OUTPUTS);
        }
    }
    world_done(&world);
}

TEST(only_a_session_that_is_there_has_a_history)
{
    struct world world;
    struct session_history history;
    start(&world, 100, FEW, false);
    ck_assert_int_eq(session_history_read(world.context, world_model(&world), "s", UINT64_MAX, 1,
                                          &world.kept, &history, &world.fault),
                     STATUS_SESSION_NOT_FOUND);
    double y[N + 1][OUTPUTS];
    feed(&world, "s", 1, 3, y);
    ck_assert_int_eq(world_delete(&world, "s"), STATUS_OK);
    feed(&world, "s", 1, 2, y);
    history = history_of(&world, "s", UINT64_MAX, 100);
    expect_history(&history, 1, 2, 1, y); /* nothing of the session before it */
    world_done(&world);
}

/* A session that was set back makes steps again: what it made before does not show. */
TEST(a_session_that_was_set_back_shows_what_it_made_since)
{
    struct world world;
    double y[N + 1][OUTPUTS];
    start(&world, 100, FEW, false);
    feed(&world, "s", 1, 12, y);
    struct session earlier = session_get(&world, "s");
    struct session_restore restore = restore_of(&earlier);
    bool created;
    feed(&world, "s", 13, 16, y);
    ck_assert_int_eq(session_put_whole(&world, "s", &restore, &created), STATUS_OK);
    const double other[INPUTS] = { 5, 6 };
    struct step step;
    ck_assert_int_eq(step_x(&world, "s", other, &step), STATUS_OK);
    struct session_history all = history_of(&world, "s", UINT64_MAX, 100);
    ck_assert_uint_eq(all.n, 13);
    for (size_t k = 0; k < 13; k++) {
        ck_assert_uint_eq(all.readings[k].step, k + 1);
    }
    expect_same_values(all.readings[12].x, other, INPUTS);
    expect_same_values(all.readings[12].y, y[12], OUTPUTS);
    world_done(&world);
}
