/* Which season is found, and where none is. */
#include "engine/recipe/recipe_season.h"
#include "engine/recipe/recipe_series.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 600 };
static const double MONTH = 2629746, HOUR = 3600;

static struct gru_season found(const double *x, size_t n_rows, double interval_seconds)
{
    struct gru_season season;
    ck_assert_int_eq(gru_season_find(x, n_rows, 1, interval_seconds, &season), GRU_OK);
    return season;
}

static size_t found_in(struct recipe_series series, double interval_seconds)
{
    double x[ROWS];
    recipe_series_fill(&series, x, ROWS);
    return found(x, ROWS, interval_seconds).season;
}

/* Noise moves the broad peak of a slow swing. */
static void expect_near(size_t season, size_t period)
{
    const size_t off = period / 20;
    ck_assert_msg(season + off >= period && season <= period + off, "%zu of %zu", season, period);
}

/* r of a lag by its definition. */
static double autocorrelation(const double *d, size_t n, size_t lag)
{
    double mean = 0, variance = 0, together = 0;
    for (size_t t = 0; t < n; t++) {
        mean += d[t] / (double)n;
    }
    for (size_t t = 0; t < n; t++) {
        variance += (d[t] - mean) * (d[t] - mean) / (double)n;
        together += t >= lag ? (d[t] - mean) * (d[t - lag] - mean) / (double)(n - lag) : 0;
    }
    return together / variance;
}

TEST(seasons_of_real_series_are_years)
{
    static const char *const names[] = { "mauna-loa-co2", "nottingham-temperature" };
    for (size_t k = 0; k < 2; k++) {
        size_t n_rows;
        double *x = recipe_series_read(names[k], &n_rows);
        const struct gru_season season = found(x, n_rows, MONTH);
        ck_assert_uint_eq(season.season, 12);
        ck_assert_double_gt(season.r, season.bound);
        free(x);
    }
}

TEST(sunspots_have_no_season_by_the_month)
{
    size_t n_rows;
    double *x = recipe_series_read("sunspots", &n_rows);
    const struct gru_season season = found(x, n_rows, MONTH);
    ck_assert_uint_eq(season.season, 0);
    ck_assert(season.lag > 1 && season.r <= season.bound);
    free(x);
}

TEST(a_season_is_found_below_trends_noise_and_gaps)
{
    for (size_t period = 5; period <= 60; period += 11) {
        struct recipe_series series = {
            .level = 1e4, .trend = 3, .amplitude = 10, .period = (double)period, .seed = period
        };
        ck_assert_uint_eq(found_in(series, 0), period);
        series.noise = period < 30 ? 2 : 0.5;
        expect_near(found_in(series, 0), period);
        series.missing = 100;
        expect_near(found_in(series, 0), period);
    }
}

TEST(a_trend_a_walk_and_noise_have_none)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        ck_assert_uint_eq(found_in((struct recipe_series){ .noise = 1, .seed = seed }, HOUR), 0);
        ck_assert_uint_eq(found_in((struct recipe_series){ .walk = 1, .seed = seed }, HOUR), 0);
        ck_assert_uint_eq(
            found_in((struct recipe_series){ .trend = 0.1, .noise = 1, .seed = seed }, HOUR), 0);
    }
}

/* A day by the hour whose mornings and evenings are alike: 12 rows nearly repeat, too. */
TEST(the_interval_says_which_of_two_it_is)
{
    double x[ROWS], other[ROWS];
    recipe_series_fill(&(struct recipe_series){ .amplitude = 10, .period = 12, .seed = 1 }, x,
                       ROWS);
    recipe_series_fill(&(struct recipe_series){ .amplitude = 4, .period = 24, .seed = 1 }, other,
                       ROWS);
    for (size_t t = 0; t < ROWS; t++) {
        x[t] += other[t];
    }
    ck_assert_uint_eq(found(x, ROWS, 0).season, 12);
    ck_assert_uint_eq(found(x, ROWS, HOUR).season, 24);
}

TEST(a_season_is_there_three_times)
{
    double x[ROWS];
    recipe_series_fill(&(struct recipe_series){ .amplitude = 1, .period = 20, .seed = 1 }, x, ROWS);
    ck_assert_uint_eq(found(x, 66, 0).season, 20);
    ck_assert_uint_eq(found(x, 59, 0).season, 0);
}

TEST(what_does_not_change_has_no_correlation)
{
    double x[ROWS];
    for (size_t t = 0; t < ROWS; t++) {
        x[t] = 7;
    }
    struct gru_season season = found(x, ROWS, HOUR);
    ck_assert(season.season == 0 && season.lag == 0 && isnan(season.r));
    for (size_t t = 0; t < ROWS; t++) {
        x[t] = (double)NAN;
    }
    season = found(x, ROWS, HOUR);
    ck_assert(season.season == 0 && season.lag == 0);
    for (size_t n_rows = 0; n_rows < 4; n_rows++) {
        ck_assert_uint_eq(found(x, n_rows, HOUR).season, 0);
    }
}

TEST(the_correlation_is_that_of_the_changes)
{
    enum { PERIOD = 9 };
    double x[ROWS], d[ROWS - 1];
    recipe_series_fill(
        &(struct recipe_series){
            .trend = 1, .amplitude = 5, .period = PERIOD, .noise = 1, .seed = 3 },
        x, ROWS);
    for (size_t t = 0; t + 1 < ROWS; t++) {
        d[t] = x[t + 1] - x[t];
    }
    const struct gru_season season = found(x, ROWS, 0);
    ck_assert_uint_eq(season.season, PERIOD);
    ck_assert_double_eq_tol(season.r, autocorrelation(d, ROWS - 1, PERIOD), 1e-9);
}

/* Two outputs whose noise hides it in each. */
TEST(columns_are_looked_at_together)
{
    struct season_sums *sums = calloc(1, sizeof *sums);
    double x[ROWS];
    ck_assert_ptr_nonnull(sums);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        recipe_series_fill(
            &(struct recipe_series){ .amplitude = 5, .period = 9, .noise = 4, .seed = seed }, x,
            ROWS);
        ck_assert_int_eq(gru_season_add(sums, x, ROWS, 1), GRU_OK);
    }
    ck_assert_uint_eq(gru_season_choose(sums, 4, 0).season, 9);
    free(sums);
}
