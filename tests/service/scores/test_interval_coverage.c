/* Whether intervals keep their promise on series: measured ones, and some with jumps and changes of
 * variance. Compared with adaptive conformal inference (I. Gibbs, E. Candes, NeurIPS 2021), with a
 * rate of 0.005 on the last 500 errors. */
#include "service/scores/interval_tracker.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 4000, AHEAD_MAX = 12, WINDOW = 500, BEGINNING = 20, SETTLED = 500 };

static const struct interval_levels levels = { 3, { 0.8, 0.9, 0.95 } };
static const size_t aheads[] = { 1, 6, 12 };

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

static size_t read_series(const char *name, double *ret_values)
{
    char path[128], line[128];
    (void)snprintf(path, sizeof path, "tests/fixtures/evaluate/%s.csv", name);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    size_t n = 0;
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    while (n < STEPS_MAX && fgets(line, sizeof line, file)) {
        ret_values[n++] = strtof(strchr(line, ',') + 1, NULL);
    }
    (void)fclose(file);
    return n;
}

/* An autoregressive series whose next value the functions below change. */
typedef double next_fn(size_t step, double last);

static double jump(size_t step, double last)
{
    const double level = step > STEPS_MAX / 2 ? 15 : 0;
    const double before = step - 1 > STEPS_MAX / 2 ? 15 : 0;
    return level + 0.7 * (last - before) + normal();
}

static double variance(size_t step, double last)
{
    return 0.7 * last + normal() * (step / (STEPS_MAX / 3) == 1 ? 5 : 1);
}

static double regimes(size_t step, double last)
{
    static double scale;
    scale = step == 0 || uniform() < 0.005 ? (scale == 4 ? 0.5 : 4) : scale;
    return 0.8 * last + normal() * scale;
}

static double heavy_tails(size_t step, double last)
{
    (void)step;
    const double a = normal(), b = normal();
    return 0.5 * last + normal() / sqrt((a * a + b * b) / 2);
}

static double walk(size_t step, double last)
{
    (void)step;
    return last + normal();
}

static double waves(size_t step, double last)
{
    return 0.7 * last + normal() * (1 + 0.9 * sin((double)step / 30));
}

static const struct series {
    const char *name;
    next_fn *next; /* NULL: a file */
} all_series[] = {
    { "mauna-loa-co2", NULL },
    { "nottingham-temperature", NULL },
    { "sunspots", NULL },
    { "jump", jump },
    { "variance", variance },
    { "regimes", regimes },
    { "heavy tails", heavy_tails },
    { "walk", walk },
    { "waves", waves },
};
enum { N_SERIES = sizeof all_series / sizeof *all_series };

static size_t make_series(const struct series *series, double *ret_values)
{
    if (!series->next) {
        return read_series(series->name, ret_values);
    }
    state = 12;
    for (size_t step = 0; step < STEPS_MAX; step++) {
        ret_values[step] = (float)series->next(step, step > 0 ? ret_values[step - 1] : 0);
    }
    return STEPS_MAX;
}

/* Forecasts of one step after the other: persistence, or an autoregression that is learnt as it
 * goes. */
struct forecaster {
    bool is_learning;
    double weight, mean, square, product;
};

static void forecast(struct forecaster *forecaster, const double *values, size_t step, double *ret)
{
    const double value = values[step], last = step > 0 ? values[step - 1] : value;
    forecaster->weight = 0.995 * forecaster->weight + 1;
    forecaster->mean += (value - forecaster->mean) / forecaster->weight;
    const double d = value - forecaster->mean, d_last = last - forecaster->mean;
    forecaster->square = 0.995 * forecaster->square + d_last * d_last;
    forecaster->product = 0.995 * forecaster->product + d * d_last;
    const double square = forecaster->square;
    const double slope = square > 0 ? fmax(-0.99, fmin(0.99, forecaster->product / square)) : 0;
    for (size_t i = 0; i < AHEAD_MAX; i++) {
        ret[i] = forecaster->is_learning ? (float)(forecaster->mean + pow(slope, (double)i + 1) * d)
                                         : values[step];
    }
}

/* ---- intervals ---- */

static double forecasts[STEPS_MAX][AHEAD_MAX];
static double lower[STEPS_MAX][3][AHEAD_MAX], upper[STEPS_MAX][3][AHEAD_MAX];

