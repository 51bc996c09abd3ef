/* What the table of routes promises, as a whole. */
#include "base/status.h"
#include "http/router.h"
#include "http/routes.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

TEST(every_route_has_what_a_route_needs)
{
    for (size_t k = 0; k < http_n_routes; k++) {
        const struct route *route = &http_routes[k];
        ck_assert(route->handle && route->summary && route->path[0] == '/');
        ck_assert_int_lt(router_method(route->method), METHOD_OTHER);
        ck_assert_int_eq(route_takes_lines(route), route->upload != NULL);
        ck_assert(!route->has_training_lines || route_takes_lines(route));
        ck_assert(route->takes == 0 || strcmp(route->method, "GET") != 0);
        ck_assert_int_lt(__builtin_popcount(route->takes), 3); /* the words of 415 */
    }
}

TEST(every_body_and_every_reply_names_its_schema)
{
    for (size_t k = 0; k < http_n_routes; k++) {
        const struct route *route = &http_routes[k];
        ck_assert_int_eq(route->takes != 0, schema_json(route->body) != NULL);
        ck_assert_int_eq(route->gives != 0, schema_json(route->reply) != NULL);
        ck_assert_int_eq(route->gives == 0, strcmp(route->method, "DELETE") == 0);
        ck_assert_ptr_nonnull(schema_json(envelopes[route->envelope].schema));
    }
}

TEST(every_schema_is_used_and_has_a_name_of_its_own)
{
    bool is_used[SCHEMA_COUNT] = { [SCHEMA_NONE] = true };
    for (size_t k = 0; k < ENVELOPE_COUNT; k++) {
        is_used[envelopes[k].schema] = true;
    }
    for (size_t k = 0; k < http_n_routes; k++) {
        is_used[http_routes[k].body] = true;
        is_used[http_routes[k].reply] = true;
    }
    for (enum schema schema = SCHEMA_NONE + 1; schema < SCHEMA_COUNT; schema++) {
        ck_assert_msg(is_used[schema], "no route has %s", schema_json(schema)->name);
        for (enum schema other = schema + 1; other < SCHEMA_COUNT; other++) {
            ck_assert_str_ne(schema_json(schema)->name, schema_json(other)->name);
        }
    }
}

/* Where a route takes query parameters, its summary lists them in the order of the row. */
TEST(summaries_name_the_query_parameters)
{
    for (size_t k = 0; k < http_n_routes; k++) {
        const struct route *route = &http_routes[k];
        char list[128] = "(";
        for (size_t i = 0; route->queries[i]; i++) {
            ck_assert_uint_lt(i, ROUTE_QUERIES_MAX);
            strcat(strcat(list, i > 0 ? ", " : ""), route->queries[i]);
        }
        ck_assert_msg(list[1] ? strstr(route->summary, strcat(list, ")")) != NULL
                              : strchr(route->summary, '(') == NULL,
                      "%s: %s", route->summary, list);
    }
}

TEST(every_route_finds_itself_and_no_other)
{
    struct router *router = router_create(http_routes, http_n_routes);
    for (size_t k = 0; k < http_n_routes; k++) {
        struct router_match match;
        router_find(router, router_method(http_routes[k].method), http_routes[k].path, &match);
        ck_assert_ptr_eq(match.route, &http_routes[k]);
    }
    router_free(router);
}

/* Reading is never more than reading, and nothing changes without a scope that says so. */
TEST(scopes_follow_the_methods)
{
    for (size_t k = 0; k < http_n_routes; k++) {
        const struct route *route = &http_routes[k];
        bool reads = strcmp(route->method, "GET") == 0;
        bool is_job = strncmp(route->path, "/v1/fine_tuning/", 16) == 0;
        if (reads) {
            ck_assert_int_le(route->scope, SCOPE_READ);
        } else {
            ck_assert_int_gt(route->scope, SCOPE_READ);
            ck_assert_int_eq(is_job, route->scope == SCOPE_TRAIN);
        }
        ck_assert(!is_job || route->scope != SCOPE_NONE);
    }
}

TEST(the_routes_of_jobs_are_those_of_the_contract)
{
    static const char *const expected[][2] = {
        { "POST", "/v1/fine_tuning/jobs" },
        { "GET", "/v1/fine_tuning/jobs" },
        { "GET", "/v1/fine_tuning/jobs/ftjob-1" },
        { "POST", "/v1/fine_tuning/jobs/ftjob-1/cancel" },
        { "POST", "/v1/fine_tuning/jobs/ftjob-1/pause" },
        { "POST", "/v1/fine_tuning/jobs/ftjob-1/resume" },
        { "GET", "/v1/fine_tuning/jobs/ftjob-1/events" },
        { "GET", "/v1/fine_tuning/jobs/ftjob-1/checkpoints" },
    };
    struct router *router = router_create(http_routes, http_n_routes);
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        struct router_match match;
        router_find(router, router_method(expected[k][0]), expected[k][1], &match);
        ck_assert_msg(match.route != NULL, "%s %s", expected[k][0], expected[k][1]);
    }
    router_free(router);
}

