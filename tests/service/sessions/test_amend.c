/* "late":"amend": whatever the order in which readings come, the session is what it would be had
 * they come in time. */
#include "service/random.h"
#include "test.h"
#include "timed_readings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READINGS_MAX = 64 };

/* ---- readings ---- */

static size_t below(uint64_t *random, size_t n)
{
    return (size_t)(next_random(random) % n);
}

/* n readings in order, an interval apart but for a part of it, some lost, and values missing. */
static void make_readings(uint64_t *random, struct timed_reading *all, size_t n, double jitter)
{
    double place = 0;
    for (size_t k = 0; k < n; k++) {
        reading(5, k + 1, all[k].x);
        if (below(random, 6) == 0) {
            all[k].x[below(random, INPUTS)] = NAN;
        }
        place += 1 + (double)(below(random, 3) == 0 ? below(random, 3) : 0);
        all[k].at =
            first_day + (place + jitter * ((double)below(random, 101) / 50 - 1)) * INTERVAL_S;
    }
}

/* Sessions alike, and after further readings, too, late ones among them. */
static void expect_alike(struct world *world, const char *a, const char *b)
{
    struct session one = session_get(world, a), other = session_get(world, b);
    strcpy(one.row.session, other.row.session);
    expect_same_session(&one, &other, false);
}

static void expect_alike_further(struct world *world, const char *a, const char *b)
{
    expect_alike(world, a, b);
    const double last_at = session_get(world, a).time.last_at;
    for (size_t k = 0; k < 12; k++) {
        struct timed_reading late = { .at = last_at + (double)k * INTERVAL_S * 1.5 };
        struct timed_reading next = { .at = late.at + INTERVAL_S };
        reading(6, 2 * k, late.x);
        reading(6, 2 * k + 1, next.x);
        timed_send(world, a, &next);
        timed_send(world, a, &late);
        timed_send(world, b, &late);
        timed_send(world, b, &next);
        expect_alike(world, a, b);
    }
}

/* ---- the law ---- */

TEST(readings_in_any_order_make_the_session_that_they_make_in_order)
{
    enum { TRIALS = 60, N = 20 };
    struct world world;
    uint64_t random = 88172645463325252U;
    timed_start(&world, READINGS_MAX, false);
    for (size_t trial = 0; trial < TRIALS; trial++) {
        struct timed_reading all[N];
        size_t order[N];
        char shuffled[16], in_order[16];
        snprintf(shuffled, sizeof shuffled, "shuffled%d", (int)trial);
        snprintf(in_order, sizeof in_order, "order%d", (int)trial);
        make_readings(&random, all, N, 0.3);
        for (size_t k = 0; k < N; k++) {
            order[k] = k;
            size_t other = below(&random, k + 1);
            order[k] = order[other];
            order[other] = k;
        }
        for (size_t k = 0; k < N; k++) {
            struct timed_reading wrong = all[order[k]];
            wrong.x[0] = 40;
            if (below(&random, 4) == 0) { /* to be corrected */
                timed_send(&world, shuffled, &wrong);
            }
            timed_send(&world, shuffled, &all[order[k]]);
            timed_send(&world, in_order, &all[k]);
            if (below(&random, 4) == 0) { /* once more: nothing happens */
                struct step again = timed_take(
                    &world, timed_step(&world, shuffled, &all[order[below(&random, k + 1)]]));
                ck_assert_uint_eq(again.amended, 0);
            }
        }
        expect_alike_further(&world, shuffled, in_order);
    }
    world_done(&world);
}

/* Each is late by a few at most. Times are such that the gaps before and after a late reading round
 * to what the whole gap does: else there may be a step less, and then a reading less is kept. */
