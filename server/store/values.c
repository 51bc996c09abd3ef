#include "store/values.h"

#include <string.h>

size_t values_get_bytes(struct query *query)
{
    const int64_t n = query_get_integer(query, sizeof(float), sizeof(double));
    const bool is_double = n == sizeof(double);
    query->is_damaged |= !is_double && n != sizeof(float);
    return is_double ? sizeof(double) : sizeof(float);
}

void values_copy(const void *blob, size_t n, size_t value_bytes, double *ret_values)
{
    if (value_bytes == sizeof *ret_values) {
        memcpy(ret_values, blob, n * sizeof *ret_values);
        return;
    }
    for (size_t k = 0; k < n; k++) {
        float value;
        memcpy(&value, (const char *)blob + k * sizeof value, sizeof value);
        ret_values[k] = (double)value;
    }
}
