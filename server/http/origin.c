#include "http/origin.h"

#include "http/authority.h"
#include "http/worker.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define PREFLIGHT_SECONDS "3600" /* that a browser may remember what is allowed */

enum { SHOWN_MAX = 200, HTTP_PORT = 80, HTTPS_PORT = 443 };

/* ---- what the options say ---- */

static bool is_any_origin(const struct config *config)
{
    return strcmp(config->cors_origin, "*") == 0;
}

/* "scheme://host[:port]" */
static bool is_origin(const char *text, size_t n)
{
    const char *colon = memmem(text, n, "://", 3);
    const size_t n_scheme = colon ? (size_t)(colon - text) : 0, at = n_scheme + 3;
    bool fine = n_scheme > 0 && at < n;
    for (size_t k = 0; k < n && fine; k++) {
        const bool is_between = k >= n_scheme && k < at;
        fine = text[k] > ' ' && text[k] < 0x7f && (is_between || !strchr("/?#@*\"\\", text[k]));
    }
    return fine;
}

/* "grud.example", "192.0.2.7" */
static bool is_host_name(const char *text, size_t n)
{
    struct authority authority;
    struct in6_addr address;
    return authority_parse(text, n, &authority) && authority.n_host == n &&
           (text[0] != '[' || authority_address(&authority, &address));
}

enum status origin_check_options(const struct config *config, struct fault *fault)
{
    const char *item, *list = config->cors_origin;
    size_t n;
    while (!is_any_origin(config) && authority_next(&list, &item, &n)) {
        if (!is_origin(item, n)) {
            return fault_set(fault, STATUS_INVALID_VALUE, "cors-origin",
                             "cors-origin: '%.*s' is no origin; https://example.org, "
                             "http://localhost:3000, both with a comma, and * alone are",
                             (int)n, item);
        }
    }
    list = config->host_name;
    while (authority_next(&list, &item, &n)) {
        if (!is_host_name(item, n)) {
            return fault_set(fault, STATUS_INVALID_VALUE, "host-name",
                             "host-name: '%.*s' is no host; grud.example, 192.0.2.7 and "
                             "[2001:db8::7] are, without scheme and port",
                             (int)n, item);
        }
    }
    return STATUS_OK;
}

/* ---- the host ---- */

static bool is_named(const struct config *config, const struct authority *authority)
{
    const char *item, *list = config->host_name;
    size_t n;
    while (authority_next(&list, &item, &n)) {
        if (authority_is_host(authority, item, n)) {
            return true;
        }
    }
    return false;
}

/* Whether it is the loopback's, the one that the client has connected to, or the one to listen on,
 * which may stand for all. */
static bool is_own_address(const struct exchange *exchange, const struct in6_addr *address)
{
    struct sockaddr_storage local;
    struct in6_addr own;
    socklen_t n = sizeof local;
    if (authority_is_loopback(address)) {
        return true;
    }
    if (getsockname(exchange->connection->fd, (struct sockaddr *)&local, &n) == 0 &&
        authority_socket_address(&local, &own) && IN6_ARE_ADDR_EQUAL(&own, address)) {
        return true;
    }
    return authority_socket_address(&exchange->worker->http->endpoint.address, &own) &&
           IN6_ARE_ADDR_EQUAL(&own, address);
}

static bool is_ours(const struct exchange *exchange, const char *text, size_t n)
{
    static const char localhost[] = "localhost";
    struct authority authority;
    struct in6_addr address;
    return authority_parse(text, n, &authority) &&
           (authority_is_host(&authority, localhost, sizeof localhost - 1) ||
            is_named(exchange->request.config, &authority) ||
            (authority_address(&authority, &address) && is_own_address(exchange, &address)));
}

static enum status refuse_host(const struct exchange *exchange, const char *text, size_t n)
{
    struct authority authority;
    if (!authority_parse(text, n, &authority) || authority.n_host > SHOWN_MAX) {
        return fault_set(exchange->request.fault, STATUS_HOST_REFUSED, NULL,
                         "the Host of a request is an address of grud, or a name that grud was "
                         "started with (--host-name grud.example)");
    }
    return fault_set(exchange->request.fault, STATUS_HOST_REFUSED, NULL,
                     "'%.*s' is no address of this grud; if clients are to reach it by that name, "
                     "start it with --host-name %.*s",
                     (int)authority.n_host, authority.host, (int)authority.n_host, authority.host);
}

static bool is_path(const struct exchange *exchange)
{
    return exchange->connection->target[0] == '/';
}

/* The host of a target that is written in full, which counts instead of Host (RFC 9112 3.2.2). A
 * client that means well sends the same in both. */
