/* Nodes of a cluster, on a real engine: together they are one grud. */
#include "cluster_support.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- as if they were one ---- */

TEST(steps_on_nodes_in_turn_are_those_of_one_grud)
{
    struct cluster cluster;
    char body[64];
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    struct daemon alone = daemon_start(NULL);
    add_level_model(&alone);
    for (unsigned k = 1; k <= 40; k++) {
        const struct daemon *node = &cluster.nodes[k * k / 3 % NODES];
        snprintf(body, sizeof body, k % 3 == 0 ? "{\"x\":[%u]}" : "{\"x\":[%u],\"seq\":%u}", k % 7,
                 k);
        expect_same(node, &alone, "POST", SESSION "/step", body);
    }
    for (size_t k = 0; k < NODES; k++) { /* repeated, too far, and too far back */
        const struct daemon *node = &cluster.nodes[k];
        expect_same(node, &alone, "POST", SESSION "/step", "{\"x\":[5],\"seq\":40}");
        expect_same(node, &alone, "POST", SESSION "/step", "{\"x\":[5],\"seq\":42}");
        expect_same(node, &alone, "POST", SESSION "/step", "{\"x\":[5],\"seq\":39}");
        expect_same(node, &alone, "POST", SESSION "/forecast", "{\"horizon\":5}");
    }
    daemon_stop(&alone);
    cluster_stop(&cluster);
}

TEST(steps_of_one_request_are_those_of_one_grud)
{
    static const char body[] =
        "{\"steps\":[{\"session\":\"u\",\"x\":[1]},{\"session\":\"u\",\"x\":[2]},"
        "{\"session\":\"v\",\"x\":[1]},{\"session\":\"u\",\"x\":[3],\"seq\":3},"
        "{\"session\":\"u\",\"x\":[3],\"seq\":3},{\"session\":\"u\",\"x\":[3],\"seq\":7},"
        "{\"session\":\"w\",\"x\":[3],\"seq\":2}]}";
    static const char next[] = "{\"steps\":[{\"session\":\"v\",\"x\":[2]},"
                               "{\"session\":\"u\",\"x\":[4]},{\"session\":\"v\",\"x\":[3]}]}";
    struct cluster cluster;
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    struct daemon alone = daemon_start(NULL);
    add_level_model(&alone);
    expect_same(&cluster.nodes[0], &alone, "POST", MODEL "/steps", body);
    expect_same(&cluster.nodes[1], &alone, "POST", MODEL "/steps", next);
    expect_same(&cluster.nodes[0], &alone, "POST", MODEL "/steps", next);
    daemon_stop(&alone);
    cluster_stop(&cluster);
}

TEST(what_one_node_makes_of_a_session_the_other_has)
{
    struct cluster cluster;
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    expect(one, "POST", SESSION "/step", "{\"x\":[1]}", 200, "\"step\":1,");
    expect_same(one, other, "GET", SESSION, NULL);
    expect_same(one, other, "GET", SESSION "/readings", NULL);
    expect(other, "POST", SESSION "/fork", "{\"to\":\"copy\"}", 201, "\"session\":\"copy\"");
    expect(one, "POST", SESSION "/fork", "{\"to\":\"copy\"}", 409, "session_exists");
    expect_same(one, other, "GET", MODEL "/sessions/copy", NULL);
    expect(other, "PUT", SESSION, "{}", 200, "\"step\":0,");
    expect(one, "POST", SESSION "/step", "{\"x\":[1]}", 200, "\"step\":1,");
    expect(one, "DELETE", SESSION, NULL, 204, NULL);
    expect(other, "DELETE", SESSION, NULL, 404, "session_not_found");
    expect(other, "GET", SESSION, NULL, 404, "session_not_found");
    expect(other, "POST", SESSION "/step", "{\"x\":[1]}", 200, "\"step\":1,");
    cluster_stop(&cluster);
}

TEST(a_session_whose_time_is_over_has_expired_on_all_nodes)
{
    struct cluster cluster;
    const struct timespec over = { .tv_sec = 1, .tv_nsec = 100000000 };
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    expect(one, "PUT", SESSION, "{\"ttl\":1}", 201, "\"ttl\":1");
    nanosleep(&over, NULL);
    expect(other, "POST", SESSION "/step", "{\"x\":[1]}", 410, "session_expired");
    expect(one, "GET", SESSION, NULL, 410, "session_expired");
    expect(other, "PUT", SESSION, "{}", 201, "\"step\":0,");
    expect(one, "POST", SESSION "/step", "{\"x\":[1]}", 200, "\"step\":1,");
    expect(one, "PUT", SESSION, "{\"ttl\":1}", 200, "\"ttl\":1");
    nanosleep(&over, NULL);
    expect(other, "DELETE", SESSION, NULL, 204, NULL);
    expect(one, "POST", SESSION "/step", "{\"x\":[1]}", 200, "\"step\":1,");
    cluster_stop(&cluster);
}

