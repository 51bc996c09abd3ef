/* Sessions that ask for mixed forecasts. */
#include "service/scores/blend.h"
#include "service/service_support.h"
#include "service/sessions/session_calibration.h"
#include "test.h"
#include "timed_readings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct interval_levels both = { 2, { 0.8, 0.9 } };

enum { AHEAD = 5, SEASON = 4 };
static const double future[AHEAD] = { 0.1F, 0.2F, 0.3F, 0.4F, 0.5F };
static const char seasonal_model[] =
    "{\\\"inputs\\\":[{\\\"name\\\":\\\"temp\\\"},{\\\"name\\\":\\\"humidity\\\"}],"
    "\\\"outputs\\\":[{\\\"name\\\":\\\"temp\\\"},{\\\"name\\\":\\\"comfort\\\"}],"
    "\\\"season\\\":4}";

static void begin(struct world *world, struct bytes model)
{
    world_init(world);
    world_use_data(world);
    world_add_model(world, "m", model);
    world_start(world);
}

static void begin_usual(struct world *world)
{
    begin(world, network_file_with(HIDDEN, SEED, seasonal_model));
}

/* Each seventh reading is missing. */
static void read_it(uint64_t number, double x[INPUTS])
{
    reading(3, number, x);
    x[0] = number % 7 == 0 ? (double)NAN : x[0] + 10 * (double)(number % SEASON);
}

static struct step take(struct world *world, const char *id, uint64_t number, size_t ahead,
                        const struct interval_levels *levels, uint32_t parts)
{
    static double x[INPUTS];
    arena_reset(&world->arena);
    read_it(number, x);
    struct step step = step_make(world, id, x);
    step.forecast_options =
        forecast_options_make(world, ahead > 1 ? ahead : 0, future, ahead > 1 ? ahead - 1 : 0);
    step.forecast_options.levels = levels;
    step.forecast_options.parts = parts;
    step.has_seq = true;
    step.seq = number;
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

static struct step ask(struct world *world, const char *id, uint64_t number)
{
    return take(world, id, number, AHEAD, &both, TAIL_BLEND);
}

static void ask_all(struct world *world, const char *id, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        (void)ask(world, id, number);
    }
}

/* What a reply says, apart from the arena that it lies in. */
struct answer {
    double y[OUTPUTS], forecast[AHEAD * OUTPUTS], weights[MIXTURE_EXPERTS];
    double lower[2][AHEAD * OUTPUTS], upper[2][AHEAD * OUTPUTS];
};

static struct answer answer_of(const struct step *step)
{
    struct answer answer = { 0 };
    memcpy(answer.y, step->y, sizeof answer.y);
    ck_assert_uint_eq(step->n_forecast, AHEAD);
    memcpy(answer.forecast, step->forecast, sizeof answer.forecast);
    ck_assert_uint_eq(step->intervals.n, 2);
    for (size_t i = 0; i < 2; i++) {
        memcpy(answer.lower[i], step->intervals.of[i].lower, sizeof answer.lower[i]);
        memcpy(answer.upper[i], step->intervals.of[i].upper, sizeof answer.upper[i]);
    }
    for (size_t k = 0; step->blend.is_told && k < MIXTURE_EXPERTS; k++) {
        answer.weights[k] = step->blend.weights[k];
    }
    return answer;
}

static struct answer answer_to(struct world *world, const char *id, uint64_t number, uint32_t parts)
{
    const struct step step = take(world, id, number, AHEAD, &both, parts);
    ck_assert_int_eq(step.blend.is_told, (parts & TAIL_BLEND) != 0);
    return answer_of(&step);
}

static void expect_same(const struct answer *a, const struct answer *b)
{
    ck_assert_mem_eq(a, b, sizeof *a);
}

/* ---- the mixture by itself ---- */

struct alone {
    struct interval_layout layout;
    struct mixture mixture;
    size_t season;
    double values[400]; /* of temp, from 1 */
};

