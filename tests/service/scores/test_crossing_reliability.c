/* Whether crossing probabilities are what happens: on series that are made, and on sunspots and
 * temperature, beside climatology, which says how often the threshold was crossed so far (by
 * months, where there is a season). */
#include "service/scores/crossing.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 4000, AHEAD = 12, BEGINNING = 100, BINS = 10, MONTHS = 12, THRESHOLDS = 6 };

static const struct interval_levels levels = { 3, { 0.8, 0.9, 0.95 } };

/* ---- series ---- */

static uint64_t state;

static double uniform(void)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return ((double)(state >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    const double radius = sqrt(-2 * log(uniform()));
    return radius * cos(6.283185307179586 * uniform());
}

static double autoregression(size_t step, double last)
{
    (void)step;
    return 0.9 * last + normal();
}

static double walk(size_t step, double last)
{
    (void)step;
    return last + normal();
}

static double season(size_t step, double last)
{
    (void)last;
    return 5 * sin(6.283185307179586 / MONTHS * (double)step) + normal();
}

static const struct series {
    const char *name;
    double (*next)(size_t step, double last); /* NULL: a file */
    bool has_season;
    double off_most; /* stated against realised, in the mean over what was stated */
    double
        brier_most; /* in that of climatology, which knows all that is to be known of the third */
} all_series[] = {
    { "autoregression", autoregression, false, 0.01, 0.7 },
    { "random walk", walk, false, 0.01, 0.1 },
    { "season and noise", season, true, 0.01, 1.005 },
    { "sunspots", NULL, false, 0.03, 0.5 },
    { "nottingham-temperature", NULL, true, 0.03, 1 },
};
enum { N_SERIES = sizeof all_series / sizeof *all_series };

static size_t make_series(const struct series *series, double *ret_values)
{
    char path[128], line[128];
    size_t n = 0;
    if (series->next) {
        state = 12;
        for (; n < STEPS_MAX; n++) {
            ret_values[n] = series->next(n, n > 0 ? ret_values[n - 1] : 0);
        }
        return n;
    }
    (void)snprintf(path, sizeof path, "tests/fixtures/evaluate/%s.csv", series->name);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    while (n < STEPS_MAX && fgets(line, sizeof line, file)) {
        ret_values[n++] = strtod(strchr(line, ',') + 1, NULL);
    }
    (void)fclose(file);
    return n;
}

/* ---- forecasts: what is usual in that month, and a part of how far it is off ---- */

struct forecaster {
    double usual[MONTHS], n[MONTHS];
    double square, product, last;
};

static void forecast(struct forecaster *forecaster, const struct series *series, double value,
                     size_t step, double *ret)
{
    const size_t n_months = series->has_season ? MONTHS : 1, month = step % n_months;
    forecaster->n[month]++;
    forecaster->usual[month] += (value - forecaster->usual[month]) / forecaster->n[month];
    const double off = value - forecaster->usual[month];
    forecaster->square += forecaster->last * forecaster->last;
    forecaster->product += forecaster->last * off;
    forecaster->last = off;
    const double slope = forecaster->square > 0 ? forecaster->product / forecaster->square : 0;
    for (size_t i = 1; i <= AHEAD; i++) {
        ret[i - 1] = forecaster->usual[(step + i) % n_months] + pow(slope, (double)i) * off;
    }
}

/* ---- what is stated, and what happened ---- */

struct result {
    double n, brier, climatology;
    double n_bin[BINS], stated[BINS], realised[BINS];
};

static double values[STEPS_MAX], forecasts[STEPS_MAX][AHEAD], told[STEPS_MAX][AHEAD];

static void state_all(const struct crossing *crossing, size_t n)
{
    const struct interval_layout layout = interval_layout_of(1, AHEAD, levels.n);
    const struct interval_tracker tracker = { &layout, &levels, malloc(layout.n_bytes) };
    ck_assert_ptr_nonnull(tracker.bytes);
    interval_tracker_begin(&tracker);
    for (size_t step = 0; step < n; step++) {
        interval_tracker_step(&tracker, step, &values[step], forecasts[step], AHEAD);
        crossing_probabilities(crossing, &tracker, forecasts[step], AHEAD, told[step]);
    }
    free(tracker.bytes);
}

static bool has_crossed(const struct crossing *crossing, size_t origin, size_t ahead)
{
    return crossing_ahead(crossing, &values[origin + 1], ahead, 1) > 0;
}

static void judge_ahead(const struct series *series, const struct crossing *crossing, size_t n,
                        size_t ahead, struct result *result)
{
    const size_t n_months = series->has_season ? MONTHS : 1;
    double hits[MONTHS] = { 0 }, seen[MONTHS] = { 0 };
    for (size_t step = 0; step + ahead < n; step++) {
        if (step >= ahead) { /* what was to happen from that origin on is known by now */
            hits[(step - ahead) % n_months] += has_crossed(crossing, step - ahead, ahead);
            seen[(step - ahead) % n_months]++;
        }
        if (step < BEGINNING) {
            continue;
        }
        const double p = told[step][ahead - 1], happened = has_crossed(crossing, step, ahead);
        const double usual = (hits[step % n_months] + 0.5) / (seen[step % n_months] + 1);
        const size_t bin = p < 1 ? (size_t)(BINS * p) : BINS - 1;
        ck_assert(p >= 0 && p <= 1);
        result->n++;
        result->brier += (p - happened) * (p - happened);
        result->climatology += (usual - happened) * (usual - happened);
        result->n_bin[bin]++;
        result->stated[bin] += p;
        result->realised[bin] += happened;
    }
}

static int compare(const void *a, const void *b)
{
    const double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static struct result judge(const struct series *series)
{
    static const double quantiles[THRESHOLDS] = { 0.05, 0.25, 0.5, 0.75, 0.9, 0.95 };
    static double sorted[STEPS_MAX];
    struct result result = { .n = 0 };
    struct forecaster forecaster = { .last = 0 };
    const size_t n = make_series(series, values);
    for (size_t step = 0; step < n; step++) {
        forecast(&forecaster, series, values[step], step, forecasts[step]);
    }
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    for (size_t i = 0; i < THRESHOLDS * 2; i++) {
        const size_t rank = (size_t)(quantiles[i / 2] * (double)n);
        const struct crossing crossing = { 0, i % 2 > 0, sorted[rank] };
        state_all(&crossing, n);
        for (size_t ahead = 1; ahead <= AHEAD; ahead++) {
            judge_ahead(series, &crossing, n, ahead, &result);
        }
    }
    result.brier /= result.n;
    result.climatology /= result.n;
    return result;
}

TEST(what_is_stated_happens_and_climatology_knows_less)
{
    for (size_t i = 0; i < N_SERIES; i++) {
        const struct series *series = &all_series[i];
        const struct result result = judge(series);
        double off = 0;
        printf("%s: Brier score %.4f, climatology's %.4f; stated/realised", series->name,
               result.brier, result.climatology);
        for (size_t bin = 0; bin < BINS; bin++) {
            printf(" %.2f/%.2f", result.stated[bin] / result.n_bin[bin],
                   result.realised[bin] / result.n_bin[bin]);
            off += fabs(result.stated[bin] - result.realised[bin]) / result.n;
        }
        printf("; off by %.4f\n", off);
        ck_assert_msg(result.brier < series->brier_most * result.climatology, "%s", series->name);
        ck_assert_msg(off <= series->off_most, "%s: off by %g", series->name, off);
    }
}
