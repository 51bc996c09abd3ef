/* The products of training, and dropout. */
#include "kernels/train.h"
#include "reference.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- y = w^T x ---- */

static void check_transposed(const struct k_ops *ops, size_t n_planes, size_t h, size_t k,
                             size_t n_rows)
{
    static const unsigned char gates[] = { 2, 0, 1 };
    const size_t hp = k_padded(h), kp = k_padded(k);
    const struct k_matrix m = { .n = k,
                                .k = n_planes * hp,
                                .packed = new_floats(k_transposed_floats(n_planes, hp, k)) };
    float *w = new_floats(3 * h * k), *x = new_floats(n_rows * m.k), *y = new_floats(n_rows * kp);
    fill_random(w, 3 * h * k, 1.0f, 1);
    fill_random(x, n_rows * m.k, 1.0f, 2);
    k_pack_transposed(w, gates, n_planes, h, hp, k, m.packed);
    ops->train->back_project(&m, n_rows, x, m.k, y, kp);
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t column = 0; column < kp; column++) {
            double want = 0;
            for (size_t j = 0; column < k && j < n_planes * h; j++) {
                const size_t plane = j / h, unit = j % h;
                want += (double)w[(gates[plane] * h + unit) * k + column] *
                        (double)x[row * m.k + plane * hp + unit];
            }
            ck_assert_double_eq_tol((double)y[row * kp + column], want, 1e-4);
        }
    }
    free(m.packed);
    free(w);
    free(x);
    free(y);
}

TEST(transposed_products_are_products)
{
    static const size_t sizes[] = { 1, 3, 16, 37, 70 };
    for (size_t table = 0; k_table(table); table++) {
        for (size_t a = 0; a < 5; a++) {
            for (size_t b = 0; b < 5; b++) {
                check_transposed(k_table(table), 1 + (a + b) % 3, sizes[a], sizes[b],
                                 1 + a * 3 + b);
            }
        }
    }
}

/* ---- dropout ---- */

enum { DROP_ROWS = 300, DROP_UNITS = 37, DROP_PADDED = 48 };

static float *dropped(const struct k_ops *ops, double p, uint64_t key, size_t first_row,
                      size_t n_rows)
{
    const struct k_drop drop = {
        .n_rows = n_rows, .n = DROP_UNITS, .first_row = first_row, .p = p, .key = key
    };
    float *ones = new_floats(DROP_ROWS * DROP_PADDED);
    for (size_t k = 0; k < DROP_ROWS * DROP_PADDED; k++) {
        ones[k] = 1.0f;
    }
    ops->train->drop(&drop, ones, ones);
    return ones;
}

/* Kept values are scaled so that the mean stays; a fraction p of them is zero, in every row and
 * column. */
TEST(dropout_keeps_the_mean)
{
    static const double chances[] = { 0.05, 0.3, 0.5, 0.95 };
    for (size_t k = 0; k < 4; k++) {
        const double p = chances[k], n = DROP_ROWS * DROP_UNITS;
        float *y = dropped(k_best(), p, 123 + k, 0, DROP_ROWS);
        double n_dropped = 0, by_column[DROP_UNITS] = { 0 };
        for (size_t row = 0; row < DROP_ROWS; row++) {
            for (size_t j = 0; j < DROP_UNITS; j++) {
                const float value = y[row * DROP_PADDED + j];
                ck_assert(value == 0.0f || fabs((double)value - 1 / (1 - p)) < 1e-5 / (1 - p));
                n_dropped += value == 0.0f;
                by_column[j] += value == 0.0f;
            }
        }
        ck_assert_double_eq_tol(n_dropped / n, p, 5 * sqrt(p * (1 - p) / n));
        for (size_t j = 0; j < DROP_UNITS; j++) {
            ck_assert_double_eq_tol(by_column[j] / DROP_ROWS, p, 5 * sqrt(p * (1 - p) / DROP_ROWS));
        }
        free(y);
    }
}

TEST(dropout_depends_on_key_row_and_unit_alone)
{
    const size_t n_bytes = DROP_ROWS * DROP_PADDED * sizeof(float),
                 row = DROP_PADDED * sizeof(float);
    float *all = dropped(k_best(), 0.4, 9, 0, DROP_ROWS),
          *other = dropped(k_best(), 0.4, 10, 0, DROP_ROWS);
    float *part = dropped(k_best(), 0.4, 9, 100, 20);
    ck_assert_mem_ne(all, other, n_bytes);
    ck_assert_mem_ne(all, all + DROP_PADDED, row);
    ck_assert_mem_eq(part, all + (size_t)100 * DROP_PADDED, 20 * row);
    for (size_t table = 0; k_table(table); table++) {
        float *same = dropped(k_table(table), 0.4, 9, 0, DROP_ROWS);
        ck_assert_mem_eq(same, all, n_bytes);
        free(same);
    }
    free(all);
    free(other);
    free(part);
}

TEST(what_is_dropped_is_zero_even_if_it_was_not_finite)
{
    const struct k_drop drop = { .n_rows = 1, .n = DROP_PADDED, .p = 0.5, .key = 1 };
    float *y = new_floats(DROP_PADDED);
    size_t n_zero = 0, n_nan = 0;
    k_best()->train->drop(&drop, y, y);
    for (size_t j = 0; j < DROP_PADDED; j++) {
        n_zero += y[j] == 0.0f;
        n_nan += isnan(y[j]);
    }
    ck_assert_uint_eq(n_zero + n_nan, DROP_PADDED);
    ck_assert(n_zero > 0 && n_nan > 0);
    free(y);
}
