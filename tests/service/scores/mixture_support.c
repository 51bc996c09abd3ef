#include "mixture_support.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const size_t mixture_asked[MIXTURE_ASKED] = { 1, 3, 12 };

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

static void read_series(struct mixture_series *series)
{
    char path[128], line[128];
    (void)snprintf(path, sizeof path, "tests/fixtures/evaluate/%s.csv", series->name);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    while (series->n < MIXTURE_SERIES_MAX && fgets(line, sizeof line, file)) {
        series->values[series->n++] = strtof(strchr(line, ',') + 1, NULL);
    }
    (void)fclose(file);
}

static double next_value(const char *name, size_t step, double last)
{
    switch (name[0]) {
    case 'j': /* jumps */
        return 0.7 * last + normal() + (step % 700 == 0 ? 30 : 0);
    case 's': /* spikes */
        return (step % 400 == 399 ? 1000 : 0) + 0.5 * (step % 400 == 0 ? 0 : last) + normal();
    case 'v': /* variance */
        return 0.9 * last + normal() * (step / 1000 == 1 ? 5 : 1);
    case 'w': /* walk */
        return last + normal();
    case 'n': /* noise */
        return normal();
    case 'y': /* a year of 24 */
        return 10 * sin((double)step * 6.283185307179586 / 24) + normal();
    default: /* constant */
        return 21.5;
    }
}

static void make_series(struct mixture_series *series)
{
    state = 12;
    for (series->n = 0; series->n < MIXTURE_SERIES_MAX; series->n++) {
        const double last = series->n > 0 ? series->values[series->n - 1] : 0;
        series->values[series->n] = (float)next_value(series->name, series->n, last);
    }
}

const struct mixture_series *mixture_series_at(size_t which)
{
    static struct mixture_series all[MIXTURE_SERIES] = {
        { .name = "mauna-loa-co2", .season = 12 },
        { .name = "nottingham-temperature", .season = 12 },
        { .name = "sunspots" },
        { .name = "jumps" },
        { .name = "spikes" },
        { .name = "variance" },
        { .name = "walk" },
        { .name = "noise" },
        { .name = "year", .season = 24 },
        { .name = "constant", .season = 5 },
    };
    struct mixture_series *series = &all[which];
    if (series->n == 0) {
        which < MIXTURE_MEASURED ? read_series(series) : make_series(series);
    }
    return series;
}

/* ---- models ---- */

struct learner {
    double weight, mean, square, product;
};

/* Of what is left of the values without their season. */
static double without_season(const struct mixture_series *series, size_t at)
{
    const bool has_season = series->season > 0 && at >= series->season;
    return series->values[at] - (has_season ? series->values[at - series->season] : 0);
}

static void forecast_well(struct learner *learner, const struct mixture_series *series, size_t at,
                          double *ret)
{
    const double value = without_season(series, at);
    const double last = at > 0 ? without_season(series, at - 1) : value;
    learner->weight = 0.995 * learner->weight + 1;
    learner->mean += (value - learner->mean) / learner->weight;
    const double off = value - learner->mean, off_last = last - learner->mean;
    learner->square = 0.995 * learner->square + off_last * off_last;
    learner->product = 0.995 * learner->product + off * off_last;
    const double slope =
        learner->square > 0 ? fmax(-0.99, fmin(0.99, learner->product / learner->square)) : 0;
    for (size_t i = 0; i < MIXTURE_AHEAD; i++) {
        const size_t target = at + 1 + i, season = series->season;
        const bool has_season = season > 0 && target >= season && target - season <= at;
        ret[i] = learner->mean + pow(slope, (double)i + 1) * off +
                 (has_season ? series->values[target - season] : 0);
    }
}

struct scaling {
    double mean, std, change;
};

static struct scaling scaling_of(const struct mixture_series *series)
{
    struct scaling scaling = { 0 };
    for (size_t i = 0; i < series->n; i++) {
        scaling.mean += series->values[i] / (double)series->n;
    }
    for (size_t i = 1; i < series->n; i++) {
        const double off = series->values[i] - scaling.mean;
        const double change = series->values[i] - series->values[i - 1];
        scaling.std += off * off / (double)series->n;
        scaling.change += change * change / (double)series->n;
    }
    scaling.std = sqrt(scaling.std) + 1e-9;
    scaling.change = sqrt(scaling.change);
    return scaling;
}

