/* Fine-tuning jobs of a cluster: every node answers for them, one runs each, and another one goes
 * on when that is lost. */
#include "cluster_support.h"
#include "test.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define JOBS    "/v1/fine_tuning/jobs"
#define LONG    "\"n_epochs\":40,\"early_stopping_patience\":null"
#define ENDLESS "\"n_epochs\":1000000,\"early_stopping_patience\":null"

enum { ID_SIZE = 64, N_ROWS = 20000, WAIT_SECONDS = 120 };

static void nap_ms(long ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

static bool text_in(const char *json, const char *name, char *out, size_t size)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = json ? strstr(json, key) : NULL;
    if (at) {
        at += strlen(key);
        snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
    }
    return at != NULL;
}

static void post(const struct daemon *node, const char *hyperparameters, char id[ID_SIZE])
{
    const size_t size = 32 * (size_t)N_ROWS;
    char *body = malloc(size);
    ck_assert_ptr_nonnull(body);
    size_t n = (size_t)snprintf(body, size,
                                "{\"model\":\"level\",\"promotion\":{\"policy\":\"manual\"},"
                                "\"validation\":null,\"hyperparameters\":{%s},"
                                "\"training\":{\"series\":[{\"x\":[",
                                hyperparameters);
    for (int t = 0; t < N_ROWS; t++) {
        n += (size_t)snprintf(body + n, size - n, "%s[%.4f]", t > 0 ? "," : "", sin(0.1 * t));
    }
    snprintf(body + n, size - n, "]}]}}");
    struct answer answer = request(node, "POST", JOBS, body);
    ck_assert_msg(answer.code == 202, "%d: %s", answer.code, answer.body);
    ck_assert(text_in(answer.body, "id", id, ID_SIZE));
    answer_free(&answer);
    free(body);
}

static struct answer get_job(const struct daemon *node, const char *id)
{
    char path[128];
    snprintf(path, sizeof path, JOBS "/%s", id);
    return request(node, "GET", path, NULL);
}

static long epoch_of(const char *body)
{
    const char *at = strstr(body, "\"epoch\":");
    return at ? strtol(at + strlen("\"epoch\":"), NULL, 10) : -1;
}

/* Until it has this status and so many epochs are done, for as long as it goes on; returns them. */
static long await(const struct daemon *node, const char *id, const char *status, long epochs)
{
    time_t end = time(NULL) + WAIT_SECONDS;
    long last = -1;
    for (;;) {
        char now[32] = "";
        struct answer answer = get_job(node, id);
        const long epoch = answer.code == 200 ? epoch_of(answer.body) : -1;
        if (answer.code == 200 && text_in(answer.body, "status", now, sizeof now) &&
            strcmp(now, status) == 0 && epoch >= epochs) {
            answer_free(&answer);
            return epoch;
        }
        end = epoch > last ? time(NULL) + WAIT_SECONDS : end;
        last = epoch > last ? epoch : last;
        ck_assert_msg(time(NULL) < end, "%ld epochs, not %s: %s", epochs, status, answer.body);
        answer_free(&answer);
        nap_ms(20);
    }
}

static void steer(const struct daemon *node, const char *id, const char *verb, int code)
{
    char path[128];
    snprintf(path, sizeof path, JOBS "/%s/%s", id, verb);
    expect(node, "POST", path, "{}", code, NULL);
}

/* Whether the node was the last to say in its log that it began with the job. */
static bool has_begun(const struct daemon *node, const char *id, int *n_begun)
{
    char path[192], line[512], text[96];
    int n = 0;
    snprintf(path, sizeof path, "%s/log", node->directory);
    snprintf(text, sizeof text, "job_started job=%s", id);
    FILE *log = fopen(path, "rb");
    ck_assert_msg(log != NULL, "%s", path);
    while (fgets(line, sizeof line, log)) {
        n += strstr(line, text) != NULL;
    }
    fclose(log);
    const bool is_new = n > *n_begun;
    *n_begun = n;
    return is_new;
}

/* The node that has begun with the job since the last look. */
static size_t find_runner(const struct cluster *cluster, const char *id, int n_begun[NODES])
{
    const time_t end = time(NULL) + WAIT_SECONDS;
    for (;;) {
        for (size_t k = 0; k < NODES; k++) {
            if (has_begun(&cluster->nodes[k], id, &n_begun[k])) {
                return k;
            }
        }
        ck_assert_msg(time(NULL) < end, "nobody has begun with %s", id);
        nap_ms(20);
    }
}

