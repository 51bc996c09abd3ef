/* Nodes whose engine comes back with less than it had acknowledged, and replicas against that. */
#include "cluster_support.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Until it answers so: each thread of a node finds by itself that the engine is there again; for a
 * minute at most. */
static void await(const struct daemon *daemon, const char *method, const char *path,
                  const char *body, int code, const char *words)
{
    const time_t end = time(NULL) + 60;
    bool is_so = false;
    while (!is_so) {
        struct answer answer = request(daemon, method, path, body);
        is_so = answer.code == code && strstr(answer.body, words);
        ck_assert_msg(is_so || time(NULL) < end, "%s %s: %d %s", method, path, answer.code,
                      answer.body);
        answer_free(&answer);
    }
}

static void step(const struct daemon *daemon, const char *session, unsigned seq)
{
    char path[96], body[64], number[32];
    snprintf(path, sizeof path, MODEL "/sessions/%s/step", session);
    snprintf(body, sizeof body, "{\"x\":[%u],\"seq\":%u}", seq % 7, seq);
    snprintf(number, sizeof number, "\"step\":%u,", seq);
    expect(daemon, "POST", path, body, 200, number);
}

TEST(a_loss_is_refused_by_all_nodes_until_it_is_accepted)
{
    static const char lost[] = "without writes that it had acknowledged";
    struct cluster cluster;
    if (!cluster_start_forgetful(&cluster, NULL)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    step(one, "a", 1);
    step(other, "b", 1);
    engine_tell(&cluster.engine, "SAVE");
    step(one, "a", 2);
    engine_kill(&cluster.engine);
    engine_start_again(&cluster.engine);
    for (size_t k = 0; k < NODES; k++) {
        const struct daemon *node = &cluster.nodes[k];
        await(node, "POST", MODEL "/sessions/b/step", "{\"x\":[1],\"seq\":2}", 503, lost);
        await(node, "GET", MODEL "/sessions/a", NULL, 503, lost);
        await(node, "GET", MODEL "/sessions", NULL, 503, lost);
        await(node, "GET", "/readyz", NULL, 503, lost);
        await(node, "GET", "/metrics", NULL, 200, "grud_trouble{what=\"lost\"} 1\n");
        expect(node, "POST", MODEL "/predict", "{\"x\":[[1],[2]]}", 200, NULL);
        expect(node, "GET", "/healthz", NULL, 200, NULL);
    }
    engine_tell(&cluster.engine, "DEL grud:lost");
    for (size_t k = 0; k < NODES; k++) {
        const struct daemon *node = &cluster.nodes[k];
        await(node, "GET", MODEL "/sessions/a", NULL, 200, "\"step\":1,");
        await(node, "GET", "/readyz", NULL, 200, "\"ok\"");
        await(node, "GET", "/metrics", NULL, 200, "grud_trouble{what=\"lost\"} 0\n");
    }
    await(one, "POST", MODEL "/sessions/a/step", "{\"x\":[1],\"seq\":3}", 409, "\"expected\":2");
    await(one, "POST", MODEL "/sessions/a/step", "{\"x\":[2],\"seq\":2}", 200, "\"step\":2,");
    await(other, "POST", MODEL "/sessions/a/step", "{\"x\":[3],\"seq\":3}", 200, "\"step\":3,");
    cluster_stop(&cluster);
}

/* ---- models and jobs ---- */

#define JOBS "/v1/fine_tuning/jobs"
/* Of which nothing is done. */
#define JOB                                                                                        \
    "{\"model\":\"level\",\"validation\":null,\"training\":{\"series\":[{\"x\":[[1],[2],[3],[4]]}" \
    "]},"                                                                                          \
    "\"hyperparameters\":{\"n_epochs\":1000000}}"

enum { ID_SIZE = 64 };

static void id_of(const struct answer *answer, char id[ID_SIZE])
{
    static const char key[] = "\"id\":\"";
    const char *at = strstr(answer->body, key);
    ck_assert_msg(at != NULL, "%d %s", answer->code, answer->body);
    at += sizeof key - 1;
    snprintf(id, ID_SIZE, "%.*s", (int)strcspn(at, "\""), at);
}

/* The file of the model's version 1, to be put again. */
static struct answer put_again(const struct daemon *daemon)
{
    struct answer file = request(daemon, "GET", MODEL "/versions/1/file", NULL);
    struct answer put =
        request_typed(daemon, "PUT", MODEL, "application/octet-stream", file.body, file.n_body);
    answer_free(&file);
    return put;
}

static void put_version(const struct daemon *daemon)
{
    struct answer put = put_again(daemon);
    ck_assert_msg(put.code == 201, "%d %s", put.code, put.body);
    answer_free(&put);
}

/* The engine comes back as it was last saved; both nodes find that, and then it is accepted. */
static void lose_and_accept(struct cluster *cluster)
{
    engine_kill(&cluster->engine);
    engine_start_again(&cluster->engine);
    for (size_t k = 0; k < NODES; k++) {
        await(&cluster->nodes[k], "GET", "/readyz", NULL, 503, "without writes");
        await(&cluster->nodes[k], "GET", SESSION, NULL, 503, "without writes");
    }
    engine_tell(&cluster->engine, "DEL grud:lost");
    for (size_t k = 0; k < NODES; k++) {
        await(&cluster->nodes[k], "GET", "/readyz", NULL, 200, "\"ok\"");
        await(&cluster->nodes[k], "GET", SESSION, NULL, 404, "session_not_found");
    }
}

TEST(a_change_of_a_model_that_is_lost_is_found)
{
    struct cluster cluster;
    if (!cluster_start_forgetful(&cluster, NULL)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    engine_tell(&cluster.engine, "SAVE");
    put_version(one);
    lose_and_accept(&cluster); /* and a node that has it gives it back */
    await(other, "GET", MODEL, NULL, 200, "{\"version\":2,");
    engine_tell(&cluster.engine, "SAVE");
    await(other, "POST", MODEL "/versions/2/activate", NULL, 200, "\"active_version\":2");
    lose_and_accept(&cluster);
    await(other, "GET", MODEL, NULL, 200, "\"active_version\":1");
    engine_tell(&cluster.engine, "SAVE");
    await(one, "DELETE", MODEL "/versions/2", NULL, 204, "");
    lose_and_accept(&cluster);
    await(one, "GET", MODEL, NULL, 200, "{\"version\":2,");
    cluster_stop(&cluster);
}

TEST(a_job_that_is_lost_is_found)
{
    struct cluster cluster;
    char id[ID_SIZE], path[128];
    if (!cluster_start_forgetful(&cluster, NULL)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    engine_tell(&cluster.engine, "SAVE");
    struct answer made = request(one, "POST", JOBS, JOB);
    id_of(&made, id);
    answer_free(&made);
    lose_and_accept(&cluster);
    snprintf(path, sizeof path, JOBS "/%s", id);
    await(one, "GET", path, NULL, 404, "job_not_found");
    await(other, "GET", path, NULL, 404, "job_not_found");
    cluster_stop(&cluster);
}

/* ---- healing ---- */

enum { SESSIONS = 90 }; /* more than go on one trip */

/* Each session makes a step, on one node or the other, as on one that stands alone. */
static void step_all(const struct cluster *cluster, const struct daemon *alone, unsigned seq)
{
    char path[96], body[64];
    for (unsigned k = 0; k < SESSIONS; k++) {
        const struct daemon *node = &cluster->nodes[(k + seq) % NODES];
        snprintf(path, sizeof path, MODEL "/sessions/s-%u/step", k);
        snprintf(body, sizeof body, "{\"x\":[%u],\"seq\":%u}", (k + seq) % 7, seq);
        struct answer answer = request(alone, "POST", path, body);
        ck_assert_int_eq(answer.code, 200);
        await(node, "POST", path, body, 200, answer.body);
        answer_free(&answer);
    }
}

static void until_healed(const struct cluster *cluster)
{
    for (size_t k = 0; k < NODES; k++) {
        await(&cluster->nodes[k], "GET", "/readyz", NULL, 503, "without writes");
    }
    for (size_t k = 0; k < NODES; k++) {
        await(&cluster->nodes[k], "GET", "/readyz", NULL, 200, "\"ok\"");
    }
}

static void come_back(struct cluster *cluster)
{
    engine_kill(&cluster->engine);
    engine_start_again(&cluster->engine);
    until_healed(cluster);
}

TEST(nodes_give_back_what_the_engine_has_lost)
{
    static const char *const options[] = { "--cluster-heal", "yes", NULL };
    struct cluster cluster;
    if (!cluster_start_forgetful(&cluster, options)) {
        return;
    }
    struct daemon alone = daemon_start(NULL);
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    add_level_model(&alone);
    step_all(&cluster, &alone, 1);
    step_all(&cluster, &alone, 2); /* both nodes have them all */
    expect(one, "PUT", MODEL "/sessions/gone", "{}", 201, NULL);
    await(other, "POST", MODEL "/sessions/gone/step", "{\"x\":[1]}", 200, "\"step\":1,");
    expect(one, "DELETE", MODEL "/sessions/gone", NULL, 204, NULL);
    engine_tell(&cluster.engine, "SAVE");
    step_all(&cluster, &alone, 3);
    expect(one, "PUT", MODEL "/sessions/new", "{}", 201, NULL);
    come_back(&cluster); /* older */
    await(other, "GET", MODEL "/sessions/new", NULL, 200, "\"step\":0,");
    await(one, "GET", MODEL "/sessions/gone", NULL, 404, "");
    await(other, "GET", MODEL "/sessions/gone", NULL, 404, "");
    step_all(&cluster, &alone, 4);
    step_all(&cluster, &alone, 5);
    come_back(&cluster); /* older than the first loss */
    step_all(&cluster, &alone, 6);
    step_all(&cluster, &alone, 7);
    engine_tell(&cluster.engine, "FLUSHALL");
    until_healed(&cluster);
    step_all(&cluster, &alone, 8);
    await(other, "GET", MODEL "/sessions/gone", NULL, 404, "");
    daemon_stop(&alone);
    cluster_stop(&cluster);
}

/* ---- replicas ---- */

static struct engine replica_start(const struct cluster *cluster)
{
    struct engine replica = engine_start(NULL);
    char line[64];
    engine_tell(&cluster->engine, "CONFIG SET repl-diskless-sync-delay 0");
    snprintf(line, sizeof line, "REPLICAOF 127.0.0.1 %u", cluster->engine.port);
    engine_tell(&replica, line);
    return replica;
}

static const char late[] = "fewer replicas of the cluster's engine than --cluster-replicas";

/* Nodes that acknowledge nothing yet. */
static bool replicated_start(struct cluster *cluster)
{
    static const char *const replicated[] = { "--cluster-replicas", "1", NULL };
    const char *options[CLUSTER_OPTIONS_MAX];
    if (!cluster_start(cluster, NULL)) {
        return false;
    }
    node_options(cluster, replicated, options);
    for (size_t k = 0; k < NODES; k++) {
        daemon_kill(&cluster->nodes[k]);
        daemon_start_again(&cluster->nodes[k], options);
        await(&cluster->nodes[k], "GET", "/readyz", NULL, 200, "ok");
        await(&cluster->nodes[k], "GET", SESSION, NULL, 404, "session_not_found");
    }
    return true;
}

TEST(what_is_acknowledged_is_on_a_replica)
{
    struct cluster cluster;
    if (!replicated_start(&cluster)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    await(one, "POST", SESSION "/step", "{\"x\":[1],\"seq\":1}", 503, late);
    struct engine replica = replica_start(&cluster);
    await(one, "POST", SESSION "/step", "{\"x\":[1],\"seq\":1}", 200, "\"step\":1,");
    for (unsigned seq = 2; seq < 20; seq++) {
        step(&cluster.nodes[seq % NODES], "pump-7", seq);
    }
    expect(other, "PUT", MODEL "/sessions/b", "{}", 201, NULL);
    ck_assert_int_eq(kill(replica.pid, SIGSTOP), 0);
    for (unsigned k = 0; k < 4; k++) { /* the first makes it, and none acknowledges it */
        expect(&cluster.nodes[k % NODES], "POST", SESSION "/step", "{\"x\":[6],\"seq\":20}", 503,
               late);
    }
    expect(one, "GET", SESSION, NULL, 200, "\"step\":20,");
    expect(other, "PUT", MODEL "/sessions/b", "{}", 503, late);
    expect(one, "DELETE", MODEL "/sessions/b", NULL, 503, late);
    ck_assert_int_eq(kill(replica.pid, SIGCONT), 0);
    await(other, "POST", SESSION "/step", "{\"x\":[6],\"seq\":20}", 200, "\"step\":20,");
    step(one, "pump-7", 21);
    cluster_stop(&cluster);
    engine_end(&replica);
}

/* Each of these is done, though none is acknowledged. */
static void change_unacknowledged(const struct daemon *one, const struct daemon *other,
                                  char id[ID_SIZE])
{
    char path[128];
    struct answer put = put_again(one);
    ck_assert_msg(put.code == 503 && strstr(put.body, late), "%d %s", put.code, put.body);
    answer_free(&put);
    await(one, "GET", MODEL, NULL, 200, "{\"version\":3,");
    await(other, "GET", MODEL, NULL, 200, "{\"version\":3,");
    expect(other, "POST", MODEL "/versions/3/activate", NULL, 503, late);
    await(one, "GET", MODEL, NULL, 200, "\"active_version\":3");
    expect(one, "DELETE", MODEL "/versions/2", NULL, 503, late);
    await(other, "GET", MODEL "/versions/2/file", NULL, 404, "version_not_found");
    expect(one, "POST", JOBS, JOB, 503, late);
    struct answer jobs = request(other, "GET", JOBS, NULL);
    id_of(&jobs, id);
    answer_free(&jobs);
    snprintf(path, sizeof path, JOBS "/%s", id);
    await(other, "GET", path, NULL, 200, "\"status\":\"running\"");
    snprintf(path, sizeof path, JOBS "/%s/pause", id);
    expect(other, "POST", path, NULL, 503, late);
}

TEST(what_clients_are_told_of_models_and_jobs_is_on_a_replica)
{
    struct cluster cluster;
    char id[ID_SIZE], path[128];
    if (!replicated_start(&cluster)) {
        return;
    }
    const struct daemon *one = &cluster.nodes[0], *other = &cluster.nodes[1];
    struct engine replica = replica_start(&cluster);
    await(one, "POST", MODEL "/versions/1/activate", NULL, 200, "\"active_version\":1");
    put_version(one);
    ck_assert_int_eq(kill(replica.pid, SIGSTOP), 0);
    change_unacknowledged(one, other, id);
    ck_assert_int_eq(kill(replica.pid, SIGCONT), 0);
    snprintf(path, sizeof path, JOBS "/%s", id);
    await(one, "GET", path, NULL, 200, "\"status\":\"paused\"");
    snprintf(path, sizeof path, JOBS "/%s/cancel", id);
    await(one, "POST", path, NULL, 200, "\"status\":\"cancelled\"");
    await(one, "POST", MODEL "/versions/1/activate", NULL, 200, "\"active_version\":1");
    await(other, "DELETE", MODEL "/versions/3", NULL, 204, "");
    put_version(other);
    cluster_stop(&cluster);
    engine_end(&replica);
}