TEST(late_readings_are_put_in_their_place_while_the_ring_turns_over)
{
    enum { TRIALS = 20, N = 60, HISTORY = 12 };
    struct world world;
    uint64_t random = 1181783497276652981U;
    timed_start(&world, HISTORY, true);
    for (size_t trial = 0; trial < TRIALS; trial++) {
        struct timed_reading all[N];
        make_readings(&random, all, N, 0.1);
        char late[16], in_order[16];
        snprintf(late, sizeof late, "late%d", (int)trial);
        snprintf(in_order, sizeof in_order, "order%d", (int)trial);
        for (size_t k = 0; k < N; k += 4) {
            static const size_t orders[][4] = {
                { 0, 1, 2, 3 }, { 3, 0, 1, 2 }, { 1, 0, 3, 2 }, { 3, 2, 1, 0 }, { 2, 3, 1, 0 }
            };
            const size_t *order = orders[below(&random, sizeof orders / sizeof *orders)];
            for (size_t i = 0; i < 4; i++) {
                /* not the first one late: what it comes before may be kept, but not what it
                 * comes after */
                timed_send(&world, late, &all[k + (k == 0 ? i : order[i])]);
                timed_send(&world, in_order, &all[k + i]);
            }
            expect_alike(&world, late, in_order);
            if (k == 28) {
                world_restart(&world);
            }
        }
        expect_alike_further(&world, late, in_order);
    }
    world_done(&world);
}

/* ---- what is said ---- */

TEST(an_amended_step_is_answered_with_the_session_as_it_is_now)
{
    struct world world;
    struct timed_reading all[3];
    timed_start(&world, 8, false);
    for (size_t k = 0; k < 3; k++) {
        reading(5, k + 1, all[k].x);
        all[k].at = first_day + (double)k * INTERVAL_S;
        timed_send(&world, "order", &all[k]);
    }
    timed_send(&world, "s", &all[0]);
    struct step step = timed_take(&world, timed_step(&world, "s", &all[2]));
    ck_assert(step.n_filled == 1 && step.number == 3 && step.amended == 0);
    step = timed_step(&world, "s", &all[1]);
    const double future[4] = { 1, 2, 3, 4 };
    step.forecast_options = forecast_options_make(&world, 5, future, 4);
    step = timed_take(&world, step);
    ck_assert(step.number == 3 && step.amended == 2 && step.n_forecast == 5);
    double y[OUTPUTS], forecast[5 * OUTPUTS];
    memcpy(y, step.y, sizeof y);
    memcpy(forecast, step.forecast, sizeof forecast);
    struct step last = timed_step(&world, "order", &all[2]); /* a repetition */
    last.forecast_options = forecast_options_make(&world, 5, future, 4);
    last = timed_take(&world, last);
    expect_same_values(y, last.y, OUTPUTS);
    expect_same_values(forecast, last.forecast, 5 * OUTPUTS);
    expect_alike(&world, "s", "order");
    world_done(&world);
}

TEST(a_step_is_corrected_by_its_number)
{
    struct world world;
    timed_start(&world, 8, true);
    for (uint64_t number = 1; number <= 12; number++) {
        double x[INPUTS];
        reading(number == 7 ? 9 : 1, number, x);
        arena_reset(&world.arena);
        (void)timed_take(&world, step_make(&world, "s", x));
        reading(1, number, x);
        arena_reset(&world.arena);
        (void)timed_take(&world, step_make(&world, "right", x));
    }
    double x[INPUTS];
    reading(1, 7, x);
    for (int once_more = 0; once_more < 2; once_more++) {
        arena_reset(&world.arena);
        struct step step = step_make(&world, "s", x);
        step.may_amend = true;
        step.amends_step = 7;
        step = timed_take(&world, step);
        ck_assert(step.amended == 7 && step.number == 12);
        expect_alike(&world, "s", "right");
        world_restart(&world);
    }
    expect_steps(&world, "s", 1, 13, 13);
    expect_steps(&world, "right", 1, 13, 13);
    expect_alike(&world, "s", "right");
    world_done(&world);
}

