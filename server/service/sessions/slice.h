/*
 * slice.h - how much of what computes by the row is done at once, before others are served. A leaf;
 * any thread.
 */
#ifndef SLICE_H
#define SLICE_H

#include "gru.h"

/* A slice in rows times parameters: some milliseconds of a core. Shorter ones would be felt where a
 * model is larger than the cache: each slice reads the weights of all layers anew. */
enum { SLICE_WORK = 200 << 20, ROW_WORK = 2500 /* of a row without any parameters */ };

static inline size_t slice_row_work(const struct gru_model *gru)
{
    return gru_model_info(gru)->n_parameters + ROW_WORK;
}

/* How many rows of that network a slice has. */
static inline size_t slice_rows(const struct gru_model *gru)
{
    size_t row_work = slice_row_work(gru);
    return row_work < SLICE_WORK ? SLICE_WORK / row_work : 1;
}

#endif
