/* What the nodes of a cluster record is what one grud would. */
#include "cluster_support.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define READINGS SESSION "/readings"
#define JOBS     "/v1/fine_tuning/jobs"

static const char *const recording[] = { "--record", "1000", "--session-history", "4", NULL };

/* A cluster, and one grud that does the same. */
struct both {
    struct cluster cluster;
    struct daemon alone;
};

static bool begin(struct both *both, const char *const *options)
{
    if (!cluster_start(&both->cluster, options)) {
        return false;
    }
    both->alone = daemon_start(options);
    add_level_model(&both->alone);
    return true;
}

static void end(struct both *both)
{
    daemon_stop(&both->alone);
    cluster_stop(&both->cluster);
}

/* The k-th request goes to another node than the one before. */
static void do_both(const struct both *both, unsigned k, const char *method, const char *path,
                    const char *body)
{
    expect_same(&both->cluster.nodes[k % NODES], &both->alone, method, path, body);
}

/* The same of answers that have times. */
static void answer_both(const struct both *both, unsigned k, const char *method, const char *path,
                        const char *body, int code)
{
    expect(&both->cluster.nodes[k % NODES], method, path, body, code, NULL);
    expect(&both->alone, method, path, body, code, NULL);
}

static void step_both(const struct both *both, unsigned k, const char *session)
{
    char path[96], body[96];
    snprintf(path, sizeof path, MODEL "/sessions/%s/step", session);
    snprintf(body, sizeof body, k % 5 == 4 ? "{\"x\":[null]}" : "{\"x\":[%g]}", 0.1 * (k * k % 17));
    do_both(both, k, "POST", path, body);
}

static void expect_same_page(const struct both *both, const char *path)
{
    for (unsigned k = 0; k < NODES; k++) {
        do_both(both, k, "GET", path, NULL);
    }
}

static void expect_same_readings(const struct both *both)
{
    static const char *const pages[] = { READINGS,
                                         READINGS "?limit=3",
                                         READINGS "?limit=1",
                                         READINGS "?limit=7&before=30",
                                         READINGS "?before=5",
                                         READINGS "?before=1",
                                         READINGS "?limit=1000&before=9007199254740991" };
    for (size_t k = 0; k < sizeof pages / sizeof *pages; k++) {
        expect_same_page(both, pages[k]);
    }
}

/* How often the text is there. */
static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word)) {
        n++;
    }
    return n;
}

/* ---- steps ---- */

static unsigned long recorded_by_all(const struct cluster *cluster)
{
    static const char name[] = "\ngrud_recorded_readings_total ";
    unsigned long n = 0;
    for (unsigned k = 0; k < NODES; k++) {
        struct answer metrics = request(&cluster->nodes[k], "GET", "/metrics", NULL);
        const char *at = strstr(metrics.body, name);
        ck_assert_ptr_nonnull(at);
        n += strtoul(at + sizeof name - 1, NULL, 10);
        answer_free(&metrics);
    }
    return n;
}

TEST(readings_at_all_nodes_are_those_of_one_grud)
{
    struct both both;
    if (!begin(&both, recording)) {
        return;
    }
    for (unsigned k = 0; k < 60; k++) {
        step_both(&both, k, "pump-7");
        if (k % 20 < 2) {
            expect_same_readings(&both);
        }
    }
    do_both(&both, 0, "POST", SESSION "/step", "{\"x\":[1],\"seq\":70}");
    do_both(&both, 1, "POST", SESSION "/step", "{\"x\":[1],\"seq\":61,\"at\":1700000000.25}");
    do_both(&both, 0, "POST", SESSION "/step", "{\"x\":[1],\"seq\":61,\"at\":1700000000.25}");
    do_both(&both, 0, "POST", SESSION "/step", "{\"x\":[2],\"at\":1700000060}");
    do_both(&both, 1, "POST", MODEL "/steps",
            "{\"steps\":[{\"session\":\"pump-7\",\"x\":[1]},{\"session\":\"v\",\"x\":[2]},"
            "{\"session\":\"pump-7\",\"x\":[3]},{\"session\":\"v\",\"x\":[4],\"seq\":9},"
            "{\"session\":\"pump-7\",\"x\":[5]}]}");
    expect_same_readings(&both);
    expect_same_page(&both, MODEL "/sessions/v/readings");
    expect_same_page(&both, MODEL "/sessions/none/readings");
    expect(&both.alone, "GET", "/metrics", NULL, 200, "grud_recorded_readings_total 66\n");
    ck_assert_uint_eq(recorded_by_all(&both.cluster), 66);
    end(&both);
}

