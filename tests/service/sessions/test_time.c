/* at: readings have times, and come in their order; what is missing between them is filled. */
#include "recorded.h"
#include "service/service_support.h"
#include "test.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INTERVAL_S = 600 };

static const double day = 1763668800;

static void start(struct world *world, const char *missing, bool use_data)
{
    char metadata[400];
    snprintf(metadata, sizeof metadata,
             "{\\\"interval_seconds\\\":%d,\\\"missing\\\":\\\"%s\\\","
             "\\\"inputs\\\":[{\\\"name\\\":\\\"temp\\\"},{\\\"name\\\":\\\"humidity\\\"}],"
             "\\\"outputs\\\":[{\\\"name\\\":\\\"temp\\\"},{\\\"name\\\":\\\"comfort\\\"}]}",
             INTERVAL_S, missing);
    world_init(world);
    world_add_model(world, "m", network_file_with(HIDDEN, SEED, metadata));
    if (use_data) {
        world_use_data(world);
    }
    world_start(world);
}

/* The reading `number` of a stream with a time: n intervals after `day`. */
static struct step timed(struct world *world, const char *session, uint64_t number,
                         double n_intervals)
{
    static double x[8][INPUTS];
    static size_t turn;
    double *own = x[turn++ % 8];
    reading(3, number, own);
    struct step step = step_make(world, session, own);
    step.has_at = true;
    step.at = day + n_intervals * INTERVAL_S;
    return step;
}

static struct step take(struct world *world, struct step step)
{
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

static void expect_same_answer(const struct step *a, const struct step *b)
{
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_uint_eq(a->n_filled, b->n_filled);
    ck_assert_int_eq(a->is_restarted, b->is_restarted);
    ck_assert_uint_eq(a->n_forecast, b->n_forecast);
    expect_same_values(a->y, b->y, OUTPUTS);
}

static void expect_same_session_but_id(struct session *a, const struct session *b)
{
    strcpy(a->row.session, b->row.session);
    expect_same_session(a, b, false);
}

TEST(a_gap_by_time_is_filled_as_if_nulls_had_been_sent_at_their_times)
{
    static const int n_losts[] = { 0, 1, 3, 40, 100 };
    const double missing[INPUTS] = { NAN, NAN };
    for (size_t k = 0; k < sizeof n_losts / sizeof *n_losts; k++) {
        struct world world;
        start(&world, "forecast", true);
        for (int number = 1, at = 0; number <= 4; number++, at++) {
            const int n_lost = number > 1 ? n_losts[k] : 0;
            for (const int until = at + n_lost; at < until; at++) {
                struct step null = timed(&world, "nulls", 1, at);
                null.x = missing;
                take(&world, null);
            }
            struct step sent = take(&world, timed(&world, "nulls", (uint64_t)number, at));
            struct step filled = take(&world, timed(&world, "filled", (uint64_t)number, at));
            ck_assert_uint_eq(filled.n_filled, n_lost);
            ck_assert(!filled.is_restarted);
            ck_assert_uint_eq(filled.number, sent.number);
            expect_same_values(filled.y, sent.y, OUTPUTS);
            struct session nulls = session_get(&world, "nulls"),
                           fills = session_get(&world, "filled");
            nulls.time.n_filled = fills.time.n_filled;
            expect_same_session_but_id(&nulls, &fills);
        }
        world_done(&world);
    }
}

/* As after a kill while a gap is being filled: some of the missing ones are there. */
TEST(a_gap_that_is_filled_in_part_is_completed_by_the_same_reading)
{
    enum { LOST = 7 };
    const double missing[INPUTS] = { NAN, NAN };
    struct world world;
    start(&world, "last", true);
    for (size_t n_there = 0; n_there <= LOST; n_there++) {
        char part[] = "part0";
        part[4] = (char)('0' + n_there);
        take(&world, timed(&world, part, 1, 0));
        for (size_t k = 1; k <= n_there; k++) {
            struct step null = timed(&world, part, 1, (double)k * 8.3 / (LOST + 1));
            null.x = missing;
            take(&world, null);
        }
        struct step step = take(&world, timed(&world, part, 2, 8.3));
        ck_assert_uint_eq(step.number, LOST + 2);
        ck_assert_uint_eq(step.n_filled, LOST - n_there);
        struct session whole = session_get(&world, "part0"), other = session_get(&world, part);
        whole.time = other.time;
        expect_same_session_but_id(&whole, &other);
    }
    world_done(&world);
}

TEST(the_same_reading_gets_the_same_answer_and_is_no_second_step)
{
    static const double ats[] = { 0, 1, 4, 5, 300, 301.3 };
    struct world world;
    start(&world, "last", true);
    for (uint64_t k = 0; k < sizeof ats / sizeof *ats; k++) {
        struct step first = take(&world, timed(&world, "s", k + 1, ats[k]));
        ck_assert_uint_eq(first.n_filled, ats[k] == 4 ? 2 : 0);
        ck_assert_int_eq(first.is_restarted, ats[k] == 300);
        struct session before = session_get(&world, "s");
        for (int n = 0; n < 3; n++) {
            struct step again = take(&world, timed(&world, "s", k + 1, ats[k]));
            expect_same_answer(&first, &again);
            if (n == 1) {
                world_restart(&world);
            }
        }
        struct session after = session_get(&world, "s");
        expect_same_session(&before, &after, true);
    }
    struct service_figures figures;
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_repeated_readings, 1); /* since it was started again */
    world_done(&world);
}

