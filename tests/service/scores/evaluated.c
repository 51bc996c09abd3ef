#include "evaluated.h"
#include "test.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

const char *const evaluated_names[] = { "one",      "several", "missing",  "steps",
                                        "residual", "short",   "constant", NULL };

static double next(FILE *file)
{
    double value;
    ck_assert_int_eq(fscanf(file, "%lf", &value), 1);
    return value;
}

static double *next_floats(FILE *file, size_t n)
{
    double *values = calloc(n, sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t k = 0; k < n; k++) {
        values[k] = (float)next(file);
    }
    return values;
}

static struct error_figures *next_figures(FILE *file, size_t n)
{
    struct error_figures *figures = calloc(n, sizeof *figures);
    ck_assert_ptr_nonnull(figures);
    for (size_t k = 0; k < n; k++) {
        figures[k].n = (uint64_t)next(file);
        for (size_t m = 0; m < ERROR_N_MEASURES; m++) {
            figures[k].values[m] = next(file);
        }
        figures[k].n_intervals = (uint64_t)next(file);
    }
    return figures;
}

static void take_values(struct evaluated *e, const int *feeds)
{
    e->values = calloc(e->n_values * e->n_outputs, sizeof *e->values);
    ck_assert_ptr_nonnull(e->values);
    for (size_t t = 0; t < e->n_values; t++) {
        for (size_t o = 0; o < e->n_outputs; o++) {
            double value =
                t < e->n_rows && feeds[o] >= 0 ? e->x[t * e->n_inputs + (size_t)feeds[o]] : NAN;
            double given = e->y && t > 0 ? e->y[(t - 1) * e->n_outputs + o] : NAN;
            e->values[t * e->n_outputs + o] = isnan(value) ? given : value;
        }
    }
}

struct evaluated evaluated_load(const char *name, const int *feeds)
{
    struct evaluated e = { 0 };
    char path[80];
    snprintf(path, sizeof path, "tests/fixtures/evaluate/%s.txt", name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    e.n_inputs = (size_t)next(file);
    e.n_outputs = (size_t)next(file);
    e.horizon = (size_t)next(file);
    e.season = (size_t)next(file);
    e.level = next(file);
    e.n_rows = (size_t)next(file);
    bool has_y = next(file) != 0.0;
    e.n_values = e.n_rows + has_y;
    e.n_windows = e.n_values - e.horizon;
    size_t n = e.n_windows * e.horizon * e.n_outputs;
    e.x = next_floats(file, e.n_rows * e.n_inputs);
    e.y = has_y ? next_floats(file, e.n_rows * e.n_outputs) : NULL;
    e.forecasts = next_floats(file, n);
    e.bounds = next_floats(file, 2 * n);
    struct error_figures *all = next_figures(file, 1);
    e.all = *all;
    free(all);
    e.by_ahead = next_figures(file, e.horizon);
    e.by_output = next_figures(file, e.n_outputs);
    take_values(&e, feeds);
    fclose(file);
    return e;
}

void evaluated_free(struct evaluated *e)
{
    free(e->x);
    free(e->y);
    free(e->values);
    free(e->forecasts);
    free(e->bounds);
    free(e->by_ahead);
    free(e->by_output);
}

void expect_figures(const char *what, const struct error_figures *figures,
                    const struct error_figures *expected, enum error_measure first,
                    enum error_measure last, double tolerance)
{
    ck_assert_msg(figures->n == expected->n, "%s: n is %zu, not %zu", what, (size_t)figures->n,
                  (size_t)expected->n);
    for (enum error_measure m = first; m <= last; m++) {
        double a = figures->values[m], b = expected->values[m];
        ck_assert_msg((isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * fmax(1.0, fabs(b)),
                      "%s: %s is %.17g, not %.17g", what, error_measure_word(m), a, b);
    }
}
