/* api_system.c - health, readiness, figures, and the index of routes. */
#include "http/api.h"
#include "http/figures.h"
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
    struct text reason, text;
    size_t n = 0;
    while (models_unserved(request->context, n)) {
        n++;
    }
    const struct unserved **unserved = arena_array(request->arena, n, sizeof *unserved);
    for (size_t k = 0; unserved && k < n; k++) {
        unserved[k] = models_unserved(request->context, k);
    }
    text_init(&reason, request->arena, 512);
    for (enum degraded_state state = 0; state < DEGRADED_COUNT; state++) {
        if (service_is_degraded_by(service, state)) {
            text_print(&reason, "%s%s", between, degraded_sentence(state));
            between = "; ";
        }
    }
    text_append(&reason, "", 1);
    text_init(&text, request->arena, 1024);
    text.failed = !unserved || reason.failed;
    if (!text.failed) {
        codec_put_degraded(&text, reason.p, unserved, n);
    }
    return api_reply(request, 200, &text);
}

enum status api_ready(struct request *request)
{
    static const char ok[] = "{\"status\":\"ok\"}";
    if (workers_are_draining(request->http)) {
        return fault_set(request->fault, STATUS_NOT_READY, NULL, "grud is stopping");
    }
    if (models_are_all_refused(request->context)) {
        return fault_set(request->fault, STATUS_NOT_READY, NULL,
                         "no model is served: every file that was given is refused; the log says "
                         "why, and SIGHUP reads them again");
    }
    if (service_is_degraded_by(service_context_service(request->context), DEGRADED_LOST)) {
        return fault_set(request->fault, STATUS_NOT_READY, NULL, "%s",
                         degraded_sentence(DEGRADED_LOST));
    }
    if (service_misses_cluster(service_context_service(request->context))) {
        return fault_set(request->fault, STATUS_NOT_READY, NULL,
                         "the cluster's engine has not answered for some seconds: no session is "
                         "served until it does");
    }
    if (service_is_degraded(service_context_service(request->context))) {
        return reply_degraded(request);
    }
    return reply_static(request, 200, ok, sizeof ok - 1);
}

enum status api_metrics(struct request *request)
{
    struct text text;
    text_init(&text, request->arena, 16384);
    figures_put(&text, request->http, request->context);
    return api_reply(request, 200, &text);
}

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