static void expect_late(struct world *world, struct step step, double last_at)
{
    ck_assert_int_eq(step_take(world, &step), STATUS_LATE_READING);
    ck_assert_str_eq(step.fault.param, "at");
    ck_assert(step.fault.has_last_at);
    ck_assert_double_eq(step.fault.last_at, last_at);
    ck_assert_ptr_null(step.y);
}

TEST(a_late_reading_is_refused_with_the_last_time_and_changes_nothing)
{
    struct world world;
    start(&world, "last", true);
    take(&world, timed(&world, "s", 1, 0));
    take(&world, timed(&world, "s", 2, 1));
    struct session before = session_get(&world, "s");
    const double last_at = day + INTERVAL_S;
    for (int k = 0; k < 2; k++) {
        expect_late(&world, timed(&world, "s", 1, 0), last_at);
        expect_late(&world, timed(&world, "s", 3, 0.999), last_at);
        expect_late(&world, timed(&world, "s", 3, -1e6), last_at);
        expect_late(&world, timed(&world, "s", 3, 1), last_at); /* other values at that time */
        struct step both = timed(&world, "s", 2, 1);            /* the same, as the next */
        both.has_seq = true;
        both.seq = 3;
        expect_late(&world, both, last_at);
        struct session after = session_get(&world, "s");
        expect_same_session(&before, &after, true);
        struct service_figures figures;
        service_read_figures(world.service, &figures);
        ck_assert_uint_eq(figures.n_late_readings[LATE_REFUSED], 5);
        world_restart(&world);
    }
    world_done(&world);
}

