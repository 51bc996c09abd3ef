/* query_string.c - see query_string.h. */
#include "http/query_string.h"

#include "http/router.h"

#include <string.h>

static enum MHD_Result on_query(void *cls, enum MHD_ValueKind kind, const char *name, size_t n_name,
                                const char *value, size_t n_value)
{
    (void)kind;
    struct exchange *exchange = cls;
    struct request *request = &exchange->request;
    char *text = arena_alloc(request->arena, n_name + n_value + 2);
    if (!text || exchange->n_queries == QUERIES_MAX) {
        fault_set(request->fault, text ? STATUS_INVALID_REQUEST : STATUS_NO_MEMORY, NULL,
                  "at most %d query parameters are read", QUERIES_MAX);
        return MHD_NO;
    }
    char *decoded = text + n_name + 1;
    router_decode(name, n_name, text, n_name + 1);
    router_decode(value ? value : "", n_value, decoded, n_value + 1);
    if (request_query(request, text)) {
        fault_set(request->fault, STATUS_INVALID_REQUEST, text,
                  "the query parameter is given twice");
        return MHD_NO;
    }
    exchange->buffers->queries[exchange->n_queries++] = (struct query_parameter){ text, decoded };
    return MHD_YES;
}

enum status query_string_read(struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;
    if (strlen(connection->target) !=
        connection->n_target) { /* libmicrohttpd has cut it at its '?' */
        MHD_get_connection_values_n(exchange->mhd, MHD_GET_ARGUMENT_KIND, on_query, exchange);
    }
    return exchange->request.fault->status;
}

static bool is_taken(const struct route *route, const char *name)
{
    const char *const *taken = route->queries;
    while (*taken && strcmp(*taken, name) != 0) {
        taken++;
    }
    return *taken != NULL;
}

enum status query_string_check(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    if (!request->route->queries[0]) {
        return STATUS_OK;
    }
    for (size_t k = 0; k < exchange->n_queries; k++) {
        const char *name = exchange->buffers->queries[k].name;
        if (!is_taken(request->route, name)) {
            return fault_set(request->fault, STATUS_INVALID_REQUEST, name,
                             "this path has no such query parameter");
        }
    }
    return STATUS_OK;
}
