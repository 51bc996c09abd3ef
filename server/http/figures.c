/* figures.c - see figures.h. */
#include "http/figures.h"

#include "codec/codec.h"

#include <inttypes.h>
#include <math.h>

/* What rows print, and from what. */
struct figure_values {
    struct text *text;
    const struct http *http;
    struct service_context *context;
    const struct service *service;
    struct service_figures of_service;
};

static uint64_t of_workers(const struct figure_values *values, size_t at)
{
    return metrics_sum(values->http->metrics, values->http->n_workers, at);
}

/* A sample with one label. */
static void put_labelled(const struct figure_values *values, const struct figure *figure,
                         const char *label, const char *value, uint64_t n)
{
    text_print(values->text, "%s{%s=\"%s\"} %" PRIu64 "\n", figure->name, label, value, n);
}

static void put_plain(const struct figure_values *values, const struct figure *figure, uint64_t n)
{
    text_print(values->text, "%s %" PRIu64 "\n", figure->name, n);
}

/* ---- the process and its models ---- */

static void put_build(const struct figure_values *values, const struct figure *figure)
{
    text_print(values->text, "%s{version=\"%s\",commit=\"%s\",kernels=\"%s\"} 1\n", figure->name,
               GRU_VERSION, GRUD_COMMIT, gru_kernels_name());
}

static void put_sessions(const struct figure_values *values, const struct figure *figure)
{
    size_t n;
    const struct model *const *models = models_list(values->context, &n);
    for (size_t k = 0; k < n; k++) {
        put_labelled(values, figure, "model", models[k]->name, model_n_sessions(models[k]));
    }
}

static void put_versions(const struct figure_values *values, const struct figure *figure)
{
    size_t n;
    const struct model *const *models = models_list(values->context, &n);
    for (size_t k = 0; k < n; k++) {
        put_labelled(values, figure, "model", models[k]->name, models[k]->active->number);
    }
}

static void put_models(const struct figure_values *values, const struct figure *figure)
{
    size_t n;
    (void)models_list(values->context, &n);
    put_plain(values, figure, n);
}

static void put_unserved(const struct figure_values *values, const struct figure *figure)
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

/* ---- how good the forecasts of sessions were ---- */

/* A label's value, escaped. */
static void put_label(struct text *text, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n') {
            text_append(text, "\\", 1);
        }
        text_append(text, *value == '\n' ? "n" : value, 1);
    }
}

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
    put_label(values->text, info->outputs[score->output].name);
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

static void put_errors(const struct figure_values *values, const struct figure *figure)
{
    put_outputs(values, figure, put_errors_of);
}

static void put_intervals(const struct figure_values *values, const struct figure *figure)
{
    put_outputs(values, figure, put_intervals_of);
}

/* ---- the service ---- */

static void put_jobs(const struct figure_values *values, const struct figure *figure)
{
    for (enum job_status status = 0; status < JOB_N_STATUSES; status++) {
        put_labelled(values, figure, "status", job_status_word(status),
                     values->of_service.n_jobs[status]);
    }
}

static void put_degraded(const struct figure_values *values, const struct figure *figure)
{
    put_plain(values, figure, service_is_degraded(values->service));
}

static void put_degraded_states(const struct figure_values *values, const struct figure *figure)
{
    for (enum degraded_state state = 0; state < DEGRADED_COUNT; state++) {
        put_labelled(values, figure, "what", degraded_word(state),
                     service_is_degraded_by(values->service, state));
    }
}

/* ---- the workers ---- */

static void put_requests(const struct figure_values *values, const struct figure *figure)
{
    const struct http *http = values->http;
    for (size_t route = 0; route <= http->n_routes; route++) {
        const char *path = route < http->n_routes ? http->routes[route].path : "";
        const char *method = route < http->n_routes ? http->routes[route].method : "";
        for (size_t k = 0; k < METRICS_CODES; k++) {
            uint64_t n = of_workers(values, metrics_at_requests(route, k));
            if (n > 0) {
                text_print(values->text, "%s{route=\"%s\",method=\"%s\",code=\"%s\"} %" PRIu64 "\n",
                           figure->name, path, method, metrics_code(k), n);
            }
        }
    }
}