static struct alone alone_begin(bool is_wide, size_t season)
{
    struct alone alone = { .layout = interval_layout_of(1, AHEAD, 2), .season = season };
    alone.layout = is_wide ? interval_layout_wide(&alone.layout) : alone.layout;
    alone.mixture.bytes = malloc(mixture_bytes(&alone.layout));
    ck_assert_ptr_nonnull(alone.mixture.bytes);
    return alone;
}

/* With the forecast of a session that mixes nothing. */
static void alone_step(struct alone *alone, uint64_t number, const struct answer *plain,
                       double *ret_mixed, double *ret_weights)
{
    double x[INPUTS], forecasts[AHEAD], seasonal[SEASON];
    alone->mixture.layout = &alone->layout;
    if (number == 1) {
        mixture_begin(&alone->mixture);
    }
    read_it(number, x);
    alone->values[number] = x[0];
    for (size_t i = 0; i < AHEAD; i++) {
        forecasts[i] = plain->forecast[i * OUTPUTS];
    }
    for (size_t i = 0; i < SEASON; i++) {
        seasonal[i] =
            number + 1 + i > SEASON ? alone->values[number + 1 + i - SEASON] : (double)NAN;
    }
    const struct mixture_reading made = { .step = number,
                                          .truths = x,
                                          .forecasts = forecasts,
                                          .n_horizons = AHEAD,
                                          .season = alone->season,
                                          .seasonal = seasonal };
    mixture_step(&alone->mixture, &made);
    mixture_forecast(&alone->mixture, forecasts, AHEAD, ret_mixed, ret_weights);
}

static void follow(struct bytes model, bool is_wide, size_t season)
{
    struct world world;
    begin(&world, model);
    struct alone alone = alone_begin(is_wide, season);
    for (uint64_t number = 1; number <= 200; number++) {
        double mixed[AHEAD], weights[MIXTURE_EXPERTS];
        const struct answer plain = answer_to(&world, "plain", number, 0),
                            answer = answer_to(&world, "s", number, TAIL_BLEND);
        alone_step(&alone, number, &plain, mixed, weights);
        ck_assert_mem_eq(answer.weights, weights, sizeof weights);
        ck_assert(number > 20 || weights[MIXTURE_PERSISTENCE] == 1);
        ck_assert_double_eq(answer.y[0], mixed[0]);
        ck_assert_double_eq(answer.y[1], plain.y[1]); /* its truth never comes */
        for (size_t i = 0; i < AHEAD; i++) {
            ck_assert_double_eq(answer.forecast[i * OUTPUTS], mixed[i]);
            ck_assert_double_eq(answer.forecast[i * OUTPUTS + 1], plain.forecast[i * OUTPUTS + 1]);
            /* Intervals belong to the mixture. */
            const double middle = (answer.lower[0][i * OUTPUTS] + answer.upper[0][i * OUTPUTS]) / 2;
            ck_assert(isnan(middle) ||
                      fabs(middle - mixed[i]) <= 1e-5 * (1 + fabs(answer.upper[0][i * OUTPUTS])));
            ck_assert(number < 150 || !isnan(middle));
        }
    }
    free(alone.mixture.bytes);
    world_done(&world);
}

TEST(a_session_mixes_its_forecasts)
{
    follow(network_file_with(HIDDEN, SEED, seasonal_model), false, SEASON);
}

TEST(a_session_without_a_season_mixes_its_forecasts)
{
    follow(network_file(HIDDEN, SEED), false, 0);
}

TEST(a_session_of_wide_values_mixes_its_forecasts)
{
    follow(network_file_wide(), true, 0);
}

/* ---- laws ---- */

