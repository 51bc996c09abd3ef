/* product.c - see product.h. */
#include "kernels/product.h"

#include <cblas.h>
#include <limits.h>

/* As long as the sums stay in the second-level cache, our own product is as fast or faster: it
 * copies nothing. Beyond, cutting them into blocks is worth the copies. */
enum { NEAR_BYTES = 1 << 20 };

bool k_blas_prepare(void)
{
    openblas_set_num_threads(1);
    return openblas_get_parallel() != 0;
}

void k_blas_add_outer(const struct k_outer *o)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)o->m, (int)o->n, (int)o->n_rows, 1.0F,
                o->a, (int)o->lda, o->b, (int)o->ldb, 1.0F, o->c, (int)o->ldc);
}

void k_add_outer(const struct k_ops *ops, const struct k_outer *o)
{
    const bool is_near = o->n <= NEAR_BYTES / sizeof(float) / o->m;
    const bool fits = o->n_rows <= INT_MAX && o->m <= INT_MAX && o->n <= INT_MAX &&
                      o->lda <= INT_MAX && o->ldb <= INT_MAX && o->ldc <= INT_MAX;
    if (is_near || !fits) {
        ops->train->add_outer(o);
    } else {
        k_blas_add_outer(o);
    }
}