/* One that is filled becomes a reading of its time, which others come before and after. */
TEST(a_filled_reading_is_given_by_its_number)
{
    struct world world;
    struct timed_reading first = { .at = first_day }, last = { .at = first_day + 5 * INTERVAL_S };
    struct timed_reading third = { .at = first_day + 3 * INTERVAL_S };
    timed_start(&world, 8, false);
    reading(5, 1, first.x);
    reading(5, 2, last.x);
    reading(5, 3, third.x);
    timed_send(&world, "s", &first);
    timed_send(&world, "s", &last);
    struct step step = step_make(&world, "s", third.x);
    step.may_amend = true;
    step.amends_step = 4;
    step = timed_take(&world, step);
    ck_assert(step.number == 6 && step.amended == 4);
    timed_send(&world, "order", &first);
    timed_send(&world, "order", &third);
    timed_send(&world, "order", &last);
    expect_alike(&world, "s", "order");
    world_done(&world);
}

TEST(a_seq_names_the_place_among_those_that_are_filled)
{
    struct world world;
    struct timed_reading first = { .at = first_day }, last = { .at = first_day + 5 * INTERVAL_S };
    struct timed_reading third = { .at =
                                       first_day + 2.4 * INTERVAL_S }; /* by time it is the third */
    timed_start(&world, 8, false);
    reading(5, 1, first.x);
    reading(5, 2, last.x);
    reading(5, 3, third.x);
    timed_send(&world, "s", &first);
    timed_send(&world, "s", &last);
    struct step step = timed_step(&world, "s", &third);
    step.has_seq = true;
    step.seq = 7;
    ck_assert_int_eq(step_take(&world, &step), STATUS_SEQUENCE_MISMATCH);
    ck_assert(step.fault.has_expected && step.fault.expected == 3);
    step.is_done = false;
    step.seq = 4;
    step = timed_take(&world, step);
    ck_assert(step.number == 6 && step.amended == 4);
    world_done(&world);
}

/* What was promised of intervals stays: they are as wide and as often right as before. */
TEST(an_amended_session_keeps_its_calibration)
{
    static const struct interval_levels level = { 1, { 0.9 } };
    struct world world;
    timed_start(&world, 16, true);
    struct step last = { .number = 0 };
    struct timed_reading next;
    for (size_t k = 0; k < 80; k++) {
        next.at = first_day + (double)(k + (k > 75)) * INTERVAL_S;
        reading(5, k, next.x);
        struct step step = timed_step(&world, "s", &next);
        step.forecast_options.levels = &level;
        step.forecast_options.parts = TAIL_ANOMALY;
        last = timed_take(&world, step);
    }
    ck_assert(last.anomaly_p > 0);
    next.at += INTERVAL_S;
    const uint64_t observed = last.intervals.of[0].observed[0];
    const double coverage = last.intervals.of[0].coverage[0];
    const double width = last.intervals.of[0].upper[0] - last.intervals.of[0].lower[0];
    ck_assert(observed > 30 && width > 0);
    for (int more = 0; more < 2; more++) { /* one that is filled, and one more step */
        struct timed_reading late = { .at = next.at - (more ? 2.5 : 4) * INTERVAL_S };
        reading(5, 75, late.x);
        struct step step = timed_step(&world, "s", &late);
        step.forecast_options.levels = &level;
        step = timed_take(&world, step);
        ck_assert(step.amended > 0 && step.number == last.number + (more ? 1 : 0));
        ck_assert_uint_eq(step.intervals.of[0].observed[0], observed);
        ck_assert(step.intervals.of[0].coverage[0] == coverage);
        ck_assert(more ? isnan(step.anomaly_p) : step.anomaly_p == last.anomaly_p);
        ck_assert_float_eq_tol(step.intervals.of[0].upper[0] - step.intervals.of[0].lower[0], width,
                               1e-5F);
        world_restart(&world);
    }
    reading(5, 80, next.x);
    struct step step = timed_step(&world, "s", &next); /* what waited for it was dropped */
    step.forecast_options.levels = &level;
    step = timed_take(&world, step);
    ck_assert_uint_eq(step.intervals.of[0].observed[0], observed);
    next.at += INTERVAL_S;
    step = timed_step(&world, "s", &next);
    step.forecast_options.levels = &level;
    step = timed_take(&world, step);
    ck_assert_uint_gt(step.intervals.of[0].observed[0], observed);
    world_done(&world);
}

