/* The birth and death of a trainer, and the memory that it takes; see trainer.h. */
#include "engine/buffer.h"
#include "engine/train/loss.h"
#include "engine/train/trainer.h"
#include "kernels/product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sizes ---- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t longest_series(const struct gru_training *training)
{
    size_t n_rows = 0;
    for (size_t k = 0; k < training->n_series; k++) {
        n_rows = larger(n_rows, training->series[k].n_rows);
    }
    for (size_t k = 0; k < training->n_validation; k++) {
        n_rows = larger(n_rows, training->validation[k].n_rows);
    }
    return n_rows;
}

static size_t head_parameters(const struct gru_model *model)
{
    const struct gru_tensor *weight = &model->head_weight;
    return weight->rows * weight->columns + (model->head_bias.values ? weight->rows : 0);
}

static bool find_sizes(const struct gru_model *model, const struct gru_training *training,
                       struct trainer_sizes *ret_sizes)
{
    const struct gru_hyperparameters *h = &training->hyperparameters;
    struct trainer_sizes sizes = {
        .n_lanes = smaller(h->batch_size, larger(training->n_series, training->n_validation)),
        .n_steps = smaller(h->window, longest_series(training)),
        .n_parameters = model->info.n_parameters,
        .n_trained = h->train == GRU_TRAIN_HEAD ? head_parameters(model) : model->info.n_parameters,
    };
    if (__builtin_mul_overflow(sizes.n_lanes, sizes.n_steps, &sizes.n_rows) ||
        __builtin_mul_overflow(sizes.n_lanes, gru_state_last_offset(model), &sizes.n_states)) {
        return false;
    }
    *ret_sizes = sizes;
    return true;
}

static struct backprop_options backprop_options(const struct gru_training *training,
                                                const struct trainer_sizes *sizes)
{
    return (struct backprop_options){ .rows_max = sizes->n_rows,
                                      .lanes_max = sizes->n_lanes,
                                      .head_only =
                                          training->hyperparameters.train == GRU_TRAIN_HEAD,
                                      .dropout = training->hyperparameters.dropout };
}

/* ---- arrays ---- */

/* Takes n * size bytes of *end; with a block, the piece that begins there. */
static bool take(char *block, size_t *end, size_t n, size_t size, void **ret_piece)
{
    enum { ALIGNMENT = 64 };
    size_t n_bytes;
    if (__builtin_mul_overflow(n, size, &n_bytes) ||
        __builtin_add_overflow(n_bytes, ALIGNMENT - 1, &n_bytes)) {
        return false;
    }
    *ret_piece = block && n > 0 ? block + *end : NULL;
    return !__builtin_add_overflow(*end, n_bytes / ALIGNMENT * ALIGNMENT, end);
}

static bool take_floats(char *block, size_t *end, size_t n, size_t width, float **ret_piece)
{
    void *piece;
    size_t n_floats;
    if (__builtin_mul_overflow(n, width, &n_floats) ||
        !take(block, end, n_floats, sizeof(float), &piece)) {
        return false;
    }
    *ret_piece = piece;
    return true;
}

/* Cuts the arrays out of a block; with NULL, only learns how long it must be. */
static bool lay_out(const struct dataset *dataset, const struct trainer_sizes *sizes, char *block,
                    struct trainer_arrays *arrays, size_t *ret_n_bytes)
{
    const struct gru_info *info = dataset->info;
    const struct gru_hyperparameters *h = &dataset->training->hyperparameters;
    const bool validates = gru_dataset_n_series(dataset, PART_VALID) > 0;
    const size_t n_moments = gru_optimizer_n_moments(h);
    size_t end = 0;
    bool fits = take_floats(block, &end, sizes->n_rows, info->n_inputs, &arrays->in) &&
                take_floats(block, &end, sizes->n_rows, info->y_floats, &arrays->out) &&
                take_floats(block, &end, sizes->n_rows, info->y_floats, &arrays->d_out) &&
                take_floats(block, &end, sizes->n_rows, dataset->width, &arrays->targets) &&
                take_floats(block, &end, sizes->n_states, 1, &arrays->states) &&
                take_floats(block, &end, h->l2_sp > 0, sizes->n_trained, &arrays->start) &&
                take_floats(block, &end, validates && h->early_stopping_patience > 0,
                            sizes->n_parameters, &arrays->best) &&
                take_floats(block, &end, validates ? sizes->n_lanes : 0,
                            info->n_inputs + info->n_outputs, &arrays->seen);
    for (size_t k = 0; fits && k < OPTIMIZER_MOMENTS_MAX; k++) {
        fits = take_floats(block, &end, k < n_moments, sizes->n_trained, &arrays->moments[k]);
    }
    void *lanes, *n_lanes;
    if (!fits || !take(block, &end, sizes->n_lanes, sizeof *arrays->lanes, &lanes) ||
        !take(block, &end, sizes->n_steps, sizeof *arrays->n_lanes, &n_lanes)) {
        return false;
    }
    arrays->lanes = lanes;
    arrays->n_lanes = n_lanes;
    *ret_n_bytes = end;
    return true;
}

