/* seq: a step is taken exactly once, however often it is sent. */
#include "service/service_support.h"
#include "test.h"

#include <math.h>
#include <string.h>

static enum status step_seq(struct world *world, const char *session, const double *x, uint64_t seq,
                            size_t horizon, struct step *ret_step)
{
    double future[8] = { 0.5F };
    *ret_step = step_make(world, session, x);
    ret_step->has_seq = true;
    ret_step->seq = seq;
    ret_step->forecast_options = forecast_options_make(world, horizon, future, 8);
    return step_take(world, ret_step);
}

static void expect_same_answer(const struct step *a, const struct step *b)
{
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_uint_eq(a->n_forecast, b->n_forecast);
    expect_same_values(a->y, b->y, OUTPUTS);
    ck_assert((a->forecast == NULL) == (b->forecast == NULL));
    if (a->forecast) {
        expect_same_values(a->forecast, b->forecast, a->n_forecast * OUTPUTS);
    }
}

TEST(a_repeated_seq_gets_the_same_answer_and_is_no_second_step)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    double x[INPUTS] = { 0.25F, NAN };
    struct step first, again;
    for (uint64_t seq = 1; seq <= 20; seq++) {
        x[0] = (float)seq / 10;
        ck_assert_int_eq(step_seq(&world, "s", x, seq, 4, &first), STATUS_OK);
        ck_assert_uint_eq(first.n_forecast, 4);
        for (int k = 0; k < 3; k++) {
            if (k == 2) {
                world_restart(&world);
            }
            ck_assert_int_eq(step_seq(&world, "s", x, seq, 4, &again), STATUS_OK);
            expect_same_answer(&first, &again);
            ck_assert_int_eq(step_seq(&world, "s", x, seq, 0, &again), STATUS_OK);
            ck_assert_ptr_null(again.forecast);
        }
    }
    struct session session = session_get(&world, "s");
    ck_assert_uint_eq(session.row.step, 20);
    ck_assert_uint_eq(session.errors.n[0], 19);
    world_done(&world);
}

static void expect_mismatch(struct world *world, const char *session, const double *x, uint64_t seq,
                            uint64_t expected)
{
    struct step step;
    ck_assert_int_eq(step_seq(world, session, x, seq, 0, &step), STATUS_SEQUENCE_MISMATCH);
    ck_assert(step.fault.has_expected);
    ck_assert_uint_eq(step.fault.expected, expected);
    ck_assert_str_eq(step.fault.param, "seq");
    ck_assert_ptr_null(step.y);
}

TEST(a_wrong_seq_is_refused_with_the_one_expected)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const double x[INPUTS] = { 1, 2 }, other[INPUTS] = { 1, 3 }, missing[INPUTS] = { 1, NAN };
    struct step step;
    static const uint64_t wrong_firsts[] = { 0, 2, 3, UINT64_MAX };
    for (size_t k = 0; k < sizeof wrong_firsts / sizeof *wrong_firsts; k++) {
        expect_mismatch(&world, "s", x, wrong_firsts[k], 1);
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    }
    for (uint64_t seq = 1; seq <= 5; seq++) {
        ck_assert_int_eq(step_seq(&world, "s", x, seq, 0, &step), STATUS_OK);
    }
    struct session before = session_get(&world, "s");
    expect_mismatch(&world, "s", other, 5, 6);
    expect_mismatch(&world, "s", missing, 5, 6);
    static const uint64_t wrong[] = { 0, 7, 1000, UINT64_MAX };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        expect_mismatch(&world, "s", x, wrong[k], 6);
    }
    expect_mismatch(&world, "s", other, 1, 6);
    expect_mismatch(&world, "s", missing, 4, 6);
    struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    ck_assert_int_eq(step_seq(&world, "s", other, 6, 0, &step), STATUS_OK);
    world_done(&world);
}

TEST(in_one_batch_a_step_and_its_repetition_get_one_answer)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const double x[INPUTS] = { 1, 2 };
    struct step steps[4];
    struct step *handed[4];
    for (size_t k = 0; k < 4; k++) {
        steps[k] = step_make(&world, "s", x);
        steps[k].has_seq = true;
        steps[k].seq = k / 2 + 1;
        handed[k] = &steps[k];
    }
    service_steps(world.context, handed, 4);
    for (size_t k = 0; k < 4; k++) {
        ck_assert_int_eq(steps[k].fault.status, STATUS_OK);
        ck_assert_uint_eq(steps[k].number, k / 2 + 1);
    }
    expect_same_answer(&steps[0], &steps[1]);
    expect_same_answer(&steps[2], &steps[3]);
    ck_assert_uint_eq(session_get(&world, "s").row.step, 2);
    world_done(&world);
}

