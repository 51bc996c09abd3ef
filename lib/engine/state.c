/* What a state is made of; gru.h has the layout. */
#include "engine/buffer.h"
#include "engine/model.h"
#include "engine/transform.h"

#include <math.h>
#include <string.h>

size_t gru_state_layer_floats(const struct gru_model *model, size_t layer)
{
    const struct gru_layer_info *info = &model->info.layers[layer];
    return gru_layer_kind_row(info->kind)->n_states * info->hidden_size;
}

size_t gru_state_last_offset(const struct gru_model *model)
{
    return gru_state_y_offset(model) - model->info.n_inputs * gru_reading_floats(&model->info);
}

size_t gru_state_y_offset(const struct gru_model *model)
{
    return gru_state_transforms_offset(model) -
           model->info.y_floats * gru_reading_floats(&model->info);
}

size_t gru_state_transforms_offset(const struct gru_model *model)
{
    return model->info.state_floats - model->transform_floats;
}

static size_t last_at(const struct gru_model *model, size_t input)
{
    return gru_state_last_offset(model) + input * gru_reading_floats(&model->info);
}

static size_t y_at(const struct gru_model *model, size_t k)
{
    return gru_state_y_offset(model) + k * gru_reading_floats(&model->info);
}

static double value_at(const struct gru_model *model, const float *kept)
{
    double value;
    gru_readings_unpack(&model->info, kept, 1, &value);
    return value;
}

double gru_state_last(const struct gru_model *model, const float *state, size_t input)
{
    return value_at(model, state + last_at(model, input));
}

double gru_state_y(const struct gru_model *model, const float *state, size_t k)
{
    return value_at(model, state + y_at(model, k));
}

void gru_state_set_last(const struct gru_model *model, float *state, size_t input, double value)
{
    gru_readings_pack(&model->info, &value, 1, state + last_at(model, input));
}

void gru_state_set_y(const struct gru_model *model, float *state, size_t k, double value)
{
    gru_readings_pack(&model->info, &value, 1, state + y_at(model, k));
}

/* ---- of transforms ---- */

const struct gru_transformed *gru_model_transformed(const struct gru_model *model, size_t input)
{
    size_t low = 0, high = model->n_transformed;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (model->transformed[middle].input < input) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const bool is_there = low < model->n_transformed && model->transformed[low].input == input;
    return is_there ? &model->transformed[low] : NULL;
}

size_t gru_state_transform_values(const struct gru_model *model, size_t input)
{
    return gru_transform_floats(&model->info.inputs[input].transform) /
           gru_reading_floats(&model->info);
}

double gru_state_transform(const struct gru_model *model, const float *state, size_t input,
                           size_t k)
{
    const struct gru_transformed *found = gru_model_transformed(model, input);
    const float *values = state + gru_state_transforms_offset(model) + found->at;
    return value_at(model, values + k * gru_reading_floats(&model->info));
}

void gru_state_set_transform(const struct gru_model *model, float *state, size_t input, size_t k,
                             double value)
{
    const struct gru_transformed *found = gru_model_transformed(model, input);
    float *values = state + gru_state_transforms_offset(model) + found->at;
    gru_readings_pack(&model->info, &value, 1, values + k * gru_reading_floats(&model->info));
}

void gru_state_init_transforms(const struct gru_model *model, float *state)
{
    for (size_t k = 0; k < model->n_transformed; k++) {
        const struct gru_transformed *transformed = &model->transformed[k];
        gru_transform_init(&model->info.inputs[transformed->input].transform,
                           state + transformed->at);
    }
}

void gru_state_init(const struct gru_model *model, float *state)
{
    memcpy(state, model->initial_state, model->info.state_floats * sizeof *state);
}

/* Writes what a layer's state is before its first step; returns where the next one's begins. */
static float *write_initial(const struct gru_layer *layer, float *state)
{
    const struct layer_kind *kind = layer->shape.kind;
    const size_t h = layer->shape.n_units;
    memset(state, 0, kind->n_states * h * sizeof *state);
    for (size_t k = 0; k < kind->n_tensors; k++) {
        if (kind->tensors[k].is_initial_state) {
            if (layer->tensors[k].values) {
                memcpy(state, layer->tensors[k].values, h * sizeof *state);
            }
            state += h;
        }
    }
    return state;
}

enum gru_status gru_state_make_initial(struct gru_model *model)
{
    float *initial = gru_array_alloc(model->info.state_floats, sizeof *initial);
    if (!initial) {
        return GRU_NO_MEMORY;
    }
    float *state = initial;
    for (size_t l = 0; l < model->n_layers; l++) {
        state = write_initial(&model->layers[l], state);
    }
    for (; state < initial + gru_state_transforms_offset(model); state++) {
        *state = NAN;
    }
    gru_state_init_transforms(model, state);
    model->initial_state = initial;
    return GRU_OK;
}