TEST(a_cache_that_is_too_small_loses_nothing)
{
    static const char *const small[] = { "--session-max", "4", NULL };
    struct cluster cluster;
    char path[96], number[32];
    if (!cluster_start(&cluster, small)) {
        return;
    }
    for (unsigned k = 0; k < 60; k++) {
        snprintf(path, sizeof path, MODEL "/sessions/s-%u/step", k % 12);
        snprintf(number, sizeof number, "\"step\":%u,", k / 12 + 1);
        expect(&cluster.nodes[k % NODES], "POST", path, "{\"x\":[1]}", 200, number);
    }
    cluster_stop(&cluster);
}

/* ---- lists ---- */

enum { LIST_TEXT = 1024, LISTED = 14 };

/* " a b c", page for page. */
static void walk(const struct daemon *daemon, const char *path, unsigned limit, char ids[LIST_TEXT])
{
    char page[512], next[256] = "";
    size_t n = 0;
    ids[0] = '\0';
    do {
        snprintf(page, sizeof page, "%s&limit=%u&after=%s", path, limit, next);
        struct answer answer = request(daemon, "GET", page, NULL);
        ck_assert_int_eq(answer.code, 200);
        const char *at = answer.body;
        unsigned n_rows = 0;
        for (; (at = strstr(at, "\"session\":\"")) != NULL; n_rows++) {
            at += strlen("\"session\":\"");
            n += (size_t)snprintf(ids + n, LIST_TEXT - n, " %.*s", (int)strcspn(at, "\""), at);
        }
        at = strstr(answer.body, "\"next\":\"");
        ck_assert_msg(!at || n_rows == limit, "%s: %s", page,
                      answer.body); /* those that have ended take no room */
        at = at ? at + strlen("\"next\":\"") : "";
        snprintf(next, sizeof next, "%.*s", (int)strcspn(at, "\""), at);
        answer_free(&answer);
    } while (next[0]);
}

static void expect_lists(const struct cluster *cluster, const char *path, const char *wanted)
{
    char ids[LIST_TEXT];
    for (unsigned limit = 1; limit <= LISTED; limit += 3) {
        for (size_t k = 0; k < NODES; k++) {
            walk(&cluster->nodes[k], path, limit, ids);
            ck_assert_str_eq(ids, wanted);
        }
    }
}

