/* Roll-outs from origins that are spread over the series, and the residuals; see comparison.h. */
#include "engine/train/comparison.h"
#include "engine/train/loss.h"
#include "engine/train/plausible.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- origins ---- */

/* Whether roll-outs have a truth: the readings that the outputs forecast. */
static bool has_rolls(const struct gru_comparison *comparison)
{
    return comparison->result.horizon > 0 && !comparison->lane.series->y;
}

/* Rows from which the next one is a target. With posted targets they are rows to sample. */
void gru_comparison_begin_origins(struct gru_comparison *comparison)
{
    const struct dataset_lane *lane = &comparison->lane;
    bool is_posted = lane->series->y != NULL;
    size_t first = is_posted ? comparison->first_target : lane->first;
    first = !is_posted && first > 0 ? first - 1 : first;
    size_t end = is_posted ? lane->n_rows : lane->n_rows - 1;
    comparison->origin = SIZE_MAX;
    if (first < end && !gru_loss_takes_logits(comparison->dataset.loss) &&
        (is_posted || has_rolls(comparison))) {
        size_t n = end - first, n_most = comparison->plan.n_origins;
        comparison->origin = first;
        comparison->origin_step = (n + n_most - 1) / n_most;
    }
}

/* ---- a roll-out ---- */

/* The readings of inputs that no output feeds, from row t + 1 on. */
static void take_future(struct gru_comparison *comparison, size_t t, size_t n_rows)
{
    const struct gru_info *info = comparison->info;
    double *future = comparison->future;
    for (size_t s = 1; s <= n_rows; s++) {
        for (size_t i = 0; i < info->n_inputs; i++) {
            if (info->inputs[i].feeds < 0) {
                *future++ = comparison->lane.series->x[(t + s) * info->n_inputs + i];
            }
        }
    }
}

static enum gru_status roll(struct gru_comparison *comparison, struct compared_model *model,
                            size_t t, size_t horizon)
{
    size_t n_future = gru_future_rows(model->model, horizon);
    size_t n_floats = horizon * comparison->info->n_outputs;
    enum gru_status status = GRU_NON_FINITE;
    if (!model->has_failed) {
        take_future(comparison, t, n_future);
        status = gru_forecast(model->model, comparison->work, model->state, horizon,
                              comparison->future, n_future, model->forecast);
    }
    for (size_t k = 0; status != GRU_OK && k < n_floats; k++) {
        model->forecast[k] = (double)NAN;
    }
    return status == GRU_NO_MEMORY ? status : GRU_OK;
}

static void score_ahead(struct gru_comparison *comparison, size_t t, size_t ahead, size_t o)
{
    const struct gru_info *info = comparison->info;
    const size_t stream = comparison->plan.stream[comparison->k];
    const size_t at = (ahead - 1) * info->n_outputs + o;
    const int fed = info->outputs[o].feeds;
    const double raw = fed >= 0
                           ? comparison->lane.series->x[(t + ahead) * info->n_inputs + (size_t)fed]
                           : (double)NAN;
    const enum sight first =
        isnan(raw) ? N_SIGHTS : gru_comparison_sight(comparison, t + ahead - 1, o, raw);
    const struct loss_terms terms = gru_dataset_loss(&comparison->dataset);
    const double weight = gru_output_weight(&terms, o);
    double lost[N_COMPARED];
    for (size_t m = 0; m < N_COMPARED; m++) {
        const double forecast = comparison->models[m].forecast[at];
        if (first == SURE) {
            gru_comparison_sample(comparison, m, o, ahead, forecast - raw);
        }
        lost[m] = weight * gru_comparison_loss(comparison, o, forecast, raw);
    }
    const double naive =
        weight * gru_comparison_loss(comparison, o, gru_comparison_naive(comparison, o), raw);
    bool is_judged =
        weight > 0 && ahead <= comparison->result.horizon && !comparison->screen->is_constant[o];
    for (enum sight sight = first; is_judged && sight < N_SIGHTS; sight++) {
        gru_losses_add(&comparison->streams[sight][stream].rolled, lost, naive);
        if (comparison->result.is_of_rolls && comparison->repeat == REPEAT_NONE) {
            gru_losses_add(gru_comparison_block(comparison, sight, t + ahead - 1), lost, naive);
        }
    }
}

enum gru_status gru_comparison_roll(struct gru_comparison *comparison, size_t t)
{
    size_t left = comparison->lane.n_rows - 1 - t;
    size_t horizon = left < GRU_RESIDUAL_HORIZON ? left : GRU_RESIDUAL_HORIZON;
    comparison->origin += comparison->origin_step;
    if (!has_rolls(comparison) || horizon == 0 || comparison->n_disturbed[WITH_DOUBTS] > 0) {
        return GRU_OK;
    }
    enum gru_status status = roll(comparison, &comparison->models[TRAINED], t, horizon);
    if (status == GRU_OK) {
        status = roll(comparison, &comparison->models[BASE], t, horizon);
    }
    for (size_t ahead = 1; status == GRU_OK && ahead <= horizon; ahead++) {
        for (size_t o = 0; o < comparison->info->n_outputs; o++) {
            score_ahead(comparison, t, ahead, o);
        }
    }
    return status;
}

/* ---- residuals ---- */

/* The smallest error that the share of the forecasts does not exceed. */
static double quantile(const float *sorted, size_t n, double share)
{
    size_t at = (size_t)ceil(share * (double)n);
    return (double)sorted[at > 0 ? at - 1 : 0];
}

static int compare_sizes(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static struct gru_residual summarise(float *samples, size_t n)
{
    static const double levels[GRU_RESIDUAL_QUANTILES] = GRU_RESIDUAL_LEVELS;
    struct gru_residual residual = { .n = n };
    if (n == 0) {
        return residual;
    }
    qsort(samples, n, sizeof *samples, compare_sizes);
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        sum += (double)samples[k];
    }
    residual.mean = sum / (double)n;
    for (size_t k = 0; k < GRU_RESIDUAL_QUANTILES; k++) {
        residual.quantiles[k] = quantile(samples, n, levels[k]);
    }
    return residual;
}

/* As far ahead as any output was looked at. */
static struct gru_residuals end_model(struct gru_comparison *comparison, size_t model)
{
    struct residual_samples *samples = &comparison->samples[model];
    size_t n_outputs = comparison->info->n_outputs, n_all = comparison->n_horizons, n_horizons = 0;
    for (size_t k = 0; k < n_outputs * n_all; k++) {
        size_t ahead = k % n_all + 1;
        n_horizons = samples->n[k] > 0 && ahead > n_horizons ? ahead : n_horizons;
    }
    for (size_t o = 0; o < n_outputs; o++) {
        for (size_t h = 0; h < n_horizons; h++) {
            size_t at = o * n_all + h;
            samples->residuals[o * n_horizons + h] =
                summarise(samples->of + at * comparison->n_samples_max, samples->n[at]);
        }
    }
    return n_horizons > 0 ? (struct gru_residuals){ n_outputs, n_horizons, samples->residuals }
                          : (struct gru_residuals){ .n_outputs = 0 };
}

void gru_comparison_end(struct gru_comparison *comparison)
{
    comparison->result.residuals = end_model(comparison, TRAINED);
    comparison->result.base_residuals = end_model(comparison, BASE);
}
