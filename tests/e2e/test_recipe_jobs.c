/* A job with a recipe over HTTP, on a public series: the daemon is killed on the way, a live
 * session goes on with the new network, and forecasts of rows that nobody has seen are better than
 * those of a job without one. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JOBS "/v1/fine_tuning/jobs"
#define CO2  "/v1/models/co2"

enum {
    SEASON = 12,
    HORIZON = 12,
    HELD = 72, /* rows at the end that no job sees */
    ROWS_MAX = 600,
    BODY_SIZE = 32 << 10,
    ID_SIZE = 64,
    OVER_SECONDS = 300
};

struct series {
    double x[ROWS_MAX];
    size_t n;
};

static struct series read_series(void)
{
    struct series series = { .n = 0 };
    char line[128];
    FILE *file = fopen("tests/fixtures/evaluate/mauna-loa-co2.csv", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file)); /* the names */
    while (series.n < ROWS_MAX && fgets(line, sizeof line, file)) {
        series.x[series.n++] = strtod(strchr(line, ',') + 1, NULL);
    }
    fclose(file);
    ck_assert_uint_gt(series.n, 4 * HELD);
    return series;
}

/* "[[315.71],[317.45],...]" */
static size_t print_rows(const struct series *series, size_t n, char *out, size_t size)
{
    size_t at = 0;
    for (size_t t = 0; t < n; t++) {
        at += (size_t)snprintf(out + at, size - at, "%s[%.4f]", t > 0 ? "," : "[", series->x[t]);
    }
    at += (size_t)snprintf(out + at, size - at, "]");
    ck_assert_uint_lt(at, size);
    return at;
}

static void post(const struct daemon *daemon, const struct series *series, const char *rest,
                 char id[ID_SIZE])
{
    char *body = malloc(BODY_SIZE);
    size_t n = (size_t)snprintf(body, BODY_SIZE,
                                "{\"model\":\"co2\",\"version\":1,%s,\"training\":{\"series\":[{"
                                "\"x\":",
                                rest);
    n += print_rows(series, series->n - HELD, body + n, BODY_SIZE - n);
    snprintf(body + n, BODY_SIZE - n, "}]}}");
    struct answer answer = request(daemon, "POST", JOBS, body);
    ck_assert_msg(answer.code == 202, "%d: %s", answer.code, answer.body);
    const char *at = strstr(answer.body, "\"id\":\"") + 6;
    snprintf(id, ID_SIZE, "%.*s", (int)strcspn(at, "\""), at);
    answer_free(&answer);
    free(body);
}

/* The job once its text has one of these. */
static struct answer wait_for(const struct daemon *daemon, const char *id, const char *text)
{
    const struct timespec nap = { .tv_nsec = 10000000 };
    char path[160];
    snprintf(path, sizeof path, JOBS "/%s", id);
    for (int k = 0; k < OVER_SECONDS * 100; k++) {
        struct answer job = request(daemon, "GET", path, NULL);
        if (strstr(job.body, text)) {
            return job;
        }
        ck_assert_msg(!strstr(job.body, "\"status\":\"failed\""), "%s", job.body);
        answer_free(&job);
        nanosleep(&nap, NULL);
    }
    ck_abort_msg("the job came to no end");
}

/* The mean absolute scaled error of forecasts 1 to 12 rows ahead from rows of the held part. */
static double mase(const struct daemon *daemon, const struct series *series, unsigned version)
{
    const size_t n_seen = series->n - HELD;
    double scale = 0, error = 0;
    size_t n_errors = 0;
    char *body = malloc(BODY_SIZE);
    for (size_t t = SEASON; t < n_seen; t++) {
        scale += fabs(series->x[t] - series->x[t - SEASON]) / (double)(n_seen - SEASON);
    }
    for (size_t origin = n_seen; origin + HORIZON <= series->n; origin += 5) {
        size_t n = (size_t)snprintf(body, BODY_SIZE,
                                    "{\"version\":%u,\"horizon\":%d,"
                                    "\"return\":\"last\",\"x\":",
                                    version, HORIZON);
        n += print_rows(series, origin, body + n, BODY_SIZE - n);
        snprintf(body + n, BODY_SIZE - n, "}");
        struct answer answer = request(daemon, "POST", CO2 "/predict", body);
        ck_assert_msg(answer.code == 200, "%d: %s", answer.code, answer.body);
        const char *at = strstr(answer.body, "\"forecast\":[");
        ck_assert_ptr_nonnull(at);
        at += sizeof "\"forecast\":[" - 1;
        for (size_t k = 0; k < HORIZON; k++, n_errors++) {
            char *end;
            at = strpbrk(at, "-0123456789");
            error += fabs(strtod(at, &end) - series->x[origin + k]) / scale;
            at = end;
        }
        answer_free(&answer);
    }
    free(body);
    return error / (double)n_errors;
}

static void step(const struct daemon *daemon, double x)
{
    char body[64];
    snprintf(body, sizeof body, "{\"x\":[%.4f]}", x);
    expect(daemon, "POST", CO2 "/sessions/live/step", body, 200, "\"y\":[");
}

TEST(a_recipe_forecasts_better_than_the_defaults_though_it_was_killed)
{
    char id[ID_SIZE];
    const struct series series = read_series();
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(
        &daemon, "co2",
        (const char *const[]){ "--inputs", "ppm", "--outputs", "ppm", "--layers", "16", NULL });
    for (size_t t = 0; t < 24; t++) {
        step(&daemon, series.x[t]);
    }
    /* what is best after these seconds, of a training thread that may get few of them */
    post(&daemon, &series,
         "\"recipe\":{\"type\":\"auto\",\"horizon\":12},\"max_seconds\":20,\"seed\":3,"
         "\"promotion\":{\"policy\":\"manual\"}",
         id);
    struct answer job = wait_for(&daemon, id, "\"state\":\"done\"");
    ck_assert_ptr_nonnull(strstr(job.body, "\"hyperparameters\":null"));
    answer_free(&job);
    daemon_kill(&daemon);
    daemon_start_again(&daemon, NULL);
    job = wait_for(&daemon, id, "\"status\":\"succeeded\"");
    ck_assert_ptr_nonnull(strstr(job.body, "\"chosen\":true"));
    answer_free(&job);
    expect(&daemon, "POST", CO2 "/versions/2/activate", "{}", 200, "\"active_version\":2");
    step(&daemon, series.x[24]);
    post(&daemon, &series, "\"hyperparameters\":{\"scaling\":\"fit\"},\"seed\":3", id);
    job = wait_for(&daemon, id, "\"status\":\"succeeded\"");
    answer_free(&job);
    const double by_recipe = mase(&daemon, &series, 2), by_default = mase(&daemon, &series, 3);
    ck_assert_msg(by_recipe < by_default, "%g, without a recipe %g", by_recipe, by_default);
    printf("MASE of CO2: %.3f, without a recipe %.3f\n", by_recipe, by_default);
    expect(&daemon, "POST", CO2 "/versions/1/activate", "{}", 200, "\"active_version\":1");
    step(&daemon, series.x[25]);
    daemon_stop(&daemon);
}