TEST(a_longer_gap_begins_the_hidden_state_anew_and_the_number_goes_on)
{
    struct world world;
    start(&world, "last", true);
    for (uint64_t number = 1; number <= 5; number++) {
        take(&world, timed(&world, "s", number, (double)number));
    }
    struct session before = session_get(&world, "s");
    struct step step = timed(&world, "s", 6, 5 + 102);
    step.forecast_options = forecast_options_make(&world, 2, (const double[]){ 0.5F, 0.5F }, 2);
    step = take(&world, step);
    ck_assert(step.is_restarted);
    ck_assert_uint_eq(step.n_filled, 0);
    ck_assert_uint_eq(step.number, 6);
    for (uint64_t number = 6; number <= 9; number++) {
        take(&world, timed(&world, "fresh", number, (double)number));
        if (number > 6) {
            take(&world, timed(&world, "s", number, 101 + (double)number));
        }
        struct session fresh = session_get(&world, "fresh"), session = session_get(&world, "s");
        ck_assert_uint_eq(session.row.step, number);
        ck_assert_uint_eq(session.n_readings, fresh.n_readings);
        expect_same_values(session.readings, fresh.readings, fresh.n_readings * INPUTS);
        expect_same_floats(session.state, fresh.state, gru_model_info(fresh.gru)->state_floats);
        ck_assert_uint_eq(session.errors.n[0], before.errors.n[0] + fresh.errors.n[0]);
        world_restart(&world);
    }
    /* Another version replays what came since, and nothing of before. */
    world_activate(&world, world_put_version(&world, network_file(HIDDEN, 77)));
    struct session fresh = session_get(&world, "fresh"), session = session_get(&world, "s");
    expect_same_floats(session.state, fresh.state, gru_model_info(fresh.gru)->state_floats);
    world_done(&world);
}

TEST(a_model_that_refuses_missing_readings_begins_anew_after_any_gap)
{
    struct world world;
    start(&world, "error", false);
    take(&world, timed(&world, "s", 1, 0));
    ck_assert(!take(&world, timed(&world, "s", 2, 1.4)).is_restarted);
    struct step step = take(&world, timed(&world, "s", 3, 3.4));
    ck_assert(step.is_restarted && step.number == 3);
    take(&world, timed(&world, "fresh", 3, 0));
    expect_same_floats(session_get(&world, "s").state, session_get(&world, "fresh").state, HIDDEN);
    world_done(&world);
}

TEST(a_reading_without_a_time_leaves_the_order_and_no_gap_to_measure)
{
    struct world world;
    start(&world, "last", true);
    double x[INPUTS];
    reading(3, 2, x);
    struct step step;
    ck_assert_int_eq(step_x(&world, "s", x, &step), STATUS_OK); /* its first has none either */
    ck_assert(!session_get(&world, "s").time.is_known);
    take(&world, timed(&world, "s", 1, 0));
    ck_assert_int_eq(step_x(&world, "s", x, &step), STATUS_OK);
    for (int k = 0; k < 2; k++, world_restart(&world)) {
        ck_assert(session_get(&world, "s").time.is_untimed);
        expect_late(&world, timed(&world, "s", 1, 0), day);
        expect_late(&world, timed(&world, "s", 1, -1), day);
    }
    step = take(&world, timed(&world, "s", 4, 50));
    ck_assert_uint_eq(step.n_filled, 0);
    ck_assert_uint_eq(step.number, 4);
    step = take(&world, timed(&world, "s", 5, 52));
    ck_assert_uint_eq(step.n_filled, 1);
    world_done(&world);
}

static struct step both(struct world *world, uint64_t number, double n_intervals, uint64_t seq)
{
    struct step step = timed(world, "s", number, n_intervals);
    step.has_seq = step.may_begin = true;
    step.seq = seq;
    return step;
}

static void expect_mismatch(struct world *world, struct step step, uint64_t expected,
                            const char *advice)
{
    struct session before = session_get(world, "s");
    ck_assert_int_eq(step_take(world, &step), STATUS_SEQUENCE_MISMATCH);
    ck_assert_uint_eq(step.fault.expected, expected);
    ck_assert_msg(strstr(step.fault.message, advice) != NULL, "%s", step.fault.message);
    struct session after = session_get(world, "s");
    expect_same_session(&before, &after, true);
}

