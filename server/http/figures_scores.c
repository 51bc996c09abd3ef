/* figures_scores.c - see figures_scores.h. */
#include "http/figures_scores.h"

#include "codec/text.h"
#include "service/service.h"

#include <inttypes.h>
#include <math.h>

/* ---- how good the forecasts of sessions were ---- */

/* Of an output, or of a level of its intervals. */
struct score {
    const struct model *model;
    size_t output;
    double level; /* NAN: none */
    struct error_sums spans[ERROR_N_SPANS];
};

/* What cannot be said has no sample. */
static void put_value(const struct figure_values *values, const struct figure *figure,
                      const struct score *score, const char *over, double value)
{
    const struct gru_info *info = gru_model_info(score->model->active->gru);
    if (isnan(value)) {
        return;
    }
    text_print(values->text, "%s{model=\"%s\",output=\"", figure->name, score->model->name);
    figure_put_text(values->text, info->outputs[score->output].name);
    if (!isnan(score->level)) {
        text_print(values->text, "\",level=\"%.15g", score->level);
    }
    text_print(values->text, "\"%s} %.9g\n", over, value);
}

/* A counter is at a place of struct error_sums; the rest of its sum is beyond the digits that are
 * printed. A gauge is a measure, of both spans. */
static void put_score(const struct figure_values *values, const struct figure *figure,
                      const struct score *score)
{
    static const char *const over[ERROR_N_SPANS] = {
        [ERROR_SPAN_ALL] = ",over=\"all\"",
        [ERROR_SPAN_RECENT] = ",over=\"recent\"",
    };
    const struct error_sums *all = &score->spans[ERROR_SPAN_ALL];
    if (all->n + all->n_intervals == 0.0) {
        return;
    }
    if (figure->type == FIGURE_COUNTER) {
        put_value(values, figure, score, "",
                  *(const double *)(const void *)((const char *)all + figure->at));
        return;
    }
    for (enum error_span span = 0; span < ERROR_N_SPANS; span++) {
        const struct error_figures figures =
            error_totals_figures(&score->spans[span], score->level);
        put_value(values, figure, score, over[span], figures.values[figure->at]);
    }
}

static void put_errors_of(const struct figure_values *values, const struct figure *figure,
                          struct score *score)
{
    for (enum error_span span = 0; span < ERROR_N_SPANS; span++) {
        score->spans[span] = error_totals_sum(score->model->error_totals, score->output, span);
    }
    put_score(values, figure, score);
}

static void put_intervals_of(const struct figure_values *values, const struct figure *figure,
                             struct score *score)
{
    const struct interval_levels *offered = service_interval_levels(values->context);
    for (size_t level = 0; level < offered->n; level++) {
        score->level = offered->level[level];
        for (enum error_span span = 0; span < ERROR_N_SPANS; span++) {
            score->spans[span] =
                error_totals_sum_intervals(score->model->error_totals, score->output, level, span);
        }
        put_score(values, figure, score);
    }
}

/* Of each output that is counted. */
static void put_outputs(const struct figure_values *values, const struct figure *figure,
                        void (*put)(const struct figure_values *, const struct figure *,
                                    struct score *))
{
    size_t n;
    const struct model *const *models = models_list(values->context, &n);
    for (size_t k = 0; k < n; k++) {
        for (size_t o = 0; o < error_totals_n(models[k]->error_totals); o++) {
            struct score score = { .model = models[k], .output = o, .level = NAN };
            put(values, figure, &score);
        }
    }
}

void figures_put_errors(const struct figure_values *values, const struct figure *figure)
{
    put_outputs(values, figure, put_errors_of);
}

void figures_put_intervals(const struct figure_values *values, const struct figure *figure)
{
    put_outputs(values, figure, put_intervals_of);
}

/* ---- whether they have become worse ---- */

static struct drift_report drift_of(const struct model *model)
{
    struct drift_report report;
    drift_read(model->drift, model->active->number, &report);
    return report;
}

void figures_put_drifting(const struct figure_values *values, const struct figure *figure)
{
    size_t n;
    const struct model *const *models = models_list(values->context, &n);
    for (size_t k = 0; k < n; k++) {
        figure_put_labelled(values, figure, "model", models[k]->name,
                            drift_of(models[k]).is_drifting);
    }
}

void figures_put_drift_alarms(const struct figure_values *values, const struct figure *figure)
{
    size_t n;
    const struct model *const *models = models_list(values->context, &n);
    for (size_t k = 0; k < n; k++) {
        const struct drift_report report = drift_of(models[k]);
        for (enum drift_detector of = 0; of < DRIFT_N_DETECTORS; of++) {
            text_print(values->text, "%s{model=\"%s\",detector=\"%s\"} %" PRIu64 "\n", figure->name,
                       models[k]->name, drift_detector_word(of), report.n_alarms[of]);
        }
    }
}

/* Of models that have had too few errors there is none. */
void figures_put_drift_ratio(const struct figure_values *values, const struct figure *figure)
{
    size_t n;
    const struct model *const *models = models_list(values->context, &n);
    for (size_t k = 0; k < n; k++) {
        const struct drift_report report = drift_of(models[k]);
        if (!isnan(report.ratio)) {
            text_print(values->text, "%s{model=\"%s\"} %.9g\n", figure->name, models[k]->name,
                       report.ratio);
        }
    }
}
