/* Models and versions of a cluster: what one node is given, all have. */
#include "cluster_support.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define VERSION_1 "{\"version\":1,"
#define VERSION_2 "{\"version\":2,"
#define VERSION_3 "{\"version\":3,"
#define ACTIVE_1  "\"active_version\":1"
#define ACTIVE_2  "\"active_version\":2"

static void add_version(const struct daemon *daemon, const char *layers)
{
    const char *const made[] = { "--inputs", "level", "--outputs", "level",
                                 "--layers", layers,  "--force",   NULL };
    daemon_add_model(daemon, "level", made);
}

static void expect_absent(const struct daemon *daemon, const char *path, const char *text)
{
    struct answer answer = request(daemon, "GET", path, NULL);
    ck_assert_msg(answer.code == 200 && !strstr(answer.body, text), "%s", answer.body);
    answer_free(&answer);
}

static void wait_until_gone(const struct daemon *daemon, const char *path)
{
    const struct timespec moment = { .tv_nsec = 10000000 };
    const time_t end = time(NULL) + 60;
    int code = 0;
    while (code != 404) {
        struct answer answer = request(daemon, "GET", path, NULL);
        code = answer.code;
        answer_free(&answer);
        ck_assert_int_lt(time(NULL), end);
        nanosleep(&moment, NULL);
    }
}

/* On a node that has just begun, each of whose threads connects to the engine by itself. */
static void expect_step(const struct daemon *node, const char *text)
{
    const struct timespec moment = { .tv_nsec = 10000000 };
    const time_t end = time(NULL) + 60;
    int code = 503;
    while (code == 503 && time(NULL) < end) {
        struct answer answer = request(node, "POST", SESSION "/step", "{\"x\":[1]}");
        code = answer.code;
        ck_assert_msg(code == 503 || strstr(answer.body, text), "%s", answer.body);
        answer_free(&answer);
        nanosleep(&moment, NULL);
    }
    ck_assert_int_eq(code, 200);
}

/* ---- as if they were one ---- */

TEST(a_version_that_one_node_is_given_is_served_by_all)
{
    struct cluster cluster;
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    add_version(one, "24,8");
    wait_until(other, MODEL, VERSION_2);
    expect_same(one, other, "GET", MODEL, NULL);
    expect_same(one, other, "GET", MODEL "/versions/2/file", NULL);
    expect(other, "POST", MODEL "/versions/2/activate", NULL, 200, ACTIVE_2);
    wait_until(one, MODEL, ACTIVE_2);
    expect(one, "POST", MODEL "/versions/1/activate", NULL, 200, ACTIVE_1);
    wait_until(other, MODEL, ACTIVE_1);
    expect(other, "DELETE", MODEL "/versions/1", NULL, 409, "version_active");
    expect(other, "DELETE", MODEL "/versions/2", NULL, 204, NULL);
    wait_until_gone(one, MODEL "/versions/2/file");
    expect(one, "POST", MODEL "/versions/2/activate", NULL, 404, "version_not_found");
    add_version(one, "8"); /* its number is not given twice */
    wait_until(other, MODEL, VERSION_3);
    expect_absent(other, MODEL, VERSION_2);
    cluster_stop(&cluster);
}

