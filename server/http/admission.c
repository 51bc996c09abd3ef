/* admission.c - see admission.h. */
#include "http/admission.h"

#include "gru.h"
#include "http/absent.h"
#include "http/access.h"
#include "http/body.h"
#include "http/limits.h"
#include "http/origin.h"
#include "http/query_string.h"
#include "http/worker.h"

#include <string.h>

/* ---- framing ---- */

static enum MHD_Result on_value(void *guard, enum MHD_ValueKind kind, const char *key, size_t n_key,
                                const char *value, size_t n_value)
{
    if (kind == MHD_HEADER_KIND) {
        guard_header(guard, key, n_key, value, n_value);
    }
    return MHD_YES;
}

static enum status check_framing(struct exchange *exchange, const char *version,
                                 struct guard *guard)
{
    const struct connection *connection = exchange->connection;
    const char *target_end = NULL, *version_begin = NULL, *block_end = NULL;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    exchange->n_head = info ? info->header_size : 0;
    if (exchange->worker->is_in_place) { /* and the request begins with its method */
        block_end = info ? exchange->method + info->header_size : NULL;
        target_end = connection->target + connection->n_target;
        version_begin = version;
    }
    guard_begin(guard, target_end, version_begin);
    const int n = MHD_get_connection_values_n(
        exchange->mhd, MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND | MHD_COOKIE_KIND, on_value, guard);
    exchange->n_memory = limit_head_memory(exchange->n_head, (size_t)n, guard->n_cookie);
    if (connection->target_problem) {
        guard->problem = connection->target_problem;
    }
    const char *problem = guard_end(guard, strcmp(version, "HTTP/1.0") == 0, block_end);
    return problem ? fault_set(exchange->request.fault, STATUS_INVALID_REQUEST, NULL, "%s", problem)
                   : STATUS_OK;
}

/* ---- the route ---- */

static void take_parameters(struct exchange *exchange, const struct router_match *match)
{
    for (size_t k = 0; k < match->n_parameters; k++) {
        const struct router_parameter *parameter = &match->parameters[k];
        char *decoded = exchange->buffers->parameters[k];
        router_decode(parameter->text, parameter->n, decoded,
                      sizeof exchange->buffers->parameters[k]);
        exchange->request.parameters[parameter->name] = decoded;
    }
}

static enum status find_route(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    struct router_match match;
    enum method method = router_method(exchange->method);
    router_find(exchange->worker->http->router, method, exchange->path, &match);
    if (match.route) {
        request->route = match.route;
        take_parameters(exchange, &match);
        return STATUS_OK;
    }
    const char *absent = match.allowed ? NULL : absent_find(exchange->path);
    if (absent) {
        return fault_set(request->fault, STATUS_ROUTE_NOT_FOUND, NULL, "grud %s has no %s",
                         GRU_VERSION, absent);
    }
    if (!match.allowed) {
        return fault_set(request->fault, STATUS_ROUTE_NOT_FOUND, NULL,
                         "there is no such path; GET /v1 lists them");
    }
    exchange->allowed = match.allowed;
    if (method == METHOD_OPTIONS) {
        request->reply = (struct reply){ .code = 204, .body = "" };
        return STATUS_OK;
    }
    char allow[ROUTER_ALLOW_MAX];
    router_print_allow(match.allowed, allow);
    return fault_set(request->fault, STATUS_METHOD_NOT_ALLOWED, NULL, "this path allows %s", allow);
}

/* ---- all of it ---- */

enum status admission_check(struct exchange *exchange, const char *version, struct guard *ret_guard)
{
    struct request *request = &exchange->request;
    enum status status = check_framing(exchange, version, ret_guard);
    if (status == STATUS_OK) {
        if (ret_guard->origin) {
            origin_note(exchange, ret_guard);
        }
        if (ret_guard->server_timing) {
            exchange->timing.is_asked = timing_is_asked(ret_guard->server_timing);
        }
        status = limit_head(exchange);
    }
    if (status == STATUS_OK) {
        status = find_route(exchange);
    }
    if (exchange->connection->is_excess && status == STATUS_OK) {
        status = limit_connections(exchange);
    }
    if (status == STATUS_OK && request->route) {
        status = limit_load(exchange);
    }
    if (status != STATUS_OK || !request->route) {
        return status;
    }
    status = origin_check(exchange, ret_guard);
    if (status == STATUS_OK) {
        status = access_check(exchange, ret_guard->authorization);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = query_string_read(exchange);
    if (status != STATUS_OK) {
        return status;
    }
    return body_check(exchange, ret_guard);
}
