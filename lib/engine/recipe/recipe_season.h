/*
 * recipe_season.h - the autocorrelation of changes, of several columns together, and the season in
 * it (gru_recipe.h). Private to lib/engine/recipe; pure functions.
 */
#ifndef RECIPE_SEASON_H
#define RECIPE_SEASON_H

#include "gru.h"

/* Longer seasons are not looked for, and of a longer column its last rows tell the same. */
enum { SEASON_LAGS_MAX = 1000, SEASON_ROWS_MAX = 20000, SEASON_CYCLES_LEAST = 3 };

/* Begins as zeros. */
struct season_sums {
    double r[SEASON_LAGS_MAX + 2]; /* of each lag, times `weights` */
    double weights[SEASON_LAGS_MAX + 2];
};

/* Takes a column in, with as much weight as it has changes. One that does not change says nothing.
 * GRU_NO_MEMORY. */
GRU_CHECK enum gru_status gru_season_add(struct season_sums *sums, const double *x, size_t n_rows,
                                         size_t stride);
/* n_outputs: columns are as many series of so many outputs. */
struct gru_season gru_season_choose(const struct season_sums *sums, size_t n_outputs,
                                    double interval_seconds);

#endif
