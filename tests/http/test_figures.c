/* What GET /metrics prints. */
#include "http/figures.h"

#include "base/log.h"
#include "codec/codec.h"
#include "config/config.h"
#include "scratch.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static const struct route routes[] = {
    { .method = "GET", .path = "/healthz" },
    { .method = "POST", .path = "/v1/models/{model}/steps" },
};
enum { N_ROUTES = 2, N_WORKERS = 2 };

struct fixture {
    struct config config;
    struct service *service;
    struct service_context *context;
    struct metrics *workers[N_WORKERS];
    struct http http;
    struct arena arena;
    struct text text;
};

/* A service without models, and two workers. */
static void set_up(struct fixture *fixture)
{
    char *const arguments[] = { (char[]){ "grud" }, NULL }, *const environment[] = { NULL };
    char error[512];
    struct fault fault;
    log_setup(LOG_ERROR, false); /* that there are no models is no news */
    ck_assert(config_read(1, arguments, environment, &fixture->config, error, sizeof error));
    ck_assert_int_eq(service_create(&fixture->config, &fixture->service, &fault), STATUS_OK);
    ck_assert_int_eq(service_context_create(fixture->service, &fixture->context), STATUS_OK);
    fixture->http = (struct http){ .routes = routes, .n_routes = N_ROUTES, .n_workers = N_WORKERS };
    for (size_t k = 0; k < N_WORKERS; k++) {
        fixture->workers[k] = metrics_create(N_ROUTES);
        ck_assert_ptr_nonnull(fixture->workers[k]);
        fixture->http.metrics[k] = fixture->workers[k];
    }
}

static const char *print(struct fixture *fixture)
{
    service_context_turn(fixture->context);
    arena_init(&fixture->arena, 1 << 20);
    text_init(&fixture->text, &fixture->arena, 64);
    figures_put(&fixture->text, &fixture->http, fixture->context);
    text_append(&fixture->text, "", 1);
    ck_assert(!fixture->text.failed);
    return fixture->text.p;
}

static void tear_down(struct fixture *fixture)
{
    for (size_t k = 0; k < N_WORKERS; k++) {
        free(fixture->workers[k]);
    }
    arena_done(&fixture->arena);
    service_context_free(fixture->context);
    service_free(fixture->service);
    config_done(&fixture->config);
}

#define ck_assert_line(text, line)                                                                 \
    ck_assert_msg(strstr(text, line "\n") != NULL, "no '%s' in:\n%s", line, text)

TEST(the_workers_are_added_up)
{
    struct fixture fixture;
    set_up(&fixture);
    metrics_count(fixture.workers[0], 1, 200, 1000);
    metrics_count(fixture.workers[1], 1, 200, 1000);
    metrics_count(fixture.workers[1], 1, 422, 1000);
    metrics_count(fixture.workers[1], 0, 418, 1000);
    metrics_count(fixture.workers[0], N_ROUTES, 404, 1000);
    metrics_count(fixture.workers[0], 1, 0, 1000);
    metrics_connections(fixture.workers[0], 3);
    metrics_connections(fixture.workers[0], 2);
    metrics_connections(fixture.workers[1], 5);
    metrics_streams(fixture.workers[0], 1);
    metrics_streams(fixture.workers[1], 2);
    const char *text = print(&fixture);
    ck_assert_line(text, "grud_http_requests_total{route=\"/v1/models/{model}/"
                         "steps\",method=\"POST\",code=\"200\"} 2");
    ck_assert_line(text, "grud_http_requests_total{route=\"/v1/models/{model}/"
                         "steps\",method=\"POST\",code=\"422\"} 1");
    ck_assert_line(text,
                   "grud_http_requests_total{route=\"/healthz\",method=\"GET\",code=\"other\"} 1");
    ck_assert_line(text, "grud_http_requests_total{route=\"\",method=\"\",code=\"404\"} 1");
    ck_assert_line(text, "grud_http_requests_aborted_total 1");
    ck_assert_line(text, "grud_http_connections 7");
    ck_assert_line(text, "grud_http_streams 3");
    ck_assert_line(text, "grud_http_request_duration_seconds_count 5");
    tear_down(&fixture);
}