/* As an operator rolls a version out, and back. */
TEST(sessions_go_on_over_a_change_as_those_of_one_grud)
{
    static const unsigned rolled[] = { 2, 1, 3, 2 };
    struct cluster cluster;
    char path[96], active[40];
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    struct daemon alone = daemon_start(NULL);
    add_level_model(&alone);
    add_version(&cluster.nodes[1], "24,8");
    wait_until(&cluster.nodes[0], MODEL, VERSION_2);
    add_version(&cluster.nodes[0], "16");
    wait_until(&cluster.nodes[1], MODEL, VERSION_3);
    add_version(&alone, "24,8");
    add_version(&alone, "16");
    for (unsigned round = 0; round <= sizeof rolled / sizeof *rolled; round++) {
        for (unsigned k = 0; k < 7; k++) {
            const struct daemon *node = &cluster.nodes[(k + round) % NODES];
            expect_same(node, &alone, "POST", SESSION "/step", "{\"x\":[3]}");
            expect_same(node, &alone, "POST", MODEL "/sessions/b/step",
                        "{\"x\":[2],\"level\":0.9,\"horizon\":3}");
        }
        if (round < sizeof rolled / sizeof *rolled) {
            snprintf(path, sizeof path, MODEL "/versions/%u/activate", rolled[round]);
            snprintf(active, sizeof active, "\"active_version\":%u", rolled[round]);
            expect(&alone, "POST", path, NULL, 200, active);
            expect(&cluster.nodes[round % NODES], "POST", path, NULL, 200, active);
            wait_until(&cluster.nodes[(round + 1) % NODES], MODEL, active);
        }
    }
    daemon_stop(&alone);
    cluster_stop(&cluster);
}

TEST(two_versions_at_one_time_get_two_numbers)
{
    struct cluster cluster;
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    kill(cluster.nodes[1].pid, SIGSTOP); /* it knows of nothing that the other is given */
    add_version(&cluster.nodes[0], "24,8");
    kill(cluster.nodes[1].pid, SIGCONT);
    add_version(&cluster.nodes[1], "16");
    for (size_t k = 0; k < NODES; k++) {
        wait_until(&cluster.nodes[k], MODEL, VERSION_3);
    }
    expect_same(&cluster.nodes[0], &cluster.nodes[1], "GET", MODEL, NULL);
    expect_same(&cluster.nodes[0], &cluster.nodes[1], "GET", MODEL "/versions/2/file", NULL);
    cluster_stop(&cluster);
}

TEST(a_node_that_starts_later_has_all)
{
    struct cluster cluster;
    const char *options[CLUSTER_OPTIONS_MAX];
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    struct daemon *other = &cluster.nodes[1];
    daemon_kill(other);
    add_version(&cluster.nodes[0], "24,8");
    expect(&cluster.nodes[0], "POST", MODEL "/versions/2/activate", NULL, 200, ACTIVE_2);
    node_options(&cluster, NULL, options);
    daemon_start_again(other, options);
    expect_same(&cluster.nodes[0], other, "GET", MODEL, NULL); /* it is ready, so it has them */
    expect_step(other, "\"version\":2");
    cluster_stop(&cluster);
}

/* The version that a job has made, where it comes from, and that it was promoted. */
TEST(what_a_job_makes_at_one_node_all_have)
{
    enum { BODY = 4096, ROWS = 60 };
    struct cluster cluster;
    char body[BODY];
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    size_t n = (size_t)snprintf(body, BODY,
                                "{\"model\":\"level\",\"hyperparameters\":{\"n_epochs\":2},"
                                "\"promotion\":{\"policy\":\"manual\"},"
                                "\"training\":{\"series\":[");
    for (unsigned k = 0; k < 2 * ROWS; k++) {
        n += (size_t)snprintf(body + n, BODY - n, "%s[%u]%s", k % ROWS ? "," : "{\"x\":[",
                              k * k % 13, k % ROWS == ROWS - 1 ? k < ROWS ? "]}," : "]}]}}" : "");
    }
    expect(one, "POST", "/v1/fine_tuning/jobs", body, 202, "\"status\":");
    wait_until(other, MODEL, "{\"version\":2,");
    wait_until(other, MODEL, "\"parent\":1,\"job\":\"ftjob-");
    expect(other, "GET", MODEL, NULL, 200, "\"metrics\":{\"train_loss\":");
    expect_same(one, other, "GET", MODEL, NULL);
    expect(other, "POST", MODEL "/versions/2/activate", NULL, 200, ACTIVE_2);
    wait_until(one, MODEL, ACTIVE_2);
    expect_same(one, other, "GET", MODEL, NULL);
    cluster_stop(&cluster);
}

