/* figures_service.c - see figures_service.h. */
#include "http/figures_service.h"

#include "codec/text.h"
#include "service/service.h"

#include <inttypes.h>

/* ---- the process and its models ---- */

void figures_put_build(const struct figure_values *values, const struct figure *figure)
{
    text_print(values->text, "%s{version=\"%s\",commit=\"%s\",kernels=\"%s\"} 1\n", figure->name,
               GRU_VERSION, GRUD_COMMIT, gru_kernels_name());
}

void figures_put_sessions(const struct figure_values *values, const struct figure *figure)
{
    size_t n;
    const struct model *const *models = models_list(values->context, &n);
    for (size_t k = 0; k < n; k++) {
        figure_put_labelled(values, figure, "model", models[k]->name, model_n_sessions(models[k]));
    }
}

void figures_put_versions(const struct figure_values *values, const struct figure *figure)
{
    size_t n;
    const struct model *const *models = models_list(values->context, &n);
    for (size_t k = 0; k < n; k++) {
        figure_put_labelled(values, figure, "model", models[k]->name, models[k]->active->number);
    }
}

void figures_put_models(const struct figure_values *values, const struct figure *figure)
{
    size_t n;
    (void)models_list(values->context, &n);
    figure_put_plain(values, figure, n);
}

void figures_put_unserved(const struct figure_values *values, const struct figure *figure)
{
    const struct unserved *unserved;
    for (size_t k = 0; (unserved = models_unserved(values->context, k)) != NULL; k++) {
        text_print(values->text, "%s{model=\"%s\",version=\"", figure->name, unserved->model);
        if (unserved->version > 0) {
            text_print(values->text, "%u", unserved->version);
        }
        text_print(values->text, "\"} 1\n");
    }
}

/* ---- the service ---- */

void figures_put_jobs(const struct figure_values *values, const struct figure *figure)
{
    for (enum job_status status = 0; status < JOB_N_STATUSES; status++) {
        figure_put_labelled(values, figure, "status", job_status_word(status),
                            values->of_service.n_jobs[status]);
    }
}

void figures_put_degraded(const struct figure_values *values, const struct figure *figure)
{
    figure_put_plain(values, figure, service_is_degraded(values->service));
}

void figures_put_degraded_states(const struct figure_values *values, const struct figure *figure)
{
    for (enum degraded_state state = 0; state < DEGRADED_COUNT; state++) {
        figure_put_labelled(values, figure, "what", degraded_word(state),
                            service_is_degraded_by(values->service, state));
    }
}

void figures_put_jobs_ended(const struct figure_values *values, const struct figure *figure)
{
    for (enum job_status status = 0; status < JOB_N_STATUSES; status++) {
        if (job_is_over(status)) {
            figure_put_labelled(values, figure, "status", job_status_word(status),
                                values->of_service.n_jobs_ended[status]);
        }
    }
}

void figures_put_training_time(const struct figure_values *values, const struct figure *figure)
{
    text_print(values->text, "%s %.6f\n", figure->name,
               (double)values->of_service.training_us * 1e-6);
}

void figures_put_late(const struct figure_values *values, const struct figure *figure)
{
    for (enum late_outcome outcome = 0; outcome < LATE_N_OUTCOMES; outcome++) {
        figure_put_labelled(values, figure, "outcome", late_outcome_word(outcome),
                            values->of_service.n_late_readings[outcome]);
    }
}

void figures_put_levels(const struct figure_values *values, const struct figure *figure)
{
    const struct interval_levels *offered = service_interval_levels(values->context);
    for (size_t k = 0; k < offered->n; k++) {
        text_print(values->text, "%s{level=\"%.15g\"} %.15g\n", figure->name, offered->level[k],
                   offered->level[k]);
    }
}
