/* Rows into the network and out of it; see readings.h. */
#include "engine/readings.h"

#include <math.h>

float gru_fill_missing(const struct gru_info *info, size_t i, const float *last, const float *y)
{
    int fed_by = info->inputs[i].feeds;
    if (info->missing == GRU_MISSING_FORECAST && fed_by >= 0 && !isnan(y[fed_by])) {
        return y[fed_by];
    }
    if (info->missing != GRU_MISSING_MEAN && !isnan(last[i])) {
        return last[i];
    }
    return (float)info->inputs[i].mean;
}

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