bool gru_trainer_bytes(const struct gru_model *model, const struct dataset *dataset,
                       size_t *ret_n_bytes)
{
    struct trainer_sizes sizes;
    struct trainer_arrays arrays;
    size_t n_arrays, n_backprop, n_filled;
    if (!find_sizes(model, dataset->training, &sizes)) {
        return false;
    }
    struct backprop_options options = backprop_options(dataset->training, &sizes);
    return lay_out(dataset, &sizes, NULL, &arrays, &n_arrays) &&
           gru_backprop_bytes(model, &options, &n_backprop) &&
           gru_dataset_bytes(dataset, &n_filled) &&
           !__builtin_add_overflow(n_arrays, sizeof(struct gru_trainer), &n_arrays) &&
           !__builtin_add_overflow(n_arrays, n_filled, &n_arrays) &&
           !__builtin_add_overflow(n_arrays, n_backprop, ret_n_bytes);
}

static enum gru_status alloc_arrays(struct gru_trainer *trainer)
{
    size_t n_bytes;
    if (!lay_out(&trainer->dataset, &trainer->sizes, NULL, &trainer->arrays, &n_bytes)) {
        return GRU_NO_MEMORY;
    }
    trainer->block = aligned_alloc(64, n_bytes);
    if (!trainer->block ||
        !lay_out(&trainer->dataset, &trainer->sizes, trainer->block, &trainer->arrays, &n_bytes)) {
        return GRU_NO_MEMORY;
    }
    memset(trainer->block, 0, n_bytes);
    return GRU_OK;
}

/* ---- birth and death ---- */

static void prepare(struct gru_trainer *trainer)
{
    struct position *position = &trainer->position;
    size_t first = trainer->sizes.n_parameters - trainer->sizes.n_trained;
    trainer->optimizer = (struct optimizer){ .hyperparameters = &trainer->training.hyperparameters,
                                             .n = trainer->sizes.n_trained,
                                             .start = trainer->arrays.start };
    memcpy(trainer->optimizer.moments, trainer->arrays.moments, sizeof trainer->optimizer.moments);
    if (trainer->arrays.start) {
        memcpy(trainer->arrays.start, gru_backprop_parameters(trainer->backprop) + first,
               trainer->sizes.n_trained * sizeof(float));
    }
    position->step_loss = position->grad_norm = NAN;
    position->train_loss = position->train_accuracy = NAN;
    position->valid_loss = position->valid_accuracy = NAN;
    position->best_valid_loss = position->best_valid_accuracy = NAN;
    position->baseline_valid_loss = position->baseline_valid_accuracy = NAN;
    position->persistence_valid_loss = NAN;
    trainer->fingerprint = gru_training_fingerprint(trainer->model, &trainer->training);
    gru_trainer_begin_phase(trainer, trainer->validates ? PHASE_BASELINE : PHASE_TRAIN);
}

static enum gru_status fill_trainer(struct gru_trainer *trainer, struct gru_error *error)
{
    enum gru_status status = gru_dataset_fill(&trainer->dataset, trainer->model, error);
    if (status != GRU_OK) {
        return status;
    }
    struct backprop_options options = backprop_options(&trainer->training, &trainer->sizes);
    status = alloc_arrays(trainer);
    if (status == GRU_OK) {
        status = gru_backprop_create(trainer->model, &options, &trainer->backprop);
    }
    if (status != GRU_OK) {
        return gru_fail(error, status, "", "%s", gru_status_text(status));
    }
    prepare(trainer);
    return GRU_OK;
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
    if (!trainer || !find_sizes(model, training, &trainer->sizes)) {
        free(trainer);
        return gru_fail_no_memory(error);
    }
    trainer->model = gru_model_ref(model);
    trainer->training = *training;
    trainer->info = info;
    trainer->validates = info.n_valid_targets > 0;
    gru_dataset_init(&trainer->dataset, model, &trainer->training);
    status = fill_trainer(trainer, error);
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
        free(trainer->block);
        gru_model_unref(trainer->model);
        free(trainer);
    }
}