/* ---- the page of the API ---- */

static char page[1 << 16];

static void read_page(void)
{
    FILE *file = fopen("docs/API.md", "r");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(page, 1, sizeof page - 1, file);
    fclose(file);
    ck_assert_uint_lt(n, sizeof page - 1);
    page[n] = '\0';
}

/* The route that `at` begins with, in the words of the page: "GET /v1/models?limit=`..." */
static const struct route *route_at(const char *at)
{
    for (size_t k = 0; k < http_n_routes; k++) {
        char text[128];
        int n = snprintf(text, sizeof text, "%s %s", http_routes[k].method, http_routes[k].path);
        if (strncmp(at, text, (size_t)n) == 0 && (at[n] == '`' || at[n] == '?')) {
            return &http_routes[k];
        }
    }
    return NULL;
}

TEST(the_page_of_the_api_has_the_query_parameters)
{
    read_page();
    for (size_t k = 0; k < http_n_routes; k++) {
        const struct route *route = &http_routes[k];
        char text[192], *p = text + sprintf(text, "`%s %s", route->method, route->path);
        for (size_t i = 0; route->queries[i]; i++) {
            p += sprintf(p, "%c%s=", i > 0 ? '&' : '?', route->queries[i]);
        }
        strcpy(p, "`");
        ck_assert_msg(strstr(page, text) != NULL, "%s is not said", text);
    }
}

TEST(the_page_of_the_api_has_every_route_and_no_other)
{
    static const char *const methods[] = { "`GET /", "`POST /", "`PUT /", "`DELETE /" };
    size_t n_said[64] = { 0 };
    ck_assert_uint_le(http_n_routes, sizeof n_said / sizeof *n_said);
    read_page();
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        for (const char *at = page; (at = strstr(at, methods[m])); at++) {
            const struct route *route = route_at(at + 1);
            ck_assert_msg(route != NULL, "there is no route %.60s", at + 1);
            n_said[route - http_routes]++;
        }
    }
    for (size_t k = 0; k < http_n_routes; k++) {
        ck_assert_msg(n_said[k] > 0, "%s %s is not said", http_routes[k].method,
                      http_routes[k].path);
    }
}

static enum status status_at(const char *at)
{
    for (enum status status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        const size_t n = strlen(status_code(status));
        if (strncmp(at, status_code(status), n) == 0 && at[n] == '`') {
            return status;
        }
    }
    return STATUS_OK;
}

/* A row of the table: "| 401, 403 | `key_missing`, ...". What is in lower case and between ` is a
 * code. */
static void read_row(char *row, size_t *n_said)
{
    char *codes = strchr(row + 1, '|');
    ck_assert_ptr_nonnull(codes);
    *codes++ = '\0';
    for (const char *at = codes; (at = strchr(at, '`')); at = strchr(at + 1, '`') + 1) {
        if (strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_") != strcspn(at + 1, "`")) {
            continue;
        }
        const enum status status = status_at(at + 1);
        char http_status[8];
        ck_assert_msg(status != STATUS_OK, "there is no code %.40s", at + 1);
        snprintf(http_status, sizeof http_status, "%d", status_http(status));
        ck_assert_msg(strstr(row, http_status) != NULL, "%s is not in the row of %s",
                      status_code(status), http_status);
        n_said[status]++;
    }
}

TEST(the_page_of_the_api_has_every_error_and_no_other)
{
    static const char head[] = "| status | codes |\n|---|---|\n";
    size_t n_said[STATUS_COUNT] = { 0 };
    read_page();
    char *row = strstr(page, head), *end;
    ck_assert_ptr_nonnull(row);
    for (row += sizeof head - 1; *row == '|'; row = end + 1) {
        end = strchr(row, '\n');
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        read_row(row, n_said);
    }
    for (enum status status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        ck_assert_msg(n_said[status] == 1, "%s is said %zu times", status_code(status),
                      n_said[status]);
    }
}

/* A list of sessions, even of one, passes over the ids of all. */
TEST(no_worker_lists_sessions)
{
    size_t n_lists = 0;
    for (size_t k = 0; k < http_n_routes; k++) {
        bool lists = http_routes[k].reply == SCHEMA_SESSION_LIST;
        n_lists += lists;
        ck_assert_msg(!lists || http_routes[k].disk == DISK_LISTS, "%s %s", http_routes[k].method,
                      http_routes[k].path);
    }
    ck_assert_uint_ge(n_lists, 1);
}
