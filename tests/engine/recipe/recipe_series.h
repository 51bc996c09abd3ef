/* recipe_series.h - series with and without trends, seasons and gaps, for tests of recipes; any
 * failure ends the test. */
#ifndef RECIPE_SERIES_H
#define RECIPE_SERIES_H

#include <stddef.h>
#include <stdint.h>

/* x[t] = level + trend t + amplitude sin(2 pi t / period) + noise e_t + what the steps of a random
 * walk add up to; e and the steps are of the seed. Of missing in 1000 readings there are none. */
struct recipe_series {
    double level, trend, amplitude, period, noise, walk;
    unsigned missing;
    uint64_t seed;
};

void recipe_series_fill(const struct recipe_series *series, double *x, size_t n_rows);
/* A column of tests/fixtures/evaluate; the caller frees it. */
double *recipe_series_read(const char *name, size_t *ret_n_rows);

#endif
