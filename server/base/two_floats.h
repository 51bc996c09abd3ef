/*
 * two_floats.h - a value of 48 bits as two floats: the nearest one, and what that leaves. How raw
 * values of a wide model are kept (gru_reading); pure.
 */
#ifndef TWO_FLOATS_H
#define TWO_FLOATS_H

#include <math.h>

struct two_floats {
    float high, rest;
};

/* What is beyond a float's range is infinite; NaN is NaN. */
static inline struct two_floats two_floats_of(double value)
{
    const float high = (float)value;
    return (struct two_floats){ high, isinf(high) ? 0.0F : (float)(value - (double)high) };
}

static inline double two_floats_sum(float high, float rest)
{
    return (double)high + (double)rest;
}

#endif
