/* Validation residuals of a model; see residuals.h. */
#include "engine/residuals.h"
#include "engine/buffer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_valid(const struct gru_residual *residual)
{
    double least = 0;
    bool is_any = residual->n > 0;
    for (size_t k = 0; k < GRU_RESIDUAL_QUANTILES; k++) {
        double quantile = residual->quantiles[k];
        if (!isfinite(quantile) || quantile < least || (!is_any && quantile != 0)) {
            return false;
        }
        least = quantile;
    }
    return isfinite(residual->mean) && residual->mean >= 0 && (is_any || residual->mean == 0);
}

bool gru_residuals_are_valid(const struct gru_residuals *residuals, size_t n_outputs)
{
    if (residuals->n_outputs != n_outputs || residuals->n_horizons == 0 ||
        residuals->n_horizons > GRU_RESIDUAL_HORIZON ||
        residuals->n_outputs > GRU_RESIDUALS_MAX / residuals->n_horizons) {
        return false;
    }
    for (size_t k = 0; k < residuals->n_outputs * residuals->n_horizons; k++) {
        if (!is_valid(&residuals->of[k])) {
            return false;
        }
    }
    return true;
}

const struct gru_residuals *gru_model_residuals(const struct gru_model *model)
{
    return model->residuals.n_outputs > 0 ? &model->residuals : NULL;
}

enum gru_status gru_model_set_residuals(struct gru_model *model,
                                        const struct gru_residuals *residuals)
{
    if (!gru_residuals_are_valid(residuals, model->info.n_outputs)) {
        return GRU_BAD_ARGUMENT;
    }
    size_t n = residuals->n_outputs * residuals->n_horizons;
    struct gru_residual *of = gru_array_alloc(n, sizeof *of);
    if (!of) {
        return GRU_NO_MEMORY;
    }
    memcpy(of, residuals->of, n * sizeof *of);
    free((void *)(uintptr_t)model->residuals.of);
    model->residuals = *residuals;
    model->residuals.of = of;
    return GRU_OK;
}
