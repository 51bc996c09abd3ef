/* What GET says of a session's forecasts. */
#include "service/service_support.h"
#include "service/sessions/evaluate.h"
#include "service/sessions/session_figures.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 3, STEPS = 150 };

/* Reading `number` of stream 3, with intervals if levels are given. */
static struct step take(struct world *world, uint64_t number, const struct interval_levels *levels)
{
    static double x[INPUTS];
    static const double future[AHEAD] = { 0.1F, 0.2F, 0.3F };
    arena_reset(&world->arena);
    reading(3, number, x);
    struct step step = step_make(world, "s", x);
    step.forecast_options = forecast_options_make(world, AHEAD, future, AHEAD - 1);
    step.forecast_options.levels = levels;
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

static struct session get(struct world *world)
{
    struct session session = session_get(world, "s");
    ck_assert_ptr_null(session.figures);
    ck_assert_int_eq(session_figures_read(&session, &world->kept, &world->fault), STATUS_OK);
    return session;
}

/* ---- against a back-test of the same readings ---- */

enum { ROWS = 400, SEASON = 4 };
static const struct interval_levels asked = { 1, { 0.9 } };

/* Waves of SEASON readings that drift, with noise; `is_ragged`: some are missing. */
static double *series(uint64_t stream, bool is_ragged)
{
    double *x = readings(stream, 1, ROWS);
    for (size_t t = 0; t < ROWS; t++) {
        const double wave = (float)(t % SEASON == 1) - (float)(t % SEASON == 3);
        x[t * INPUTS] = 20.0F + 3.0F * wave + x[t * INPUTS] + 0.01F * (float)t;
        x[t * INPUTS] = is_ragged && t > 0 && t * 7 % 19 == 0 ? NAN : x[t * INPUTS];
    }
    return x;
}

/* m with a season, or without. Its forecasts vary about as much as the readings do. */
static void begin(struct world *world, size_t season)
{
    char metadata[400] = "{", *p = metadata + 1;
    if (season > 0) {
        p += sprintf(p, "\\\"season\\\":%zu,", season);
    }
    sprintf(p, "\\\"inputs\\\":[{\\\"name\\\":\\\"temp\\\",\\\"mean\\\":20,\\\"std\\\":3},"
               "{\\\"name\\\":\\\"humidity\\\"}],\\\"outputs\\\":[{\\\"name\\\":\\\"temp\\\","
               "\\\"mean\\\":20,\\\"std\\\":30},{\\\"name\\\":\\\"comfort\\\"}]}");
    world_init(world);
    world_use_data(world);
    world_add_model(world, "m", network_file_with(HIDDEN, SEED, metadata));
    world_start(world);
}

static void take_all(struct world *world, const char *id, const double *x, size_t n)
{
    for (size_t t = 0; t < n; t++) {
        arena_reset(&world->arena);
        struct step step = step_make(world, id, x + t * INPUTS);
        step.forecast_options.levels = &asked;
        ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    }
}

static struct session figures_of(struct world *world, const char *id)
{
    struct session session = session_get(world, id);
    ck_assert_int_eq(session_figures_read(&session, &world->kept, &world->fault), STATUS_OK);
    return session;
}

static void expect_near(const char *what, enum error_measure measure, double said, double expected)
{
    const double most = 1e-6 * fmax(1.0, fabs(expected));
    ck_assert_msg(isnan(said) == isnan(expected) && !(fabs(said - expected) > most),
                  "%s %s: %.9g, expected %.9g", what, error_measure_word(measure), said, expected);
}

static void expect_as_evaluated(struct world *world, const double *x, size_t season)
{
    struct evaluation evaluation = { .prediction = { .gru = world_model(world)->active->gru },
                                     .x = x,
                                     .n_rows = ROWS,
                                     .horizon = 1,
                                     .season = season,
                                     .level = 0.9 };
    arena_reset(&world->arena);
    ck_assert_int_eq(evaluation_begin(&evaluation, &world->arena, &world->fault), STATUS_OK);
    ck_assert_int_eq(prediction_finish(world, &evaluation.prediction, 0), STATUS_OK);
    const struct error_figures expected = back_test_output(&evaluation.back_test, 0);
    const struct session session = figures_of(world, "s");
    const struct error_figures *said = session.figures->of_outputs[ERROR_SPAN_ALL],
                               *told = session.figures->of_intervals[ERROR_SPAN_ALL];
    ck_assert_uint_eq(session.errors.n[0], expected.n);
    ck_assert_uint_gt(expected.n_intervals, ROWS / 2);
    ck_assert_uint_eq(told[0].n_intervals, expected.n_intervals);
    for (enum error_measure k = 0; k < ERROR_N_MEASURES; k++) {
        const double value = k < ERROR_COVERAGE ? said[0].values[k] : told[0].values[k];
        ck_assert(k == ERROR_SKILL_VS_SEASONAL_NAIVE || !isnan(expected.values[k]));
        expect_near("all", k, value, expected.values[k]);
        ck_assert(isnan(said[1].values[k])); /* it feeds no input */
        ck_assert(isnan(told[1].values[k]));
    }
}

TEST(a_session_says_what_an_evaluation_of_its_readings_says)
{
    for (int is_seasonal = 0; is_seasonal < 2; is_seasonal++) {
        struct world world;
        begin(&world, is_seasonal ? SEASON : 0);
        double *x = series(3, is_seasonal);
        take_all(&world, "s", x, ROWS);
        for (int restart = 0; restart < 2; restart++) {
            expect_as_evaluated(&world, x, is_seasonal ? SEASON : 0);
            world_restart(&world);
        }
        free(x);
        world_done(&world);
    }
}

/* More readings than are kept. */
TEST(a_season_that_is_not_kept_has_no_naive_forecast)
{
    struct world world;
    begin(&world, 9);
    double *x = series(3, false);
    take_all(&world, "s", x, ROWS);
    const struct session session = figures_of(&world, "s");
    const struct error_figures *said = session.figures->of_outputs[ERROR_SPAN_ALL];
    ck_assert(isnan(said[0].values[ERROR_SKILL_VS_SEASONAL_NAIVE]));
    expect_near("all", ERROR_MASE, said[0].values[ERROR_MASE],
                1.0 - said[0].values[ERROR_SKILL_VS_PERSISTENCE]);
    free(x);
    world_done(&world);
}

TEST(what_cannot_be_said_is_no_number)
{
    struct world world;
    begin(&world, SEASON);
    double *x = series(3, false);
    for (size_t n = 0; n < 3; n++) {
        if (n > 0) {
            take_all(&world, "s", x + (n - 1) * INPUTS, 1);
        } else {
            const struct session_restore restore = { .ttl_s = -1 };
            bool created;
            ck_assert_int_eq(session_put_whole(&world, "s", &restore, &created), STATUS_OK);
        }
        const struct session session = figures_of(&world, "s");
        for (enum error_span span = 0; span < ERROR_N_SPANS; span++) {
            const double *values = session.figures->of_outputs[span][0].values;
            for (enum error_measure k = ERROR_MAE; k < ERROR_COVERAGE; k++) {
                const bool is_said = k == ERROR_MAE || k == ERROR_RMSE || k == ERROR_SMAPE ||
                                     k == ERROR_MASE || k == ERROR_SKILL_VS_PERSISTENCE;
                ck_assert_int_eq(isnan(values[k]), n < 2 || !is_said);
            }
        }
    }
    free(x);
    world_done(&world);
}

/* ---- the recent ones, against the formulas with each comparison's weight ---- */

struct weighed {
    double weights[ROWS], truth[ROWS], y[ROWS], last[ROWS], season_ago[ROWS];
    double lower[ROWS], upper[ROWS];
    size_t n;
};

/* Each of the first hundred counts alike; from then on each counts a hundredth less than the next.
 */
static void weigh(struct weighed *of, size_t first)
{
    double left = 1.0;
    for (size_t k = of->n; k > first; k--) {
        const double rate = fmax(0.01, 1.0 / (double)(k - first));
        of->weights[k - 1] = left * rate;
        left *= 1.0 - rate;
    }
}

static double mean(const struct weighed *of, size_t first,
                   double (*value)(const struct weighed *, size_t))
{
    double sum = 0.0;
    for (size_t k = first; k < of->n; k++) {
        sum += of->weights[k] * value(of, k);
    }
    return sum;
}

static double absolute(const struct weighed *of, size_t k)
{
    return fabs(of->truth[k] - of->y[k]);
}
static double squared(const struct weighed *of, size_t k)
{
    return absolute(of, k) * absolute(of, k);
}
static double symmetric(const struct weighed *of, size_t k)
{
    return 200.0 * absolute(of, k) / (fabs(of->truth[k]) + fabs(of->y[k]));
}
static double still(const struct weighed *of, size_t k)
{
    return fabs(of->truth[k] - of->last[k]);
}
static double seasonal(const struct weighed *of, size_t k)
{
    return fabs(of->truth[k] - of->season_ago[k]);
}
static double truth(const struct weighed *of, size_t k)
{
    return of->truth[k];
}
static double truth_2(const struct weighed *of, size_t k)
{
    return of->truth[k] * of->truth[k];
}
static double forecast(const struct weighed *of, size_t k)
{
    return of->y[k];
}
static double forecast_2(const struct weighed *of, size_t k)
{
    return of->y[k] * of->y[k];
}
static double both(const struct weighed *of, size_t k)
{
    return of->truth[k] * of->y[k];
}
static double width(const struct weighed *of, size_t k)
{
    return of->upper[k] - of->lower[k];
}
static double score(const struct weighed *of, size_t k)
{
    const double missed = fmax(fmax(of->lower[k] - of->truth[k], of->truth[k] - of->upper[k]), 0);
    return width(of, k) + 20.0 * missed;
}

static void expect_recent(struct weighed *of, const double *said)
{
    weigh(of, 0);
    const double mae = mean(of, 0, absolute), mse = mean(of, 0, squared),
                 truth_mean = mean(of, 0, truth), y_mean = mean(of, 0, forecast),
                 truth_variance = mean(of, 0, truth_2) - truth_mean * truth_mean,
                 y_variance = mean(of, 0, forecast_2) - y_mean * y_mean,
                 covariance = mean(of, 0, both) - truth_mean * y_mean;
    expect_near("recent", ERROR_MAE, said[ERROR_MAE], mae);
    expect_near("recent", ERROR_RMSE, said[ERROR_RMSE], sqrt(mse));
    expect_near("recent", ERROR_SMAPE, said[ERROR_SMAPE], mean(of, 0, symmetric));
    expect_near("recent", ERROR_RSE, said[ERROR_RSE], sqrt(mse / truth_variance));
    expect_near("recent", ERROR_CORR, said[ERROR_CORR],
                covariance / sqrt(truth_variance * y_variance));
    expect_near("recent", ERROR_SKILL_VS_PERSISTENCE, said[ERROR_SKILL_VS_PERSISTENCE],
                1.0 - mae / mean(of, 0, still));
    weigh(of, SEASON - 1); /* the first one is of the second reading */
    const double naive = mean(of, SEASON - 1, seasonal);
    expect_near("recent", ERROR_MASE, said[ERROR_MASE], mae / naive);
    expect_near("recent", ERROR_SKILL_VS_SEASONAL_NAIVE, said[ERROR_SKILL_VS_SEASONAL_NAIVE],
                1.0 - mean(of, SEASON - 1, absolute) / naive);
}

static void expect_told_recently(struct weighed *of, const double *said)
{
    size_t first = 0;
    while (isnan(of->lower[first])) {
        first++;
    }
    weigh(of, first);
    const double expected = mean(of, first, score);
    expect_near("recent", ERROR_MEAN_WIDTH, said[ERROR_MEAN_WIDTH], mean(of, first, width));
    expect_near("recent", ERROR_INTERVAL_SCORE, said[ERROR_INTERVAL_SCORE], expected);
    expect_near("recent", ERROR_PINBALL, said[ERROR_PINBALL], 0.1 / 4.0 * expected);
}

TEST(recent_figures_forget_by_a_hundredth)
{
    static struct weighed of;
    struct world world;
    struct step before = { .n_forecast = 0 };
    begin(&world, SEASON);
    double *x = series(4, false), y = NAN, lower = NAN, upper = NAN;
    for (size_t t = 0; t < ROWS; t++) {
        arena_reset(&world.arena);
        struct step step = step_make(&world, "s", x + t * INPUTS);
        step.forecast_options.levels = &asked;
        ck_assert_msg(step_take(&world, &step) == STATUS_OK, "%s", step.fault.message);
        if (t > 0) {
            of.truth[of.n] = (double)x[t * INPUTS];
            of.y[of.n] = (double)y;
            of.last[of.n] = (double)x[(t - 1) * INPUTS];
            of.season_ago[of.n] = t < SEASON ? NAN : (double)x[(t - SEASON) * INPUTS];
            of.lower[of.n] = (double)lower;
            of.upper[of.n++] = (double)upper;
        }
        y = step.y[0];
        lower = step.intervals.of[0].lower[0];
        upper = step.intervals.of[0].upper[0];
        before = step;
    }
    ck_assert_uint_eq(before.number, ROWS);
    const struct session session = figures_of(&world, "s");
    expect_recent(&of, session.figures->of_outputs[ERROR_SPAN_RECENT][0].values);
    expect_told_recently(&of, session.figures->of_intervals[ERROR_SPAN_RECENT][0].values);
    free(x);
    world_done(&world);
}

/* ---- where sessions come from ---- */

/* Bodies of before there were means. */
TEST(a_session_that_is_restored_without_means_goes_on_with_what_it_has)
{
    struct world world;
    bool created;
    begin(&world, SEASON);
    double *x = series(3, false);
    take_all(&world, "s", x, 50);
    const struct session whole = session_get(&world, "s");
    struct session_restore restore = restore_of(&whole);
    restore.errors.means = NULL;
    ck_assert_int_eq(session_put_whole(&world, "t", &restore, &created), STATUS_OK);
    take_all(&world, "s", x + (size_t)50 * INPUTS, ROWS - 50);
    take_all(&world, "t", x + (size_t)50 * INPUTS, ROWS - 50);
    const struct session s = figures_of(&world, "s"), t = figures_of(&world, "t");
    const struct error_figures *all = t.figures->of_outputs[ERROR_SPAN_ALL];
    ck_assert_uint_eq(t.errors.n[0], s.errors.n[0]);
    expect_near("all", ERROR_MAE, (double)t.errors.mae[0], (double)s.errors.mae[0]);
    expect_near("all", ERROR_RMSE, (double)t.errors.rmse[0], (double)s.errors.rmse[0]);
    ck_assert(isnan(all[0].values[ERROR_SMAPE]) && isnan(all[0].values[ERROR_CORR]));
    for (enum error_measure k = ERROR_MAE; k < ERROR_COVERAGE; k++) {
        const double recent = t.figures->of_outputs[ERROR_SPAN_RECENT][0].values[k];
        ck_assert(fabs(recent - s.figures->of_outputs[ERROR_SPAN_RECENT][0].values[k]) < 0.3);
    }
    free(x);
    world_done(&world);
}

TEST(a_fork_has_the_figures_of_its_source)
{
    struct world world;
    begin(&world, SEASON);
    double *x = series(3, true);
    take_all(&world, "s", x, 200);
    ck_assert_int_eq(
        session_fork(world.context, world_model(&world), "s", "t", &world.kept, &world.fault),
        STATUS_OK);
    take_all(&world, "s", x + (size_t)200 * INPUTS, 100);
    take_all(&world, "t", x + (size_t)200 * INPUTS, 100);
    const struct session s = figures_of(&world, "s"), t = figures_of(&world, "t");
    expect_same_session(&s, &t, false);
    ck_assert_mem_eq(s.figures->of_intervals[ERROR_SPAN_ALL],
                     t.figures->of_intervals[ERROR_SPAN_ALL], sizeof(struct error_figures));
    free(x);
    world_done(&world);
}

/* ---- intervals further ahead ---- */

/* What replies told of the intervals, and the mean of the errors that were made. */
TEST(a_session_that_asked_for_levels_says_how_they_were_kept)
{
    static const struct interval_levels two = { 2, { 0.8, 0.9 } };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    struct step step;
    double mean = 0.0, y = NAN;
    for (uint64_t number = 1; number <= STEPS; number++) {
        step = take(&world, number, &two);
        if (number > 1) {
            const double n = (double)(number - 1), error = fabs((double)step.x[0] - y);
            mean += fmax(0.005, 2.0 / (n + 1.0)) * (error - mean);
        }
        y = (double)step.y[0];
    }
    const struct interval_replies told = step.intervals;
    for (int which = 0; which < 2; which++) {
        const struct session session = get(&world);
        const struct session_figures *figures = session.figures;
        const size_t n = figures->n_ahead;
        ck_assert_uint_ge(n, AHEAD);
        ck_assert_uint_eq(figures->levels.n, 3); /* all, beyond one step ahead */
        ck_assert_double_eq_tol((double)figures->recent_mae[0], mean, 1e-5);
        ck_assert(isnan(figures->recent_mae[1]) || figures->recent_mae[1] == 0.0F);
        for (size_t k = 0; k < AHEAD * told.n; k++) {
            const size_t level = k / AHEAD, ahead = k % AHEAD;
            const struct interval_coverage *coverage = &figures->coverage[level * n + ahead];
            const struct interval_reply *reply = &told.of[level];
            ck_assert_double_eq(figures->levels.level[level], reply->level);
            ck_assert_uint_eq(coverage->n_scored, reply->observed[ahead]);
            ck_assert_double_eq(coverage->covered, reply->coverage[ahead]);
            ck_assert(coverage->recent > 0.5 && coverage->recent <= 1.0);
            ck_assert_double_eq_tol((double)figures->widths[(level * n + ahead) * OUTPUTS],
                                    (double)reply->upper[ahead * OUTPUTS] -
                                        (double)reply->lower[ahead * OUTPUTS],
                                    1e-5);
        }
        world_restart(&world);
    }
    world_done(&world);
}
