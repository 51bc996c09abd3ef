/*
 * product.h - OpenBLAS, for the products that are large enough for it. Any thread, once it is
 * prepared.
 */
#ifndef PRODUCT_H
#define PRODUCT_H

#include "kernels/train.h"

/* Sets OpenBLAS to one thread in the whole process. False: it is the serial build, which has no
 * locks and gives wrong results as soon as two threads use it. */
bool k_blas_prepare(void);

/* k_train_ops.add_outer by cblas_sgemm: in another order of additions, but always the same for one
 * shape. Its sizes and strides fit an int. */
void k_blas_add_outer(const struct k_outer *outer);
/* By whichever of the two is faster. The shape alone decides. */
void k_add_outer(const struct k_ops *ops, const struct k_outer *outer);

#endif
