/* The time step of every cell, in every table that this processor can run. */
#include "reference.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_STEPS = 6 };

static const size_t hidden_sizes[] = { 1, 5, 16, 37, 64, 100 };
static const size_t batches[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 33 };
enum {
    N_HIDDEN = sizeof hidden_sizes / sizeof *hidden_sizes,
    N_BATCHES = sizeof batches / sizeof *batches
};

/* Calls check for every table, cell and hidden size; the number of inputs goes along from 1 to 9.
 */
static void for_every_cell(void (*check)(const struct k_ops *, const struct cell *))
{
    for (int kind = 0; kind < K_N_CELLS; kind++) {
        for (size_t i = 0; i < N_HIDDEN; i++) {
            struct cell cell;
            cell_create(&cell, (enum k_cell)kind, 1 + (i * 5 + (size_t)kind) % 9, hidden_sizes[i]);
            for (size_t table = 0; k_table(table); table++) {
                check(k_table(table), &cell);
            }
            cell_free(&cell);
        }
    }
}

/* What a run gives and takes. */
struct run {
    size_t n_rows, n_y;
    float *x, *y, *h, *c;
};

static struct run run_create(const struct cell *cell, size_t n_rows)
{
    struct run run = { .n_rows = n_rows, .n_y = N_STEPS * n_rows * cell->hp };
    run.x = new_floats(N_STEPS * n_rows * cell->i);
    run.y = new_floats(run.n_y);
    run.h = new_floats(n_rows * cell->hp);
    run.c = new_floats(n_rows * cell->hp);
    fill_random(run.x, N_STEPS * n_rows * cell->i, 2.0f, (unsigned)n_rows);
    return run;
}

static void run_free(struct run *run)
{
    free(run->x);
    free(run->y);
    free(run->h);
    free(run->c);
}

static void run_do(const struct k_ops *ops, const struct cell *cell, struct run *run, bool by_step)
{
    cell_run(ops, cell, N_STEPS, run->n_rows, run->x, run->y, run->h, run->c, by_step);
}

static void check_row(const struct k_ops *ops, const struct cell *cell, const struct run *run,
                      size_t row)
{
    double h[128] = { 0 }, c[128] = { 0 }, out[128];
    for (size_t t = 0; t < N_STEPS; t++) {
        size_t at = t * run->n_rows + row;
        cell_step(cell, run->x + at * cell->i, h, c, out);
        for (size_t j = 0; j < cell->hp; j++) {
            double want = j < cell->h ? out[j] : 0.0;
            double tolerance = j < cell->h ? 5e-6 : 0.0;
            ck_assert_msg(fabs((double)run->y[at * cell->hp + j] - want) <= tolerance,
                          "%s cell %d H %zu B %zu row %zu step %zu unit %zu: %.9g, not %.9g",
                          ops->name, cell->kind, cell->h, run->n_rows, row, t, j,
                          (double)run->y[at * cell->hp + j], want);
        }
    }
    for (size_t j = 0; j < cell->h; j++) {
        ck_assert_double_eq_tol((double)run->h[row * cell->hp + j], h[j], 5e-6);
        if (k_cells[cell->kind].has_memory) {
            ck_assert_double_eq_tol((double)run->c[row * cell->hp + j], c[j], 5e-6);
        }
    }
}

static void check_equations(const struct k_ops *ops, const struct cell *cell)
{
    for (size_t i = 0; i < N_BATCHES; i++) {
        struct run run = run_create(cell, batches[i]);
        run_do(ops, cell, &run, false);
        for (size_t row = 0; row < run.n_rows; row++) {
            check_row(ops, cell, &run, row);
        }
        run_free(&run);
    }
}

TEST(every_cell_follows_its_equations)
{
    for_every_cell(check_equations);
}

static void check_batches(const struct k_ops *ops, const struct cell *cell)
{
    struct run whole = run_create(cell, 33);
    run_do(ops, cell, &whole, false);
    for (size_t i = 0; i < N_BATCHES; i++) {
        struct run part = run_create(cell, batches[i]);
        const size_t skip = 33 - part.n_rows;
        for (size_t t = 0; t < N_STEPS; t++) {
            memcpy(part.x + t * part.n_rows * cell->i, whole.x + (t * 33 + skip) * cell->i,
                   part.n_rows * cell->i * sizeof(float));
        }
        run_do(ops, cell, &part, false);
        for (size_t t = 0; t < N_STEPS; t++) {
            ck_assert_mem_eq(part.y + t * part.n_rows * cell->hp,
                             whole.y + (t * 33 + skip) * cell->hp,
                             part.n_rows * cell->hp * sizeof(float));
        }
        run_free(&part);
    }
    run_free(&whole);
}

TEST(a_row_has_the_same_bits_in_every_batch)
{
    for_every_cell(check_batches);
}

