/* api_system.c - is it alive, is it ready, what does it count, what can it do. */
#include "http/api.h"
#include "http/workers.h"

static enum status reply_static(struct request *request, int code, const char *body, size_t n)
{
    request->reply = (struct reply){ .code = code, .body = body, .n_body = n };
    return STATUS_OK;
}

enum status api_health(struct request *request)
{
    static const char body[] = "{\"status\":\"ok\"}";
    return reply_static(request, 200, body, sizeof body - 1);
}

/* Still 200: the service goes on, and a balancer must not take it out. */
static enum status reply_degraded(struct request *request)
{
    const struct service *service = service_context_service(request->context);
    const char *between = "";
    struct text text;
    text_init(&text, request->arena, 512);
    text_print(&text, "{\"status\":\"degraded\",\"reason\":\"");
    for (enum degraded_state state = 0; state < DEGRADED_COUNT; state++) {
        if (service_is_degraded_by(service, state)) {
            text_print(&text, "%s%s", between, degraded_sentence(state));
            between = "; ";
        }
    }
    text_print(&text, "\"}");
    return api_reply(request, 200, &text);
}

enum status api_ready(struct request *request)
{
    static const char ok[] = "{\"status\":\"ok\"}";
    if (workers_are_draining(request->http)) {
        return fault_set(request->fault, STATUS_NOT_READY, NULL, "grud is stopping");
    }
    if (service_is_degraded(service_context_service(request->context))) {
        return reply_degraded(request);
    }
    return reply_static(request, 200, ok, sizeof ok - 1);
}

/* ---- metrics ---- */

static void put_head(struct text *text, const char *name, const char *type, const char *help)
{
    text_print(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_counter(struct text *text, const char *name, const char *help, uint64_t value)
{
    put_head(text, name, "counter", help);
    text_print(text, "%s %llu\n", name, (unsigned long long)value);
}

static void put_models(struct request *request, struct text *text)
{
    size_t n;
    const struct model *const *models = models_list(request->context, &n);
    put_head(text, "grud_sessions", "gauge", "Live sessions.");
    for (size_t k = 0; k < n; k++) {
        text_print(text, "grud_sessions{model=\"%s\"} %zu\n", models[k]->name,
                   model_n_sessions(models[k]));
    }
    put_head(text, "grud_model_active_version", "gauge", "The version that requests use.");
    for (size_t k = 0; k < n; k++) {
        text_print(text, "grud_model_active_version{model=\"%s\"} %u\n", models[k]->name,
                   models[k]->active->number);
    }
    put_head(text, "grud_models", "gauge", "Models that are served.");
    text_print(text, "grud_models %zu\n", n);
}

static void put_jobs(struct text *text, const struct service_figures *figures)
{
    put_head(text, "grud_jobs", "gauge", "Fine-tuning jobs by status.");
    for (int status = 0; status < JOB_N_STATUSES; status++) {
        text_print(text, "grud_jobs{status=\"%s\"} %llu\n",
                   job_status_word((enum job_status)status),
                   (unsigned long long)figures->n_jobs[status]);
    }
    put_counter(text, "grud_training_steps_total", "Updates of weights, tried by fine-tuning jobs.",
                figures->n_training_steps);
    put_counter(text, "grud_recorded_readings_total", "Readings recorded for fine-tuning.",
                figures->n_recorded);
    put_counter(text, "grud_recordings_lost_total",
                "Readings that came faster than they could be recorded.",
                figures->n_recordings_lost);
}

static void put_service(struct request *request, struct text *text)
{
    struct service *service = service_context_service(request->context);
    struct service_figures figures;
    service_read_figures(service, &figures);
    put_counter(text, "grud_steps_total", "Steps answered.", figures.n_steps);
    put_counter(text, "grud_sequence_rows_total", "Rows of whole sequences.",
                figures.n_sequence_rows);
    put_counter(text, "grud_forecast_rows_total", "Rows forecast ahead.", figures.n_forecast_rows);
    put_counter(text, "grud_sessions_created_total", "Sessions created.",
                figures.n_sessions_created);
    put_counter(text, "grud_sessions_expired_total", "Sessions ended by their time to live.",
                figures.n_sessions_expired);
    put_counter(text, "grud_sessions_evicted_total", "Sessions ended to make room.",
                figures.n_sessions_evicted);
    put_counter(text, "grud_sessions_damaged_total", "Sessions found damaged on disk.",
                figures.n_sessions_damaged);
    put_counter(text, "grud_sessions_rewarmed_total", "Sessions brought to another version.",
                figures.n_rewarmed);
    put_jobs(text, &figures);
    put_counter(text, "grud_syncs_total", "Syncs of session files.", figures.n_syncs);
    put_counter(text, "grud_sync_failures_total", "Syncs that the disk refused.",
                figures.n_failed_syncs);
    put_head(text, "grud_degraded", "gauge",
             "1 while something keeps grud from all that it should do.");
    text_print(text, "grud_degraded %d\n", service_is_degraded(service));
    put_head(text, "grud_trouble", "gauge", "What that is: 1 for each that applies.");
    for (enum degraded_state state = 0; state < DEGRADED_COUNT; state++) {
        text_print(text, "grud_trouble{what=\"%s\"} %d\n", degraded_word(state),
                   service_is_degraded_by(service, state));
    }
}

enum status api_metrics(struct request *request)
{
    struct text text;
    text_init(&text, request->arena, 16384);
    put_head(&text, "grud_build_info", "gauge", "The build: always 1.");
    text_print(&text, "grud_build_info{version=\"%s\",commit=\"%s\",kernels=\"%s\"} 1\n",
               GRU_VERSION, GRUD_COMMIT, gru_kernels_name());
    put_models(request, &text);
    put_service(request, &text);
    const struct http *http = request->http;
    metrics_put(&text, http->metrics, http->n_workers, http->routes, http->n_routes);
    return api_reply(request, 200, &text);
}

/* ---- GET /v1 ---- */

enum status api_index(struct request *request)
{
    const struct http *http = request->http;
    struct codec_route *rows = arena_array(request->arena, http->n_routes, sizeof *rows);
    if (!rows) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    for (size_t k = 0; k < http->n_routes; k++) {
        const struct route *route = &http->routes[k];
        rows[k] = (struct codec_route){ .method = route->method,
                                        .path = route->path,
                                        .summary = route->summary };
    }
    struct text text;
    text_init(&text, request->arena, 8192);
    codec_put_routes(&text, GRU_VERSION, rows, http->n_routes);
    return api_reply(request, 200, &text);
}
