/*
 * transform.h - what a stream's raw readings become before they are normalised, and the way back
 * (docs/MODELS.md, "Transforms"). Private to lib/engine; pure functions on doubles.
 *
 * At each time a transform is a map u = (x - base) / unit, which depends on the readings before x
 * alone. Its state is what it has to know of these: a few values, each of them two floats of a
 * model's state (gru.h), to which every value is rounded on the way in. So it does not matter how
 * many readings go in before the state is stored.
 */
#ifndef TRANSFORM_H
#define TRANSFORM_H

#include "gru.h"

/* unit 0: the transform is not known yet. The network sees the input's mean then, and the forecast
 * is the base. */
struct transform_map {
    double base, unit;
};

/* Whether it is known. */
static inline bool gru_transform_is_known(struct transform_map map)
{
    return map.unit > 0;
}

static inline double gru_transform_invert(struct transform_map map, double u)
{
    return gru_transform_is_known(map) ? map.base + map.unit * u : map.base;
}

/* `mean`: of the input, in u's units. */
static inline double gru_transform_apply(struct transform_map map, double x, double mean)
{
    return gru_transform_is_known(map) ? (x - map.base) / map.unit : mean;
}

/* How many readings after the first one it is known, or (a scale, of readings that differ) can be.
 */
size_t gru_transform_lag(const struct gru_transform *transform);
/* u of the reading so many steps ahead, from 1, if all up to it are `last`. next: the map of the
 * reading that comes next; then: of that one, of a season. Of a level as if its rate were constant;
 * `mean` where nothing is known. */
double gru_transform_same(const struct gru_transform *transform, struct transform_map next,
                          struct transform_map then, double last, size_t ahead, double mean);
/* Floats of its state. */
size_t gru_transform_floats(const struct gru_transform *transform);
/* Before the first reading. */
void gru_transform_init(const struct gru_transform *transform, float *state);
/* The map of the reading that comes next. */
struct transform_map gru_transform_map(const struct gru_transform *transform, const float *state);
/* Takes a raw reading in. NaN, which stands before the first one alone, changes nothing. */
void gru_transform_push(const struct gru_transform *transform, float *state, double x);

/* Takes a reading of an input that has a transform; returns it as the network sees it, but not
 * normalised. x: NaN where it is missing, and then what the policy makes of it; before the first
 * reading that is none, and the network sees the mean. state: the transform's part of a state.
 * *ret_raw: what was taken in, or NaN. */
double gru_read_transformed(const struct gru_info *info, size_t i, double x, double *last,
                            const double *y, float *state, double *ret_raw);

enum { TRANSFORM_LEVEL_FLOATS = 6 };

/* The maps of readings further ahead, where forecasts stand for those in between: without a copy of
 * a season. Begins as { transform, state, forecasts, stride }; the forecast of step k is at
 * forecasts[k * stride]. */
struct transform_walk {
    const struct gru_transform *transform;
    const float *state;
    const double *forecasts;
    size_t stride;
    size_t n;                            /* forecasts that were taken in */
    float level[TRANSFORM_LEVEL_FLOATS]; /* the state of a level, once any was */
};
struct transform_map gru_transform_walk_map(const struct transform_walk *walk);
/* Takes the next forecast in. */
void gru_transform_walk_on(struct transform_walk *walk);

#endif
