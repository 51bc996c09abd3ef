/* What a request's first line and headers decide: its route, or why it is refused, and what is
 * refused before what. The requests come through libmicrohttpd itself. */
#include "http/admission.h"

#include "http/mhd_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static const struct route routes[] = {
    { .method = "GET", .path = "/v1/models", .scope = SCOPE_READ, .queries = { "after", "limit" } },
    { .method = "GET", .path = "/v1/models/{model}", .scope = SCOPE_READ },
    { .method = "POST",
      .path = "/v1/models/{model}/sessions/{session}/step",
      .scope = SCOPE_PREDICT,
      .takes = MEDIA_SET_JSON },
};
enum { N_ROUTES = sizeof routes / sizeof *routes };

#define STEP    "POST /v1/models/m/sessions/s/step HTTP/1.1\r\nHost: localhost\r\n"
#define MODELS  "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
#define NOWHERE "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n"

/* What was decided. */
struct decision {
    enum status status;
    const struct route *route;
    bool has_problem; /* it is not clear where the request ends */
    unsigned allowed;
    int code; /* of a reply that is made already */
    size_t n_head;
    char model[64], session[64];
    struct fault fault;
};

static void decide(struct exchange_world *world, const char *version, void *context)
{
    struct decision *decision = context;
    struct guard guard;
    decision->status = admission_check(world->exchange, version, &guard);
    const char *const *parameters = world->request->parameters;
    decision->route = world->request->route;
    decision->has_problem = guard.problem != NULL;
    decision->allowed = world->exchange->allowed;
    decision->code = world->request->reply.code;
    decision->n_head = world->exchange->n_head;
    snprintf(decision->model, sizeof decision->model, "%s",
             parameters[PARAMETER_MODEL] ? parameters[PARAMETER_MODEL] : "none");
    snprintf(decision->session, sizeof decision->session, "%s",
             parameters[PARAMETER_SESSION] ? parameters[PARAMETER_SESSION] : "none");
    if (decision->status != STATUS_OK) {
        ck_assert(world->request->fault->status == decision->status || world->exchange->is_shed);
        decision->fault = *world->request->fault;
    }
}

static void begin(struct exchange_world *world)
{
    exchange_world_begin(world, NULL);
    world->http.router = router_create(routes, N_ROUTES);
    ck_assert_ptr_nonnull(world->http.router);
}

static struct decision decide_in(struct exchange_world *world, const char *request)
{
    struct decision decision = { .status = STATUS_OK };
    mhd_send(world, request, decide, &decision);
    router_free(world->http.router);
    exchange_world_end(world);
    return decision;
}

static struct decision decision_of(const char *request)
{
    struct exchange_world world;
    begin(&world);
    return decide_in(&world, request);
}

/* ---- the route ---- */