/* It is told what there is: nothing, until a step asks that is none of the past. */
TEST(an_amended_session_begins_no_calibration)
{
    static const struct interval_levels level = { 1, { 0.9 } };
    struct world world;
    struct timed_reading readings[2];
    timed_start(&world, 8, true);
    for (size_t k = 0; k < 2; k++) {
        reading(5, k, readings[k].x);
        readings[k].at = first_day + (double)k * INTERVAL_S;
        timed_send(&world, "s", &readings[k]);
    }
    readings[0].x[0] += 1;
    struct step step = timed_step(&world, "s", &readings[0]);
    step.forecast_options.levels = &level;
    step = timed_take(&world, step);
    ck_assert(step.amended == 1 && step.intervals.n == 1);
    ck_assert(isnan(step.intervals.of[0].upper[0]) && step.intervals.of[0].observed[0] == 0);
    timed_send(&world, "order", &readings[0]);
    timed_send(&world, "order", &readings[1]);
    expect_alike_further(&world, "s", "order");
    world_done(&world);
}

/* Of few readings kept: only the last one, and one more. */
TEST(the_last_readings_are_amended_however_few_are_kept)
{
    for (size_t n_history = 1; n_history <= 2; n_history++) {
        struct world world;
        timed_start(&world, n_history, true);
        for (size_t k = 0; k < 12; k++) {
            struct timed_reading next = { .at = first_day + (double)(2 * k) * INTERVAL_S };
            struct timed_reading wrong = next, late = { .at = next.at - INTERVAL_S };
            reading(5, 2 * k + 1, next.x);
            reading(5, 2 * k, late.x);
            reading(9, k, wrong.x);
            timed_send(&world, "order", &late);
            timed_send(&world, "order", &next);
            if (n_history == 1) {
                timed_send(&world, "s", &late);
            }
            timed_send(&world, "s", &wrong);
            timed_send(&world, "s", &next);
            if (n_history == 2) {
                timed_send(&world, "s", &late);
            }
            expect_alike(&world, "s", "order");
        }
        world_done(&world);
    }
}

/* A replay of more rows than a turn has time for; the session moves on meanwhile, and it begins
 * again. */
TEST(a_long_replay_takes_several_turns)
{
    enum { LOST = 99000 };
    struct world world;
    struct timed_reading first = { .at = first_day }, late = { .at = first_day + INTERVAL_S };
    struct timed_reading last = { .at = late.at + (double)(LOST + 1) * INTERVAL_S };
    struct timed_reading next = { .at = last.at + INTERVAL_S };
    const double untimed[INPUTS] = { 3, 4 };
    timed_start(&world, 8, true);
    world.config.gap_max = 2 * LOST;
    reading(5, 1, first.x);
    reading(5, 2, late.x);
    reading(5, 3, last.x);
    reading(5, 4, next.x);
    static const char *const ids[] = { "order", "s" };
    for (size_t k = 0; k < 2; k++) {
        timed_send(&world, ids[k], &first);
        arena_reset(&world.arena);
        (void)timed_take(&world, step_make(&world, ids[k], untimed));
    }
    timed_send(&world, "order", &late);
    timed_send(&world, "order", &last);
    timed_send(&world, "order", &next);
    timed_send(&world, "s", &last); /* what is missing before it is not known: nothing is filled */
    struct step step = timed_step(&world, "s", &late);
    step.arena = &world.kept;
    struct step *handed[] = { &step };
    unsigned n_turns = 0;
    for (; !step.is_done; n_turns++) {
        service_context_turn(world.context);
        service_steps(world.context, handed, 1);
        if (n_turns == 0) {
            timed_send(&world, "s", &next);
        }
    }
    ck_assert_msg(step.fault.status == STATUS_OK, "%s", step.fault.message);
    ck_assert_uint_gt(n_turns, 2);
    ck_assert(step.amended == 3 && step.number == LOST + 5);
    world_restart(&world);
    expect_alike(&world, "s", "order");
    world_done(&world);
}

