/*
 * block.h - cuts arrays out of one block of memory, each at the start of a cache line. Private to
 * lib/engine; owns nothing.
 *
 * The same code runs twice: without a block it only counts, and with one of that many bytes it
 * cuts. An overflow on the way is remembered until the end.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

enum { BLOCK_ALIGNMENT = 64 };

struct block_cutter {
    char *block; /* aligned to BLOCK_ALIGNMENT; NULL: only count */
    size_t n_bytes;
    bool is_too_large;
};

/* An array of n elements; NULL where there is no block, or nothing to take. */
static inline void *block_take(struct block_cutter *cutter, size_t n, size_t element_bytes)
{
    size_t n_bytes;
    void *piece = cutter->block && n > 0 ? cutter->block + cutter->n_bytes : NULL;
    cutter->is_too_large |= __builtin_mul_overflow(n, element_bytes, &n_bytes);
    cutter->is_too_large |= __builtin_add_overflow(n_bytes, BLOCK_ALIGNMENT - 1, &n_bytes);
    n_bytes &= ~(size_t)(BLOCK_ALIGNMENT - 1);
    cutter->is_too_large |= __builtin_add_overflow(cutter->n_bytes, n_bytes, &cutter->n_bytes);
    return piece;
}

static inline float *block_take_floats(struct block_cutter *cutter, size_t n_rows, size_t n_columns)
{
    size_t n;
    cutter->is_too_large |= __builtin_mul_overflow(n_rows, n_columns, &n);
    return (float *)block_take(cutter, n, sizeof(float));
}

static inline double *block_take_doubles(struct block_cutter *cutter, size_t n_rows,
                                         size_t n_columns)
{
    size_t n;
    cutter->is_too_large |= __builtin_mul_overflow(n_rows, n_columns, &n);
    return (double *)block_take(cutter, n, sizeof(double));
}

/* Memory for what was counted; NULL: there is none, or it is too large. The caller frees it. */
static inline void *block_alloc(const struct block_cutter *counted)
{
    size_t n_bytes = counted->n_bytes > 0 ? counted->n_bytes : BLOCK_ALIGNMENT;
    return counted->is_too_large ? NULL : aligned_alloc(BLOCK_ALIGNMENT, n_bytes);
}

#endif
