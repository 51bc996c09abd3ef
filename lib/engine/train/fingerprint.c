/* See fingerprint.h. */
#include "engine/train/fingerprint.h"
#include "engine/random.h"
#include "engine/train/hyperparameters.h"
#include "engine/train/loss.h"

#include <math.h>
#include <string.h>

/* Each word goes through a bijection of the hash, so that two inputs of one length which differ in
 * a single word never agree. */
static uint64_t add(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 32;
}

uint64_t gru_hash(uint64_t hash, const void *bytes, size_t n)
{
    const char *p = bytes;
    hash = add(hash, n);
    for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t), p += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        hash = add(hash, word);
    }
    uint64_t rest = 0;
    memcpy(&rest, p, n);
    return gru_random_mix(add(hash, rest));
}

static uint64_t add_tensor(uint64_t hash, const struct gru_tensor *tensor)
{
    if (!tensor->values) {
        return add(hash, 0);
    }
    return gru_hash(add(hash, tensor->columns), tensor->values,
                    gru_tensor_floats(tensor) * sizeof *tensor->values);
}

/* Nothing, where there is none, as older builds did. */
static uint64_t add_transform(uint64_t hash, const struct gru_transform *transform)
{
    if (transform->kind == GRU_TRANSFORM_NONE) {
        return hash;
    }
    hash = add(add(add(hash, transform->kind), transform->season), transform->scale);
    return gru_hash(hash, &transform->rate, sizeof transform->rate);
}

static uint64_t add_variables(uint64_t hash, const struct gru_variable *variables, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const double scaling[] = { variables[k].mean, variables[k].std };
        hash = gru_hash(hash, scaling, sizeof scaling);
        hash = add(hash, (uint64_t)(int64_t)variables[k].feeds);
        hash = add_transform(hash, &variables[k].transform);
    }
    return add(hash, n);
}

/* Whether it is layers of one recurrent kind and a read-out, as all models were at first. Their
 * fingerprints are those that older builds wrote. */
static bool is_plain(const struct gru_model *model)
{
    const struct gru_layer_info *first = &model->info.layers[0];
    bool is_plain = model->info.n_heads == 0 && model->n_layers == model->info.n_layers + 1 &&
                    gru_model_read_out(model)->shape.kind->family == LAYER_DENSE;
    for (size_t l = 0; is_plain && l < model->info.n_layers; l++) {
        const struct gru_layer *layer = &model->layers[l];
        is_plain = layer->shape.kind->id == first->kind && layer->shape.reset == first->reset;
        for (size_t k = 0; is_plain && k < layer->shape.kind->n_tensors; k++) {
            is_plain = !layer->shape.kind->tensors[k].is_initial_state || !layer->tensors[k].values;
        }
    }
    return is_plain;
}

static uint64_t add_shape(uint64_t hash, const struct layer_shape *shape)
{
    uint64_t words[] = { shape->kind->id, shape->reset,  shape->activation, 0,
                         shape->n_inputs, shape->n_units };
    memcpy(&words[3], &shape->eps, sizeof shape->eps);
    return gru_hash(hash, words, sizeof words);
}

/* All of it. A plain model's first states are left out, because it has none. */
static uint64_t add_layer(uint64_t hash, const struct gru_layer *layer, bool is_of_plain)
{
    const struct layer_kind *kind = layer->shape.kind;
    hash = is_of_plain ? hash : add_shape(hash, &layer->shape);
    for (size_t k = 0; k < kind->n_tensors; k++) {
        if (!is_of_plain || !kind->tensors[k].is_initial_state) {
            hash = add_tensor(hash, &layer->tensors[k]);
        }
    }
    return hash;
}

static bool has_missing(const struct gru_series *series, size_t n, size_t n_inputs)
{
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < series[k].n_rows * n_inputs; i++) {
            if (isnan(series[k].x[i])) {
                return true;
            }
        }
    }
    return false;
}

/* A policy that fills nothing is the one that files without it had in older builds: so that a
 * training that it does not change has the fingerprint that they wrote. */
static enum gru_missing missing_of(const struct gru_model *model,
                                   const struct gru_training *training)
{
    const size_t n_inputs = model->info.n_inputs;
    return model->info.missing != GRU_MISSING_FORECAST ||
                   has_missing(training->series, training->n_series, n_inputs) ||
                   has_missing(training->validation, training->n_validation, n_inputs)
               ? model->info.missing
               : GRU_MISSING_LAST;
}