/* A step may bring more readings than its own: those that are missing before it. */
TEST(filled_readings_are_recorded_with_their_step)
{
    static const char *const made[] = { "--inputs", "temp", "--outputs",          "temp",
                                        "--layers", "4",    "--interval-seconds", "60",
                                        NULL };
    static const char timed[] = "/v1/models/timed/sessions/s/step";
    static const struct {
        double at;
        const char *x;
    } steps[] = { { 1763668800, "1" },    { 1763668860, "2" }, { 1763669160, "3" },
                  { 1763669220, "4" },    { 1763689220, "5" }, { 1763689280, "6" },
                  { 1763689400, "null" }, { 1763779400, "7" }, { 1763779460, "8" } };
    struct both both;
    char body[96];
    if (!begin(&both, recording)) {
        return;
    }
    for (unsigned k = 0; k < NODES; k++) {
        daemon_add_model(&both.cluster.nodes[k], "timed", made);
    }
    daemon_add_model(&both.alone, "timed", made);
    for (unsigned k = 0; k < sizeof steps / sizeof *steps; k++) {
        snprintf(body, sizeof body, "{\"x\":[%s],\"at\":%.0f}", steps[k].x, steps[k].at);
        do_both(&both, k, "POST", timed, body);
        expect_same_page(&both, "/v1/models/timed/sessions/s/readings?limit=1000");
        expect_same_page(&both, "/v1/models/timed/sessions/s/readings?limit=9");
    }
    end(&both);
}

TEST(no_more_rows_are_kept_than_that)
{
    static const char *const few[] = { "--record", "10", "--session-history", "4", NULL };
    struct both both;
    if (!begin(&both, few)) {
        return;
    }
    for (unsigned k = 0; k < 25; k++) {
        step_both(&both, k, "pump-7");
    }
    expect_same_readings(&both);
    expect(&both.cluster.nodes[0], "GET", READINGS "?limit=1000", NULL, 200,
           "{\"readings\":[{\"step\":16,");
    end(&both);
}

/* Nodes that step one session at the same time refuse each other's writes. */
TEST(a_step_that_is_done_again_is_recorded_once)
{
    enum { ROUNDS = 60 };
    struct cluster cluster;
    if (!cluster_start(&cluster, recording)) {
        return;
    }
    unsigned n_done = 0;
    for (unsigned k = 0; k < ROUNDS; k++) {
        int fds[NODES];
        for (unsigned node = 0; node < NODES; node++) {
            char body[32];
            const int n = snprintf(body, sizeof body, "{\"x\":[%u]}", k * NODES + node);
            fds[node] = client_connect(&cluster.nodes[node]);
            client_send_request(fds[node], "POST", SESSION "/step", "", "application/json", body,
                                (size_t)n);
        }
        for (unsigned node = 0; node < NODES; node++) {
            struct answer answer = client_read(fds[node]);
            n_done += answer.code == 200;
            answer_free(&answer);
            close(fds[node]);
        }
    }
    struct answer answer = request(&cluster.nodes[0], "GET", READINGS "?limit=1000", NULL);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_uint_eq(count(answer.body, "\"step\":"), n_done);
    for (unsigned k = 0; k < ROUNDS * NODES; k++) {
        char x[32];
        snprintf(x, sizeof x, "\"x\":[%u]", k);
        ck_assert_uint_le(count(answer.body, x), 1);
    }
    answer_free(&answer);
    cluster_stop(&cluster);
}

