/*
 * gru_recipe.h - what readings say of how they are to be forecast, before anything is trained. A
 * part of gru.h, which includes it; libgru-infer has none of it.
 */
#ifndef GRU_RECIPE_H
#define GRU_RECIPE_H

/* ---- the season ------------------------------------------------------------------------------ */

/*
 * What the training part says of a season, by the autocorrelation r of the changes from row to row,
 * which a trend or a random walk does not reach. A lag s is one, if r_s is a peak behind the first
 * lag whose r is not above 0, at least GRU_SEASON_LEAST, and beyond what the lags before it explain
 * at 95 %,
 *
 *     r_s > 1.645 sqrt((1 + 2 (r_1^2 + ... + r_{s-1}^2)) / n)
 *
 * (M. S. Bartlett, "On the theoretical specification and sampling properties of autocorrelated
 * time-series", 1946). Of several the shortest one is taken whose r is at least 0.75 of the largest
 * and no less than those of lags up to 1.25 as long; one that the interval suggests (a day, a week,
 * a year) goes before others. A season is in the data at least three times, and has at most 1000
 * rows.
 */
#define GRU_SEASON_LEAST 0.3
struct gru_season {
    size_t season;   /* in rows; 0: there is none */
    double r, bound; /* of that lag, or, if there is none, of the best one: r and what it had to be
                        beyond. NaN: the rows are too few, or all alike */
    size_t lag;      /* of r; 0: none was looked at */
};

/* Of a column of [n_rows][stride] readings, NaN: missing. GRU_NO_MEMORY. */
GRU_API GRU_CHECK enum gru_status gru_season_find(const double *x, size_t n_rows, size_t stride,
                                                  double interval_seconds,
                                                  struct gru_season *ret_season);

#endif
