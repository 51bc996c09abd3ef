/*
 * readings.h - readings on their way into the network, as a run and a training see them. Private to
 * lib/engine; pure functions.
 */
#ifndef READINGS_H
#define READINGS_H

#include "engine/model.h"

#include <math.h>

/* What a missing input becomes, by the model's policy: the forecast for it, else its last observed
 * value, else its mean (docs/MODELS.md, "missing"). last: [I], y: [S * O] or at least its first
 * step; NaN: none yet.
 */
double gru_fill_missing(const struct gru_info *info, size_t i, const double *last, const double *y);

/* Takes a reading of an input that has no transform; returns it as the network sees it, but not
 * normalised, and the same in *ret_raw. x: NaN where it is missing. */
static inline double gru_read_plain(const struct gru_info *info, size_t i, double x, double *last,
                                    const double *y, double *ret_raw)
{
    if (isnan(x)) {
        *ret_raw = gru_fill_missing(info, i, last, y);
    } else {
        *ret_raw = gru_reading(info, x);
        last[i] = *ret_raw;
    }
    return *ret_raw;
}

/* A raw value as the network sees it. */
static inline float gru_normalise(const struct gru_variable *variable, double raw)
{
    return (float)((raw - variable->mean) / variable->std);
}

#endif