TEST(the_histogram_is_cumulative)
{
    struct fixture fixture;
    set_up(&fixture);
    metrics_count(fixture.workers[0], 0, 200, 50000); /* bounds belong to their bucket */
    metrics_count(fixture.workers[0], 0, 200, 50001);
    metrics_count(fixture.workers[0], 0, 200, 3000000);
    metrics_count(fixture.workers[1], 0, 200, 20000000000);
    const char *text = print(&fixture);
    ck_assert_line(text, "grud_http_request_duration_seconds_bucket{le=\"0.00005\"} 1");
    ck_assert_line(text, "grud_http_request_duration_seconds_bucket{le=\"0.0001\"} 2");
    ck_assert_line(text, "grud_http_request_duration_seconds_bucket{le=\"0.0025\"} 2");
    ck_assert_line(text, "grud_http_request_duration_seconds_bucket{le=\"0.005\"} 3");
    ck_assert_line(text, "grud_http_request_duration_seconds_bucket{le=\"10\"} 3");
    ck_assert_line(text, "grud_http_request_duration_seconds_bucket{le=\"+Inf\"} 4");
    ck_assert_line(text, "grud_http_request_duration_seconds_sum 20.003100001");
    ck_assert_line(text, "grud_http_request_duration_seconds_count 4");
    tear_down(&fixture);
}

TEST(a_bound_belongs_to_its_bucket)
{
    for (size_t k = 0; k < HISTOGRAM_BOUNDS; k++) {
        struct histogram histogram = { .sum_ns = 0 };
        histogram_add(&histogram, histogram_bounds_ns[k], 1);
        histogram_add(&histogram, histogram_bounds_ns[k] + 1, 2);
        for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
            ck_assert_uint_eq(histogram.n[i], i == k ? 1 : i == k + 1 ? 2 : 0);
        }
    }
}

TEST(each_histogram_is_of_its_own)
{
    struct fixture fixture;
    set_up(&fixture);
    metrics_steps(fixture.workers[0], 3, 5000);
    metrics_steps(fixture.workers[1], 0, 7000);
    metrics_prediction(fixture.workers[1], 2000000000);
    metrics_wait(fixture.workers[0], WAIT_STEPS, 0);
    metrics_wait(fixture.workers[1], WAIT_LISTS, 100001);
    const char *text = print(&fixture);
    ck_assert_line(text, "grud_step_duration_seconds_bucket{le=\"0.000005\"} 3");
    ck_assert_line(text, "grud_step_duration_seconds_sum 0.000015000");
    ck_assert_line(text, "grud_step_duration_seconds_count 3");
    ck_assert_line(text, "grud_predict_duration_seconds_bucket{le=\"1\"} 0");
    ck_assert_line(text, "grud_predict_duration_seconds_bucket{le=\"2.5\"} 1");
    ck_assert_line(text, "grud_queue_duration_seconds_bucket{queue=\"steps\",le=\"0.000005\"} 1");
    ck_assert_line(text, "grud_queue_duration_seconds_bucket{queue=\"lists\",le=\"0.0001\"} 0");
    ck_assert_line(text, "grud_queue_duration_seconds_bucket{queue=\"lists\",le=\"0.00025\"} 1");
    ck_assert_line(text, "grud_queue_duration_seconds_sum{queue=\"lists\"} 0.000100001");
    ck_assert_line(text, "grud_queue_duration_seconds_count{queue=\"lists\"} 1");
    ck_assert_line(text, "grud_http_request_duration_seconds_count 0");
    tear_down(&fixture);
}

/* Prometheus refuses a family that is described twice, or samples before their description. */
TEST(each_family_is_described_once_and_first)
{
    struct fixture fixture;
    set_up(&fixture);
    metrics_count(fixture.workers[0], 0, 200, 1);
    char *rest = (char *)(uintptr_t)print(&fixture), *line;
    char family[64] = "none";
    size_t n_families = 0;
    while ((line = strsep(&rest, "\n")) && *line) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            ck_assert_int_eq(sscanf(line, "# HELP %63s", family), 1);
            n_families++;
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            ck_assert_int_eq(strncmp(line + 7, family, strlen(family)), 0);
        } else {
            ck_assert_int_eq(strncmp(line, family, strlen(family)), 0);
        }
    }
    for (size_t k = 0; k < figures_n; k++) {
        n_families += figures_table[k].is_of_cluster; /* which this node is not */
    }
    ck_assert_uint_eq(n_families, figures_n);
    tear_down(&fixture);
}