TEST(who_no_longer_asks_is_told_what_who_never_asked_is)
{
    struct world world;
    begin_usual(&world);
    for (uint64_t number = 1; number <= 200; number++) {
        const bool is_asked = number > 10 && number <= 100;
        const struct answer never = answer_to(&world, "never", number, 0),
                            once = answer_to(&world, "once", number, is_asked ? TAIL_BLEND : 0);
        if (!is_asked) {
            expect_same(&once, &never);
        }
        arena_reset(&world.kept);
        const struct session a = session_get(&world, "never"), b = session_get(&world, "once");
        expect_same_floats(a.state, b.state, world_layout(&world)->state_floats);
        ck_assert_mem_eq(a.errors.means, b.errors.means,
                         session_errors_bytes(OUTPUTS, a.errors.season));
    }
    world_done(&world);
}

TEST(what_is_kept_goes_on_while_nobody_asks)
{
    struct world world;
    begin_usual(&world);
    for (uint64_t number = 1; number <= 100; number++) {
        const bool is_asked = number <= 30;
        (void)ask(&world, "s", number);
        (void)answer_to(&world, "t", number, is_asked ? TAIL_BLEND : 0);
    }
    const struct answer s = answer_to(&world, "s", 101, TAIL_BLEND),
                        t = answer_to(&world, "t", 101, TAIL_BLEND);
    expect_same(&s, &t);
    world_done(&world);
}

TEST(the_same_reading_sent_again_gets_the_same_answer)
{
    struct world world;
    begin_usual(&world);
    for (uint64_t number = 1; number <= 60; number++) {
        const struct answer first = answer_to(&world, "s", number, TAIL_BLEND),
                            again = answer_to(&world, "s", number, TAIL_BLEND);
        expect_same(&again, &first);
    }
    /* Of a session that has none yet: what it would begin with. */
    (void)take(&world, "t", 1, 1, NULL, 0);
    const struct step step = take(&world, "t", 1, 1, NULL, TAIL_BLEND);
    ck_assert_double_eq(step.blend.weights[MIXTURE_PERSISTENCE], 1);
    ck_assert_double_eq(step.y[0], step.x[0]);
    ck_assert_ptr_null(step.forecast);
    world_done(&world);
}

TEST(what_is_read_and_forked_goes_on_alike)
{
    struct world world;
    begin_usual(&world);
    ask_all(&world, "s", 1, 120);
    const struct session session = session_get(&world, "s");
    struct session_restore restore = restore_of(&session);
    restore.calibration = &session.calibration;
    bool created;
    ck_assert_int_eq(session_put_whole(&world, "t", &restore, &created), STATUS_OK);
    ck_assert_int_eq(
        session_fork(world.context, world_model(&world), "s", "u", &world.kept, &world.fault),
        STATUS_OK);
    for (uint64_t number = 121; number <= 180; number++) {
        if (number == 150) {
            world_restart(&world);
        }
        const struct answer s = answer_to(&world, "s", number, TAIL_BLEND),
                            t = answer_to(&world, "t", number, TAIL_BLEND),
                            u = answer_to(&world, "u", number, TAIL_BLEND);
        ck_assert_double_gt(s.weights[MIXTURE_SEASONAL], 0);
        expect_same(&t, &s);
        expect_same(&u, &s);
    }
    world_done(&world);
}

/* One step ahead, in a tail as small as may be; then more, which begins with nothing known. */
TEST(a_session_that_asks_for_more_goes_on)
{
    struct world world;
    begin_usual(&world);
    for (uint64_t number = 1; number <= 120; number++) {
        const bool is_far = number > 60;
        const uint32_t parts = TAIL_BLEND | (number > 80 ? TAIL_ANOMALY : 0);
        const struct step near = take(&world, "near", number, 1, NULL, TAIL_BLEND);
        const double y = near.y[0], of_model = near.blend.weights[MIXTURE_MODEL];
        const struct step s = take(&world, "s", number, is_far ? AHEAD : 1, NULL, parts);
        ck_assert_double_eq(s.y[0], y);
        ck_assert(is_far || s.blend.weights[MIXTURE_MODEL] == of_model);
    }
    const struct session near = session_get(&world, "near"), far = session_get(&world, "s");
    ck_assert(near.calibration.levels.n == 1 && near.calibration.n_horizons == 1);
    ck_assert_uint_eq(near.calibration.parts, TAIL_BLEND);
    ck_assert_uint_ge(far.calibration.n_horizons, AHEAD);
    ck_assert_uint_eq(far.calibration.parts, TAIL_BLEND | TAIL_ANOMALY);
    world_done(&world);
}

