/* Making and freeing a trainer; see trainer.h. */
#include "engine/buffer.h"
#include "engine/train/class_weights.h"
#include "engine/train/fingerprint.h"
#include "engine/train/loss.h"
#include "engine/train/trainer.h"
#include "kernels/product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum gru_status alloc_arrays(struct gru_trainer *trainer)
{
    struct block_cutter count = { 0 };
    gru_trainer_cut(&trainer->dataset, &trainer->sizes, &count, &trainer->arrays);
    trainer->block = block_alloc(&count);
    if (!trainer->block) {
        return GRU_NO_MEMORY;
    }
    memset(trainer->block, 0, count.n_bytes);
    struct block_cutter cutter = { .block = trainer->block };
    gru_trainer_cut(&trainer->dataset, &trainer->sizes, &cutter, &trainer->arrays);
    return GRU_OK;
}

static void prepare(struct gru_trainer *trainer)
{
    struct trainer_position *position = &trainer->position;
    size_t first = trainer->sizes.n_parameters - trainer->sizes.n_trained;
    trainer->optimizer = (struct optimizer){ .hyperparameters = &trainer->training.hyperparameters,
                                             .n = trainer->sizes.n_trained,
                                             .start = trainer->arrays.start };
    memcpy(trainer->optimizer.moments, trainer->arrays.moments, sizeof trainer->optimizer.moments);
    if (trainer->arrays.start) {
        memcpy(trainer->arrays.start, gru_backprop_parameters(trainer->backprop) + first,
               trainer->sizes.n_trained * sizeof(float));
    }
    trainer->arrays.plateau->least = (double)INFINITY;
    position->step_loss = position->grad_norm = NAN;
    position->train_loss = position->train_accuracy = NAN;
    position->valid_loss = position->valid_accuracy = NAN;
    position->best_valid_loss = position->best_valid_accuracy = NAN;
    position->baseline_valid_loss = position->baseline_valid_accuracy = NAN;
    position->persistence_valid_loss = NAN;
    if (trainer->arrays.class_weights) {
        gru_class_weights_find(&trainer->dataset, trainer->arrays.class_weights);
        trainer->dataset.class_weights = trainer->arrays.class_weights;
    }
    trainer->fingerprint = gru_training_fingerprint(trainer->base, &trainer->training);
    trainer->optimizer.learning_rate = gru_trainer_rate(trainer);
    gru_trainer_begin_phase(trainer, trainer->validates ? PHASE_BASELINE : PHASE_TRAIN);
}

static enum gru_status fill_trainer(struct gru_trainer *trainer, struct gru_error *error)
{
    enum gru_status status = gru_dataset_fill(&trainer->dataset, trainer->model, error);
    if (status == GRU_OK && gru_trainer_is_rescaled(trainer) && trainer->validates) {
        status = gru_dataset_fill(&trainer->base_dataset, trainer->base, error);
    }
    if (status != GRU_OK) {
        return status;
    }
    if (trainer->dataset.maps && /* now it is known which readings are targets */
        !gru_count_steps(&trainer->dataset, &trainer->info.n_steps)) {
        return gru_fail_no_memory(error);
    }
    struct backprop_options options =
        gru_trainer_backprop_options(&trainer->training, &trainer->sizes);
    status = alloc_arrays(trainer);
    if (status == GRU_OK) {
        status = gru_backprop_create(trainer->model, &options, &trainer->backprop);
    }
    if (status != GRU_OK) {
        return gru_fail(error, status, "", "%s", gru_status_text(status));
    }
    if (gru_has_horizon(trainer->model, &trainer->training)) {
        status = gru_horizon_create(&trainer->dataset, trainer->model, trainer->sizes.n_lanes,
                                    trainer->sizes.n_steps, &trainer->horizon);
    }
    if (status == GRU_OK && trainer->arrays.best && trainer->validates) {
        status = gru_selection_create(trainer->base, trainer->model, &trainer->training,
                                      &trainer->selection);
    }
    if (status != GRU_OK) {
        return gru_fail(error, status, "", "%s", gru_status_text(status));
    }
    trainer->keeps_best = trainer->arrays.best != NULL;
    prepare(trainer);
    return GRU_OK;
}

/* What training starts from; the data must fit its scaling, too. */
static enum gru_status set_scaling(struct gru_trainer *trainer, struct gru_error *error)
{
    struct gru_training_info info;
    if (gru_model_fit_scaling(trainer->base, &trainer->training, &trainer->model) != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    gru_dataset_init(&trainer->dataset, trainer->model, &trainer->training);
    gru_dataset_init(&trainer->base_dataset, trainer->base, &trainer->training);
    return gru_trainer_is_rescaled(trainer)
               ? gru_training_check(trainer->model, &trainer->training, &info, error)
               : GRU_OK;
}

enum gru_status gru_trainer_create(struct gru_model *model, const struct gru_training *training,
                                   struct gru_trainer **ret_trainer, struct gru_error *error)
{
    struct gru_training_info info;
    enum gru_status status = gru_training_check(model, training, &info, error);
    if (status != GRU_OK) {
        return status;
    }
    if (!k_blas_prepare()) {
        return gru_fail(error, GRU_BAD_BLAS, "", "%s", gru_status_text(GRU_BAD_BLAS));
    }
    struct gru_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer || !gru_trainer_sizes(model, training, &trainer->sizes)) {
        free(trainer);
        return gru_fail_no_memory(error);
    }
    trainer->base = gru_model_ref(model);
    trainer->training = *training;
    trainer->info = info;
    trainer->validates = info.n_valid_targets > 0;
    status = set_scaling(trainer, error);
    if (status == GRU_OK) {
        status = fill_trainer(trainer, error);
    }
    if (status != GRU_OK) {
        gru_trainer_free(trainer);
        return status;
    }
    *ret_trainer = trainer;
    return GRU_OK;
}

void gru_trainer_free(struct gru_trainer *trainer)
{
    if (trainer) {
        gru_backprop_free(trainer->backprop);
        gru_dataset_done(&trainer->dataset);
        gru_dataset_done(&trainer->base_dataset);
        gru_selection_free(trainer->selection);
        gru_horizon_free(trainer->horizon);
        free(trainer->block);
        gru_model_unref(trainer->model);
        gru_model_unref(trainer->base);
        free(trainer);
    }
}