static void forecast_badly(const struct scaling *scaling, bool is_drifting, double value,
                           double *ret)
{
    double at = value, network = (value - scaling->mean) / scaling->std;
    for (size_t i = 0; i < MIXTURE_AHEAD; i++) {
        network = -0.4 * tanh(2 * network) + 0.5 * tanh(0.3 * network + 0.3) - 0.04;
        at += scaling->change * (0.8 * tanh((at - scaling->mean) / scaling->std) - 0.3);
        ret[i] = is_drifting ? at : scaling->mean + scaling->std * network;
    }
}

static void forecast_with_hindsight(const struct mixture_series *series, size_t at, double off,
                                    double *ret)
{
    for (size_t i = 0; i < MIXTURE_AHEAD; i++) {
        const size_t target = at + 1 + i < series->n ? at + 1 + i : series->n - 1;
        ret[i] = series->values[target] + off;
    }
}

static void forecast(enum mixture_model model, struct learner *learner,
                     const struct mixture_series *series, const struct scaling *scaling, size_t at,
                     double believed, double *ret)
{
    const double far = 3 * scaling->std;
    forecast_well(learner, series, at, ret);
    if (model == MIXTURE_RANDOM || (model == MIXTURE_TURNS_BAD && at >= series->n / 2)) {
        forecast_badly(scaling, false, series->values[at], ret);
    } else if (model == MIXTURE_DRIFTING) {
        forecast_badly(scaling, true, series->values[at], ret);
    } else if (model == MIXTURE_ZERO) {
        memset(ret, 0, MIXTURE_AHEAD * sizeof *ret);
    } else if (model == MIXTURE_SWAPPING) {
        forecast_with_hindsight(series, at, at / 150 % 2 == 0 ? 0 : far, ret);
    } else if (model == MIXTURE_HOSTILE) {
        forecast_with_hindsight(series, at, believed > 0.5 ? far : 0, ret);
    }
}

/* ---- a run ---- */

static double says[MIXTURE_SERIES_MAX][MIXTURE_AHEAD][MIXTURE_EXPERTS];
static double made[MIXTURE_SERIES_MAX][MIXTURE_AHEAD];

/* What the others say behind reading `at`. */
static void others_say(const struct mixture_series *series, size_t at, double level, double scale)
{
    for (size_t i = 0; i < MIXTURE_AHEAD; i++) {
        double *of = says[at][i];
        const size_t season = series->season,
                     back = season > 0 ? season * (i / season + 1) : SIZE_MAX;
        of[MIXTURE_PERSISTENCE] = (float)(series->values[at] * scale);
        of[MIXTURE_LEVEL] = level;
        of[MIXTURE_SEASONAL] =
            back <= at + 1 + i ? (float)(series->values[at + 1 + i - back] * scale) : (double)NAN;
    }
}

static void step(const struct mixture *mixture, const struct mixture_series *series, size_t at)
{
    double truth = says[at][0][MIXTURE_PERSISTENCE], forecasts[MIXTURE_AHEAD],
           seasonal[MIXTURE_AHEAD], weights[MIXTURE_EXPERTS];
    for (size_t i = 0; i < MIXTURE_AHEAD; i++) {
        forecasts[i] = says[at][i][MIXTURE_MODEL];
        seasonal[i] = says[at][i][MIXTURE_SEASONAL];
    }
    const struct mixture_reading reading = { .step = at + 1,
                                             .truths = &truth,
                                             .forecasts = forecasts,
                                             .n_horizons = MIXTURE_AHEAD,
                                             .season = series->season,
                                             .seasonal = seasonal };
    mixture_step(mixture, &reading);
    mixture_forecast(mixture, forecasts, MIXTURE_AHEAD, made[at], weights);
}

static void score(struct mixture_reference *reference, size_t asked, size_t at, double truth,
                  struct mixture_run *run)
{
    const size_t ahead = reference->ahead;
    mixture_reference_score(reference, says[at - ahead][ahead - 1], made[at - ahead][ahead - 1],
                            truth);
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        const double bound =
            reference->n_tried[k] == 20 ? mixture_reference_bound(reference, k) : INFINITY;
        /* A range of 0 bounds nothing but what is 0, and rounding is not. */
        const double share = reference->regret[k] / (bound + 1e-12 * truth * truth);
        run->worst_share[asked] = fmax(run->worst_share[asked], share);
    }
}

