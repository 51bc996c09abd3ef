/* See readings.h. */
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