enum { KEPT = 5, MADE = 12 };

static void reading_of(uint64_t seq, double x[INPUTS])
{
    x[0] = (float)seq / 8;
    x[1] = seq % 3 == 0 ? NAN : 1;
}

TEST(a_batch_that_is_sent_again_is_answered_for_all_that_is_kept)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.session_history = KEPT;
    world_start(&world);
    double x[INPUTS];
    struct step step;
    for (uint64_t seq = 1; seq <= MADE; seq++) {
        reading_of(seq, x);
        ck_assert_int_eq(step_seq(&world, "s", x, seq, 0, &step), STATUS_OK);
        ck_assert(!step.is_repeated);
    }
    struct session before = session_get(&world, "s");
    for (int k = 0; k < 2; k++, world_restart(&world)) {
        for (uint64_t seq = MADE - KEPT + 1; seq < MADE; seq++) {
            reading_of(seq, x);
            ck_assert_int_eq(step_seq(&world, "s", x, seq, 4, &step), STATUS_OK);
            ck_assert(step.is_repeated && step.number == seq && !step.y && !step.forecast);
        }
        reading_of(MADE, x);
        ck_assert_int_eq(step_seq(&world, "s", x, MADE, 0, &step), STATUS_OK);
        ck_assert(!step.is_repeated && step.y);
        reading_of(MADE - KEPT, x);
        expect_mismatch(&world, "s", x, MADE - KEPT, MADE + 1);
        ck_assert_ptr_nonnull(strstr(world.fault.message, "no longer kept"));
        reading_of(MADE - 1, x);
        expect_mismatch(&world, "s", x, MADE - 2, MADE + 1);
        ck_assert_ptr_nonnull(strstr(world.fault.message, "another reading"));
    }
    struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    world_done(&world);
}

/* ---- begin and fill ---- */

static struct step step_with(struct world *world, const char *session, const double *x,
                             uint64_t seq, bool may_begin, bool may_fill)
{
    struct step step = step_make(world, session, x);
    step.has_seq = true;
    step.seq = seq;
    step.may_begin = may_begin;
    step.may_fill = may_fill;
    return step;
}

TEST(a_new_session_begins_at_the_seq_that_it_is_given)
{
    enum { FIRST = 1042 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    double x[INPUTS];
    for (uint64_t k = 0; k < MADE; k++) {
        reading_of(k + 1, x);
        struct step begun = step_with(&world, "begun", x, FIRST + k, true, false), plain, again;
        ck_assert_int_eq(step_take(&world, &begun), STATUS_OK);
        ck_assert_uint_eq(begun.number, FIRST + k);
        ck_assert_int_eq(step_seq(&world, "plain", x, k + 1, 0, &plain), STATUS_OK);
        expect_same_values(begun.y, plain.y, OUTPUTS);
        world_restart(&world);
        again = step_with(&world, "begun", x, FIRST + k, true, false);
        ck_assert_int_eq(step_take(&world, &again), STATUS_OK);
        expect_same_answer(&begun, &again);
    }
    expect_mismatch(&world, "begun", x, FIRST - 1, FIRST + MADE);
    struct step late = step_with(&world, "begun", x, 7, true, false);
    ck_assert_int_eq(step_take(&world, &late), STATUS_SEQUENCE_MISMATCH);
    expect_mismatch(&world, "other", x, FIRST, 1);
    ck_assert_ptr_nonnull(strstr(world.fault.message, "\"begin\":true"));
    world_done(&world);
}

TEST(a_session_that_was_put_without_a_step_begins_where_it_is_told)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const double x[INPUTS] = { 1, 2 };
    const struct session_restore restore = { .ttl_s = 300 };
    bool created;
    ck_assert_int_eq(
        session_put(world.context, world_model(&world), "s", &restore, &created, &world.fault),
        STATUS_OK);
    struct step step = step_with(&world, "s", x, 77, true, false);
    ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
    struct session session = session_get(&world, "s");
    ck_assert_uint_eq(session.row.step, 77);
    ck_assert_int_eq(session.ttl_s, 300);
    ck_assert_uint_eq(session.n_readings, 1);
    world_done(&world);
}

