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
        free(work->rolled);
        free(work->lanes);
        free(work->order);
        free(work);
    }
}

/* The array, or a longer one in its place; NULL: there is no memory, and it is as it was. */
static void *grow(void *array, size_t *n, size_t wanted, size_t element_bytes)
{
    if (*n >= wanted) {
        return array;
    }
    struct block_cutter count = { 0 };
    (void)block_take(&count, wanted, element_bytes);
    void *larger = block_alloc(&count);
    if (larger) {
        free(array);
        *n = wanted;
    }
    return larger;
}

static enum gru_status grow_floats(float **array, size_t *n, size_t wanted)
{
    float *grown = grow(*array, n, wanted, sizeof *grown);
    *array = grown ? grown : *array;
    return grown || wanted == 0 ? GRU_OK : GRU_NO_MEMORY;
}

static enum gru_status grow_doubles(double **array, size_t *n, size_t wanted)
{
    double *grown = grow(*array, n, wanted, sizeof *grown);
    *array = grown ? grown : *array;
    return grown || wanted == 0 ? GRU_OK : GRU_NO_MEMORY;
}

enum gru_status gru_work_rows(struct gru_work *work, size_t n_floats)
{
    return grow_floats(&work->rows, &work->n_row_floats, n_floats);
}

void gru_work_drop_rows(struct gru_work *work)
{
    free(work->rows);
    work->rows = NULL;
    work->n_row_floats = 0;
}

enum gru_status gru_work_roll(struct gru_work *work, size_t n_doubles, size_t n_state)
{
    enum gru_status status = grow_doubles(&work->roll, &work->n_roll, n_doubles);
    return status == GRU_OK ? grow_floats(&work->rolled, &work->n_rolled, n_state) : status;
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
