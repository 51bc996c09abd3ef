/*
 * What is looked at before a body is: routes, percent-decoding, the guard of headers, media types,
 * content codings, entity tags, addresses. An input is "METHOD target\n" and lines of headers.
 *
 * A path leads where a plain walk over the table says; what is encoded is decoded to the same; the
 * guard passes no header that a simple look at its bytes refuses.
 */
#include "base/endpoint.h"
#include "fuzz.h"
#include "http/guard.h"
#include "http/negotiation.h"
#include "http/router.h"
#include "http/routes.h"

#include <string.h>

enum { TEXT_MAX = 256 };

/* ---- routes ---- */

/* Segment by segment, as one would read the table. */
static bool fits(const char *pattern, const char *path)
{
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t n_pattern = strcspn(pattern, "/"), n = strcspn(path, "/");
        bool is_same = *pattern == '{' ? n > 0 : n == n_pattern && strncmp(pattern, path, n) == 0;
        if (!is_same) {
            return false;
        }
        pattern += n_pattern;
        path += n;
    }
    return *pattern == '\0' && *path == '\0';
}

static void check_parameters(const char *path, const struct router_match *match)
{
    for (size_t k = 0; k < match->n_parameters; k++) {
        char decoded[TEXT_MAX];
        const struct router_parameter *parameter = &match->parameters[k];
        const char *p = parameter->text;
        FUZZ_CHECK(p > path && p[-1] == '/' && parameter->n == strcspn(p, "/"));
        router_decode(p, parameter->n, decoded, sizeof decoded);
        FUZZ_CHECK(strlen(decoded) <= parameter->n);
    }
}

static void check_route(const struct router *router, const char *method, const char *path)
{
    struct router_match match;
    enum method wanted = router_method(method);
    const char *name = wanted == METHOD_HEAD ? "GET" : method;
    unsigned allowed = 0;
    const struct route *route = NULL;
    router_find(router, wanted, path, &match);
    for (size_t k = 0; k < http_n_routes; k++) {
        if (fits(http_routes[k].path, path)) {
            allowed |= 1u << router_method(http_routes[k].method);
            route = !route && strcmp(http_routes[k].method, name) == 0 ? &http_routes[k] : route;
        }
    }
    FUZZ_CHECK(match.route == route && (match.allowed != 0) == (allowed != 0));
    FUZZ_CHECK(match.route || match.allowed == allowed);
    check_parameters(path, &match);
    char allow[ROUTER_ALLOW_MAX];
    router_print_allow(match.allowed, allow);
    FUZZ_CHECK(strstr(allow, "OPTIONS") && strlen(allow) < sizeof allow);
}

/* ---- percent-decoding ---- */

static void check_decoding(const char *text, size_t n)
{
    char encoded[3 * TEXT_MAX + 1] = "", decoded[TEXT_MAX + 1], cut[8];
    n = n < TEXT_MAX ? n : TEXT_MAX;
    n = strnlen(text, n);
    for (size_t k = 0; k < n; k++) {
        n = (text[k] & 0x80) != 0 ? k : n; /* only ASCII is decoded */
    }
    for (size_t k = 0; k < n; k++) {
        snprintf(encoded + 3 * k, sizeof encoded - 3 * k, k % 2 ? "%%%02x" : "%%%02X",
                 (unsigned char)text[k]);
    }
    char *exact = fuzz_copy(encoded, 3 * n);
    router_decode(exact, 3 * n, decoded, sizeof decoded);
    FUZZ_CHECK(memcmp(decoded, text, n) == 0 && decoded[n] == '\0');
    router_decode(exact, 3 * n, cut, sizeof cut);
    FUZZ_CHECK(strncmp(cut, decoded, sizeof cut - 1) == 0 && strlen(cut) < sizeof cut);
    free(exact);
}

/* ---- headers ---- */

static bool is_plain_name(const char *text, size_t n)
{
    bool is_plain = n > 0;
    for (size_t k = 0; k < n; k++) {
        is_plain = is_plain && text[k] > 0x20 && text[k] < 0x7f;
    }
    return is_plain;
}