static void check_cuts(const struct k_ops *ops, const struct cell *cell)
{
    struct run at_once = run_create(cell, 5), by_step = run_create(cell, 5);
    run_do(ops, cell, &at_once, false);
    run_do(ops, cell, &by_step, true);
    ck_assert_mem_eq(at_once.y, by_step.y, at_once.n_y * sizeof(float));
    ck_assert_mem_eq(at_once.h, by_step.h, 5 * cell->hp * sizeof(float));
    run_free(&at_once);
    run_free(&by_step);
}

TEST(projecting_all_steps_at_once_gives_the_bits_of_one_by_one)
{
    for_every_cell(check_cuts);
}

/* The panels are walked forwards or backwards by the order of the two state buffers. */
static void check_direction(const struct k_ops *ops, const struct cell *cell)
{
    const size_t n = 3 * cell->hp;
    float *x = new_floats(3 * cell->i), *pre = new_floats(cell->n_gates * n),
          *h = new_floats(3 * n);
    float *c = new_floats(2 * n), *out = new_floats(2 * n);
    float *scratch = new_floats(k_recur_scratch(&cell->layer, 3));
    fill_random(x, 3 * cell->i, 2.0f, 1);
    fill_random(h + n, n, 1.0f, 2);
    memset(c, 0, 2 * n * sizeof *c);
    ops->project(&cell->layer, 3, x, cell->i, pre);
    ops->recur(&cell->layer, 3, pre, h + n, h, c, out, scratch);
    ops->recur(&cell->layer, 3, pre, h + n, h + 2 * n, c + n, out + n, scratch);
    ck_assert_mem_eq(h, h + 2 * n, n * sizeof *h);
    free(x);
    free(pre);
    free(h);
    free(c);
    free(out);
    free(scratch);
}

TEST(the_order_of_the_state_buffers_changes_no_bit)
{
    for_every_cell(check_direction);
}

static void check_nan(const struct k_ops *ops, const struct cell *cell)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    for (size_t i = 0; i < 3; i++) {
        struct run clean = run_create(cell, 9), dirty = run_create(cell, 9);
        dirty.x[4 * cell->i] = bad[i]; /* step 0, row 4 */
        run_do(ops, cell, &clean, false);
        run_do(ops, cell, &dirty, false);
        for (size_t at = 0; at < N_STEPS * 9; at++) {
            const float *y = dirty.y + at * cell->hp, *want = clean.y + at * cell->hp;
            if (at % 9 != 4) {
                ck_assert_mem_eq(y, want, cell->hp * sizeof *y);
                continue;
            }
            for (size_t j = 0; j < cell->hp; j++) {
                bool is_nan = isnan(bad[i]) && j < cell->h;
                ck_assert(is_nan ? isnan(y[j]) : j < cell->h || y[j] == 0.0f);
            }
        }
        run_free(&clean);
        run_free(&dirty);
    }
}

TEST(nan_reaches_its_own_row_and_neither_others_nor_the_padding)
{
    for_every_cell(check_nan);
}

static void check_state_nan(const struct k_ops *ops, const struct cell *cell)
{
    float *x = new_floats(cell->i), *pre = new_floats(cell->n_gates * cell->hp),
          *h = new_floats(cell->hp);
    float *next = new_floats(cell->hp), *c = new_floats(cell->hp), *out = new_floats(cell->hp);
    float *scratch = new_floats(k_recur_scratch(&cell->layer, 1));
    fill_random(x, cell->i, 1.0f, 1);
    memset(h, 0, cell->hp * sizeof *h);
    memset(c, 0, cell->hp * sizeof *c);
    h[cell->h - 1] = NAN;
    ops->project(&cell->layer, 1, x, cell->i, pre);
    ops->recur(&cell->layer, 1, pre, h, next, c, out, scratch);
    for (size_t j = 0; j < cell->h; j++) {
        ck_assert(isnan(next[j]));
    }
    h[cell->h - 1] = INFINITY;
    ops->recur(&cell->layer, 1, pre, h, next, c, out, scratch);
    ck_assert(!isfinite(next[cell->h - 1]));
    free(x);
    free(pre);
    free(h);
    free(next);
    free(c);
    free(out);
    free(scratch);
}

TEST(a_state_that_is_not_finite_does_not_become_finite)
{
    for_every_cell(check_state_nan);
}

/* Every table ends within rounding of the others, so a model may move between machines. */
static void check_tables_agree(const struct k_ops *ops, const struct cell *cell)
{
    struct run best = run_create(cell, 4), this = run_create(cell, 4);
    run_do(k_table(0), cell, &best, false);
    run_do(ops, cell, &this, false);
    for (size_t i = 0; i < best.n_y; i++) {
        ck_assert_float_eq_tol(this.y[i], best.y[i], 5e-6f);
    }
    run_free(&best);
    run_free(&this);
}

TEST(tables_agree_within_rounding)
{
    for_every_cell(check_tables_agree);
}