/* ---- a forecast without a reading ---- */

static struct session_forecast forecast(struct world *world, const char *id)
{
    struct session_forecast made;
    struct forecast_options options = forecast_options_make(world, AHEAD, future, AHEAD - 1);
    options.levels = &both;
    options.parts = TAIL_BLEND;
    ck_assert_int_eq(session_forecast_begin(world->context, world_model(world), id, &options,
                                            &world->kept, &made, &world->fault),
                     STATUS_OK);
    made.prediction.sequences = &made.sequence;
    while (made.prediction.n_rows_left > 0) {
        ck_assert_int_eq(predict_go_on(world->context, &made.prediction, &world->fault), STATUS_OK);
    }
    predict_end(&made.prediction);
    return made;
}

TEST(a_forecast_is_that_of_the_last_step)
{
    struct world world;
    begin_usual(&world);
    ask_all(&world, "s", 1, 99);
    const struct step step = ask(&world, "s", 100);
    const struct session_forecast made = forecast(&world, "s");
    expect_same_values(made.sequence.forecast, step.forecast, AHEAD * OUTPUTS);
    ck_assert_mem_eq(made.sequence.blend.weights, step.blend.weights, sizeof step.blend.weights);
    expect_same_values(made.sequence.intervals.of[1].lower, step.intervals.of[1].lower,
                       AHEAD * OUTPUTS);
    world_done(&world);
}

TEST(a_forecast_of_a_session_that_never_asked_is_what_it_would_begin_with)
{
    struct world world;
    begin_usual(&world);
    double x[INPUTS];
    for (uint64_t number = 1; number <= 50; number++) {
        (void)answer_to(&world, "s", number, 0);
    }
    read_it(50, x);
    const struct session_forecast made = forecast(&world, "s");
    ck_assert(made.sequence.blend.is_told && !made.sequence.blend.has_seasonal);
    ck_assert_double_eq(made.sequence.blend.weights[MIXTURE_PERSISTENCE], 1);
    for (size_t i = 0; i < AHEAD; i++) {
        ck_assert_double_eq(made.sequence.forecast[i * OUTPUTS], x[0]);
        ck_assert(isnan(made.sequence.intervals.of[0].lower[i * OUTPUTS]));
    }
    ck_assert_uint_eq(session_get(&world, "s").calibration.parts, 0);
    world_done(&world);
}

/* ---- what happens to a session ---- */

TEST(another_version_is_on_trial)
{
    struct world world;
    begin_usual(&world);
    ask_all(&world, "s", 1, 100);
    const double before = ask(&world, "s", 101).blend.weights[MIXTURE_SEASONAL];
    ck_assert_double_gt(before, 0.2);
    world_activate(&world,
                   world_put_version(&world, network_file_with(HIDDEN, SEED + 1, seasonal_model)));
    const struct step step = ask(&world, "s", 102);
    ck_assert_double_eq(step.blend.weights[MIXTURE_MODEL], 0);
    ck_assert_double_ge(step.blend.weights[MIXTURE_SEASONAL], before);
    world_done(&world);
}