static void compare(const struct mixture_reference *reference, size_t asked, size_t at,
                    struct mixture_run *run)
{
    const double *of = says[at][reference->ahead - 1];
    double most = 0, least = INFINITY, greatest = -INFINITY;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        least = isnan(of[k]) ? least : fmin(least, of[k]);
        greatest = isnan(of[k]) ? greatest : fmax(greatest, of[k]);
        most = isnan(of[k]) ? most : fmax(most, fabs(of[k]));
    }
    const double apart =
        fabs(made[at][reference->ahead - 1] - mixture_reference_mix(reference, of));
    run->most_apart[asked] =
        fmax(run->most_apart[asked], apart / (greatest - least + 1e-6 * most + 1e-300));
}

static void sum_up(const struct mixture_series *series, size_t asked, struct mixture_run *run)
{
    const size_t ahead = mixture_asked[asked];
    double squared[MIXTURE_EXPERTS] = { 0 };
    size_t n[MIXTURE_EXPERTS] = { 0 };
    const double share = 1 / (double)(series->n - ahead);
    for (size_t at = ahead; at < series->n; at++) {
        const double truth = says[at][0][MIXTURE_PERSISTENCE];
        const double *of = says[at - ahead][ahead - 1];
        const double error = made[at - ahead][ahead - 1] - truth;
        run->absolute[asked] += share * fabs(error);
        run->squared[asked] += share * error * error;
        run->persistence_absolute[asked] += share * fabs(of[MIXTURE_PERSISTENCE] - truth);
        for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
            n[k] += !isnan(of[k]);
            squared[k] += isnan(of[k]) ? 0 : (of[k] - truth) * (of[k] - truth);
        }
    }
    run->persistence_squared[asked] = share * squared[MIXTURE_PERSISTENCE];
    run->best_squared[asked] = INFINITY;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        const double mean = n[k] > 0 ? squared[k] / (double)n[k] : INFINITY;
        run->best_squared[asked] = fmin(run->best_squared[asked], mean);
    }
}

struct mixture_run mixture_run_series(const struct mixture_series *series, enum mixture_model model,
                                      double scale)
{
    const struct interval_layout layout = interval_layout_of(1, MIXTURE_AHEAD, 1);
    const struct mixture mixture = { &layout, malloc(mixture_bytes(&layout)) };
    struct mixture_reference references[MIXTURE_ASKED];
    struct mixture_run run = { 0 };
    struct learner learner = { 0 };
    const struct scaling scaling = scaling_of(series);
    float level = 0;
    ck_assert_ptr_nonnull(mixture.bytes);
    mixture_begin(&mixture);
    for (size_t i = 0; i < MIXTURE_ASKED; i++) {
        references[i] = mixture_reference_begin(mixture_asked[i]);
    }
    for (size_t at = 0; at < series->n; at++) {
        const double truth = (float)(series->values[at] * scale);
        double own[MIXTURE_AHEAD];
        level = (float)(at == 0 ? truth : level + 0.2 * (truth - (double)level));
        forecast(model, &learner, series, &scaling, at, references[0].weights[MIXTURE_MODEL], own);
        others_say(series, at, level, scale);
        for (size_t i = 0; i < MIXTURE_AHEAD; i++) {
            says[at][i][MIXTURE_MODEL] = (float)(own[i] * scale);
        }
        const bool is_new_version = model == MIXTURE_TURNS_BAD && at == series->n / 2;
        if (is_new_version) {
            mixture_restart_model(&mixture);
        }
        step(&mixture, series, at);
        ck_assert(mixture_is_valid(&mixture));
        for (size_t i = 0; i < MIXTURE_ASKED; i++) {
            const bool is_dropped = model == MIXTURE_TURNS_BAD && at >= series->n / 2 &&
                                    at < series->n / 2 + mixture_asked[i];
            if (is_new_version) {
                mixture_reference_restart_model(&references[i]);
            }
            if (at >= mixture_asked[i] && !is_dropped) {
                score(&references[i], i, at, truth, &run);
            }
            compare(&references[i], i, at, &run);
        }
    }
    for (size_t i = 0; i < MIXTURE_ASKED; i++) {
        sum_up(series, i, &run);
    }
    free(mixture.bytes);
    return run;
}
