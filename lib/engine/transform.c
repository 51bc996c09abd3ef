/* See transform.h. */
#include "engine/transform.h"
#include "engine/buffer.h"
#include "engine/readings.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- values in a state: two floats each ---- */

static const struct gru_info wide = { .is_wide = true };

static void put_value(float *at, double value)
{
    gru_readings_pack(&wide, &value, 1, at);
}

static double value_at(const float *at)
{
    double value;
    gru_readings_unpack(&wide, at, 1, &value);
    return value;
}

/* What each kind keeps, in values. */
enum { DIFFERENCE_LAST, DIFFERENCE_VALUES };
enum { SEASON_OLDEST, SEASON_READINGS }; /* the oldest one's place, and `season` readings */
enum { LEVEL_N, LEVEL_LEVEL, LEVEL_SCALE, LEVEL_VALUES = TRANSFORM_LEVEL_FLOATS / 2 };

static size_t n_values(const struct gru_transform *transform)
{
    switch (transform->kind) {
    case GRU_DIFFERENCE:
        return DIFFERENCE_VALUES;
    case GRU_SEASONAL_DIFFERENCE:
        return SEASON_READINGS + transform->season;
    case GRU_LEVEL:
        return LEVEL_VALUES;
    default:
        return 0;
    }
}

static float *at(float *state, size_t k)
{
    return state + 2 * k;
}

static double value(const float *state, size_t k)
{
    return value_at(state + 2 * k);
}

size_t gru_transform_lag(const struct gru_transform *transform)
{
    switch (transform->kind) {
    case GRU_DIFFERENCE:
        return 1;
    case GRU_SEASONAL_DIFFERENCE:
        return transform->season;
    case GRU_LEVEL:
        return transform->scale ? 2 : 1;
    default:
        return 0;
    }
}

size_t gru_transform_floats(const struct gru_transform *transform)
{
    return 2 * n_values(transform);
}

void gru_transform_init(const struct gru_transform *transform, float *state)
{
    const double initial = transform->kind == GRU_LEVEL ? 0 : NAN;
    for (size_t k = 0; k < n_values(transform); k++) {
        put_value(at(state, k), initial);
    }
    if (transform->kind == GRU_SEASONAL_DIFFERENCE) {
        put_value(at(state, SEASON_OLDEST), 0);
    }
}

/* ---- differences ---- */

/* Without the reading to subtract, the last one is the forecast. */
static struct transform_map difference_from(double base, double last)
{
    if (!isnan(base)) {
        return (struct transform_map){ base, 1 };
    }
    return (struct transform_map){ isnan(last) ? 0 : last, 0 };
}

/* Where the oldest reading of a season is, whatever a state from outside says. */
static size_t oldest(const struct gru_transform *transform, const float *state)
{
    const double place = value(state, SEASON_OLDEST);
    return place >= 0 && place < (double)transform->season ? (size_t)place : 0;
}

/* The reading of a season `k` steps after its oldest one; NaN: there was none. */
static double reading_of_season(const struct gru_transform *transform, const float *state, size_t k)
{
    const size_t place = (oldest(transform, state) + k) % transform->season;
    return value(state, SEASON_READINGS + place);
}

static void push_season(const struct gru_transform *transform, float *state, double x)
{
    const size_t place = oldest(transform, state);
    put_value(at(state, SEASON_READINGS + place), x);
    put_value(at(state, SEASON_OLDEST), (double)((place + 1) % transform->season));
}

static struct transform_map season_map(const struct transform_walk *walk)
{
    const size_t season = walk->transform->season, n = walk->n;
    const double base = n == 0 || n < season ? reading_of_season(walk->transform, walk->state, n)
                                             : walk->forecasts[(n - season) * walk->stride];
    const double last = n > 0 ? walk->forecasts[(n - 1) * walk->stride]
                              : reading_of_season(walk->transform, walk->state, season - 1);
    return difference_from(base, last);
}

/* ---- a running level ---- */

/* The scale is a mean of one value less: the first reading is off from nothing. */
static void push_level(const struct gru_transform *transform, float *state, double x)
{
    const double n = value(state, LEVEL_N), level = value(state, LEVEL_LEVEL),
                 scale = value(state, LEVEL_SCALE), off = x - level;
    const bool is_first = !(n > 0);
    const double rate = is_first ? 1 : fmax(transform->rate, 1 / (n + 1));
    const double scale_rate = is_first ? 0 : fmax(transform->rate, 1 / n);
    put_value(at(state, LEVEL_N), is_first ? 1 : n + 1);
    put_value(at(state, LEVEL_LEVEL), is_first ? x : level + rate * off);
    put_value(at(state, LEVEL_SCALE), is_first ? 0 : scale + scale_rate * (fabs(off) - scale));
}