/* ---- ends ---- */

static void wait_until_served(const struct daemon *daemon, const char *path)
{
    const time_t end = time(NULL) + 60;
    int code = 0;
    while (code != 200 && time(NULL) < end) {
        struct answer answer = request(daemon, "GET", path, NULL);
        code = answer.code;
        answer_free(&answer);
    }
    ck_assert_int_eq(code, 200);
}

TEST(what_was_acknowledged_outlives_nodes_and_the_engine)
{
    struct both both;
    const char *options[CLUSTER_OPTIONS_MAX];
    if (!begin(&both, recording)) {
        return;
    }
    struct cluster *cluster = &both.cluster;
    node_options(cluster, recording, options);
    for (unsigned k = 0; k < 30; k++) {
        step_both(&both, k, "pump-7");
    }
    daemon_kill(&cluster->nodes[0]);
    do_both(&both, 1, "GET", READINGS "?limit=1000", NULL);
    engine_kill(&cluster->engine);
    engine_start_again(&cluster->engine);
    daemon_start_again(&cluster->nodes[0], options);
    for (unsigned k = 0; k < NODES; k++) {
        wait_until_served(&cluster->nodes[k], READINGS);
    }
    expect_same_readings(&both);
    for (unsigned k = 30; k < 40; k++) {
        step_both(&both, k, "pump-7");
    }
    expect_same_readings(&both);
    end(&both);
}

TEST(a_deleted_session_begins_without_readings)
{
    struct both both;
    if (!begin(&both, recording)) {
        return;
    }
    for (unsigned k = 0; k < 10; k++) {
        step_both(&both, k, "pump-7");
    }
    do_both(&both, 0, "DELETE", SESSION, NULL);
    expect_same_page(&both, READINGS);
    for (unsigned k = 3; k < 9; k++) {
        step_both(&both, k, "pump-7");
    }
    expect_same_readings(&both);
    end(&both);
}

TEST(what_is_put_or_forked_begins_a_life)
{
    const struct timespec second = { .tv_sec = 1, .tv_nsec = 100000000 };
    struct both both;
    if (!begin(&both, recording)) {
        return;
    }
    for (unsigned k = 0; k < 10; k++) {
        step_both(&both, k, "pump-7");
    }
    answer_both(&both, 1, "POST", SESSION "/fork", "{\"to\":\"copy\"}", 201);
    nanosleep(&second, NULL); /* a life is told by its second */
    answer_both(&both, 0, "PUT", SESSION, "{\"step\":12,\"rewarm\":[[1],[2],[3]]}", 200);
    expect_same_readings(&both);
    expect_same_page(&both, MODEL "/sessions/copy/readings");
    for (unsigned k = 5; k < 15; k++) {
        step_both(&both, k, "pump-7");
        step_both(&both, k, "copy");
    }
    expect_same_readings(&both);
    expect_same_page(&both, MODEL "/sessions/copy/readings");
    end(&both);
}

TEST(amended_sessions_have_the_readings_of_one_grud)
{
    static const char *const amending[] = { "--record",          "1000", "--amend", "yes",
                                            "--session-history", "8",    NULL };
    static const char *const steps[] = {
        "{\"x\":[1],\"at\":1763668800}", "{\"x\":[2],\"at\":1763668860}",
        "{\"x\":[3],\"at\":1763668920}", "{\"x\":[9],\"at\":1763668890,\"late\":\"amend\"}",
        "{\"x\":[4],\"at\":1763668980}", "{\"x\":[5],\"step\":2,\"late\":\"amend\"}",
        "{\"x\":[6],\"at\":1763669040}", "{\"x\":[7],\"at\":1763669100}"
    };
    struct both both;
    if (!begin(&both, amending)) {
        return;
    }
    for (unsigned k = 0; k < sizeof steps / sizeof *steps; k++) {
        do_both(&both, k, "POST", SESSION "/step", steps[k]);
        expect_same_readings(&both);
    }
    end(&both);
}