/* Of the version that the job has made, which may be at one node alone. */
static void digest_of(const struct cluster *cluster, const char *id, char digest[64])
{
    char job[ID_SIZE + 16];
    bool is_found = false;
    snprintf(job, sizeof job, "\"job\":\"%s\"", id);
    for (size_t k = 0; k < NODES && !is_found; k++) {
        struct answer answer = request(&cluster->nodes[k], "GET", MODEL, NULL);
        const char *at = answer.code == 200 ? strstr(answer.body, job) : NULL;
        is_found = at && text_in(at, "digest", digest, 64);
        answer_free(&answer);
    }
    ck_assert_msg(is_found, "no version of %s", id);
}

/* ---- every node answers ---- */

TEST(a_job_is_seen_and_steered_at_every_node)
{
    struct cluster cluster;
    char id[ID_SIZE], path[128];
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    const struct daemon *a = &cluster.nodes[0], *b = &cluster.nodes[1];
    post(a, ENDLESS, id);
    await(b, id, "running", 1);
    await(a, id, "running", 1);
    expect(b, "GET", JOBS, NULL, 200, id);
    expect(b, "GET", JOBS "?model=level&status=running", NULL, 200, id);
    snprintf(path, sizeof path, JOBS "/%s/events", id);
    expect(b, "GET", path, NULL, 200, "training of ");
    expect(a, "GET", path, NULL, 200, "training of ");
    snprintf(path, sizeof path, JOBS "/%s/checkpoints", id);
    expect(b, "GET", path, NULL, 200, "\"step_number\":");
    steer(b, id, "pause", 200);
    await(a, id, "paused", 1);
    steer(a, id, "resume", 200);
    const long epochs = await(b, id, "running", 1);
    await(b, id, "running", epochs + 1);
    expect(a, "GET", "/metrics", NULL, 200, NULL);
    steer(a, id, "cancel", 200);
    await(b, id, "cancelled", 1);
    steer(b, id, "cancel", 409);
    cluster_stop(&cluster);
}

/* ---- a node that is lost ---- */

TEST(a_job_whose_node_is_killed_twice_makes_the_undisturbed_version)
{
    struct cluster cluster;
    char id[ID_SIZE], other[ID_SIZE], digest[64], undisturbed[64];
    const char *options[CLUSTER_OPTIONS_MAX];
    int n_begun[NODES] = { 0 };
    long epochs = 0;
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    node_options(&cluster, NULL, options);
    post(&cluster.nodes[0], LONG, id);
    size_t k = find_runner(&cluster, id, n_begun);
    for (int kills = 0; kills < 2; kills++) {
        epochs = await(&cluster.nodes[1 - k], id, "running", epochs + 2);
        daemon_kill(&cluster.nodes[k]);
        const size_t next = find_runner(&cluster, id, n_begun);
        ck_assert_uint_eq(next, 1 - k);
        daemon_start_again(&cluster.nodes[k], options);
        k = next;
    }
    await(&cluster.nodes[0], id, "succeeded", 40);
    post(&cluster.nodes[0], LONG, other);
    await(&cluster.nodes[0], other, "succeeded", 40);
    digest_of(&cluster, id, digest);
    digest_of(&cluster, other, undisturbed);
    ck_assert_str_eq(digest, undisturbed);
    cluster_stop(&cluster);
}

TEST(a_node_that_ends_gives_its_job_back_at_once)
{
    struct cluster cluster;
    char id[ID_SIZE];
    const char *options[CLUSTER_OPTIONS_MAX];
    int n_begun[NODES] = { 0 };
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    node_options(&cluster, NULL, options);
    post(&cluster.nodes[0], ENDLESS, id);
    const size_t k = find_runner(&cluster, id, n_begun);
    await(&cluster.nodes[0], id, "running", 1);
    ck_assert_int_eq(daemon_end(&cluster.nodes[k]), 0);
    ck_assert_uint_eq(find_runner(&cluster, id, n_begun), 1 - k);
    daemon_start_again(&cluster.nodes[k], options);
    steer(&cluster.nodes[k], id, "cancel", 200);
    await(&cluster.nodes[1 - k], id, "cancelled", 1);
    cluster_stop(&cluster);
}