static void put_refusals(const struct figure_values *values, const struct figure *figure)
{
    for (enum refusal kind = 0; kind < N_REFUSALS; kind++) {
        put_labelled(values, figure, "kind", metrics_refusal(kind),
                     of_workers(values, offsetof(struct metrics, refusals[kind])));
    }
}

static void put_durations(const struct figure_values *values, const struct figure *figure)
{
    struct text *text = values->text;
    const char *name = figure->name;
    uint64_t n = 0;
    for (size_t k = 0; k <= METRICS_BUCKETS; k++) {
        n += of_workers(values, offsetof(struct metrics, durations[k]));
        text_print(text, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, metrics_bound(k), n);
    }
    text_print(text, "%s_sum %.9f\n", name,
               (double)of_workers(values, offsetof(struct metrics, duration_ns)) * 1e-9);
    text_print(text, "%s_count %" PRIu64 "\n", name, n);
}

/* ---- the table ---- */

#define BY_SERVICE(field) .where = COUNTED_BY_SERVICE, .at = offsetof(struct service_figures, field)
#define BY_WORKERS(field) .where = COUNTED_BY_WORKERS, .at = offsetof(struct metrics, field)
#define BY(function)      .where = COUNTED_BY_PUT, .put = (function)
#define BY_SUM(function, field)                                                                    \
    .where = COUNTED_BY_PUT, .put = (function), .at = offsetof(struct error_sums, field)
#define BY_MEASURE(function, measure) .where = COUNTED_BY_PUT, .put = (function), .at = (measure)

