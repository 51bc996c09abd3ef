/*
 * See quadrature.h. The points are the zeros of Legendre's polynomial P_n, found by Newton's method
 * from Tricomi's approximation; the weight of a zero z is 2 / ((1 - z^2) P_n'(z)^2) on [-1, 1].
 */
#include "engine/explain/quadrature.h"

#include <math.h>

/* P_n at z by its recurrence, and its derivative. */
static double legendre(size_t n, double z, double *ret_slope)
{
    double before = 0, now = 1;
    for (size_t k = 0; k < n; k++) {
        const double next = ((2 * (double)k + 1) * z * now - (double)k * before) / ((double)k + 1);
        before = now;
        now = next;
    }
    *ret_slope = (double)n * (z * now - before) / (z * z - 1);
    return now;
}

void gru_quadrature(size_t n, double *points, double *weights)
{
    enum { NEWTON_STEPS = 6 }; /* each doubles the digits, of which three are right */
    const double pi = acos(-1.0);
    for (size_t k = 0; k < n; k++) {
        double z = cos(pi * ((double)(n - k) - 0.25) / ((double)n + 0.5)), slope;
        for (size_t step = 0; step < NEWTON_STEPS; step++) {
            z -= legendre(n, z, &slope) / slope;
        }
        legendre(n, z, &slope);
        points[k] = (1 + z) / 2;
        weights[k] = 1 / ((1 - z * z) * slope * slope);
    }
}