TEST(a_node_that_wakes_late_changes_nothing_of_its_former_job)
{
    struct cluster cluster;
    char id[ID_SIZE], log[4096];
    int n_begun[NODES] = { 0 };
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    post(&cluster.nodes[0], ENDLESS, id);
    const size_t k = find_runner(&cluster, id, n_begun);
    const struct daemon *late = &cluster.nodes[k], *other = &cluster.nodes[1 - k];
    await(other, id, "running", 1);
    ck_assert_int_eq(kill(late->pid, SIGSTOP), 0);
    ck_assert_uint_eq(find_runner(&cluster, id, n_begun), 1 - k);
    ck_assert_int_eq(kill(late->pid, SIGCONT), 0);
    daemon_wait_log(late, "job_lost", log, sizeof log);
    const long epochs = await(late, id, "running", 1);
    await(late, id, "running", epochs + 2); /* the other one goes on */
    steer(late, id, "cancel", 200);
    await(other, id, "cancelled", 1);
    cluster_stop(&cluster);
}

/* ---- the engine ---- */

TEST(a_job_outlives_its_engine)
{
    struct cluster cluster;
    char id[ID_SIZE];
    if (!cluster_start(&cluster, NULL)) {
        return;
    }
    const struct daemon *node = &cluster.nodes[0];
    post(node, ENDLESS, id);
    await(node, id, "running", 1);
    engine_kill(&cluster.engine);
    expect(node, "GET", JOBS, NULL, 503, "storage_failed");
    expect(node, "POST", JOBS,
           "{\"model\":\"level\",\"training\":{\"series\":[{\"x\":[[1],[2],[3],[4],[5],[6]]}]}}",
           503, "storage_failed");
    expect(node, "GET", "/healthz", NULL, 200, NULL);
    expect(node, "GET", "/metrics", NULL, 200, NULL);
    engine_start_again(&cluster.engine);
    const long epochs = await(&cluster.nodes[1], id, "running", 1);
    await(node, id, "running", epochs + 1);
    steer(node, id, "cancel", 200);
    cluster_stop(&cluster);
}

/* ---- drift ---- */

/* n readings that nobody could forecast, of that size, in a session of its own at each node. */
static void step_at_all(const struct cluster *cluster, int n, int size)
{
    enum { AT_ONCE = 100 };
    static unsigned long noise = 88172645463325252UL;
    for (int done = 0; done < n; done += AT_ONCE) {
        for (size_t node = 0; node < NODES; node++) {
            char body[AT_ONCE * 48 + 32];
            size_t at = (size_t)snprintf(body, sizeof body, "{\"steps\":[");
            for (int k = 0; k < AT_ONCE; k++) {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                at += (size_t)snprintf(body + at, sizeof body - at,
                                       "%s{\"session\":\"s-%zu\",\"x\":[%d]}", k > 0 ? "," : "",
                                       node, ((int)(noise % 201) - 100) * size);
            }
            snprintf(body + at, sizeof body - at, "]}");
            expect(&cluster->nodes[node], "POST", MODEL "/steps", body, 200, "\"step\"");
        }
    }
}

TEST(drift_that_two_nodes_find_begins_one_job)
{
    static const char *const proposing[] = { "--record", "2000", "--drift-fine-tune", "propose",
                                             NULL };
    struct cluster cluster;
    char ids[NODES][ID_SIZE], path[128];
    if (!cluster_start(&cluster, proposing)) {
        return;
    }
    step_at_all(&cluster, 400, 1);
    step_at_all(&cluster, 200, 10);
    for (size_t k = 0; k < NODES; k++) {
        wait_until(&cluster.nodes[k], MODEL, "\"last_job\":{");
        struct answer answer = request(&cluster.nodes[k], "GET", MODEL, NULL);
        ck_assert(text_in(strstr(answer.body, "\"last_job\":{"), "job", ids[k], ID_SIZE));
        answer_free(&answer);
    }
    ck_assert_str_eq(ids[0], ids[1]);
    await(&cluster.nodes[0], ids[0], "succeeded", 0);
    snprintf(path, sizeof path, JOBS "?limit=1");
    expect(&cluster.nodes[1], "GET", path, NULL, 200, "\"has_more\":false");
    cluster_stop(&cluster);
}