TEST(a_seq_and_a_time_must_agree)
{
    struct world world;
    start(&world, "last", true);
    ck_assert_uint_eq(take(&world, both(&world, 1, 0, 1000)).number, 1000);
    struct step step = take(&world, both(&world, 2, 1.6, 1001)); /* by its seq nothing is missing */
    ck_assert_uint_eq(step.n_filled, 0);
    expect_mismatch(&world, both(&world, 3, 7.6, 1002), 1007, "by `at` 6 intervals have passed");
    expect_mismatch(&world, both(&world, 3, 2.6, 1010), 1002, "by `at` 1 intervals have passed");
    step = take(&world, both(&world, 3, 7.6, 1007)); /* the time says that they are missing */
    ck_assert_uint_eq(step.n_filled, 5);
    ck_assert_uint_eq(step.number, 1007);
    struct step again = take(&world, both(&world, 3, 7.6, 1007));
    expect_same_answer(&step, &again);
    expect_mismatch(&world, both(&world, 3, 8.6, 1007), 1008, "given to another reading");
    again = take(&world, both(&world, 2, 1.6, 1001)); /* as a batch that is sent again */
    ck_assert(again.is_repeated && again.number == 1001 && !again.y);
    expect_mismatch(&world, both(&world, 4, 1007, 2006), 1008, "the step number goes on");
    step = take(&world, both(&world, 4, 1007, 1008));
    ck_assert(step.is_restarted && step.number == 1008);
    world_done(&world);
}

TEST(without_an_interval_times_order_and_seqs_count)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    take(&world, both(&world, 1, 0, 1));
    take(&world, both(&world, 2, 1000, 2));
    struct step step = both(&world, 3, 2000, 5);
    step.may_fill = true;
    step = take(&world, step);
    ck_assert_uint_eq(step.n_filled, 2);
    expect_late(&world, timed(&world, "s", 4, 1999), day + 2000.0 * INTERVAL_S);
    ck_assert_uint_eq(take(&world, timed(&world, "s", 4, 1e5)).number, 6);
    world_done(&world);
}

TEST(a_recorded_sequence_has_what_is_filled_and_ends_where_a_state_begins_anew)
{
    struct world world;
    size_t n;
    start(&world, "last", true);
    world.config.record = ROWS;
    world_restart(&world);
    take(&world, timed(&world, "s", 1, 0));
    take(&world, timed(&world, "s", 2, 3));
    take(&world, timed(&world, "s", 3, 300));
    for (uint64_t number = 4; number <= 6; number++) {
        take(&world, timed(&world, "s", number, 297 + (double)number));
    }
    flush_recorder(&world);
    for (int k = 0; k < 2; k++) {
        const struct gru_series *series = recorded_by(&world, "s", &n);
        ck_assert_uint_eq(n, 2);
        ck_assert_uint_eq(series[0].n_rows, 4);
        ck_assert(isnan(series[0].x[INPUTS]) && isnan(series[0].x[2 * INPUTS]));
        ck_assert_uint_eq(series[1].n_rows, 3);
        expect_series(&series[1], (struct part){ 3, 4, 6 });
        world_restart(&world); /* nothing is recovered that was left out */
    }
    world_done(&world);
}

/* Steps by time, and a kill before any of the latter half is recorded. */
static void step_and_be_killed(struct world *world)
{
    world_start(world);
    for (uint64_t number = 1; number <= 3; number++) {
        take(world, timed(world, "s", number, (double)number));
    }
    flush_recorder(world);
    for (uint64_t number = 4; number <= 7; number++) {
        take(world, timed(world, "s", number, 300 + (double)number));
    }
    kill(getpid(), SIGKILL);
}

TEST(killed_a_recorded_sequence_ends_where_a_state_began_anew)
{
    struct world world;
    size_t n;
    start(&world, "last", true);
    world_stop(&world);
    world.config.record = ROWS;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        step_and_be_killed(&world);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    world_start(&world);
    ck_assert_uint_eq(session_get(&world, "s").row.step, 7);
    flush_recorder(&world);
    const struct gru_series *series = recorded_by(&world, "s", &n);
    ck_assert_uint_eq(n, 2);
    expect_series(&series[0], (struct part){ 3, 1, 3 });
    expect_series(&series[1], (struct part){ 3, 5, 7 });
    world_done(&world);
}