/* residuals: [AHEAD_MAX] that it begins from, or NULL. */
static void track(const double *values, size_t n, const struct gru_residual *residuals)
{
    const struct interval_layout layout = interval_layout_of(1, AHEAD_MAX, levels.n);
    const struct interval_tracker tracker = { &layout, &levels, malloc(layout.n_bytes) };
    ck_assert_ptr_nonnull(tracker.bytes);
    interval_tracker_begin(&tracker);
    if (residuals) {
        interval_tracker_begin_output(&tracker, 0, residuals, AHEAD_MAX);
    }
    for (size_t step = 0; step < n; step++) {
        interval_tracker_step(&tracker, step, &values[step], forecasts[step], AHEAD_MAX);
        for (size_t l = 0; l < levels.n; l++) {
            ck_assert(!interval_tracker_bounds(&tracker, l, forecasts[step], AHEAD_MAX,
                                               lower[step][l], upper[step][l]));
        }
    }
    free(tracker.bytes);
}

/* The last errors, sorted. */
struct adaptive {
    double alpha, errors[STEPS_MAX], sorted[WINDOW];
    size_t n, n_sorted;
};

static void adaptive_note(struct adaptive *adaptive, double error)
{
    double *sorted = adaptive->sorted;
    size_t at = 0;
    if (adaptive->n_sorted == WINDOW) {
        while (sorted[at] != adaptive->errors[adaptive->n - WINDOW]) {
            at++;
        }
        memmove(sorted + at, sorted + at + 1, (WINDOW - at - 1) * sizeof *sorted);
        adaptive->n_sorted--;
    }
    for (at = adaptive->n_sorted; at > 0 && sorted[at - 1] > error; at--) {
        sorted[at] = sorted[at - 1];
    }
    sorted[at] = error;
    adaptive->n_sorted++;
    adaptive->errors[adaptive->n++] = error;
}

static double adaptive_width(const struct adaptive *adaptive)
{
    const double n = (double)adaptive->n_sorted;
    const double rank = fmax(1, fmin(n, ceil((1 - adaptive->alpha) * (n + 1))));
    return adaptive->n_sorted < BEGINNING ? NAN : adaptive->sorted[(size_t)rank - 1];
}

/* Gneiting and Raftery, JASA 102, 2007: the width, and 2 / alpha for each unit outside. */
static double score(double low, double high, double truth, double alpha)
{
    return high - low + 2 / alpha * (fmax(0, low - truth) + fmax(0, truth - high));
}

struct result {
    size_t n;        /* scored */
    double covered;  /* of those after SETTLED, or of all, if there are fewer */
    double relative; /* the interval score by that of ACI */
};

static struct result compare(const double *values, size_t n, size_t ahead, size_t l)
{
    static double widths[STEPS_MAX];
    static struct adaptive adaptive;
    const double alpha = 1 - levels.level[l];
    adaptive = (struct adaptive){ .alpha = alpha };
    const size_t most = n - ahead - BEGINNING;
    const size_t first = most > 2 * SETTLED ? SETTLED : 0;
    double ours = 0, theirs = 0, n_covered = 0, n_scored = 0;
    for (size_t step = 0; step < n; step++) {
        if (step >= ahead) {
            const size_t origin = step - ahead;
            const double truth = values[step], made = forecasts[origin][ahead - 1];
            const double low = lower[origin][l][ahead - 1], high = upper[origin][l][ahead - 1];
            const bool is_scored = !isnan(widths[origin]) && !isnan(low);
            if (is_scored && origin >= first + BEGINNING) {
                n_scored++;
                n_covered += truth >= low && truth <= high;
                ours += score(low, high, truth, alpha);
                theirs += score(made - widths[origin], made + widths[origin], truth, alpha);
            }
            adaptive.alpha +=
                isnan(widths[origin]) ? 0 : 0.005 * (alpha - (fabs(truth - made) > widths[origin]));
            adaptive_note(&adaptive, fabs(truth - made));
        }
        widths[step] = adaptive_width(&adaptive);
    }
    return (struct result){ (size_t)n_scored, n_covered / n_scored, ours / theirs };
}

