/* See recipe_season.h. */
#include "engine/recipe/recipe_season.h"
#include "engine/buffer.h"

#include <math.h>
#include <stdlib.h>

static const double QUANTILE_95 = 1.645, NEAR_THE_LARGEST = 0.75, WIDTH_OF_PEAK = 1.25;

/* ---- the autocorrelation ---- */

/* The changes of a column, less their mean; NaN where a reading is missing. The number that are
 * known. */
static size_t take_changes(const double *x, size_t n_rows, size_t stride, double *ret_changes)
{
    size_t n = 0;
    double total = 0;
    for (size_t t = 1; t < n_rows; t++) {
        ret_changes[t - 1] = x[t * stride] - x[(t - 1) * stride];
        n += !isnan(ret_changes[t - 1]);
        total += isnan(ret_changes[t - 1]) ? 0 : ret_changes[t - 1];
    }
    for (size_t t = 0; n > 0 && t + 1 < n_rows; t++) {
        ret_changes[t] -= total / (double)n;
    }
    return n;
}

/* The mean product of changes that are so many rows apart; NaN: none is known. */
static double covariance(const double *changes, size_t n_changes, size_t lag)
{
    size_t n = 0;
    double total = 0;
    for (size_t t = lag; t < n_changes; t++) {
        const double product = changes[t] * changes[t - lag];
        n += !isnan(product);
        total += isnan(product) ? 0 : product;
    }
    return n > 0 ? total / (double)n : (double)NAN;
}

enum gru_status gru_season_add(struct season_sums *sums, const double *x, size_t n_rows,
                               size_t stride)
{
    if (n_rows > SEASON_ROWS_MAX) {
        x += (n_rows - SEASON_ROWS_MAX) * stride;
        n_rows = SEASON_ROWS_MAX;
    }
    const size_t n_cycle = n_rows / SEASON_CYCLES_LEAST;
    const size_t n_lags = 1 + (n_cycle < SEASON_LAGS_MAX ? n_cycle : (size_t)SEASON_LAGS_MAX);
    double *changes = gru_array_alloc(n_rows, sizeof *changes);
    if (!changes) {
        return GRU_NO_MEMORY;
    }
    const size_t n = take_changes(x, n_rows, stride, changes);
    const double variance = n > 0 ? covariance(changes, n_rows - 1, 0) : 0;
    for (size_t lag = 1; variance > 0 && lag <= n_lags; lag++) {
        const double r = covariance(changes, n_rows - 1, lag) / variance;
        if (!isnan(r)) {
            sums->r[lag] += (double)n * r;
            sums->weights[lag] += (double)n;
        }
    }
    free(changes);
    return GRU_OK;
}

/* ---- the season ---- */

static double r_of(const struct season_sums *sums, size_t lag)
{
    return sums->weights[lag] > 0 ? sums->r[lag] / sums->weights[lag] : -1;
}

/* Not of the last lag, whose other side is not known. */
static bool is_peak(const struct season_sums *sums, size_t lag)
{
    return r_of(sums, lag) >= r_of(sums, lag - 1) && r_of(sums, lag) >= r_of(sums, lag + 1);
}

/* The first lag behind those that are alike because the changes are smooth: until r is once not
 * above 0. That of 1 does not count, which noise alone makes negative. */
static size_t first_lag(const struct season_sums *sums)
{
    size_t lag = 2;
    while (lag <= SEASON_LAGS_MAX && r_of(sums, lag) > 0) {
        lag++;
    }
    return lag;
}

/* Whether so many rows are a day, a week or a year. */
static bool is_suggested(size_t lag, double interval_seconds)
{
    static const double spans[] = { 86400, 604800, 31556952 };
    bool is = false;
    for (size_t k = 0; k < sizeof spans / sizeof *spans; k++) {
        is = is || (interval_seconds > 0 && (double)lag == round(spans[k] / interval_seconds));
    }
    return is;
}

/* A lag that goes before the shorter one that was found so far: a higher one of the same peak, or
 * one that the interval suggests. */
static bool goes_before(const struct gru_season *season, const struct gru_season *best,
                        double interval_seconds)
{
    const bool is_suggested_now = is_suggested(season->season, interval_seconds);
    if (best->season == 0 || is_suggested(best->season, interval_seconds) != is_suggested_now) {
        return best->season == 0 || is_suggested_now;
    }
    return (double)season->season <= WIDTH_OF_PEAK * (double)best->season && season->r > best->r;
}

/* Finds the season, or without one the peak that came nearest. */
static void look_at_peaks(const struct season_sums *sums, size_t n_outputs, double least,
                          double interval_seconds, struct gru_season *found)
{
    const size_t first = first_lag(sums);
    double squares = 0;
    for (size_t lag = 1; lag <= SEASON_LAGS_MAX && sums->weights[lag + 1] > 0; lag++) {
        const double r = r_of(sums, lag), n = sums->weights[lag] / (double)n_outputs;
        const double bound = fmax(GRU_SEASON_LEAST, QUANTILE_95 * sqrt((1 + 2 * squares) / n));
        squares += r * r;
        if (lag < first || !is_peak(sums, lag)) {
            continue;
        }
        const struct gru_season season = {
            .season = r > bound ? lag : 0, .lag = lag, .r = r, .bound = bound
        };
        if (season.season > 0 && r >= least && goes_before(&season, found, interval_seconds)) {
            *found = season;
        } else if (found->season == 0 && !(r <= found->r)) {
            *found = season;
            found->season = 0;
        }
    }
}

struct gru_season gru_season_choose(const struct season_sums *sums, size_t n_outputs,
                                    double interval_seconds)
{
    struct gru_season season = { .r = (double)NAN, .bound = (double)NAN };
    double largest = 0;
    for (size_t lag = first_lag(sums); lag <= SEASON_LAGS_MAX && sums->weights[lag + 1] > 0;
         lag++) {
        largest = is_peak(sums, lag) ? fmax(largest, r_of(sums, lag)) : largest;
    }
    look_at_peaks(sums, n_outputs, NEAR_THE_LARGEST * largest, interval_seconds, &season);
    return season;
}

enum gru_status gru_season_find(const double *x, size_t n_rows, size_t stride,
                                double interval_seconds, struct gru_season *ret_season)
{
    struct season_sums *sums = calloc(1, sizeof *sums);
    if (!sums) {
        return GRU_NO_MEMORY;
    }
    const enum gru_status status = gru_season_add(sums, x, n_rows, stride);
    if (status == GRU_OK) {
        *ret_season = gru_season_choose(sums, 1, interval_seconds);
    }
    free(sums);
    return status;
}
