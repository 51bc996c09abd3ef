#include "service/models/wide_state.h"

#include <string.h>

bool wide_state_translate(const struct gru_model *gru, const float *former, size_t n_floats,
                          float *ret_state)
{
    const struct gru_info *info = gru_model_info(gru);
    const size_t n_raw = info->n_inputs + info->y_floats;
    if (!info->is_wide || n_floats < n_raw || n_floats + n_raw != info->state_floats) {
        return false;
    }
    const float *last = former + n_floats - n_raw, *y = last + info->n_inputs;
    memcpy(ret_state, former, (n_floats - n_raw) * sizeof *former);
    for (size_t i = 0; i < info->n_inputs; i++) {
        gru_state_set_last(gru, ret_state, i, (double)last[i]);
    }
    for (size_t k = 0; k < info->y_floats; k++) {
        gru_state_set_y(gru, ret_state, k, (double)y[k]);
    }
    return true;
}
