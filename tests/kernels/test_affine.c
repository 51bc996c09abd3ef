/* Packed products: the read-out and the input projection. */
#include "reference.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t sizes[] = { 1, 2, 4, 5, 15, 16, 17, 32, 37, 100, 192 };
enum { N_SIZES = sizeof sizes / sizeof *sizes, N_ROWS = 33, MARGIN = 3 };

/* A random matrix, its bias and inputs whose rows lie MARGIN floats apart. */
struct problem {
    size_t n, k, ldx, ldy;
    float *w, *bias, *x, *y;
    struct k_matrix m;
};

static void problem_create(struct problem *p, size_t n, size_t k)
{
    *p = (struct problem){ .n = n, .k = k, .ldx = k + MARGIN, .ldy = k_padded(n) + MARGIN };
    p->w = new_floats(n * k);
    p->bias = new_floats(k_padded(n));
    p->x = new_floats(N_ROWS * p->ldx);
    p->y = new_floats(N_ROWS * p->ldy);
    p->m = (struct k_matrix){ .n = n, .k = k, .packed = new_floats(k_packed_floats(n, k)) };
    fill_random(p->w, n * k, 1.0f, (unsigned)(n + k));
    memset(p->bias, 0, k_padded(n) * sizeof *p->bias);
    fill_random(p->bias, n, 1.0f, 7);
    for (size_t row = 0; row < N_ROWS; row++) {
        fill_random(p->x + row * p->ldx, k, 1.0f, (unsigned)row); /* NaN stays between the rows */
    }
    k_pack(p->w, n, k, p->m.packed);
}

static void problem_free(struct problem *p)
{
    free(p->w);
    free(p->bias);
    free(p->x);
    free(p->y);
    free(p->m.packed);
}

static void for_every_problem(void (*check)(const struct k_ops *, struct problem *))
{
    for (size_t n = 0; n < N_SIZES; n++) {
        for (size_t k = 0; k < N_SIZES; k++) {
            struct problem p;
            problem_create(&p, sizes[n], sizes[k]);
            for (size_t table = 0; k_table(table); table++) {
                check(k_table(table), &p);
            }
            problem_free(&p);
        }
    }
}

static void check_sums(const struct k_ops *ops, struct problem *p)
{
    ops->affine(&p->m, p->bias, N_ROWS, p->x, p->ldx, p->y, p->ldy);
    for (size_t row = 0; row < N_ROWS; row++) {
        for (size_t j = 0; j < p->n; j++) {
            double want = (double)p->bias[j], size = fabs(want);
            for (size_t i = 0; i < p->k; i++) {
                double term = (double)p->w[j * p->k + i] * (double)p->x[row * p->ldx + i];
                want += term;
                size += fabs(term);
            }
            double got = (double)p->y[row * p->ldy + j];
            ck_assert_msg(fabs(got - want) <= 1e-6 * size,
                          "%s n %zu k %zu row %zu output %zu: %.9g, not %.9g", ops->name, p->n,
                          p->k, row, j, got, want);
        }
    }
}

TEST(affine_is_bias_plus_matrix_times_row)
{
    for_every_problem(check_sums);
}

static void check_batches(const struct k_ops *ops, struct problem *p)
{
    ops->affine(&p->m, p->bias, N_ROWS, p->x, p->ldx, p->y, p->ldy);
    float *part = new_floats(N_ROWS * p->ldy);
    for (size_t n_rows = 1; n_rows < N_ROWS; n_rows++) {
        const size_t skip = N_ROWS - n_rows;
        ops->affine(&p->m, p->bias, n_rows, p->x + skip * p->ldx, p->ldx, part, p->ldy);
        for (size_t row = 0; row < n_rows; row++) {
            ck_assert_mem_eq(part + row * p->ldy, p->y + (skip + row) * p->ldy,
                             p->n * sizeof *part);
        }
    }
    free(part);
}

TEST(affine_gives_a_row_the_same_bits_in_every_batch)
{
    for_every_problem(check_batches);
}

static void check_nan(const struct k_ops *ops, struct problem *p)
{
    static const float bad[] = { NAN, INFINITY };
    float *kept = p->x + 5 * p->ldx + p->k - 1;
    const float before = *kept;
    for (size_t i = 0; i < 2; i++) {
        *kept = bad[i];
        ops->affine(&p->m, p->bias, N_ROWS, p->x, p->ldx, p->y, p->ldy);
        for (size_t row = 0; row < N_ROWS; row++) {
            for (size_t j = 0; j < p->n; j++) {
                ck_assert(!isfinite(p->y[row * p->ldy + j]) == (row == 5));
            }
        }
    }
    *kept = before;
}

TEST(affine_carries_nan_and_infinity_to_their_row_and_no_other)
{
    for_every_problem(check_nan);
}

/* y has room for k_padded(n) per row, and nothing beyond is touched. */
static void check_margins(const struct k_ops *ops, struct problem *p)
{
    for (size_t i = 0; i < N_ROWS * p->ldy; i++) {
        p->y[i] = NAN;
    }
    ops->affine(&p->m, p->bias, N_ROWS, p->x, p->ldx, p->y, p->ldy);
    for (size_t row = 0; row < N_ROWS; row++) {
        for (size_t j = k_padded(p->n); j < p->ldy; j++) {
            ck_assert(isnan(p->y[row * p->ldy + j]));
        }
    }
}

TEST(affine_writes_no_further_than_a_padded_row)
{
    for_every_problem(check_margins);
}

/* ---- the input projection -------------------------------------------------------------------- */

TEST(project_pads_every_gate_with_zeros)
{
    for (size_t table = 0; k_table(table); table++) {
        struct cell cell;
        cell_create(&cell, K_OUTPUT_GATE_AFTER, 3, 21);
        float x[2 * 3] = { 1, 2, 3, 4, 5, 6 };
        const size_t n = cell.layer.wx.n;
        float *pre = new_floats(2 * n);
        k_table(table)->project(&cell.layer, 2, x, 3, pre);
        for (size_t i = 0; i < 2 * n; i++) {
            size_t unit = i % n / (4 * K_BLOCK) * K_BLOCK + i % K_BLOCK;
            ck_assert((pre[i] == 0.0f) == (unit >= 21));
        }
        free(pre);
        cell_free(&cell);
    }
}