/* The cache of each is too small for them. */
TEST(each_node_lists_the_sessions_of_all)
{
    static const char *const small[] = { "--session-max", "4", NULL };
    const struct timespec moment = { .tv_nsec = 2000000 }; /* no two are seen at the same time */
    const struct timespec over = { .tv_sec = 1, .tv_nsec = 100000000 };
    struct cluster cluster;
    char path[96];
    if (!cluster_start(&cluster, small)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    for (unsigned k = 0; k < 2 * LISTED; k++) {
        snprintf(path, sizeof path, MODEL "/sessions/%s-%u/%s", k % 2 ? "b" : "a", k * 3 % LISTED,
                 "step");
        expect(&cluster.nodes[k / 2 % NODES], "POST", path, "{\"x\":[1]}", 200, NULL);
        nanosleep(&moment, NULL);
    }
    expect_lists(&cluster, MODEL "/sessions?prefix=a", " a-0 a-10 a-12 a-2 a-4 a-6 a-8");
    expect_lists(&cluster, MODEL "/sessions?prefix=b-1&order=id", " b-1 b-11 b-13");
    expect_lists(&cluster, "/v1/sessions?order=last_seen&prefix=a",
                 " a-8 a-2 a-10 a-4 a-12 a-6 a-0");
    expect_lists(&cluster, MODEL "/sessions?prefix=c", "");
    for (unsigned k = 2; k < LISTED; k += 2) { /* some end in one way, some in another */
        snprintf(path, sizeof path, MODEL "/sessions/a-%u", k);
        if (k % 4 == 0) {
            expect(one, "DELETE", path, NULL, 204, NULL);
        } else {
            expect(other, "PUT", path, "{\"ttl\":1}", 200, NULL);
        }
    }
    expect(other, "POST", MODEL "/sessions/b-1/fork", "{\"to\":\"a-copy\"}", 201, NULL);
    nanosleep(&over, NULL);
    expect_lists(&cluster, MODEL "/sessions?prefix=a", " a-0 a-copy");
    expect_lists(&cluster, MODEL "/sessions?order=last_seen&prefix=a", " a-copy a-0");
    expect(one, "POST", MODEL "/sessions/a-2/step", "{\"x\":[1]}", 410, NULL);
    expect(one, "PUT", MODEL "/sessions/a-2", "{}", 201, NULL); /* and is listed again */
    expect_lists(&cluster, MODEL "/sessions?order=last_seen&prefix=a", " a-2 a-copy a-0");
    expect(one, "POST", "/v1/models/torch-stacked/sessions/a-1/step", "{\"x\":[1,2,3,4,5]}", 200,
           NULL);
    expect_lists(&cluster, "/v1/sessions?prefix=a", " a-0 a-2 a-copy a-1"); /* by model first */
    expect_lists(&cluster, "/v1/sessions?order=last_seen&prefix=a", " a-1 a-2 a-copy a-0");
    cluster_stop(&cluster);
}

/* ---- what operators see ---- */

/* A cache of four: what was stepped there is asked for again. The other node makes the cache of one
 * wrong, which a step notices by its write and a GET by asking. */
TEST(the_metrics_say_what_the_engine_was_asked)
{
    static const char *const small[] = { "--session-max", "4", NULL };
    struct cluster cluster;
    char path[96];
    if (!cluster_start(&cluster, small)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    for (unsigned k = 0; k < 12; k++) {
        snprintf(path, sizeof path, MODEL "/sessions/s-%u/step", k);
        expect(one, "POST", path, "{\"x\":[1]}", 200, "\"step\":1,");
    }
    expect(one, "GET", "/metrics", NULL, 200, "\ngrud_cluster_up 1\n");
    expect(one, "GET", "/metrics", NULL, 200, "\ngrud_cluster_away_seconds 0.000\n");
    expect(one, "GET", "/metrics", NULL, 200, "_writes_total{outcome=\"done\"} 12\n");
    expect(one, "GET", "/metrics", NULL, 200, "_reads_total{outcome=\"absent\"} 12\n");
    expect(one, "POST", MODEL "/sessions/s-0/step", "{\"x\":[1]}", 200, "\"step\":2,");
    expect(one, "GET", "/metrics", NULL, 200, "_reads_total{outcome=\"missed\"} 1\n");
    expect(one, "GET", MODEL "/sessions/s-0", NULL, 200, "\"step\":2,");
    expect(one, "GET", "/metrics", NULL, 200, "_reads_total{outcome=\"confirmed\"} 1\n");
    expect(other, "POST", MODEL "/sessions/s-0/step", "{\"x\":[1]}", 200, "\"step\":3,");
    expect(one, "POST", MODEL "/sessions/s-0/step", "{\"x\":[1]}", 200, "\"step\":4,");
    expect(one, "GET", "/metrics", NULL, 200, "_writes_total{outcome=\"refused\"} 1\n");
    expect(other, "GET", MODEL "/sessions/s-0", NULL, 200, "\"step\":4,");
    expect(other, "GET", "/metrics", NULL, 200, "_reads_total{outcome=\"newer\"} 1\n");
    expect(other, "DELETE", MODEL "/sessions/s-0", NULL, 204, NULL);
    expect(other, "GET", "/metrics", NULL, 200, "_writes_total{outcome=\"done\"} 2\n");
    expect(other, "GET", "/metrics", NULL, 200, "\ngrud_cluster_given_up_total 0\n");
    for (unsigned k = 0; k < 3; k++) { /* several on a trip */
        expect(other, "POST", MODEL "/steps",
               "{\"steps\":[{\"session\":\"t\",\"x\":[1]},{\"session\":\"u\",\"x\":[1]},"
               "{\"session\":\"v\",\"x\":[1]}]}",
               200, NULL);
    }
    expect(other, "GET", "/metrics", NULL, 200, "_writes_total{outcome=\"done\"} 11\n");
    expect(other, "GET", "/metrics", NULL, 200, "_writes_total{outcome=\"refused\"} 0\n");
    struct daemon alone = daemon_start(NULL);
    struct answer answer = request(&alone, "GET", "/metrics", NULL);
    ck_assert_ptr_null(strstr(answer.body, "grud_cluster"));
    answer_free(&answer);
    daemon_stop(&alone);
    cluster_stop(&cluster);
}

/* ---- the engine ---- */

static void write_password(const char *path, const char *password)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fprintf(file, "%s\n", password), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

TEST(another_password_of_the_engine_is_read_on_sighup)
{
    static const char step[] = "{\"x\":[1]}";
    char url[64], path[192];
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start((const char *const[]){ NULL });
    struct daemon node = daemon_prepare();
    engine_tell(&engine, "ACL SETUSER grud on >one ~* +@all");
    snprintf(url, sizeof url, "redis://grud@127.0.0.1:%u/0", engine.port);
    snprintf(path, sizeof path, "%s/password", node.directory);
    write_password(path, "one");
    daemon_start_again(
        &node, (const char *const[]){ "--cluster", url, "--cluster-password-file", path, NULL });
    add_level_model(&node);
    wait_for(&node, "POST", SESSION "/step", step, 200, "\"step\":");
    engine_tell(&engine, "ACL SETUSER grud resetpass >two");
    engine_tell(&engine, "CLIENT KILL USER grud");
    wait_for(&node, "POST", SESSION "/step", step, 503, "another password");
    write_password(path, ""); /* nothing is taken of what is refused */
    kill(node.pid, SIGHUP);
    wait_for(&node, "GET", "/healthz", NULL, 200, "");
    write_password(path, "two");
    kill(node.pid, SIGHUP);
    wait_for(&node, "POST", SESSION "/step", step, 200, "\"step\":");
    daemon_stop(&node);
    engine_end(&engine);
}

TEST(without_the_engine_sessions_are_not_served_and_the_rest_is)
{
    struct cluster cluster;
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    const struct daemon *node = &cluster.nodes[0];
    expect(node, "POST", SESSION "/step", "{\"x\":[1]}", 200, "\"step\":1,");
    engine_kill(&cluster.engine);
    wait_for(node, "GET", SESSION, NULL, 503, "");
    expect(node, "POST", SESSION "/step", "{\"x\":[1],\"seq\":2}", 503, "storage_failed");
    expect(node, "POST", MODEL "/predict", "{\"x\":[[1],[2]]}", 200, NULL);
    expect(node, "GET", MODEL "/sessions", NULL, 503, "storage_failed");
    expect(node, "GET", "/healthz", NULL, 200, NULL);
    wait_for(node, "GET", "/readyz", NULL, 503, "");
    expect(node, "GET", "/metrics", NULL, 200, "\ngrud_cluster_up 0\n");
    expect(node, "GET", "/metrics", NULL, 200, "\ngrud_cluster_failures_total{reason=\"away\"} ");
    engine_start_again(&cluster.engine);
    /* each thread connects anew when it is its turn; a step that was refused may be sent again */
    wait_for(node, "POST", SESSION "/step", "{\"x\":[1],\"seq\":2}", 200, "");
    expect(node, "GET", SESSION, NULL, 200, "\"step\":2,");
    wait_for(node, "GET", "/readyz", NULL, 200, "");
    expect(node, "GET", "/metrics", NULL, 200, "\ngrud_cluster_up 1\n");
    expect(&cluster.nodes[1], "GET", SESSION, NULL, 200, "\"step\":2,");
    cluster_stop(&cluster);
}

TEST(what_another_start_would_not_mend_ends_the_first_with_2)
{
    if (!engine_is_there()) {
        return;
    }
    static const char *const locked[] = { "--requirepass", "open", NULL };
    struct engine engine = engine_start(locked);
    struct daemon daemon = daemon_prepare();
    char url[64], wrong[64];
    snprintf(url, sizeof url, "redis://127.0.0.1:%u/0", engine.port);
    snprintf(wrong, sizeof wrong, "redis://:shut@127.0.0.1:%u/0", engine.port);
    const char *const without[] = { "--cluster", url, NULL };
    const char *const with_wrong[] = { "--cluster", wrong, NULL };
    ck_assert_int_eq(daemon_try_start(&daemon, without), 2);
    ck_assert_int_eq(daemon_try_start(&daemon, with_wrong), 2);
    daemon_remove(&daemon);
    engine_end(&engine);
}

/* Whoever sends a request did nothing wrong. */
TEST(an_engine_that_becomes_unfit_is_no_fault_of_requests)
{
    struct cluster cluster;
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    const struct daemon *node = &cluster.nodes[0];
    expect(node, "POST", SESSION "/step", "{\"x\":[1]}", 200, "\"step\":1,");
    engine_tell(&cluster.engine, "ACL SETUSER default -fcall");
    expect(node, "POST", SESSION "/step", "{\"x\":[1],\"seq\":2}", 503, "storage_failed");
    wait_for(node, "GET", SESSION, NULL, 503, "");
    expect(node, "PUT", SESSION, "{}", 503, "storage_failed");
    expect(node, "POST", SESSION "/fork", "{\"to\":\"copy\"}", 503, "storage_failed");
    expect(node, "DELETE", SESSION, NULL, 503, "storage_failed");
    engine_tell(&cluster.engine, "ACL SETUSER default +fcall");
    wait_for(node, "POST", SESSION "/step", "{\"x\":[1],\"seq\":2}", 200, "");
    wait_for(node, "GET", SESSION, NULL, 200, "");
    cluster_stop(&cluster);
}