static bool is_plain_value(const char *text, size_t n)
{
    bool is_plain = true;
    for (size_t k = 0; k < n; k++) {
        is_plain =
            is_plain && ((unsigned char)text[k] >= 0x20 || text[k] == '\t') && text[k] != 0x7f;
    }
    return is_plain;
}

/* What is said last of a coding counts; a tag is found where it stands first, and nowhere where its
 * bytes are not. */
static void check_negotiation(const char *value)
{
    static const char tag[] = "\"a,b\"";
    char *text = NULL;
    FUZZ_CHECK(asprintf(&text, "%s,%s,gzip;q=0", tag, value) > 0);
    FUZZ_CHECK(!negotiation_wants_gzip(text));
    FUZZ_CHECK(negotiation_has_tag(text, tag));
    free(text);
    FUZZ_CHECK(asprintf(&text, "%s,gzip,identity;q=0.999", value) > 0);
    FUZZ_CHECK(negotiation_wants_gzip(text));
    free(text);
    FUZZ_CHECK(!negotiation_has_tag(value, tag) || strstr(value, tag) || strchr(value, '*'));
    FUZZ_CHECK(!negotiation_wants_gzip(value) || strcasestr(value, "gzip") || strchr(value, '*'));
}

static void check_value(const char *value)
{
    static const char *const types[] = { "application/json", "application/x-ndjson",
                                         "text/event-stream" };
    struct endpoint endpoint;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        FUZZ_CHECK(!media_type_is(value, types[k]) || accept_names(value, types[k]));
        FUZZ_CHECK(!accept_names(value, types[k]) || strcasestr(value, types[k]));
    }
    check_negotiation(value);
    if (endpoint_parse(value, &endpoint)) {
        FUZZ_CHECK(strchr(value, ':') && endpoint.n_address <= sizeof endpoint.address);
    }
}

/* One line; returns whether its bytes are what a header may hold. */
static bool check_header(struct guard *guard, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n);
    size_t n_key = colon ? (size_t)(colon - line) : n;
    size_t n_value = colon ? n - n_key - 1 : 0;
    char *key = strndup(line, n_key), *value = strndup(colon ? colon + 1 : "", n_value);
    FUZZ_CHECK(key && value);
    n_key = strlen(key);
    n_value = strlen(value);
    guard_header(guard, key, n_key, value, n_value);
    bool is_plain = is_plain_name(key, n_key) && is_plain_value(value, n_value);
    check_value(value);
    guard->content_type = guard->content_encoding = NULL; /* they go now */
    free(key);
    free(value);
    return is_plain;
}

static void check_headers(const char *text, size_t n)
{
    struct guard guard;
    bool is_plain = true;
    guard_begin(&guard, NULL, NULL);
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        size_t n_line = end ? (size_t)(end - text) : n;
        is_plain = check_header(&guard, text, n_line) && is_plain;
        text += end ? n_line + 1 : n_line;
        n -= end ? n_line + 1 : n_line;
    }
    FUZZ_CHECK(is_plain || guard.problem);
    const char *problem = guard_end(&guard, false, NULL);
    FUZZ_CHECK(problem || (guard.n_hosts == 1 && guard.n_lengths + guard.n_codings <= 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct router *router;
    if (!router) {
        router = router_create(http_routes, http_n_routes);
        FUZZ_CHECK(router);
    }
    const char *text = (const char *)bytes, *end = memchr(text, '\n', n);
    size_t n_line = end ? (size_t)(end - text) : n;
    const char *space = memchr(text, ' ', n_line);
    size_t n_method = space ? (size_t)(space - text) : n_line;
    char *method = strndup(text, n_method);
    char *target = strndup(space ? space + 1 : "", space ? n_line - n_method - 1 : 0);
    FUZZ_CHECK(method && target);
    FUZZ_CHECK((guard_target(target, strlen(target)) == NULL) ==
               is_plain_name(target, strlen(target)));
    check_route(router, method, target);
    check_decoding(target, strlen(target));
    check_headers(end ? end + 1 : "", end ? n - n_line - 1 : 0);
    free(method);
    free(target);
    return 0;
}
