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

static const struct gru_residuals *known(const struct gru_residuals *residuals)
{
    return residuals->n_outputs > 0 ? residuals : NULL;
}

/* A copy of them, in place of others. */
static enum gru_status keep(struct gru_residuals *kept, const struct gru_residuals *residuals,
                            size_t n_outputs)
{
    if (!gru_residuals_are_valid(residuals, n_outputs)) {
        return GRU_BAD_ARGUMENT;
    }
    size_t n = residuals->n_outputs * residuals->n_horizons;
    struct gru_residual *of = gru_array_alloc(n, sizeof *of);
    if (!of) {
        return GRU_NO_MEMORY;
    }
    memcpy(of, residuals->of, n * sizeof *of);
    free((void *)(uintptr_t)kept->of);
    *kept = *residuals;
    kept->of = of;
    return GRU_OK;
}

const struct gru_residuals *gru_model_residuals(const struct gru_model *model)
{
    return known(&model->residuals);
}

enum gru_status gru_model_set_residuals(struct gru_model *model,
                                        const struct gru_residuals *residuals)
{
    return keep(&model->residuals, residuals, model->info.n_outputs);
}

/* ---- the base's ---- */

const struct gru_residuals *gru_model_base_residuals(const struct gru_model *model)
{
    return known(&model->base_residuals);
}

const char *gru_model_base(const struct gru_model *model)
{
    return known(&model->base_residuals) ? model->base : NULL;
}

static bool is_word(const char *base)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  ":._-";
    size_t n = strlen(base);
    return n > 0 && n < GRU_BASE_SIZE && strspn(base, letters) == n;
}

enum gru_status gru_model_set_base_residuals(struct gru_model *model, const char *base,
                                             const struct gru_residuals *residuals)
{
    if (!is_word(base)) {
        return GRU_BAD_ARGUMENT;
    }
    enum gru_status status = keep(&model->base_residuals, residuals, model->info.n_outputs);
    if (status == GRU_OK) {
        memcpy(model->base, base, strlen(base) + 1);
    }
    return status;
}
