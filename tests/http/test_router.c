#include "http/router.h"
#include "service/service.h"
#include "test.h"

#include <string.h>

static const struct route routes[] = {
    { .method = "GET", .path = "/healthz" },
    { .method = "GET", .path = "/v1/models" },
    { .method = "GET", .path = "/v1/models/{model}" },
    { .method = "PUT", .path = "/v1/models/{model}" },
    { .method = "POST", .path = "/v1/models/{model}/steps" },
    { .method = "GET", .path = "/v1/models/{model}/sessions" },
    { .method = "DELETE", .path = "/v1/models/{model}/sessions/{session}" },
    { .method = "POST", .path = "/v1/models/{model}/sessions/{session}/step" },
    { .method = "POST", .path = "/v1/models/{model}/sessions/{session}/fork" },
};
enum { N_ROUTES = sizeof routes / sizeof *routes };

static struct router_match find(enum method method, const char *path)
{
    struct router *router = router_create(routes, N_ROUTES);
    ck_assert_ptr_nonnull(router);
    struct router_match match;
    router_find(router, method, path, &match);
    router_free(router);
    return match;
}

static const char *found_path(enum method method, const char *path)
{
    const struct route *route = find(method, path).route;
    return route ? route->path : "none";
}

TEST(each_route_finds_itself)
{
    for (size_t k = 0; k < N_ROUTES; k++) {
        ck_assert_ptr_eq(find(router_method(routes[k].method), routes[k].path).route, &routes[k]);
    }
}

TEST(parameters_are_found_by_their_names)
{
    struct router_match match = find(METHOD_POST, "/v1/models/weather/sessions/pump%207/step");
    ck_assert_ptr_eq(match.route, &routes[7]);
    ck_assert_uint_eq(match.n_parameters, 2);
    const struct router_parameter *model = &match.parameters[0], *session = &match.parameters[1];
    ck_assert_int_eq(model->name, PARAMETER_MODEL);
    ck_assert_int_eq(session->name, PARAMETER_SESSION);
    ck_assert_uint_eq(model->n, strlen("weather"));
    ck_assert_int_eq(strncmp(model->text, "weather/", 8), 0);
    ck_assert_uint_eq(session->n, strlen("pump%207"));
    ck_assert_int_eq(strncmp(session->text, "pump%207/", 9), 0);
}

TEST(a_path_is_matched_whole)
{
    const char *const unknown[] = { "",
                                    "/",
                                    "healthz",
                                    "/healthz/",
                                    "/healthzz",
                                    "/health",
                                    "/v1/models/",
                                    "/v1//models",
                                    "/v1/models/a/steps/",
                                    "/v1/models/a/sessions//step",
                                    "/v1/models/a/sessions/b/steps",
                                    "/V1/models",
                                    "/v1/models/a/sessions/b/step/c/d/e",
                                    "/v1/models/a/sessions/b/step/c/d/e/f/g",
                                    "*" };
    for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++) {
        struct router_match match = find(METHOD_GET, unknown[k]);
        ck_assert_msg(!match.route && match.allowed == 0, "'%s' was found", unknown[k]);
    }
}

TEST(a_known_path_says_what_it_allows)
{
    char allow[ROUTER_ALLOW_MAX];
    struct router_match match = find(METHOD_DELETE, "/v1/models/a");
    ck_assert_ptr_null(match.route);
    router_print_allow(match.allowed, allow);
    ck_assert_str_eq(allow, "GET, HEAD, PUT, OPTIONS");
    router_print_allow(find(METHOD_OTHER, "/v1/models/a/steps").allowed, allow);
    ck_assert_str_eq(allow, "POST, OPTIONS");
    router_print_allow(~0u, allow); /* the longest fits */
    ck_assert_str_eq(allow, "GET, HEAD, POST, PUT, DELETE, OPTIONS");
}

TEST(head_finds_the_route_of_get)
{
    ck_assert_str_eq(found_path(METHOD_HEAD, "/healthz"), "/healthz");
    ck_assert_str_eq(found_path(METHOD_HEAD, "/v1/models/a/steps"), "none");
    ck_assert_int_eq(router_method("HEAD"), METHOD_HEAD);
    ck_assert_int_eq(router_method("get"), METHOD_OTHER); /* methods are case-sensitive */
    ck_assert_int_eq(router_method("PATCH"), METHOD_OTHER);
}

/* Each text and what it is decoded to; NULL ends the list. */
static void check_decoded(const char *const pairs[])
{
    for (; *pairs; pairs += 2) {
        char result[16];
        router_decode(pairs[0], strlen(pairs[0]), result, sizeof result);
        ck_assert_str_eq(result, pairs[1]);
    }
}

TEST(escapes_are_decoded_once)
{
    check_decoded((const char *const[]){ "pump-7", "pump-7", "%70ump%2d7%2D", "pump-7-", "a%2Fb",
                                         "a/b", "%2541", "%41", "", "", NULL });
}

TEST(what_is_no_escape_stays_and_so_do_nul_and_what_is_not_ascii)
{
    check_decoded((const char *const[]){ "a%", "a%", "a%4", "a%4", "%zz%4g", "%zz%4g", "a%00b",
                                         "a%00b", "%C3%a9", "%C3%a9", "%80%7f", "%80\x7f", NULL });
}

TEST(what_is_too_long_is_cut_and_stays_too_long)
{
    char id[SESSION_ID_MAX + 2], encoded[3 * (SESSION_ID_MAX + 20)];
    for (size_t k = 0; k < sizeof encoded; k += 3) {
        memcpy(encoded + k, "%61", 3);
    }
    router_decode(encoded, sizeof encoded, id, sizeof id);
    ck_assert_uint_eq(strlen(id), SESSION_ID_MAX + 1);
    memset(encoded, 'a', sizeof encoded);
    router_decode(encoded, sizeof encoded, id, sizeof id);
    ck_assert_uint_eq(strlen(id), SESSION_ID_MAX + 1);
    router_decode(encoded, SESSION_ID_MAX, id, sizeof id);
    ck_assert_uint_eq(strlen(id), SESSION_ID_MAX);
}