TEST(what_is_recorded_ends_with_its_session)
{
    const struct timespec over = { .tv_sec = 1, .tv_nsec = 200000000 };
    struct cluster cluster;
    if (!cluster_start(&cluster, recording)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    expect(one, "POST", SESSION "/step", "{\"x\":[1]}", 200, NULL);
    expect(other, "POST", SESSION "/step", "{\"x\":[2]}", 200, NULL);
    expect(one, "PUT", SESSION, "{\"ttl\":1}", 200, NULL);
    expect(other, "POST", SESSION "/step", "{\"x\":[2]}", 200, NULL);
    nanosleep(&over, NULL);
    expect(one, "GET", READINGS, NULL, 410, NULL);
    expect(other, "PUT", SESSION, "{}", 201, NULL);
    expect(one, "POST", SESSION "/step", "{\"x\":[5]}", 200, "\"step\":1,");
    expect(one, "GET", READINGS, NULL, 200, "{\"readings\":[{\"step\":1,");
    cluster_stop(&cluster);
}

/* ---- what is not as it should be ---- */

TEST(readings_at_a_node_without_record_are_missing_and_no_more)
{
    struct cluster cluster;
    const char *options[CLUSTER_OPTIONS_MAX];
    if (!cluster_start(&cluster, recording)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0];
    node_options(&cluster, (const char *const[]){ "--session-history", "4", NULL }, options);
    daemon_kill(&cluster.nodes[1]);
    daemon_start_again(&cluster.nodes[1], options);
    for (unsigned k = 0; k < 30; k++) {
        expect(&cluster.nodes[k / 10 % NODES], "POST", SESSION "/step", "{\"x\":[1]}", 200, NULL);
    }
    struct answer answer = request(one, "GET", READINGS, NULL);
    ck_assert_uint_eq(count(answer.body, "\"step\":"), 20);
    ck_assert(strstr(answer.body, "\"step\":10,") && strstr(answer.body, "\"step\":21,"));
    answer_free(&answer);
    expect(&cluster.nodes[1], "GET", READINGS, NULL, 200, "{\"readings\":[{\"step\":27,");
    expect(&cluster.nodes[1], "DELETE", SESSION, NULL, 204, NULL);
    expect(one, "POST", SESSION "/step", "{\"x\":[1]}", 200, "\"step\":1,");
    expect(one, "GET", READINGS, NULL, 200, "{\"readings\":[{\"step\":1,");
    cluster_stop(&cluster);
}

TEST(what_others_have_put_into_a_list_is_told_and_goes_with_its_session)
{
    static const char *const spoiled[] = { "RPUSH grud:s:level:pump-7/r x",
                                           "LSET grud:s:level:pump-7/r 0 y",
                                           "SET grud:s:level:pump-7/r z" };
    struct cluster cluster;
    if (!cluster_start(&cluster, recording)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    for (size_t k = 0; k < sizeof spoiled / sizeof *spoiled; k++) {
        for (unsigned step = 0; step < 8; step++) {
            expect(one, "POST", SESSION "/step", "{\"x\":[1]}", 200, NULL);
        }
        engine_tell(&cluster.engine, spoiled[k]);
        expect(other, "GET", READINGS, NULL, 503, "storage_failed");
        expect(other, "GET", SESSION, NULL, 200, "\"step\":8,");
        const bool is_list = k < 2;
        expect(other, "POST", SESSION "/step", "{\"x\":[1],\"seq\":9}", is_list ? 200 : 503, NULL);
        expect(other, "DELETE", SESSION, NULL, 204, NULL);
    }
    expect(one, "POST", SESSION "/step", "{\"x\":[1]}", 200, "\"step\":1,");
    expect(other, "GET", READINGS, NULL, 200, "{\"readings\":[{\"step\":1,");
    cluster_stop(&cluster);
}

/* ---- jobs ---- */

enum { STEPS_BYTES = 1 << 16, SERIES = 5, DIGEST_SIZE = 64 };

static void record_waves(const struct both *both)
{
    char *body = malloc(STEPS_BYTES);
    for (unsigned part = 0; part < 4; part++) {
        size_t n = 0;
        for (unsigned t = 100 * part; t < 100 * part + 100; t++) {
            n += (size_t)snprintf(body + n, STEPS_BYTES - n,
                                  "{\"session\":\"rec-%u\",\"x\":[%.4f]}\n", t % SERIES,
                                  sin(0.2 * t));
        }
        struct answer shared = request_typed(&both->cluster.nodes[part % NODES], "POST",
                                             MODEL "/steps", "application/x-ndjson", body, n);
        struct answer own =
            request_typed(&both->alone, "POST", MODEL "/steps", "application/x-ndjson", body, n);
        ck_assert_int_eq(shared.code, 200);
        ck_assert_str_eq(shared.body, own.body);
        answer_free(&shared);
        answer_free(&own);
    }
    free(body);
}

static void text_of(const char *json, const char *name, char *ret_text, size_t size)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(json, key);
    ck_assert_msg(at, "no %s in %s", name, json);
    at += strlen(key);
    snprintf(ret_text, size, "%.*s", (int)strcspn(at, "\""), at);
}

/* What the version that is learnt is; of a job with that "training". */
static void learn(const struct daemon *daemon, const char *training, char digest[DIGEST_SIZE])
{
    char body[256], id[64], path[128];
    const time_t end = time(NULL) + 60;
    bool is_over = false;
    unsigned version = 0;
    snprintf(body, sizeof body,
             "{\"model\":\"level\",\"hyperparameters\":{\"n_epochs\":2,\"window\":16},"
             "\"promotion\":{\"policy\":\"manual\"},\"training\":%s}",
             training);
    struct answer job = request(daemon, "POST", JOBS, body);
    ck_assert_msg(job.code == 202, "%s", job.body);
    text_of(job.body, "id", id, sizeof id);
    answer_free(&job);
    snprintf(path, sizeof path, JOBS "/%s", id);
    while (!is_over && time(NULL) < end) {
        job = request(daemon, "GET", path, NULL);
        ck_assert_msg(!strstr(job.body, "\"status\":\"failed\""), "%s", job.body);
        is_over = strstr(job.body, "\"status\":\"succeeded\"") != NULL;
        version = is_over ? (unsigned)number_in(job.body, "fine_tuned_version") : 0;
        answer_free(&job);
    }
    ck_assert(is_over);
    snprintf(path, sizeof path, "\"version\":%u,", version);
    wait_until(daemon, MODEL, path); /* another node may have run the job */
    struct answer model = request(daemon, "GET", MODEL, NULL);
    const char *entry = strstr(model.body, path);
    ck_assert_msg(entry, "no %s in %s", path, model.body);
    text_of(entry, "digest", digest, DIGEST_SIZE);
    answer_free(&model);
}

TEST(a_job_learns_from_what_all_nodes_have_recorded)
{
    static const char *const trainings[] = { "{\"sessions_prefix\":\"rec-\"}",
                                             "{\"sessions\":[\"rec-3\",\"rec-1\"]}" };
    struct both both;
    if (!begin(&both, recording)) {
        return;
    }
    record_waves(&both);
    char first[DIGEST_SIZE] = "";
    for (unsigned k = 0; k < 2; k++) {
        char shared[DIGEST_SIZE], own[DIGEST_SIZE];
        learn(&both.cluster.nodes[k], trainings[k], shared);
        learn(&both.alone, trainings[k], own);
        ck_assert_str_eq(shared, own);
        ck_assert_str_ne(shared, first);
        memcpy(first, shared, sizeof first);
    }
    end(&both);
}
