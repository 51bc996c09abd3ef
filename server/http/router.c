#include "http/router.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct segment {
    const char *text; /* NULL: a parameter */
    size_t n;
};

/* A route's path, split. */
struct pattern {
    const struct route *route;
    enum method method;
    struct segment segments[ROUTER_SEGMENTS_MAX];
    size_t n_parameters;
    struct {
        enum path_parameter name;
        size_t at; /* which segment */
    } parameters[PATH_PARAMETERS_MAX];
};

/* Patterns by their number of segments: those of n are [first[n], first[n + 1]). */
struct router {
    size_t first[ROUTER_SEGMENTS_MAX + 2];
    struct pattern patterns[];
};

static const char *const method_names[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS" };

enum method router_method(const char *name)
{
    for (unsigned k = 0; k < METHOD_OTHER; k++) {
        if (name[0] == method_names[k][0] && strcmp(name, method_names[k]) == 0) {
            return (enum method)k;
        }
    }
    return METHOD_OTHER;
}

/* Splits "/a/b" into 2 segments. A path that does not begin with '/' or has too many gives
 * ROUTER_SEGMENTS_MAX + 1, which no route has. */
static size_t split(const char *path, struct segment segments[ROUTER_SEGMENTS_MAX])
{
    size_t n = 0;
    if (*path != '/') {
        return ROUTER_SEGMENTS_MAX + 1;
    }
    for (;;) {
        const char *begin = path + 1;
        path = strchrnul(begin, '/');
        if (n == ROUTER_SEGMENTS_MAX) {
            return ROUTER_SEGMENTS_MAX + 1;
        }
        segments[n++] = (struct segment){ begin, (size_t)(path - begin) };
        if (*path == '\0') {
            return n;
        }
    }
}

static enum path_parameter find_parameter(const struct segment *segment)
{
    static const char *const names[] = {
#define PATH_PARAMETER_NAME(name, text, json) [PARAMETER_##name] = "{" text "}",
        PATH_PARAMETER_TABLE(PATH_PARAMETER_NAME)
#undef PATH_PARAMETER_NAME
    };
    size_t k = 0;
    while (strlen(names[k]) != segment->n || memcmp(names[k], segment->text, segment->n) != 0) {
        k++;
        assert(k < PARAMETER_COUNT); /* a path of the table has another name in {} */
    }
    return (enum path_parameter)k;
}

static void name_parameters(struct pattern *pattern, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (pattern->segments[i].text[0] == '{') {
            assert(pattern->n_parameters < PATH_PARAMETERS_MAX);
            pattern->parameters[pattern->n_parameters].name = find_parameter(&pattern->segments[i]);
            pattern->parameters[pattern->n_parameters++].at = i;
            pattern->segments[i].text = NULL;
        }
    }
}

struct router *router_create(const struct route *routes, size_t n_routes)
{
    struct router *router = calloc(1, sizeof *router + n_routes * sizeof *router->patterns);
    if (!router) {
        return NULL;
    }
    size_t n_made = 0;
    for (size_t n = 0; n <= ROUTER_SEGMENTS_MAX; n++) {
        router->first[n] = n_made;
        for (size_t k = 0; k < n_routes; k++) {
            struct pattern pattern = { .route = &routes[k] };
            if (split(routes[k].path, pattern.segments) != n) {
                continue;
            }
            pattern.method = router_method(routes[k].method);
            name_parameters(&pattern, n);
            router->patterns[n_made++] = pattern;
        }
    }
    router->first[ROUTER_SEGMENTS_MAX + 1] = n_made;
    assert(n_made == n_routes); /* a path of the table has too many segments */
    return router;
}

void router_free(struct router *router)
{
    free(router);
}

static bool is_match(const struct pattern *pattern, const struct segment *segments, size_t n)
{
    for (size_t i = n; i-- > 0;) { /* from the end: paths differ there */
        const struct segment *wanted = &pattern->segments[i];
        bool fits = wanted->text ? wanted->n == segments[i].n &&
                                       memcmp(wanted->text, segments[i].text, wanted->n) == 0
                                 : segments[i].n > 0;
        if (!fits) {
            return false;
        }
    }
    return true;
}

static void take_parameters(const struct pattern *pattern, const struct segment *segments,
                            struct router_match *match)
{
    match->n_parameters = pattern->n_parameters;
    for (size_t k = 0; k < pattern->n_parameters; k++) {
        const struct segment *segment = &segments[pattern->parameters[k].at];
        match->parameters[k] = (struct router_parameter){ .name = pattern->parameters[k].name,
                                                          .text = segment->text,
                                                          .n = segment->n };
    }
}

void router_find(const struct router *router, enum method method, const char *path,
                 struct router_match *ret_match)
{
    struct segment segments[ROUTER_SEGMENTS_MAX];
    size_t n = split(path, segments);
    ret_match->route = NULL;
    ret_match->allowed = 0;
    ret_match->n_parameters = 0;
    if (n > ROUTER_SEGMENTS_MAX) {
        return;
    }
    enum method wanted = method == METHOD_HEAD ? METHOD_GET : method;
    for (size_t k = router->first[n]; k < router->first[n + 1]; k++) {
        const struct pattern *pattern = &router->patterns[k];
        if (!is_match(pattern, segments, n)) {
            continue;
        }
        ret_match->allowed |= 1u << pattern->method;
        if (pattern->method == wanted) {
            ret_match->route = pattern->route;
            take_parameters(pattern, segments, ret_match);
            return;
        }
    }
}

void router_print_allow(unsigned allowed, char ret_text[ROUTER_ALLOW_MAX])
{
    char *p = ret_text;
    if (allowed & 1u << METHOD_GET) {
        allowed |= 1u << METHOD_HEAD;
    }
    allowed |= 1u << METHOD_OPTIONS;
    for (unsigned k = 0; k < METHOD_OTHER; k++) {
        if (allowed & 1u << k) {
            p = stpcpy(p == ret_text ? p : stpcpy(p, ", "), method_names[k]);
        }
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void router_decode(const char *encoded, size_t n, char *ret_text, size_t size)
{
    size_t n_text = 0;
    if (n < size && !memchr(encoded, '%', n)) { /* as a rule */
        memcpy(ret_text, encoded, n);
        ret_text[n] = '\0';
        return;
    }
    for (size_t k = 0; k < n && n_text + 1 < size; k++) {
        char c = encoded[k];
        if (c == '%' && k + 2 < n) {
            int high = hex_digit(encoded[k + 1]), low = hex_digit(encoded[k + 2]);
            if (high >= 0 && high < 8 && low >= 0 && high + low > 0) {
                c = (char)(high << 4 | low);
                k += 2;
            }
        }
        ret_text[n_text++] = c;
    }
    ret_text[n_text] = '\0';
}
