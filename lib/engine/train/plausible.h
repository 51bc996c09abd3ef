/*
 * plausible.h - which values of a column can be readings at all; the rule and its function are
 * public (gru_validation.h). Pure; any thread. Private to lib/engine/train.
 */
#ifndef PLAUSIBLE_H
#define PLAUSIBLE_H

#include <stddef.h>

enum { PLAUSIBLE_LEAST = 10 }; /* of fewer values nothing is said */

void gru_doubles_sort(double *values, size_t n);

#endif