TEST(a_request_finds_its_route_and_its_decoded_parameters)
{
    struct decision decision = decision_of(
        "POST /v1/models/we%61ther/sessions/pump%2d7/step HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(decision.status, STATUS_OK);
    ck_assert_ptr_eq(decision.route, &routes[2]);
    ck_assert_str_eq(decision.model, "weather");
    ck_assert_str_eq(decision.session, "pump-7");
    decision = decision_of("GET /v1/models/m HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_ptr_eq(decision.route, &routes[1]);
    ck_assert_str_eq(decision.model, "m");
    ck_assert_str_eq(decision.session, "none");
}

TEST(a_path_that_is_not_there_and_a_method_that_it_has_not_are_told_apart)
{
    struct decision decision = decision_of(NOWHERE "\r\n");
    ck_assert_int_eq(decision.status, STATUS_ROUTE_NOT_FOUND);
    ck_assert_uint_eq(decision.allowed, 0);
    decision = decision_of("DELETE /v1/models/m HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(decision.status, STATUS_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(decision.fault.message, "this path allows GET, HEAD, OPTIONS");
    ck_assert_uint_ne(decision.allowed, 0);
    ck_assert_ptr_null(decision.route);
}

TEST(a_path_of_another_version_is_said_to_be_absent)
{
    struct decision decision = decision_of("POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(decision.status, STATUS_ROUTE_NOT_FOUND);
    ck_assert_str_eq(decision.fault.message, "grud " GRU_VERSION " has no Open Inference Protocol");
}

TEST(options_of_a_path_are_answered_without_a_route)
{
    struct decision decision =
        decision_of("OPTIONS /v1/models/m HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(decision.status, STATUS_OK);
    ck_assert_ptr_null(decision.route);
    ck_assert_int_eq(decision.code, 204);
    ck_assert_uint_eq(decision.allowed, 1U << METHOD_GET);
    decision = decision_of("OPTIONS /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(decision.status, STATUS_ROUTE_NOT_FOUND);
}

/* ---- framing ---- */

TEST(what_two_programs_could_read_differently_is_refused_whatever_its_path)
{
    static const char *const requests[] = {
        MODELS "Host: y\r\n\r\n",
        NOWHERE "Host: y\r\n\r\n",
        MODELS "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    };
    for (size_t k = 0; k < sizeof requests / sizeof *requests; k++) {
        struct decision decision = decision_of(requests[k]);
        ck_assert_msg(decision.status == STATUS_INVALID_REQUEST, "%s", requests[k]);
        ck_assert(decision.has_problem);
        ck_assert_ptr_null(decision.route);
    }
    ck_assert_int_eq(decision_of("GET /v1/models HTTP/1.0\r\n\r\n").status, STATUS_OK);
}

TEST(the_head_is_counted_to_the_byte)
{
    const char *const request = MODELS "Accept: text/plain\r\n\r\n";
    ck_assert_uint_eq(decision_of(request).n_head, strlen(request));
}

/* ---- limits ---- */

TEST(the_limits_of_a_head_come_before_its_route)
{
    struct exchange_world world;
    begin(&world);
    world.config.url_max = strlen("/nowhere") - 1;
    ck_assert_int_eq(decide_in(&world, NOWHERE "\r\n").status, STATUS_URL_TOO_LONG);
    begin(&world);
    world.config.header_max = strlen(NOWHERE);
    ck_assert_int_eq(decide_in(&world, NOWHERE "\r\n").status, STATUS_HEADERS_TOO_LARGE);
}

static struct decision decide_when_full(bool is_excess, const char *request)
{
    struct exchange_world world;
    begin(&world);
    world.connection.is_excess = is_excess;
    atomic_store(&world.http.n_connections, world.config.connection_max + 1);
    return decide_in(&world, request);
}

TEST(a_connection_beyond_the_limit_is_told_so_where_its_path_is_there)
{
    ck_assert_int_eq(decide_when_full(true, MODELS "\r\n").status, STATUS_OVERLOADED);
    ck_assert_int_eq(decide_when_full(false, MODELS "\r\n").status, STATUS_OK);
    ck_assert_int_eq(decide_when_full(true, NOWHERE "\r\n").status, STATUS_ROUTE_NOT_FOUND);
    ck_assert_int_eq(decide_when_full(true, MODELS "Host: y\r\n\r\n").status,
                     STATUS_INVALID_REQUEST);
}

TEST(what_cannot_be_served_in_time_is_shed_if_its_path_is_there)
{
    static const char *const requests[] = { MODELS "\r\n", NOWHERE "\r\n" };
    for (size_t k = 0; k < 2; k++) {
        struct exchange_world world;
        begin(&world);
        load_begin(&world.worker.load, 1000, 0);
        world.worker.now_ns = 1000000;
        ck_assert_int_eq(decide_in(&world, requests[k]).status,
                         k == 0 ? STATUS_OVERLOADED : STATUS_ROUTE_NOT_FOUND);
    }
}

/* ---- query parameters and the body ---- */

TEST(a_query_parameter_that_is_given_twice_is_refused_by_its_name)
{
    struct decision decision =
        decision_of("GET /v1/models?limit=1&after=m HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(decision.status, STATUS_OK);
    decision = decision_of("GET /v1/models?limit=1&limit=1 HTTP/1.1\r\nHost: localhost\r\n"
                           "Content-Length: 2\r\n\r\n{}"); /* before its body */
    ck_assert_int_eq(decision.status, STATUS_INVALID_REQUEST);
    ck_assert_str_eq(decision.fault.param, "limit");
    ck_assert(!decision.has_problem);
}

TEST(a_body_is_judged_by_what_is_announced)
{
    static const struct {
        const char *headers;
        enum status status;
    } due[] = { { "Content-Length: 2\r\n", STATUS_OK },
                { "Content-Length: 2\r\nContent-Type: application/json\r\n", STATUS_OK },
                { "Content-Length: 2\r\nContent-Type: text/plain\r\n",
                  STATUS_UNSUPPORTED_MEDIA_TYPE },
                { "Content-Length: 2\r\nContent-Encoding: br\r\n", STATUS_UNSUPPORTED_MEDIA_TYPE },
                { "Content-Length: 2\r\nContent-Encoding: gzip\r\n", STATUS_OK },
                { "Content-Length: 2\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
                  STATUS_UNSUPPORTED_MEDIA_TYPE },
                { "Content-Length: 999999999999\r\n", STATUS_BODY_TOO_LARGE },
                { "Transfer-Encoding: chunked\r\n", STATUS_OK } };
    for (size_t k = 0; k < sizeof due / sizeof *due; k++) {
        char request[256];
        snprintf(request, sizeof request, STEP "%s\r\n", due[k].headers);
        struct decision decision = decision_of(request);
        ck_assert_msg(decision.status == due[k].status, "%s", due[k].headers);
        ck_assert_ptr_eq(decision.route, &routes[2]);
    }
    struct decision decision = decision_of(MODELS "Content-Length: 2\r\n\r\n{}");
    ck_assert_int_eq(decision.status, STATUS_INVALID_REQUEST);
    ck_assert_str_eq(decision.fault.message, "this path takes no body");
}
