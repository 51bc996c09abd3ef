/*
 * back_test.h - a rolling-origin back-test: forecasts that were made from each row of a series in
 * turn, compared with what came (L. J. Tashman, "Out-of-sample tests of forecasting accuracy", Int.
 * J. Forecasting 16(4), 2000). It knows no model: forecasts come in, figures go out. Prediction
 * intervals are those that a session would have given: the tracker is fed with one origin after the
 * other, and an interval is scored as it was issued. Pure but for the arena; one thread at a time.
 */
#ifndef BACK_TEST_H
#define BACK_TEST_H

#include "base/arena.h"
#include "service/scores/error_measures.h"
#include "service/scores/interval_tracker.h"

#include <stdbool.h>
#include <stddef.h>

/* The caller fills the upper part. */
struct back_test {
    const double *values; /* [n_values][O] what the outputs forecast, row by row; NaN: missing */
    size_t n_values, n_outputs;
    size_t horizon;                      /* H: steps ahead, from 1 */
    size_t season;                       /* 0: none */
    double level;                        /* of the intervals; 0: none */
    bool is_wide;                        /* the values (gru.h) */
    struct interval_untracked untracked; /* outputs without a truth, so without intervals */

    /* its own: */
    size_t n_windows, n_done; /* origins in all, and those that were scored */
    struct error_sums *sums;  /* [H][O] */
    double *scales;           /* [O] of mase */
    double *last;             /* [O] the last value that was known */
    double *lower, *upper;    /* [H][O] */
    struct interval_layout layout;
    struct interval_levels levels;
    unsigned char *tracked; /* of the tracker */
};

/* Origins are the rows 0 to n_windows - 1, those with a row for each step ahead: n_values is more
 * than the horizon. False: no memory. */
bool back_test_begin(struct back_test *test, struct arena *arena);
/* The next origin's forecasts: [H][O], of the rows behind it. */
void back_test_take(struct back_test *test, const double *forecasts);

/* `ahead` steps ahead, from 1: means over the outputs. Of an output: over all steps ahead. Of all:
 * means over the outputs of these. */
struct error_figures back_test_ahead(const struct back_test *test, size_t ahead);
struct error_figures back_test_output(const struct back_test *test, size_t output);
struct error_figures back_test_all(const struct back_test *test);

#endif
