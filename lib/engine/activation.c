/* See activation.h. */
#include "engine/activation.h"
#include "kernels/kernels.h"

void gru_activate(const struct gru_info *info, float *rows, size_t n_rows, size_t ld)
{
    const struct k_ops *ops = k_best();
    switch (info->activation) {
    case GRU_SIGMOID:
        ops->sigmoid(rows, n_rows, info->y_floats, ld);
        break;
    case GRU_TANH:
        ops->tanh(rows, n_rows, info->y_floats, ld);
        break;
    case GRU_SOFTMAX: /* each forecast step is a distribution of its own */
        for (size_t s = 0; s < info->steps; s++) {
            ops->softmax(rows + s * info->n_outputs, n_rows, info->n_outputs, ld);
        }
        break;
    case GRU_LINEAR:
        break;
    }
}
