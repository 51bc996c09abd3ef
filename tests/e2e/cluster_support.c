#include "cluster_support.h"

#include "test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* What it acknowledges it has on its disk. */
static const char *const durable[] = { "--appendonly", "yes", "--appendfsync", "always", NULL };

void add_level_model(const struct daemon *daemon)
{
    static const char *const made[] = { "--inputs", "level", "--outputs", "level",
                                        "--layers", "8",     NULL };
    daemon_add_model(daemon, "level", made);
}

void node_options(const struct cluster *cluster, const char *const *more,
                  const char *options[CLUSTER_OPTIONS_MAX])
{
    size_t n = 0;
    options[n++] = "--cluster";
    options[n++] = cluster->url;
    while (more && *more) {
        ck_assert_uint_lt(n + 1, CLUSTER_OPTIONS_MAX);
        options[n++] = *more++;
    }
    options[n] = NULL;
}

static bool start(struct cluster *cluster, const char *const *of_engine, const char *const *more)
{
    const char *options[CLUSTER_OPTIONS_MAX];
    if (!engine_is_there()) {
        return false;
    }
    *cluster = (struct cluster){ .engine = engine_start(of_engine) };
    snprintf(cluster->url, sizeof cluster->url, "redis://127.0.0.1:%u/0", cluster->engine.port);
    node_options(cluster, more, options);
    for (size_t k = 0; k < NODES; k++) {
        cluster->nodes[k] = daemon_start(options);
    }
    add_level_model(&cluster->nodes[0]);
    for (size_t k = 1; k < NODES; k++) {
        wait_until(&cluster->nodes[k], MODEL, "\"active_version\":1");
    }
    return true;
}

void wait_for(const struct daemon *daemon, const char *method, const char *path, const char *body,
              int code, const char *text)
{
    const struct timespec moment = { .tv_nsec = 10000000 };
    const time_t end = time(NULL) + 60;
    bool is_so = false;
    while (!is_so) {
        struct answer answer = request(daemon, method, path, body);
        is_so = answer.code == code && strstr(answer.body, text);
        ck_assert_msg(is_so || time(NULL) < end, "%s %s: no %s in %d %.500s", method, path, text,
                      answer.code, answer.body);
        answer_free(&answer);
        nanosleep(&moment, NULL);
    }
}

void wait_until(const struct daemon *daemon, const char *path, const char *text)
{
    wait_for(daemon, "GET", path, NULL, 200, text);
}

bool cluster_start(struct cluster *cluster, const char *const *more)
{
    return start(cluster, durable, more);
}

bool cluster_start_forgetful(struct cluster *cluster, const char *const *more)
{
    return start(cluster, NULL, more);
}

void cluster_stop(struct cluster *cluster)
{
    for (size_t k = 0; k < NODES; k++) {
        daemon_stop(&cluster->nodes[k]);
    }
    engine_end(&cluster->engine);
}

void expect_same(const struct daemon *one, const struct daemon *other, const char *method,
                 const char *path, const char *body)
{
    struct answer a = request(one, method, path, body), b = request(other, method, path, body);
    ck_assert_int_eq(a.code, b.code);
    ck_assert_str_eq(a.body, b.body);
    answer_free(&a);
    answer_free(&b);
}
