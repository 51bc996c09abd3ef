#include "engine/recipe/recipe_series.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Uniform in [-1, 1). */
static double draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (double)(*seed >> 40) / (1 << 23) - 1;
}

void recipe_series_fill(const struct recipe_series *series, double *x, size_t n_rows)
{
    const double pi = 3.14159265358979323846;
    uint64_t seed = series->seed;
    double walked = 0;
    for (size_t t = 0; t < n_rows; t++) {
        const double swing = series->amplitude > 0 ? sin(2 * pi * (double)t / series->period) : 0;
        walked += series->walk * draw(&seed);
        x[t] = series->level + series->trend * (double)t + series->amplitude * swing +
               series->noise * draw(&seed) + walked;
        if (500 * (draw(&seed) + 1) < series->missing) {
            x[t] = (double)NAN;
        }
    }
}

double *recipe_series_read(const char *name, size_t *ret_n_rows)
{
    enum { ROWS_MAX = 4000 };
    char path[128], line[128];
    snprintf(path, sizeof path, "tests/fixtures/evaluate/%s.csv", name);
    FILE *file = fopen(path, "r");
    double *x = calloc(ROWS_MAX, sizeof *x);
    ck_assert(file && x);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file)); /* the names */
    size_t n = 0;
    while (n < ROWS_MAX && fgets(line, sizeof line, file)) {
        const char *comma = strchr(line, ',');
        ck_assert_ptr_nonnull(comma);
        x[n++] = strtod(comma + 1, NULL);
    }
    fclose(file);
    *ret_n_rows = n;
    return x;
}
