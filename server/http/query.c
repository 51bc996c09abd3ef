/* query.c - what few requests have, and no step: what follows the '?' of a request target, and
 * headers that are for handlers. */
#include "http/guard.h"
#include "http/worker.h"

#include <string.h>
#include <strings.h>

static enum MHD_Result on_query(void *cls, enum MHD_ValueKind kind, const char *name, size_t n_name,
                                const char *value, size_t n_value)
{
    (void)kind;
    struct exchange *exchange = cls;
    struct request *request = &exchange->request;
    char *text = arena_alloc(&request->arena, n_name + n_value + 2);
    if (!text || exchange->n_queries == QUERIES_MAX) {
        fault_set(&request->fault, text ? STATUS_INVALID_REQUEST : STATUS_NO_MEMORY, NULL,
                  "at most %d query parameters are read", QUERIES_MAX);
        return MHD_NO;
    }
    char *decoded = text + n_name + 1;
    router_decode(name, n_name, text, n_name + 1);
    router_decode(value ? value : "", n_value, decoded, n_value + 1);
    if (http_query(request, text)) {
        fault_set(&request->fault, STATUS_INVALID_REQUEST, text,
                  "the query parameter is given twice");
        return MHD_NO;
    }
    exchange->queries[exchange->n_queries++] = (struct query){ text, decoded };
    return MHD_YES;
}

enum status query_read(struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;
    if (strlen(connection->target) !=
        connection->n_target) { /* libmicrohttpd has cut it at its '?' */
        MHD_get_connection_values_n(exchange->mhd, MHD_GET_ARGUMENT_KIND, on_query, exchange);
    }
    return exchange->request.fault.status;
}

const char *http_query(const struct request *request, const char *name)
{
    const struct exchange *exchange = (const struct exchange *)request;
    for (size_t k = 0; k < exchange->n_queries; k++) {
        if (strcmp(exchange->queries[k].name, name) == 0) {
            return exchange->queries[k].value;
        }
    }
    return NULL;
}

enum status http_query_only(struct request *request, const char *const *names)
{
    const struct exchange *exchange = (const struct exchange *)request;
    for (size_t k = 0; k < exchange->n_queries; k++) {
        const char *name = exchange->queries[k].name;
        size_t i = 0;
        while (names[i] && strcmp(names[i], name) != 0) {
            i++;
        }
        if (!names[i]) {
            return fault_set(&request->fault, STATUS_INVALID_REQUEST, name,
                             "this path has no such query parameter");
        }
    }
    return STATUS_OK;
}

/* ---- headers ---- */

const char *http_header(const struct request *request, const char *name)
{
    const struct exchange *exchange = (const struct exchange *)request;
    return MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
}

struct accept {
    const char *type;
    bool is_named;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    struct accept *accept = cls;
    if (strcasecmp(name, "Accept") == 0 && value && accept_names(value, accept->type)) {
        accept->is_named = true;
    }
    return accept->is_named ? MHD_NO : MHD_YES;
}

bool http_accepts(const struct request *request, const char *type)
{
    const struct exchange *exchange = (const struct exchange *)request;
    struct accept accept = { type, false };
    MHD_get_connection_values(exchange->mhd, MHD_HEADER_KIND, on_header, &accept);
    return accept.is_named;
}
