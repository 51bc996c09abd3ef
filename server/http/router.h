/*
 * router.h - finds the row of the table of routes for a method and a path. Pure functions; a router
 * is read-only once it is made, and any thread may use it.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include "http/route.h"

enum { ROUTER_SEGMENTS_MAX = 8, ROUTER_ALLOW_MAX = 64 };

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER
};

struct router;

/* What stands in a path for a parameter. */
struct router_parameter {
    enum path_parameter name;
    const char *text; /* in the path, percent-encoded */
    size_t n;
};

struct router_match {
    const struct route *route; /* NULL: the path is unknown, or it knows other methods */
    unsigned allowed; /* a bit (1 << enum method) for each method of the path; 0: it is unknown */
    size_t n_parameters;
    struct router_parameter parameters[PATH_PARAMETERS_MAX]; /* in their order */
};

/* NULL without memory. `routes` is borrowed; paths have at most ROUTER_SEGMENTS_MAX segments, and
 * in {} the names of PATH_PARAMETER_TABLE. */
struct router *router_create(const struct route *routes, size_t n_routes);
void router_free(struct router *router);

enum method router_method(const char *name);
/* `path` is raw: percent-encoded, without a query. HEAD finds the route of GET. */
void router_find(const struct router *router, enum method method, const char *path,
                 struct router_match *ret_match);
/* The value of an Allow header. */
void router_print_allow(unsigned allowed, char ret_text[ROUTER_ALLOW_MAX]);

/* Percent-decodes n bytes, cut to fit. Broken escapes, %00 and escapes of bytes beyond ASCII (which
 * may not be UTF-8, so that no reply could quote them) stay as they are. No name has a '%', so the
 * check of the name refuses them. */
void router_decode(const char *encoded, size_t n, char *ret_text, size_t size);

#endif
