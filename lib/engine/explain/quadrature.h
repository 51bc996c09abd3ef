/*
 * quadrature.h - Gauss's formulas for integrals from 0 to 1. Private to lib/engine/explain; pure
 * functions.
 */
#ifndef QUADRATURE_H
#define QUADRATURE_H

#include <stddef.h>

/* n points, ascending, and their weights, whose sum is 1: exact for polynomials of degree below 2n
 * (C. F. Gauss, "Methodus nova integralium valores per approximationem inveniendi", 1814). */
void gru_quadrature(size_t n, double *points, double *weights);

#endif