static enum status check_target(const struct exchange *exchange)
{
    bool is_https;
    const char *host = authority_skip_scheme(exchange->connection->target, &is_https);
    const size_t n = host ? strcspn(host, "/?") : 0;
    return !host || is_ours(exchange, host, n) ? STATUS_OK : refuse_host(exchange, host, n);
}

/* A client names the same host in each request: the one that was found to be ours is kept with its
 * connection. HTTP/1.0, which no browser speaks, has requests without one. */
static enum status check_host(const struct exchange *exchange, const struct guard *guard)
{
    struct connection *connection = exchange->connection;
    const size_t n = guard->n_host;
    if (n == connection->n_host && n > 0 && memcmp(guard->host, connection->host, n) == 0) {
        return is_path(exchange) ? STATUS_OK : check_target(exchange);
    }
    if (guard->n_hosts > 0 && !is_ours(exchange, guard->host, n)) {
        return refuse_host(exchange, guard->host, n);
    }
    if (n > 0 && n <= sizeof connection->host) {
        memcpy(connection->host, guard->host, n);
        connection->n_host = n;
    }
    return is_path(exchange) ? STATUS_OK : check_target(exchange);
}

/* ---- the page ---- */

/* The page is ours if it came from the host that it asks now; a proxy may have spoken TLS for us.
 */
static bool is_own_origin(const struct exchange *exchange, const struct guard *guard)
{
    bool is_https;
    struct authority own, other;
    const char *text = authority_skip_scheme(guard->origin, &is_https);
    return text && (is_https || exchange->request.config->tls_cert[0] == '\0') &&
           authority_parse(text, strlen(text), &other) &&
           authority_parse(guard->host, guard->n_host, &own) &&
           authority_is_same(&own, &other, is_https ? HTTPS_PORT : HTTP_PORT);
}

static bool is_word(const char *text, const char *word)
{
    return strcasecmp(text, word) == 0;
}

static enum status check_page(const struct exchange *exchange, const struct guard *guard)
{
    const char *origin = guard->origin, *site = guard->fetch_site;
    const bool is_of_another_site =
        site && !is_word(site, "same-origin") && !is_word(site, "none"); /* none: the user did it */
    if (exchange->origin || is_any_origin(exchange->request.config) ||
        (!is_of_another_site && (!origin || is_own_origin(exchange, guard)))) {
        return STATUS_OK;
    }
    const size_t n = origin ? strlen(origin) : 0;
    const bool is_shown = n > 0 && n <= SHOWN_MAX && is_origin(origin, n);
    return is_shown ? fault_set(exchange->request.fault, STATUS_ORIGIN_REFUSED, NULL,
                                "pages of %s may change nothing here; if they are to, start grud "
                                "with --cors-origin %s",
                                origin, origin)
                    : fault_set(exchange->request.fault, STATUS_ORIGIN_REFUSED, NULL,
                                "this page may change nothing here; serve it from an origin that "
                                "grud was started with (--cors-origin https://app.example)");
}

enum status origin_check(struct exchange *exchange, const struct guard *guard)
{
    const struct route *route = exchange->request.route;
    enum status status = STATUS_OK;
    if (!exchange->worker->keys && !route->is_probe) {
        status = check_host(exchange, guard);
    }
    if (status == STATUS_OK && (guard->origin || guard->fetch_site) && route->changes) {
        status = check_page(exchange, guard);
    }
    return status;
}

/* ---- the reply ---- */

void origin_note(struct exchange *exchange, const struct guard *guard)
{
    const char *item, *list = exchange->request.config->cors_origin;
    const size_t n_origin = strlen(guard->origin);
    size_t n;
    while (authority_next(&list, &item, &n)) {
        if (n == n_origin && strncasecmp(item, guard->origin, n) == 0) {
            exchange->origin = guard->origin;
            return;
        }
    }
}

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

bool origin_add_headers(struct MHD_Response *response, const struct exchange *exchange)
{
    const struct config *config = exchange->worker->http->config;
    const char *origin = is_any_origin(config) ? "*" : exchange->origin;
    bool fine =
        config->cors_origin[0] == '\0' || is_any_origin(config) || add(response, "Vary", "Origin");
    if (!origin) {
        return fine;
    }
    fine = fine && add(response, "Access-Control-Allow-Origin", origin) &&
           add(response, "Access-Control-Expose-Headers", "retry-after");
    if (exchange->allowed &&
        exchange->request.reply.code == 204) { /* to OPTIONS, which may be a preflight */
        char allow[ROUTER_ALLOW_MAX];
        router_print_allow(exchange->allowed, allow);
        fine = fine && add(response, "Access-Control-Allow-Methods", allow) &&
               add(response, "Access-Control-Allow-Headers",
                   "authorization, content-type, last-event-id") &&
               add(response, "Access-Control-Max-Age", PREFLIGHT_SECONDS);
    }
    return fine;
}