static uint64_t add_model(uint64_t hash, const struct gru_model *model, enum gru_missing missing)
{
    const struct gru_info *info = &model->info;
    const struct gru_layer_info *first = &info->layers[0];
    const uint64_t kind[] = { first->kind,    first->reset, info->activation, missing,
                              info->residual, info->steps,  info->n_layers };
    const bool is_of_plain = is_plain(model);
    hash = gru_hash(hash, kind, sizeof kind);
    hash = add_variables(hash, info->inputs, info->n_inputs);
    hash = add_variables(hash, info->outputs, info->n_outputs);
    for (size_t l = 0; l < model->n_layers; l++) {
        hash = add_layer(hash, &model->layers[l], is_of_plain);
    }
    for (size_t k = 0; k < info->n_heads; k++) {
        hash = add(add(hash, info->heads[k].activation), info->heads[k].n_outputs);
    }
    return hash;
}

/* What stands for a hyper-parameter, whatever its place in the table is: a hash of its name; for
 * those that there first were beyond the first release, the place that they had then. */
static uint64_t key_of(size_t k, const char *name)
{
    enum { FORMER_PLACE = 13 };
    if (k >= GRU_HYPERPARAMETER_schedule_type && k <= GRU_HYPERPARAMETER_schedule_factor) {
        return FORMER_PLACE + (k - GRU_HYPERPARAMETER_schedule_type);
    }
    return gru_hash(0, name, strlen(name));
}

/* Those that there have always been, and of the others each that has not its default: so that a
 * training without them has the fingerprint that older builds wrote. */
static uint64_t add_hyperparameters(uint64_t hash, const struct gru_hyperparameters *h)
{
    enum { N_FIRST = GRU_HYPERPARAMETER_train + 1 };
    static const char *const names[] = {
#define NAME(field, ...) #field,
        GRU_HYPERPARAMETERS(NAME)
#undef NAME
    };
    uint64_t words[GRU_N_HYPERPARAMETERS], initial[GRU_N_HYPERPARAMETERS];
    struct gru_hyperparameters defaults;
    gru_hyperparameters_init(&defaults);
    gru_hyperparameters_words(&defaults, initial);
    gru_hyperparameters_words(h, words);
    hash = gru_hash(hash, words, N_FIRST * sizeof *words);
    for (size_t k = N_FIRST; k < GRU_N_HYPERPARAMETERS; k++) {
        if (words[k] != initial[k]) {
            hash = add(add(hash, key_of(k, names[k])), words[k]);
        }
    }
    if (h->class_weighting != GRU_CLASSES_ALIKE) {
        hash = gru_hash(add(hash, h->class_weighting), h->class_weights, sizeof h->class_weights);
    }
    if (h->n_output_weights > 0) {
        hash = gru_hash(add(hash, (uint64_t)h->n_output_weights), h->output_weights,
                        sizeof h->output_weights);
    }
    return hash;
}

/* The bytes of the floats that stand for them. */
static uint64_t hash_as_floats(uint64_t hash, const double *values, size_t n)
{
    hash = add(hash, n * sizeof(float));
    for (; n >= 2; n -= 2, values += 2) {
        const float pair[] = { (float)values[0], (float)values[1] };
        uint64_t word;
        memcpy(&word, pair, sizeof word);
        hash = add(hash, word);
    }
    const float last = n > 0 ? (float)values[0] : 0.0F;
    uint64_t rest = 0;
    memcpy(&rest, &last, sizeof last);
    return gru_random_mix(add(hash, rest));
}

/* Of a model that is not wide as older builds hashed them, which had floats alone. */
static uint64_t add_values(uint64_t hash, const struct gru_info *info, const double *values,
                           size_t n)
{
    return info->is_wide ? gru_hash(hash, values, n * sizeof *values)
                         : hash_as_floats(hash, values, n);
}

static uint64_t add_series(uint64_t hash, const struct gru_series *series, size_t n,
                           const struct gru_info *info, size_t width)
{
    for (size_t k = 0; k < n; k++) {
        hash = add_values(hash, info, series[k].x, series[k].n_rows * info->n_inputs);
        hash = add(hash, series[k].n_targets);
        if (series[k].y) {
            hash = add_values(hash, info, series[k].y, series[k].n_targets * width);
        }
    }
    return add(hash, n);
}

uint64_t gru_training_fingerprint(const struct gru_model *model,
                                  const struct gru_training *training)
{
    size_t width = gru_loss_width(&model->info, (enum gru_loss)training->hyperparameters.loss);
    uint64_t hash = add_hyperparameters(training->seed, &training->hyperparameters);
    hash = gru_hash(hash, &training->validation_fraction, sizeof training->validation_fraction);
    hash = add_model(hash, model, missing_of(model, training));
    hash = add_series(hash, training->series, training->n_series, &model->info, width);
    return add_series(hash, training->validation, training->n_validation, &model->info, width);
}
