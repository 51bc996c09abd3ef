/* Paths that clients look for and that are not there: said by name, as long as they are not. */
#include "http/absent.h"
#include "http/router.h"
#include "http/routes.h"
#include "test.h"

#include <string.h>

static const struct {
    const char *path, *what; /* NULL: an ordinary 404 */
} paths[] = {
    { "/v1/models/weather/evaluate", NULL },
    { "/v2", "Open Inference Protocol" },
    { "/v2/", "Open Inference Protocol" },
    { "/v2/models/weather/infer", "Open Inference Protocol" },
    { "/api/v2/write", "InfluxDB" },
    { "/write", "InfluxDB" },
    { "/mcp", "Model Context Protocol" },
    { "", NULL },
    { "/", NULL },
    { "/v22", NULL },
    { "/v3/models", NULL },
    { "/writes", NULL },
    { "/v1/models/events", NULL },
    { "/v1/models//events", NULL },
    { "/v1/models/weather/eventss", NULL },
};
enum { N_PATHS = sizeof paths / sizeof *paths };

TEST(what_is_not_there_is_named)
{
    for (size_t k = 0; k < N_PATHS; k++) {
        const char *what = absent_find(paths[k].path);
        ck_assert_msg(paths[k].what ? what && strstr(what, paths[k].what) : !what, "%s: %s",
                      paths[k].path, what ? what : "nothing");
    }
}

/* A route that has come is to be taken out of the table. */
TEST(what_is_there_is_not_said_to_be_absent)
{
    for (size_t k = 0; k < http_n_routes; k++) {
        ck_assert_msg(!absent_find(http_routes[k].path), "%s", http_routes[k].path);
    }
    struct router *router = router_create(http_routes, http_n_routes);
    ck_assert_ptr_nonnull(router);
    for (size_t k = 0; k < N_PATHS; k++) {
        struct router_match match;
        router_find(router, METHOD_GET, paths[k].path, &match);
        ck_assert_msg(!paths[k].what || !match.allowed, "%s", paths[k].path);
    }
    router_free(router);
}