/* ---- what is refused, and changes nothing ---- */

static void expect_refused(struct world *world, struct step step, enum status status,
                           const char *part)
{
    struct session before = session_get(world, step.session);
    ck_assert_int_eq(step_take(world, &step), status);
    ck_assert_msg(strstr(step.fault.message, part) != NULL, "%s", step.fault.message);
    struct session after = session_get(world, step.session);
    expect_same_session(&before, &after, true);
}

TEST(what_is_no_longer_kept_is_too_late)
{
    enum { HISTORY = 8 };
    struct world world;
    struct timed_reading all[20];
    timed_start(&world, HISTORY, true);
    for (size_t k = 0; k < 20; k++) {
        reading(5, k + 1, all[k].x);
        all[k].at = first_day + (double)k * INTERVAL_S;
        timed_send(&world, "s", &all[k]);
    }
    struct timed_reading late = all[11];
    late.x[0] += 1;
    expect_refused(&world, timed_step(&world, "s", &late), STATUS_TOO_LATE,
                   "oldest of them is step 13");
    late.at -= 1;
    expect_refused(&world, timed_step(&world, "s", &late), STATUS_TOO_LATE,
                   "oldest of them is step 13");
    struct step step = step_make(&world, "s", late.x);
    step.may_amend = true;
    step.amends_step = 12;
    expect_refused(&world, step, STATUS_TOO_LATE, "oldest of them is step 13");
    step.amends_step = 21;
    expect_refused(&world, step, STATUS_INVALID_VALUE, "20 steps");
    late = all[12];
    late.x[0] += 1;
    timed_send(&world, "s", &late); /* the oldest */
    world_activate(&world, world_put_version(&world, network_file(HIDDEN, SEED + 1)));
    late.x[0] += 1;
    (void)session_get(&world, "s");
    expect_refused(&world, timed_step(&world, "s", &late), STATUS_TOO_LATE, "another version");
    world_done(&world);
}

TEST(an_amend_that_fails_changes_nothing)
{
    struct world world;
    timed_start(&world, 8, true);
    world_add_model(&world, "m", network_file_that_overflows());
    world_restart(&world);
    for (uint64_t number = 1; number <= 10; number++) {
        expect_steps(&world, "s", 1, number, number);
    }
    struct step step = step_make(&world, "s", huge);
    step.may_amend = true;
    step.amends_step = 5;
    expect_refused(&world, step, STATUS_NON_FINITE_RESULT, "the session is as it was");
    step = step_make(&world, "nobody", huge);
    step.may_amend = true;
    step.amends_step = 5;
    ck_assert_int_eq(step_take(&world, &step), STATUS_SESSION_NOT_FOUND);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    world_done(&world);
}

TEST(without_amend_it_says_how_to_switch_it_on)
{
    struct world world;
    struct timed_reading only = { .at = first_day };
    timed_start(&world, 8, false);
    world.config.amend = 0;
    world_restart(&world);
    struct step step = timed_step(&world, "s", &only);
    ck_assert_int_eq(step_take(&world, &step), STATUS_AMEND_OFF);
    ck_assert_ptr_nonnull(strstr(step.fault.message, "--amend yes"));
    world_done(&world);
}

/* With times that are kept, each reading of a batch that is sent again is known. */
TEST(a_batch_that_is_sent_again_is_repeated_by_its_times)
{
    struct world world;
    struct timed_reading all[8];
    timed_start(&world, 8, false);
    for (int once_more = 0; once_more < 2; once_more++) {
        for (size_t k = 0; k < 8; k++) {
            reading(5, k + 1, all[k].x);
            all[k].at = first_day + (double)k * INTERVAL_S;
            struct step step = timed_step(&world, "s", &all[k]);
            step.may_amend = false;
            step = timed_take(&world, step);
            ck_assert_uint_eq(step.number, k + 1);
            ck_assert_int_eq(step.is_repeated, once_more && k < 7);
        }
    }
    world_done(&world);
}