/* ---- the engine ---- */

TEST(without_the_engine_no_model_changes)
{
    struct cluster cluster;
    char log[4096];
    const char *options[CLUSTER_OPTIONS_MAX];
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0];
    struct daemon *other = &cluster.nodes[1];
    add_version(one, "24,8");
    wait_until(other, MODEL, VERSION_2);
    engine_kill(&cluster.engine);
    expect(one, "POST", MODEL "/versions/2/activate", NULL, 503, "storage_failed");
    expect(one, "DELETE", MODEL "/versions/2", NULL, 503, "storage_failed");
    struct answer file = request(one, "GET", MODEL "/versions/2/file", NULL);
    struct answer put =
        request_typed(one, "PUT", MODEL, "application/octet-stream", file.body, file.n_body);
    ck_assert_msg(put.code == 503, "%d %s", put.code, put.body);
    answer_free(&put);
    answer_free(&file);
    expect(one, "GET", MODEL, NULL, 200, ACTIVE_1);
    expect_absent(one, MODEL, VERSION_3);
    expect(one, "POST", MODEL "/predict", "{\"x\":[[1],[2]]}", 200, "\"version\":1");
    daemon_kill(other); /* and starts without it, with what it has of its own */
    node_options(&cluster, NULL, options);
    daemon_start_again(other, options);
    expect(other, "GET", MODEL, NULL, 404, NULL);
    engine_start_again(&cluster.engine);
    wait_until(other, "/readyz", "ok"); /* so it has all */
    expect(other, "GET", MODEL, NULL, 200, VERSION_2);
    expect(other, "GET", MODEL, NULL, 200, ACTIVE_1);
    daemon_wait_log(other, "version_taken model=level version=2", log, sizeof log);
    wait_until(one, "/readyz", "ok");
    expect(other, "POST", MODEL "/versions/2/activate", NULL, 200, ACTIVE_2);
    wait_until(one, MODEL, ACTIVE_2);
    cluster_stop(&cluster);
}

/* Nodes give back what they have, once somebody has accepted the loss. */
TEST(an_engine_that_came_back_empty_is_given_the_versions)
{
    struct cluster cluster;
    const char *options[CLUSTER_OPTIONS_MAX];
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    struct daemon *one = &cluster.nodes[0];
    const struct daemon *other = &cluster.nodes[1];
    add_version(one, "24,8");
    expect(one, "POST", MODEL "/versions/2/activate", NULL, 200, ACTIVE_2);
    wait_until(other, MODEL, ACTIVE_2);
    daemon_kill(one);
    engine_tell(&cluster.engine, "FLUSHALL");
    wait_for(other, "GET", "/readyz", NULL, 503, "without writes that it had acknowledged");
    engine_tell(&cluster.engine, "DEL grud:lost");
    node_options(&cluster, NULL, options);
    daemon_start_again(one, options);
    wait_until(one, MODEL, ACTIVE_2);
    wait_until(one, MODEL, VERSION_1);
    expect_same(one, other, "GET", MODEL, NULL);
    add_version(one, "16");
    wait_until(other, MODEL, VERSION_3);
    cluster_stop(&cluster);
}

/* ---- nodes with files of their own ---- */

static void write_file(const struct daemon *node, const char *layers)
{
    char folder[160], file[192], output[4096];
    snprintf(folder, sizeof folder, "%s/models", node->directory);
    snprintf(file, sizeof file, "%s/level.safetensors", folder);
    const char *const made[] = { "init", "--inputs", "level", "--outputs", "level", "--layers",
                                 layers, "--force",  "-o",    file,        NULL };
    (void)mkdir(folder, 0755);
    const int code = daemon_run(made, output, sizeof output);
    ck_assert_msg(code == 0, "%s", output);
}

static void start_with_file(const struct cluster *cluster, struct daemon *node)
{
    char folder[160];
    const char *options[CLUSTER_OPTIONS_MAX];
    snprintf(folder, sizeof folder, "%s/models", node->directory);
    const char *const with_models[] = { "--models", folder, NULL };
    node_options(cluster, with_models, options);
    daemon_start_again(node, options);
}

