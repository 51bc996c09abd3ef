/* gru_trainer_model: the trained weights as a model that can prove itself. */
#include "engine/buffer.h"
#include "engine/train/trainer.h"

#include <math.h>

enum { SELFTEST_ROWS = 16 };

const float *gru_trainer_weights(const struct gru_trainer *trainer)
{
    return trainer->position.best_epoch > 0 ? trainer->arrays.best
                                            : gru_backprop_parameters(trainer->backprop);
}

/* The readings of the starting model's selftest, if it has one; else the first rows that were
 * trained on. (There is a lane with rows, because there is a target.) */
static const double *selftest_rows(const struct gru_trainer *trainer, size_t *ret_n_rows)
{
    const struct gru_selftest *of_base = &trainer->model->selftest;
    struct dataset_lane lane = { 0 };
    if (of_base->n_rows > 0) {
        *ret_n_rows = of_base->n_rows;
        return of_base->x;
    }
    for (size_t k = 0; lane.n_rows == 0; k++) {
        lane = gru_dataset_lane(&trainer->dataset, PART_TRAIN, k);
    }
    *ret_n_rows = lane.n_rows < SELFTEST_ROWS ? lane.n_rows : SELFTEST_ROWS;
    return lane.maps ? lane.series->x : lane.x; /* raw, where the copy is not */
}

/* Readings that are known, and the model's own answers. */
static enum gru_status add_selftest(const struct gru_trainer *trainer, struct gru_model *model)
{
    const struct gru_info *info = &model->info;
    struct gru_selftest *selftest = &model->selftest;
    struct gru_work *work = NULL;
    const double *x = selftest_rows(trainer, &selftest->n_rows);
    selftest->x = gru_array_alloc(selftest->n_rows * info->n_inputs, sizeof *selftest->x);
    selftest->y = gru_array_alloc(selftest->n_rows * info->y_floats, sizeof *selftest->y);
    if (!selftest->x || !selftest->y || gru_work_create(&work) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    for (size_t k = 0; k < selftest->n_rows * info->n_inputs; k++) {
        selftest->x[k] = gru_reading(info, x[k]);
    }
    struct gru_lane lane = { .x = selftest->x, .n_rows = selftest->n_rows, .y = selftest->y };
    enum gru_status status = gru_run(model, work, &lane, 1);
    gru_work_free(work);
    return status == GRU_OK ? lane.status : status;
}

enum gru_status gru_trainer_model(const struct gru_trainer *trainer, struct gru_model **ret_model)
{
    const float *weights = gru_trainer_weights(trainer);
    for (size_t k = 0; k < trainer->sizes.n_parameters; k++) {
        if (!isfinite(weights[k])) { /* no file may hold it */
            return GRU_NON_FINITE;
        }
    }
    struct gru_model *model;
    enum gru_status status = gru_backprop_model(trainer->backprop, weights, &model);
    if (status != GRU_OK) {
        return status;
    }
    status = add_selftest(trainer, model);
    if (status != GRU_OK) {
        gru_model_unref(model);
        return status;
    }
    *ret_model = model;
    return GRU_OK;
}