TEST(in_one_batch_readings_are_ordered_repeated_and_filled)
{
    static const double ats[] = { 0, 1, 1, 4, 3, 4, 5 };
    static const uint64_t numbers[] = { 1, 2, 2, 3, 3, 3, 4 };
    struct world world;
    struct step steps[7];
    struct step *handed[7];
    start(&world, "last", false);
    for (size_t k = 0; k < 7; k++) {
        steps[k] = timed(&world, "s", numbers[k], ats[k]);
        handed[k] = &steps[k];
    }
    for (int turn = 0; turn < 20; turn++) {
        service_context_turn(world.context);
        service_steps(world.context, handed, 7);
    }
    static const uint64_t made[] = { 1, 2, 2, 5, 0, 5, 6 };
    for (size_t k = 0; k < 7; k++) {
        ck_assert(steps[k].is_done);
        ck_assert_int_eq(steps[k].fault.status, k == 4 ? STATUS_LATE_READING : STATUS_OK);
        ck_assert(k == 4 || steps[k].number == made[k]);
    }
    expect_same_answer(&steps[1], &steps[2]);
    expect_same_answer(&steps[3], &steps[5]);
    ck_assert_uint_eq(steps[3].n_filled, 2);
    world_done(&world);
}

TEST(a_fork_and_a_restored_session_know_the_time)
{
    static const double nexts[] = { 4, 300 };
    struct world world;
    start(&world, "last", true);
    for (size_t k = 0; k < 2; k++) {
        char id[] = "s0", fork[] = "f0";
        id[1] = fork[1] = (char)('0' + k);
        take(&world, timed(&world, id, 1, 0));
        struct step last = take(&world, timed(&world, id, 2, nexts[k]));
        ck_assert_int_eq(
            session_fork(world.context, world_model(&world), id, fork, &world.arena, &world.fault),
            STATUS_OK);
        struct session session = session_get(&world, id), forked = session_get(&world, fork);
        expect_same_session_but_id(&forked, &session);
        expect_late(&world, timed(&world, fork, 2, 0), last.at);
        struct step again = take(&world, timed(&world, fork, 2, nexts[k]));
        expect_same_answer(&last, &again);
        world_restart(&world);
    }
    world_done(&world);
}

TEST(a_step_that_would_amend_is_refused_as_switched_off)
{
    struct world world;
    start(&world, "last", false);
    struct step step = timed(&world, "s", 1, 0);
    step.may_amend = true;
    ck_assert_int_eq(step_take(&world, &step), STATUS_AMEND_OFF);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    world_done(&world);
}

/* A step that needs a larger record is worked out before it gets one; that changes no answer. */
TEST(the_first_step_that_asks_for_intervals_may_be_one_after_a_gap)
{
    static const struct interval_levels one = { 1, { 0.9 } };
    static const double gaps[] = { 1, 3, 1000 }; /* the next one, some that are filled, too many */
    for (size_t g = 0; g < 2 * 3; g++) {
        struct world world;
        start(&world, "last", true);
        world.config.amend = g >= 3;
        world_restart(&world);
        for (uint64_t number = 1; number <= 5; number++) {
            (void)take(&world, timed(&world, "a", number, (double)number));
            (void)take(&world, timed(&world, "b", number, (double)number));
            arena_reset(&world.arena);
        }
        struct step asking = timed(&world, "a", 6, 5 + gaps[g % 3]);
        asking.forecast_options.levels = &one;
        asking = take(&world, asking);
        const struct step plain = take(&world, timed(&world, "b", 6, 5 + gaps[g % 3]));
        expect_same_answer(&asking, &plain);
        ck_assert_int_eq(plain.is_restarted, g % 3 == 2);
        ck_assert_uint_eq(asking.intervals.n, 1);
        const struct session a = session_get(&world, "a"), b = session_get(&world, "b");
        expect_same_session(&a, &b, false);
        ck_assert_uint_eq(a.calibration.levels.n, 1);
        world_done(&world);
    }
}
