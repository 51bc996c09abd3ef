/* What a state is made of; gru.h has the layout. */
#include "engine/model.h"

#include <math.h>
#include <string.h>

size_t gru_state_layer_floats(const struct gru_model *model, size_t layer)
{
    const struct gru_layer_info *info = &model->info.layers[layer];
    return gru_layer_kind_row(info->kind)->n_states * info->hidden_size;
}

size_t gru_state_last_offset(const struct gru_model *model)
{
    return model->info.state_floats - model->info.y_floats - model->info.n_inputs;
}

size_t gru_state_y_offset(const struct gru_model *model)
{
    return model->info.state_floats - model->info.y_floats;
}

void gru_state_init(const struct gru_model *model, float *state)
{
    size_t n_hidden = gru_state_last_offset(model);
    memset(state, 0, n_hidden * sizeof *state);
    for (size_t k = n_hidden; k < model->info.state_floats; k++) {
        state[k] = NAN;
    }
}
