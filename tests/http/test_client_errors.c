/* What clients get wrong: at most one line a minute, with the numbers and an example. */
#include "base/log.h"
#include "http/client_errors.h"
#include "http/worker.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_WORKERS = 2, N_ROUTES = 1, LOG_MAX = 4096, MINUTE_MS = 60000 };

struct world {
    struct http http;
    struct worker workers[N_WORKERS], *list[N_WORKERS];
};

static void world_begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->http.n_workers = N_WORKERS;
    world->http.n_routes = N_ROUTES;
    world->http.workers = world->list;
    for (size_t k = 0; k < N_WORKERS; k++) {
        world->list[k] = &world->workers[k];
        world->workers[k].metrics = metrics_create(N_ROUTES);
        ck_assert_ptr_nonnull(world->workers[k].metrics);
        world->http.metrics[k] = world->workers[k].metrics;
        client_errors_init(&world->workers[k].client_errors);
    }
}

static void world_end(struct world *world)
{
    for (size_t k = 0; k < N_WORKERS; k++) {
        free(world->workers[k].metrics);
    }
}

static void fail_request(struct world *world, size_t worker, int64_t at_ns, int code,
                         const char *path, const char *reason)
{
    metrics_count(world->workers[worker].metrics, (size_t)at_ns % (N_ROUTES + 1), code, 1);
    client_errors_note(&world->workers[worker].client_errors, at_ns, code, "POST", path, reason);
}

/* What a report prints behind the time; "" if nothing. */
static const char *report(struct world *world, int64_t now_ms)
{
    static char text[LOG_MAX];
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    log_setup(LOG_INFO, LOG_TEXT);
    client_errors_report(&world->http, now_ms);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = pread(fileno(file), text, sizeof text - 1, 0);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    fclose(file);
    char *level = strstr(text, " info ");
    ck_assert(level || n == 0);
    return level ? level + 1 : text;
}

TEST(there_is_no_line_where_nothing_went_wrong)
{
    struct world world;
    world_begin(&world);
    metrics_count(world.workers[0].metrics, 0, 200, 1);
    metrics_count(world.workers[1].metrics, 0, 503, 1);
    metrics_count(world.workers[1].metrics, 0, 0, 1);
    for (int64_t now_ms = 0; now_ms < 10 * MINUTE_MS; now_ms += 200) {
        ck_assert_str_eq(report(&world, now_ms), "");
    }
    ck_assert_str_eq(report(&world, INT64_MAX), "");
    world_end(&world);
}

TEST(the_first_error_is_said_at_once_and_the_rest_once_a_minute)
{
    struct world world;
    world_begin(&world);
    fail_request(&world, 0, 10, 404, "/v1/models/x", "there is no model 'x'");
    ck_assert_str_eq(report(&world, 1000),
                     "info client_errors requests=1 404=1 method=POST path=/v1/models/x status=404 "
                     "reason=\"there is no model 'x'\"\n");
    fail_request(&world, 0, 30, 400, "/first", "x[2] is NaN");
    fail_request(&world, 1, 50, 400, "/last", "x[1] is None");
    fail_request(&world, 0, 40, 410, "/middle", "gone");
    metrics_count(world.workers[0].metrics, 0, 200, 1);
    for (int64_t now_ms = 1000; now_ms < 1000 + MINUTE_MS; now_ms += 200) {
        ck_assert_str_eq(report(&world, now_ms), "");
    }
    ck_assert_str_eq(report(&world, 1000 + MINUTE_MS),
                     "info client_errors requests=3 400=2 410=1 method=POST path=/last status=400 "
                     "reason=\"x[1] is None\"\n");
    ck_assert_str_eq(report(&world, 9 * (int64_t)MINUTE_MS), "");
    world_end(&world);
}

TEST(the_end_says_what_is_left)
{
    struct world world;
    world_begin(&world);
    fail_request(&world, 1, 1, 401, "/a", "no key");
    ck_assert_str_ne(report(&world, 1000), "");
    fail_request(&world, 1, 2, 429, "/b", "too many");
    ck_assert_str_eq(report(&world, 1001), "");
    ck_assert_str_eq(report(&world, INT64_MAX), "info client_errors requests=1 429=1 method=POST "
                                                "path=/b status=429 reason=\"too many\"\n");
    ck_assert_str_eq(report(&world, INT64_MAX), "");
    world_end(&world);
}

TEST(a_line_is_bounded_and_whole)
{
    static char path[5000], reason[5000];
    struct world world;
    world_begin(&world);
    path[0] = '/';
    for (size_t k = 1; k + 2 < sizeof path; k += 2) {
        memcpy(path + k, "\xc3\xa9", 2);
        memcpy(reason + k - 1, "\xc3\xa9", 2);
    }
    fail_request(&world, 0, 1, 400, path, reason);
    const char *line = report(&world, 0);
    ck_assert_uint_lt(strlen(line), 500);
    ck_assert_ptr_nonnull(strstr(line, "\xc3\xa9 status=400"));
    ck_assert_int_eq(line[strlen(line) - 1], '\n');
    world_end(&world);
}

/* ---- two threads ---- */

enum { N_NOTES = 200000 };

static void *note_many(void *arg)
{
    struct client_errors *errors = arg;
    for (int k = 1; k <= N_NOTES; k++) {
        char text[32];
        snprintf(text, sizeof text, "/%d", k);
        client_errors_note(errors, k, 400 + k % 100, "GET", text, text + 1);
    }
    return NULL;
}

TEST(an_example_is_never_half_of_two)
{
    static struct client_errors errors;
    struct client_error error = { .at_ns = 0 };
    pthread_t thread;
    client_errors_init(&errors);
    ck_assert_int_eq(pthread_create(&thread, NULL, note_many, &errors), 0);
    for (int64_t last = 0; last < N_NOTES; last = error.at_ns) {
        if (client_errors_take(&errors, &error)) {
            ck_assert_int_gt(error.at_ns, last);
            ck_assert_int_eq(error.code, 400 + error.at_ns % 100);
            ck_assert_int_eq(atoll(error.path + 1), error.at_ns);
            ck_assert_str_eq(error.path + 1, error.reason);
        }
    }
    pthread_join(thread, NULL);
    ck_assert(!client_errors_take(&errors, &error));
}