TEST(coverage_is_within_0_015_and_the_interval_score_is_below_that_of_aci)
{
    static double values[STEPS_MAX];
    double sum = 0, worst = 0, worst_off = 0;
    size_t n_cases = 0;
    for (size_t i = 0; i < 2 * N_SERIES * 9; i++) {
        const struct series *series = &all_series[i / 18];
        const size_t n = make_series(series, values), ahead = aheads[i / 3 % 3], l = i % 3;
        if (i % 9 == 0) {
            struct forecaster forecaster = { .is_learning = i / 9 % 2 > 0 };
            for (size_t step = 0; step < n; step++) {
                forecast(&forecaster, values, step, forecasts[step]);
            }
            track(values, n, NULL);
        }
        const struct result result = compare(values, n, ahead, l);
        const double off = fabs(result.covered - levels.level[l]);
        ck_assert_msg(result.n < SETTLED || off <= 0.015, "%s, %zu ahead, level %g: covered %g",
                      series->name, ahead, levels.level[l], result.covered);
        ck_assert_msg(result.relative <= 1.1, "%s, %zu ahead, level %g: %g of ACI's score",
                      series->name, ahead, levels.level[l], result.relative);
        worst = fmax(worst, result.relative);
        worst_off = result.n < SETTLED ? worst_off : fmax(worst_off, off);
        sum += result.relative;
        n_cases++;
    }
    printf("%zu cases: coverage off by at most %.4f; interval score by ACI's %.3f, at most %.3f\n",
           n_cases, worst_off, sum / (double)n_cases, worst);
    ck_assert(sum / (double)n_cases <= 1);
}

static int compare_errors(const void *a, const void *b)
{
    const double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* Those of a validation whose errors were `scale` times the series'. */
static void measure(const double *values, size_t n, double scale,
                    struct gru_residual residuals[AHEAD_MAX])
{
    static const double shares[GRU_RESIDUAL_QUANTILES] = GRU_RESIDUAL_LEVELS;
    static double errors[STEPS_MAX];
    for (size_t ahead = 1; ahead <= AHEAD_MAX; ahead++) {
        struct gru_residual *residual = &residuals[ahead - 1];
        *residual = (struct gru_residual){ .n = n - ahead };
        for (size_t step = ahead; step < n; step++) {
            const double error = fabs((double)values[step] - forecasts[step - ahead][ahead - 1]);
            errors[step - ahead] = scale * error;
            residual->mean += errors[step - ahead] / (double)(n - ahead);
        }
        qsort(errors, n - ahead, sizeof *errors, compare_errors);
        for (size_t q = 0; q < GRU_RESIDUAL_QUANTILES; q++) {
            residual->quantiles[q] = errors[(size_t)(shares[q] * (double)(n - ahead - 1))];
        }
    }
}

/* The share of the forecasts made in the first steps that hold what came. */
static double early_coverage(const double *values, size_t ahead, size_t l, size_t n)
{
    double n_covered = 0;
    for (size_t step = ahead; step < n + ahead; step++) {
        const size_t origin = step - ahead;
        n_covered += values[step] >= lower[origin][l][ahead - 1] &&
                     values[step] <= upper[origin][l][ahead - 1];
    }
    return n_covered / (double)n;
}

/* A validation may have seen errors of another size than a stream has. */
TEST(coverage_is_within_0_015_whatever_it_begins_from)
{
    static const double scales[] = { 1, 0.1, 10 };
    static double values[STEPS_MAX];
    struct gru_residual residuals[AHEAD_MAX];
    for (size_t s = 0; s < 3; s++) {
        double worst_off = 0, early = 0;
        size_t n_cases = 0;
        for (size_t i = 0; i < N_SERIES * 9; i++) {
            const size_t n = make_series(&all_series[i / 9], values);
            const size_t ahead = aheads[i / 3 % 3], l = i % 3;
            if (i % 9 == 0) {
                struct forecaster forecaster = { .is_learning = true };
                for (size_t step = 0; step < n; step++) {
                    forecast(&forecaster, values, step, forecasts[step]);
                }
                measure(values, n, scales[s], residuals);
                track(values, n, residuals);
            }
            const struct result result = compare(values, n, ahead, l);
            const double off = fabs(result.covered - levels.level[l]);
            ck_assert_msg(result.n < SETTLED || off <= 0.015,
                          "%s, %zu ahead, level %g, errors times %g: covered %g",
                          all_series[i / 9].name, ahead, levels.level[l], scales[s],
                          result.covered);
            worst_off = result.n < SETTLED ? worst_off : fmax(worst_off, off);
            early += early_coverage(values, ahead, l, 100) - levels.level[l];
            n_cases++;
        }
        printf("begun from errors times %g: coverage off by at most %.4f, and by %+.4f in the mean "
               "of the first 100 steps\n",
               scales[s], worst_off, early / (double)n_cases);
        ck_assert(fabs(early / (double)n_cases) <= 0.1);
    }
}