TEST(refusals_are_counted_by_kind)
{
    struct fixture fixture;
    set_up(&fixture);
    metrics_refuse(fixture.workers[0], REFUSED_HEAVY);
    metrics_refuse(fixture.workers[1], REFUSED_HEAVY);
    metrics_refuse(fixture.workers[1], REFUSED_ADDRESS);
    const char *text = print(&fixture);
    ck_assert_line(text, "grud_http_refused_total{kind=\"heavy\"} 2");
    ck_assert_line(text, "grud_http_refused_total{kind=\"address\"} 1");
    ck_assert_line(text, "grud_http_refused_total{kind=\"light\"} 0");
    tear_down(&fixture);
}

/* 414 and 431 among them: no error is counted as "other". */
TEST(each_code_of_the_table_of_statuses_has_a_label_of_its_own)
{
    static const int successes[] = { 200, 201, 202, 204 };
    struct fixture fixture;
    set_up(&fixture);
    for (size_t k = 0; k < sizeof successes / sizeof *successes; k++) {
        metrics_count(fixture.workers[0], 0, successes[k], 1);
    }
    for (enum status status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        metrics_count(fixture.workers[0], 0, status_http(status), 1);
    }
    const char *text = print(&fixture);
    for (enum status status = STATUS_OK; status < STATUS_COUNT; status++) {
        char label[32];
        snprintf(label, sizeof label, ",code=\"%d\"} ", status_http(status));
        const char *found = strstr(text, label);
        ck_assert_msg(found && !strstr(found + 1, label), "%s once", label);
    }
    ck_assert_ptr_null(strstr(text, "code=\"other\""));
    tear_down(&fixture);
}

static bool ends_with(const char *text, size_t n, const char *end)
{
    return n >= strlen(end) && strncmp(text + n - strlen(end), end, strlen(end)) == 0;
}

/* As Prometheus wants them: a counter ends with _total, and before that a name has its unit. */
TEST(names_say_the_type_and_the_unit)
{
    for (size_t k = 0; k < figures_n; k++) {
        const struct figure *figure = &figures_table[k];
        size_t n = strlen(figure->name);
        bool is_total = ends_with(figure->name, n, "_total");
        ck_assert_msg(is_total == (figure->type == FIGURE_COUNTER), "%s", figure->name);
        ck_assert(ends_with(figure->name, n - (is_total ? strlen("_total") : 0), figure->unit));
        ck_assert_int_eq(figure->where == COUNTED_BY_PUT, figure->put != NULL);
        ck_assert(figure->where == COUNTED_BY_PUT || figure->labels[0] == '\0');
        for (size_t other = k + 1; other < figures_n; other++) {
            ck_assert_str_ne(figure->name, figures_table[other].name);
        }
    }
}

/* ---- the page of the metrics ---- */

static char *printed_table(void)
{
    char *table = NULL;
    size_t n;
    FILE *out = open_memstream(&table, &n);
    ck_assert_ptr_nonnull(out);
    fprintf(out, "\n| metric | type | labels | |\n|---|---|---|---|\n");
    for (size_t k = 0; k < figures_n; k++) {
        const struct figure *figure = &figures_table[k];
        fprintf(out, "| `%s` | %s | %s | %s |\n", figure->name, figure_type_word(figure->type),
                figure->labels, figure->help);
    }
    fprintf(out, "\n");
    ck_assert_int_eq(fclose(out), 0);
    return table;
}

/* With UPDATE_FILES set, it is written first. */
TEST(the_page_of_the_metrics_has_the_table_of_figures)
{
    static const char path[] = "docs/METRICS.md", begin[] = "<!-- figures -->",
                      end[] = "<!-- /figures -->";
    size_t n;
    char *page = file_read(path, &n), *table = printed_table(), *expected = NULL;
    char *from = strstr(page, begin), *to = strstr(page, end);
    ck_assert(from && to && from < to);
    from += strlen(begin);
    ck_assert_int_gt(asprintf(&expected, "%.*s%s%s", (int)(from - page), page, table, to), 0);
    if (getenv("UPDATE_FILES")) { /* NOLINT(concurrency-mt-unsafe) */
        file_write(path, expected, strlen(expected));
    }
    free(page);
    page = file_read(path, &n);
    ck_assert_msg(strcmp(page, expected) == 0, "%s is out of date: make config-files writes it",
                  path);
    free(page);
    free(table);
    free(expected);
}
