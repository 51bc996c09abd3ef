/*
 * pool_former_values.h - what copies of the formats 1 to 3 had of errors: for each output a count
 * and two means, and then the state. For pool_format1.c, pool_format2.c and pool_format3.c.
 */
#ifndef POOL_FORMER_VALUES_H
#define POOL_FORMER_VALUES_H

#include "service/pool/record.h"

#include <string.h>

struct former_error {
    uint32_t n;
    float mae, mse; /* means over n comparisons */
};

static inline size_t former_values_bytes(size_t n_outputs, size_t state_floats)
{
    return n_outputs * sizeof(struct former_error) + state_floats * sizeof(float);
}

/* Puts them where today's errors and state are, of as many outputs and floats. */
static inline void former_values_take(const struct former_error *from, size_t n_outputs,
                                      size_t state_floats, struct record_error *to)
{
    for (size_t o = 0; o < n_outputs; o++) {
        to[o] = record_error_of(from[o].n, from[o].mae, from[o].mse);
    }
    memcpy(to + n_outputs, from + n_outputs, state_floats * sizeof(float));
}

#endif
