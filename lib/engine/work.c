/* See work.h. */
#include "engine/work.h"
#include "engine/block.h"

#include <stdlib.h>

enum gru_status gru_work_create(struct gru_work **ret_work)
{
    struct gru_work *work = calloc(1, sizeof *work);
    if (!work) {
        return GRU_NO_MEMORY;
    }
    *ret_work = work;
    return GRU_OK;
}

void gru_work_free(struct gru_work *work)
{
    if (work) {
        free(work->rows);
        free(work->roll);
        free(work->lanes);
        free(work->order);
        free(work);
    }
}

static enum gru_status grow(float **array, size_t *n_floats, size_t wanted)
{
    if (*n_floats >= wanted) {
        return GRU_OK;
    }
    struct block_cutter count = { 0 };
    (void)block_take_floats(&count, 1, wanted);
    float *larger = block_alloc(&count);
    if (!larger) {
        return GRU_NO_MEMORY;
    }
    free(*array);
    *array = larger;
    *n_floats = wanted;
    return GRU_OK;
}

enum gru_status gru_work_rows(struct gru_work *work, size_t n_floats)
{
    return grow(&work->rows, &work->n_row_floats, n_floats);
}

void gru_work_drop_rows(struct gru_work *work)
{
    free(work->rows);
    work->rows = NULL;
    work->n_row_floats = 0;
}

enum gru_status gru_work_roll(struct gru_work *work, size_t n_floats)
{
    return grow(&work->roll, &work->n_roll_floats, n_floats);
}

enum gru_status gru_work_lanes(struct gru_work *work, size_t n_lanes)
{
    if (work->n_lanes >= n_lanes) {
        return GRU_OK;
    }
    struct gru_lane *larger = reallocarray(work->lanes, n_lanes, sizeof *larger);
    if (!larger) {
        return GRU_NO_MEMORY;
    }
    work->lanes = larger;
    work->n_lanes = n_lanes;
    return GRU_OK;
}

enum gru_status gru_work_order(struct gru_work *work, size_t n_lanes)
{
    if (work->n_order >= n_lanes) {
        return GRU_OK;
    }
    struct gru_lane **larger = reallocarray(work->order, n_lanes, sizeof(*larger));
    if (!larger) {
        return GRU_NO_MEMORY;
    }
    work->order = larger;
    work->n_order = n_lanes;
    return GRU_OK;
}