/* Two sessions with the same readings: where some were lost, one gets nulls for them and the other
 * one fills. */
static void expect_filled(struct world *world, uint64_t n_lost, size_t horizon)
{
    const double missing[INPUTS] = { NAN, NAN };
    const double future[16] = { 0.5F };
    double x[INPUTS];
    uint64_t seq = 1;
    struct step step;
    for (int round = 0; round < 4; round++, seq++) {
        for (uint64_t k = 0; k < n_lost; k++) {
            ck_assert_int_eq(step_seq(world, "nulls", missing, seq++, 0, &step), STATUS_OK);
        }
        reading_of(seq, x);
        ck_assert_int_eq(step_seq(world, "nulls", x, seq, horizon, &step), STATUS_OK);
        struct step filled = step_with(world, "filled", x, seq, false, true);
        filled.forecast_options = forecast_options_make(world, horizon, future, 16);
        ck_assert_int_eq(step_take(world, &filled), STATUS_OK);
        expect_same_answer(&step, &filled);
        struct session nulls = session_get(world, "nulls"), fills = session_get(world, "filled");
        strcpy(fills.row.session, "nulls");
        expect_same_session(&nulls, &fills, false);
    }
}

TEST(to_fill_is_to_send_nulls_one_by_one)
{
    static const uint64_t n_losts[] = { 0, 1, 3, 40, 100 };
    for (size_t k = 0; k < sizeof n_losts / sizeof *n_losts; k++) {
        struct world world;
        world_init(&world);
        world_use_data(&world);
        world_start(&world);
        expect_filled(&world, n_losts[k], 0);
        world_done(&world);
    }
    struct world world;
    world_init(&world);
    world_start(&world);
    expect_filled(&world, 2, 8);
    world_done(&world);
}

TEST(a_gap_beyond_the_limit_is_not_filled)
{
    struct world world;
    world_init(&world);
    world.config.gap_max = 5;
    world_start(&world);
    const double x[INPUTS] = { 1, 2 };
    struct step step;
    ck_assert_int_eq(step_seq(&world, "s", x, 1, 0, &step), STATUS_OK);
    expect_mismatch(&world, "s", x, 3, 2);
    ck_assert_ptr_nonnull(strstr(world.fault.message, "\"fill\":true"));
    struct session before = session_get(&world, "s");
    struct step far = step_with(&world, "s", x, 8, false, true);
    ck_assert_int_eq(step_take(&world, &far), STATUS_SEQUENCE_MISMATCH);
    ck_assert_uint_eq(far.fault.expected, 2);
    ck_assert_ptr_nonnull(strstr(far.fault.message, "--gap-max 5"));
    struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    struct step near = step_with(&world, "s", x, 7, false, true);
    ck_assert_int_eq(step_take(&world, &near), STATUS_OK);
    ck_assert_uint_eq(near.number, 7);
    world_done(&world);
}

TEST(a_gap_is_filled_whole_or_not_at_all)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "m", network_file_that_overflows());
    world_start(&world);
    const double x[INPUTS] = { 1, 2 };
    struct step step;
    ck_assert_int_eq(step_seq(&world, "s", x, 1, 0, &step), STATUS_OK);
    struct session before = session_get(&world, "s");
    struct step bad = step_with(&world, "s", huge, 5, false, true);
    ck_assert_int_eq(step_take(&world, &bad), STATUS_NON_FINITE_RESULT);
    struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    bad = step_with(&world, "new", huge, 5, false, true);
    ck_assert_int_eq(step_take(&world, &bad), STATUS_NON_FINITE_RESULT);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    world_done(&world);
}

TEST(a_model_that_refuses_missing_readings_fills_no_gap)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "m", network_file_that_is_strict());
    world_start(&world);
    const double x[INPUTS] = { 1, 2 };
    struct step step;
    ck_assert_int_eq(step_seq(&world, "s", x, 1, 0, &step), STATUS_OK);
    struct session before = session_get(&world, "s");
    struct step gap = step_with(&world, "s", x, 3, false, true);
    ck_assert_int_eq(step_take(&world, &gap), STATUS_FILL_NOT_SUPPORTED);
    ck_assert_str_eq(gap.fault.param, "fill");
    struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    world_done(&world);
}
