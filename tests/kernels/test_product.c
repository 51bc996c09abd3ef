/* Sums of outer products: by our own kernels, by OpenBLAS, and by whichever is faster. */
#include "kernels/product.h"
#include "reference.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static void by_best(const struct k_ops *ops, const struct k_outer *outer)
{
    ops->train->add_outer(outer);
}

static void by_blas(const struct k_ops *ops, const struct k_outer *outer)
{
    (void)ops;
    k_blas_add_outer(outer);
}

typedef void add_fn(const struct k_ops *, const struct k_outer *);

static void check_outer(const struct k_ops *ops, add_fn *add, size_t m, size_t n, size_t n_rows)
{
    const size_t lda = m + 3, ldb = k_padded(n) + K_BLOCK, ldc = ldb;
    float *a = new_floats(n_rows * lda), *b = new_floats(n_rows * ldb), *c = new_floats(m * ldc);
    fill_random(a, n_rows * lda, 1.0f, 1);
    fill_random(b, n_rows * ldb, 1.0f, 2);
    fill_random(c, m * ldc, 1.0f, 3);
    float *was = new_floats(m * ldc);
    memcpy(was, c, m * ldc * sizeof *c);
    const struct k_outer outer = { n_rows, m, n, a, b, lda, ldb, c, ldc };
    add(ops, &outer);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double want = (double)was[i * ldc + j];
            for (size_t row = 0; row < n_rows; row++) {
                want += (double)a[row * lda + i] * (double)b[row * ldb + j];
            }
            ck_assert_double_eq_tol((double)c[i * ldc + j], want, 1e-4);
        }
        ck_assert_mem_eq(c + i * ldc + k_padded(n), was + i * ldc + k_padded(n),
                         K_BLOCK * sizeof *c);
    }
    free(a);
    free(b);
    free(c);
    free(was);
}

static void check_outers(const struct k_ops *ops, add_fn *add)
{
    static const size_t sizes[] = { 1, 2, 7, 8, 9, 16, 33, 48, 80 };
    for (size_t a = 0; a < 9; a++) {
        for (size_t b = 0; b < 9; b++) {
            check_outer(ops, add, sizes[a], sizes[b], 1 + (a * 9 + b) % 20);
        }
    }
}

TEST(outer_products_add_up)
{
    for (size_t table = 0; k_table(table); table++) {
        check_outers(k_table(table), by_best);
    }
    check_outers(k_best(), by_blas);
}

TEST(outer_products_of_any_size_add_up)
{
    check_outer(k_best(), k_add_outer, 40, 48, 5);
    check_outer(k_best(), k_add_outer, 400, 1200, 3); /* beyond the caches */
}

TEST(blas_is_the_build_with_locks)
{
    ck_assert(k_blas_prepare());
}
