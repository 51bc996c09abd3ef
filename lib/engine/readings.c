/* See readings.h. */
#include "engine/readings.h"

#include <math.h>

double gru_reading(const struct gru_info *info, double x)
{
    const float high = (float)x;
    const float low = info->is_wide && isfinite(high) ? (float)(x - (double)high) : 0.0F;
    return (double)high + (double)low;
}

size_t gru_reading_floats(const struct gru_info *info)
{
    return info->is_wide ? 2 : 1;
}

void gru_readings_pack(const struct gru_info *info, const double *x, size_t n, float *kept)
{
    for (size_t k = 0; k < n; k++) {
        const float high = (float)x[k];
        *kept++ = high;
        if (info->is_wide) {
            *kept++ = isfinite(high) ? (float)(x[k] - (double)high) : 0.0F;
        }
    }
}

void gru_readings_unpack(const struct gru_info *info, const float *kept, size_t n, double *x)
{
    for (size_t k = 0; k < n; k++) {
        x[k] = (double)*kept++;
        if (info->is_wide) {
            x[k] += (double)*kept++;
        }
    }
}

double gru_fill_missing(const struct gru_info *info, size_t i, const double *last, const double *y)
{
    int fed_by = info->inputs[i].feeds;
    if (info->missing == GRU_MISSING_FORECAST && fed_by >= 0 && !isnan(y[fed_by])) {
        return y[fed_by];
    }
    if (info->missing != GRU_MISSING_MEAN && !isnan(last[i])) {
        return last[i];
    }
    return gru_reading(info, info->inputs[i].mean);
}