/* A horizon that a model of one step has none of, and outputs that feed nothing. */
TEST(a_model_whose_truths_never_come_is_told_as_it_is)
{
    struct world world;
    begin(&world, network_file_with(
                      HIDDEN, SEED,
                      "{\\\"inputs\\\":[{\\\"name\\\":\\\"a\\\"},{\\\"name\\\":\\\"b\\\"}]}"));
    for (uint64_t number = 1; number <= 30; number++) {
        const struct step plain = take(&world, "plain", number, 1, NULL, 0);
        const double y[OUTPUTS] = { plain.y[0], plain.y[1] };
        const struct step step = take(&world, "s", number, 1, NULL, TAIL_BLEND);
        ck_assert_mem_eq(step.y, y, sizeof y);
        ck_assert_double_eq(step.blend.weights[MIXTURE_MODEL], 1);
    }
    world_done(&world);
}

/* ---- times ---- */

static struct step timed_ask(struct world *world, const char *id, uint64_t number, double at)
{
    struct timed_reading made = { .at = at };
    reading(3, number, made.x);
    struct step step = timed_step(world, id, &made);
    step.forecast_options.parts = TAIL_BLEND;
    return timed_take(world, step);
}

static double timed_ask_all(struct world *world, const char *id, uint64_t last)
{
    double at = first_day;
    for (uint64_t number = 1; number <= last; number++) {
        (void)timed_ask(world, id, number, at);
        at += INTERVAL_S;
    }
    return at;
}

TEST(a_hidden_state_that_begins_anew_is_on_trial)
{
    struct world world;
    timed_start(&world, 16, false);
    const double next = timed_ask_all(&world, "s", 100);
    ck_assert_double_gt(timed_ask(&world, "s", 101, next).blend.weights[MIXTURE_MODEL], 0);
    const struct step step = timed_ask(&world, "s", 102, next + 1000.0 * INTERVAL_S);
    ck_assert(step.is_restarted);
    ck_assert_double_eq(step.blend.weights[MIXTURE_MODEL], 0);
    world_done(&world);
}

/* Missing readings that are filled are those that were sent as missing. */
TEST(a_gap_is_filled_alike)
{
    struct world world;
    timed_start(&world, 16, false);
    const double next = timed_ask_all(&world, "s", 60);
    (void)timed_ask_all(&world, "t", 60);
    for (size_t k = 0; k < 3; k++) {
        struct timed_reading missing = { { NAN, NAN }, next + (double)k * INTERVAL_S };
        timed_send(&world, "t", &missing);
    }
    const struct step filled = timed_ask(&world, "s", 61, next + 3.0 * INTERVAL_S);
    ck_assert_uint_eq(filled.n_filled, 3);
    const double y = filled.y[0], of_model = filled.blend.weights[MIXTURE_MODEL];
    const struct step sent = timed_ask(&world, "t", 61, next + 3.0 * INTERVAL_S);
    ck_assert_double_eq(sent.y[0], y);
    ck_assert_double_eq(sent.blend.weights[MIXTURE_MODEL], of_model);
    world_done(&world);
}

/* And answers with what the session has learnt; one that has not asked yet, with what it begins. */
TEST(an_amended_reading_leaves_the_mixture_as_it_is)
{
    struct world world;
    timed_start(&world, 16, false);
    const double next = timed_ask_all(&world, "s", 60);
    const double before = timed_ask(&world, "s", 61, next).blend.weights[MIXTURE_MODEL];
    const struct step late = timed_ask(&world, "s", 62, next - 2.0 * INTERVAL_S);
    ck_assert_uint_gt(late.amended, 0);
    ck_assert(late.blend.is_told);
    ck_assert_double_eq(late.blend.weights[MIXTURE_MODEL], before);
    for (uint64_t number = 1; number <= 4; number++) {
        struct timed_reading plain = { .at = first_day + (double)number * INTERVAL_S };
        reading(3, number, plain.x);
        timed_send(&world, "plain", &plain);
    }
    const struct step first = timed_ask(&world, "plain", 9, first_day + 2.0 * INTERVAL_S);
    ck_assert_double_eq(first.blend.weights[MIXTURE_PERSISTENCE], 1);
    world_done(&world);
}
