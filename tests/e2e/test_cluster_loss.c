/* Nodes whose engine comes back with less than it had acknowledged. */
#include "../cluster/engine.h"
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 2 };

#define MODEL   "/v1/models/level"
#define SESSION MODEL "/sessions/pump-7"

/* The engine comes back with what it was last told to save. */
struct cluster {
    struct engine engine;
    char url[64];
    struct daemon nodes[NODES];
};

static void add_model(const struct daemon *daemon)
{
    static const char *const made[] = { "--inputs", "level", "--outputs", "level",
                                        "--layers", "8",     NULL };
    daemon_add_model(daemon, "level", made);
}

/* False: there is no engine here. */
static bool cluster_start(struct cluster *cluster)
{
    if (!engine_is_there()) {
        return false;
    }
    *cluster = (struct cluster){ .engine = engine_start(NULL) };
    snprintf(cluster->url, sizeof cluster->url, "redis://127.0.0.1:%u/0", cluster->engine.port);
    const char *const options[] = { "--cluster", cluster->url, NULL };
    for (size_t k = 0; k < NODES; k++) {
        cluster->nodes[k] = daemon_start(options);
        add_model(&cluster->nodes[k]);
    }
    return true;
}

static void cluster_stop(struct cluster *cluster)
{
    for (size_t k = 0; k < NODES; k++) {
        daemon_stop(&cluster->nodes[k]);
    }
    engine_end(&cluster->engine);
}

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
    if (!cluster_start(&cluster)) {
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