// clang-format off
const struct figure figures_table[] = {
    { "grud_build_info", FIGURE_GAUGE, "", "The build: always 1.", BY(put_build) },
    { "grud_sessions", FIGURE_GAUGE, "", "Live sessions.", BY(put_sessions) },
    { "grud_model_active_version", FIGURE_GAUGE, "", "The version that requests use.",
      BY(put_versions) },
    { "grud_models", FIGURE_GAUGE, "", "Models that are served.", BY(put_models) },
    { "grud_model_unserved", FIGURE_GAUGE, "",
      "1 for each model, or version of one that is served, that is there and cannot be.",
      BY(put_unserved) },

    { "grud_steps_total", FIGURE_COUNTER, "", "Steps answered.", BY_SERVICE(n_steps) },
    { "grud_repeated_readings_total", FIGURE_COUNTER, "",
      "Steps that had been made before, by their seq or at.", BY_SERVICE(n_repeated_readings) },
    { "grud_late_readings_total", FIGURE_COUNTER, "",
      "Readings refused because their at is not after the session's last.",
      BY_SERVICE(n_late_readings) },
    { "grud_sequence_rows_total", FIGURE_COUNTER, "", "Rows of whole sequences.",
      BY_SERVICE(n_sequence_rows) },
    { "grud_forecast_rows_total", FIGURE_COUNTER, "", "Rows forecast ahead.",
      BY_SERVICE(n_forecast_rows) },
    { "grud_forecast_errors_total", FIGURE_COUNTER, "",
      "Readings of sessions that were compared with what had been forecast one step before.",
      BY_SUM(put_errors, n) },
    { "grud_forecast_absolute_error_total", FIGURE_COUNTER, "",
      "Sum of how far those forecasts were off.", BY_SUM(put_errors, absolute.sum) },
    { "grud_forecast_squared_error_total", FIGURE_COUNTER, "",
      "Sum of the squares of that.", BY_SUM(put_errors, squared.sum) },
    { "grud_forecast_symmetric_error_total", FIGURE_COUNTER, "",
      "Sum of that in percent of half of both together, which smape is the mean of.",
      BY_SUM(put_errors, symmetric.sum) },
    { "grud_persistence_absolute_error_total", FIGURE_COUNTER, "",
      "Sum of how far off the reading before would have been.",
      BY_SUM(put_errors, persistence.absolute.sum) },
    { "grud_forecast_mae", FIGURE_GAUGE, "",
      "Mean of how far off forecasts were; recent: half of what counts is each worker's last 69.",
      BY_MEASURE(put_errors, ERROR_MAE) },
    { "grud_forecast_rmse", FIGURE_GAUGE, "", "Root of the mean square of that.",
      BY_MEASURE(put_errors, ERROR_RMSE) },
    { "grud_forecast_smape", FIGURE_GAUGE, "", "Symmetric percentage error, from 0 to 200.",
      BY_MEASURE(put_errors, ERROR_SMAPE) },
    { "grud_forecast_mase", FIGURE_GAUGE, "", "Mean error in mean changes over a season, or between two readings.",
      BY_MEASURE(put_errors, ERROR_MASE) },
    { "grud_forecast_rse", FIGURE_GAUGE, "", "Root of squared errors over squares about the mean.",
      BY_MEASURE(put_errors, ERROR_RSE) },
    { "grud_forecast_corr", FIGURE_GAUGE, "", "Correlation of readings and forecasts.",
      BY_MEASURE(put_errors, ERROR_CORR) },
    { "grud_forecast_skill_vs_persistence", FIGURE_GAUGE, "",
      "1: perfect; 0: as good as the reading before; less: worse.",
      BY_MEASURE(put_errors, ERROR_SKILL_VS_PERSISTENCE) },
    { "grud_forecast_skill_vs_seasonal_naive", FIGURE_GAUGE, "",
      "1 - mean error / mean error of the value one season before.",
      BY_MEASURE(put_errors, ERROR_SKILL_VS_SEASONAL_NAIVE) },
    { "grud_forecast_intervals_total", FIGURE_COUNTER, "",
      "Prediction intervals one step ahead whose reading has come.",
      BY_SUM(put_intervals, n_intervals) },
    { "grud_forecast_intervals_covered_total", FIGURE_COUNTER, "", "Those that held it.",
      BY_SUM(put_intervals, n_covered) },
    { "grud_forecast_intervals_width_total", FIGURE_COUNTER, "", "Sum of their widths.",
      BY_SUM(put_intervals, width.sum) },
    { "grud_forecast_intervals_score_total", FIGURE_COUNTER, "", "Sum of their interval scores.",
      BY_SUM(put_intervals, interval_score.sum) },
    { "grud_forecast_coverage", FIGURE_GAUGE, "", "Share of the intervals that held the reading.",
      BY_MEASURE(put_intervals, ERROR_COVERAGE) },
    { "grud_forecast_mean_width", FIGURE_GAUGE, "", "Mean width of the intervals.",
      BY_MEASURE(put_intervals, ERROR_MEAN_WIDTH) },
    { "grud_forecast_interval_score", FIGURE_GAUGE, "",
      "Mean width, with what readings outside cost; less is better.",
      BY_MEASURE(put_intervals, ERROR_INTERVAL_SCORE) },
    { "grud_forecast_pinball", FIGURE_GAUGE, "", "Mean of the quantile losses of both bounds.",
      BY_MEASURE(put_intervals, ERROR_PINBALL) },
    { "grud_session_bytes", FIGURE_GAUGE, "bytes", "What the sessions of all models take.",
      BY_SERVICE(n_session_bytes) },
    { "grud_sessions_created_total", FIGURE_COUNTER, "", "Sessions created.",
      BY_SERVICE(n_sessions_created) },
    { "grud_sessions_expired_total", FIGURE_COUNTER, "", "Sessions ended by their time to live.",
      BY_SERVICE(n_sessions_expired) },
    { "grud_sessions_evicted_total", FIGURE_COUNTER, "", "Sessions ended to make room.",
      BY_SERVICE(n_sessions_evicted) },
    { "grud_sessions_damaged_total", FIGURE_COUNTER, "", "Sessions found damaged on disk.",
      BY_SERVICE(n_sessions_damaged) },
    { "grud_sessions_stepped_back_total", FIGURE_COUNTER, "",
      "Sessions that went on from an earlier step, because a later one was not whole on disk.",
      BY_SERVICE(n_sessions_stepped_back) },
    { "grud_sessions_readings_lost_total", FIGURE_COUNTER, "",
      "Sessions that lost some of their kept readings on disk.", BY_SERVICE(n_readings_lost) },
    { "grud_sessions_exposed_total", FIGURE_COUNTER, "",
      "Steps that were written over one that was being synced, for want of room beside it.",
      BY_SERVICE(n_copies_exposed) },
    { "grud_sessions_rewarmed_total", FIGURE_COUNTER, "", "Sessions brought to another version.",
      BY_SERVICE(n_rewarmed) },
    { "grud_jobs", FIGURE_GAUGE, "", "Fine-tuning jobs by status.", BY(put_jobs) },
    { "grud_training_steps_total", FIGURE_COUNTER, "",
      "Updates of weights, tried by fine-tuning jobs.", BY_SERVICE(n_training_steps) },
    { "grud_recorded_readings_total", FIGURE_COUNTER, "", "Readings recorded for fine-tuning.",
      BY_SERVICE(n_recorded) },
    { "grud_recordings_lost_total", FIGURE_COUNTER, "",
      "Readings that came faster than they could be recorded.", BY_SERVICE(n_recordings_lost) },
    { "grud_syncs_total", FIGURE_COUNTER, "", "Syncs of session files.", BY_SERVICE(n_syncs) },
    { "grud_sync_failures_total", FIGURE_COUNTER, "", "Syncs that the disk refused.",
      BY_SERVICE(n_failed_syncs) },
    { "grud_degraded", FIGURE_GAUGE, "",
      "1 while something keeps grud from all that it should do.", BY(put_degraded) },
    { "grud_trouble", FIGURE_GAUGE, "", "What that is: 1 for each that applies.",
      BY(put_degraded_states) },

    { "grud_http_requests_total", FIGURE_COUNTER, "", "Requests answered.", BY(put_requests) },
    { "grud_http_requests_aborted_total", FIGURE_COUNTER, "", "Requests whose client hung up.",
      BY_WORKERS(n_aborted) },
    { "grud_http_refused_total", FIGURE_COUNTER, "",
      "Requests and connections turned away, by what there was too much of.", BY(put_refusals) },
    { "grud_http_request_duration_seconds", FIGURE_HISTOGRAM, "seconds",
      "From a request's first line to the last byte of its answer.", BY(put_durations) },
    { "grud_http_connections", FIGURE_GAUGE, "", "Open connections.", BY_WORKERS(n_connections) },
    { "grud_http_streams", FIGURE_GAUGE, "", "Open streams of Server-Sent Events.",
      BY_WORKERS(n_streams) },
};
// clang-format on

const size_t figures_n = sizeof figures_table / sizeof *figures_table;

static void put_figure(const struct figure_values *values, const struct figure *figure)
{
    static const char *const types[] = {
        [FIGURE_COUNTER] = "counter", [FIGURE_GAUGE] = "gauge", [FIGURE_HISTOGRAM] = "histogram"
    };
    text_print(values->text, "# HELP %s %s\n# TYPE %s %s\n", figure->name, figure->help,
               figure->name, types[figure->type]);
    switch (figure->where) {
    case COUNTED_BY_SERVICE:
        put_plain(values, figure,
                  *(const uint64_t *)((const char *)&values->of_service + figure->at));
        break;
    case COUNTED_BY_WORKERS:
        put_plain(values, figure, of_workers(values, figure->at));
        break;
    case COUNTED_BY_PUT:
        figure->put(values, figure);
        break;
    }
}

void figures_put(struct text *text, const struct http *http, struct service_context *context)
{
    struct service *service = service_context_service(context);
    struct figure_values values = {
        .text = text, .http = http, .context = context, .service = service
    };
    service_read_figures(service, &values.of_service);
    for (size_t k = 0; k < figures_n; k++) {
        put_figure(&values, &figures_table[k]);
    }
}