static bool cluster_start_with_files(struct cluster *cluster, const char *const *layers)
{
    if (!engine_is_there()) {
        return false;
    }
    *cluster = (struct cluster){ .engine = engine_start(NULL) };
    snprintf(cluster->url, sizeof cluster->url, "redis://127.0.0.1:%u/0", cluster->engine.port);
    for (size_t k = 0; k < NODES; k++) {
        cluster->nodes[k] = daemon_prepare();
        write_file(&cluster->nodes[k], layers[k]);
        start_with_file(cluster, &cluster->nodes[k]);
    }
    return true;
}

TEST(of_two_files_under_one_number_that_of_the_cluster_counts)
{
    static const char *const layers[NODES] = { "8", "24,8" };
    struct cluster cluster;
    char log[8192];
    if (!cluster_start_with_files(&cluster, layers)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    daemon_wait_log(other, "cluster_model_differs model=level version=1", log, sizeof log);
    expect_same(one, other, "GET", MODEL, NULL);
    expect_same(one, other, "GET", MODEL "/versions/1/file", NULL);
    expect_step(one, "\"version\":1");
    expect_step(other, "\"version\":1");
    cluster_stop(&cluster);
}

TEST(a_file_that_changes_at_all_nodes_is_one_new_version)
{
    static const char *const layers[NODES] = { "8", "8" };
    struct cluster cluster;
    char log[8192];
    if (!cluster_start_with_files(&cluster, layers)) {
        return;
    }
    struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    for (size_t k = 0; k < NODES; k++) {
        write_file(&cluster.nodes[k], "24,8");
        kill(cluster.nodes[k].pid, SIGHUP);
    }
    for (size_t k = 0; k < NODES; k++) {
        daemon_wait_log(&cluster.nodes[k], "reloaded", log, sizeof log);
        wait_until(&cluster.nodes[k], MODEL, VERSION_2);
        expect_absent(&cluster.nodes[k], MODEL, VERSION_3);
    }
    expect(one, "POST", MODEL "/versions/2/activate", NULL, 200, ACTIVE_2);
    wait_until(other, MODEL, ACTIVE_2);
    expect(other, "DELETE", MODEL "/versions/1", NULL, 409, "version_read_only");
    cluster_stop(&cluster);
}

/* They are given to the cluster, and are the node's own if it goes back. */
TEST(versions_from_before_the_cluster_are_taken_along)
{
    struct cluster cluster;
    const char *options[CLUSTER_OPTIONS_MAX];
    if (!engine_is_there()) {
        return;
    }
    cluster = (struct cluster){ .engine = engine_start(NULL), .nodes[0] = daemon_start(NULL) };
    snprintf(cluster.url, sizeof cluster.url, "redis://127.0.0.1:%u/0", cluster.engine.port);
    struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    add_level_model(one);
    add_version(one, "24,8");
    expect(one, "POST", MODEL "/versions/2/activate", NULL, 200, ACTIVE_2);
    daemon_kill(one);
    node_options(&cluster, NULL, options);
    daemon_start_again(one, options);
    *other = daemon_start(options);
    expect(other, "GET", MODEL, NULL, 200, ACTIVE_2);
    expect_same(one, other, "GET", MODEL, NULL);
    add_version(one, "16");
    expect(one, "POST", MODEL "/versions/3/activate", NULL, 200, "\"active_version\":3");
    expect(one, "DELETE", MODEL "/versions/1", NULL, 204, NULL);
    wait_until_gone(other, MODEL "/versions/1/file");
    daemon_kill(one);
    daemon_start_again(one, NULL); /* alone, as it was */
    expect(one, "GET", MODEL, NULL, 200, ACTIVE_2);
    expect(one, "GET", MODEL, NULL, 200, VERSION_1);
    expect_absent(one, MODEL, VERSION_3);
    daemon_kill(one);
    daemon_start_again(one, options);
    expect_same(one, other, "GET", MODEL, NULL);
    cluster_stop(&cluster);
}

/* A file that is left at a node does not bring back what another one has deleted. */
TEST(what_the_cluster_has_deleted_stays_so)
{
    static const char *const layers[NODES] = { "8", "8" };
    struct cluster cluster;
    char log[8192];
    const char *options[CLUSTER_OPTIONS_MAX];
    if (!cluster_start_with_files(&cluster, layers)) {
        return;
    }
    struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    add_version(one, "24,8");
    expect(one, "POST", MODEL "/versions/2/activate", NULL, 200, ACTIVE_2);
    daemon_kill(other); /* and goes on without a file */
    node_options(&cluster, NULL, options);
    daemon_start_again(other, options);
    expect(other, "DELETE", MODEL "/versions/1", NULL, 204, NULL);
    daemon_wait_log(one, "cluster_model_deleted model=level version=1", log, sizeof log);
    wait_until_gone(one, MODEL "/versions/1/file");
    daemon_kill(one);
    start_with_file(&cluster, one);
    expect_same(one, other, "GET", MODEL, NULL);
    expect_absent(one, MODEL, VERSION_1);
    cluster_stop(&cluster);
}

/* ---- what is wrong there ---- */

TEST(a_version_that_is_damaged_in_the_engine_keeps_no_other_from_being_served)
{
    static const char *const damages[] = {
        "SETRANGE grud:m:level:2 100 damaged",
        "SET grud:m:level:2 cut",
        "HSET grud:m:level 2 no-entry",
        "DEL grud:m:level:2",
        "DEL grud:m:level:2\nLPUSH grud:m:level:2 x",
    };
    struct cluster cluster;
    char line[128], log[8192];
    const char *options[CLUSTER_OPTIONS_MAX];
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    struct daemon *other = &cluster.nodes[1];
    add_version(&cluster.nodes[0], "24,8");
    add_version(&cluster.nodes[0], "16");
    node_options(&cluster, NULL, options);
    for (size_t k = 0; k < sizeof damages / sizeof *damages; k++) {
        daemon_kill(other);
        snprintf(line, sizeof line, "%s", damages[k]);
        for (char *at = strtok(line, "\n"); at; at = strtok(NULL, "\n")) {
            engine_tell(&cluster.engine, at);
        }
        daemon_start_again(other, options);
        daemon_wait_log(other, "cluster_model_refused model=level version=2", log, sizeof log);
        expect(other, "POST", MODEL "/versions/2/activate", NULL, 503, "version_unavailable");
        expect(other, "GET", MODEL, NULL, 200, VERSION_3);
        expect_step(other, "\"version\":1");
    }
    expect(other, "DELETE", MODEL "/versions/2", NULL, 204, NULL);
    wait_until_gone(&cluster.nodes[0], MODEL "/versions/2/file");
    expect(other, "POST", MODEL "/versions/2/activate", NULL, 404, "version_not_found");
    cluster_stop(&cluster);
}

TEST(a_model_whose_key_is_of_another_type_keeps_no_other_from_being_followed)
{
    static const char *const other_inputs[] = { "--inputs", "flow", "--outputs", "flow",
                                                "--layers", "8",    NULL };
    struct cluster cluster;
    char log[8192];
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    engine_tell(&cluster.engine, "SET grud:m:broken text");
    engine_tell(&cluster.engine, "HSET grud:m broken 1000000");
    engine_tell(&cluster.engine, "HINCRBY grud:m '' 1");
    daemon_wait_log(other, "cluster_models_not_read model=broken", log, sizeof log);
    daemon_add_model(one, "flow", other_inputs);
    wait_until(other, "/v1/models/flow", ACTIVE_1);
    expect(other, "POST", SESSION "/step", "{\"x\":[1]}", 200, NULL);
    cluster_stop(&cluster);
}