/* A scale below the smallest normal float is 0, as such numbers are everywhere. */
static struct transform_map level_map(const struct gru_transform *transform, const float *state)
{
    if (!(value(state, LEVEL_N) > 0)) {
        return (struct transform_map){ 0, 0 };
    }
    const double scale = transform->scale ? value(state, LEVEL_SCALE) : 1;
    return (struct transform_map){ value(state, LEVEL_LEVEL),
                                   scale >= (double)FLT_MIN ? scale : 0 };
}

/* ---- any kind ---- */

static double last_of(const struct transform_walk *walk)
{
    return walk->n > 0 ? walk->forecasts[(walk->n - 1) * walk->stride]
                       : value(walk->state, DIFFERENCE_LAST);
}

struct transform_map gru_transform_walk_map(const struct transform_walk *walk)
{
    switch (walk->transform->kind) {
    case GRU_DIFFERENCE:
        return difference_from(last_of(walk), NAN);
    case GRU_SEASONAL_DIFFERENCE:
        return season_map(walk);
    case GRU_LEVEL:
        return level_map(walk->transform, walk->n > 0 ? walk->level : walk->state);
    default:
        return (struct transform_map){ 0, 1 };
    }
}

void gru_transform_walk_on(struct transform_walk *walk)
{
    if (walk->transform->kind == GRU_LEVEL) {
        if (walk->n == 0) {
            memcpy(walk->level, walk->state, sizeof walk->level);
        }
        push_level(walk->transform, walk->level, walk->forecasts[walk->n * walk->stride]);
    }
    walk->n++;
}

struct transform_map gru_transform_map(const struct gru_transform *transform, const float *state)
{
    const struct transform_walk walk = { .transform = transform, .state = state };
    return gru_transform_walk_map(&walk);
}

void gru_transform_push(const struct gru_transform *transform, float *state, double x)
{
    if (isnan(x)) {
        return;
    }
    if (transform->kind == GRU_DIFFERENCE) {
        put_value(at(state, DIFFERENCE_LAST), x);
    } else if (transform->kind == GRU_SEASONAL_DIFFERENCE) {
        push_season(transform, state, x);
    } else if (transform->kind == GRU_LEVEL) {
        push_level(transform, state, x);
    }
}

static double fill_transformed(const struct gru_info *info, size_t i, struct transform_map map,
                               const double *last, const double *y)
{
    if (isnan(last[i])) {
        return last[i];
    }
    return info->missing == GRU_MISSING_MEAN
               ? gru_reading(info, gru_transform_invert(map, info->inputs[i].mean))
               : gru_fill_missing(info, i, last, y);
}

double gru_read_transformed(const struct gru_info *info, size_t i, double x, double *last,
                            const double *y, float *state, double *ret_raw)
{
    const struct gru_variable *input = &info->inputs[i];
    const struct transform_map map = gru_transform_map(&input->transform, state);
    if (!isnan(x)) {
        last[i] = gru_reading(info, x);
    }
    const double raw = isnan(x) ? fill_transformed(info, i, map, last, y) : last[i];
    gru_transform_push(&input->transform, state, raw);
    *ret_raw = raw;
    return isnan(raw) ? input->mean : gru_transform_apply(map, raw, input->mean);
}

enum gru_status gru_transform_column(const struct gru_transform *transform, const double *x,
                                     size_t n_rows, size_t stride, double *u)
{
    float *state = gru_array_alloc(gru_transform_floats(transform), sizeof *state);
    double last = NAN;
    if (!state) {
        return GRU_NO_MEMORY;
    }
    gru_transform_init(transform, state);
    for (size_t t = 0; t < n_rows; t++) {
        const double raw = x[t * stride];
        last = isnan(raw) ? last : raw;
        u[t] =
            isnan(raw) ? NAN : gru_transform_apply(gru_transform_map(transform, state), raw, NAN);
        gru_transform_push(transform, state, last);
    }
    free(state);
    return GRU_OK;
}

/* ---- "the same as last" ---- */

/* With q = 1 - rate, after j readings `last` its distance d to the level is d q^j, and the scale
 * q^j s + j rate q^(j - 1) |d|. */
static double same_by_level(const struct gru_transform *transform, struct transform_map next,
                            double last, size_t ahead)
{
    const double off = last - next.base, j = (double)(ahead - 1), kept = 1 - transform->rate;
    if (ahead > 1 && !(kept > 0)) {
        return 0;
    }
    return transform->scale && ahead > 1
               ? off / (next.unit + j * transform->rate / kept * fabs(off))
               : off * pow(kept, j) / next.unit;
}

double gru_transform_same(const struct gru_transform *transform, struct transform_map next,
                          struct transform_map then, double last, size_t ahead, double mean)
{
    switch (transform->kind) {
    case GRU_DIFFERENCE:
        return ahead > 1 ? 0 : gru_transform_apply(next, last, mean);
    case GRU_SEASONAL_DIFFERENCE:
        return ahead > transform->season ? 0 : gru_transform_apply(then, last, mean);
    case GRU_LEVEL:
        return gru_transform_is_known(next) ? same_by_level(transform, next, last, ahead) : mean;
    default:
        return last;
    }
}
