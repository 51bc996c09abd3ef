/* More than can be done in time: health is told, sequences go before steps, and afterwards all is
 * as before.
 */
#include "daemon.h"
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "/v1/models/pump"

enum { SEQUENCES = 40, STEPS = 5, BODY_SIZE = 32768, PATIENCE_ROUNDS = 60 };

static struct daemon start(const char *queue_ms)
{
    struct daemon daemon =
        daemon_start((const char *const[]){ "--workers", "1", "--queue-ms", queue_ms, NULL });
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "64", NULL });
    return daemon;
}

/* Some milliseconds of work. */
static const char *sequence(void)
{
    static char body[BODY_SIZE];
    int n = snprintf(body, sizeof body, "{\"return\":\"last\",\"horizon\":5000,\"x\":[[1]");
    for (int t = 0; t < 500; t++) {
        n += snprintf(body + n, sizeof body - (size_t)n, ",[%d]", t % 7);
    }
    snprintf(body + n, sizeof body - (size_t)n, "]}");
    return body;
}

static int ask(const struct daemon *daemon, const char *method, const char *path, const char *body)
{
    int fd = client_connect(daemon);
    client_send_request(fd, method, path, NULL, body[0] ? "application/json" : NULL, body,
                        strlen(body));
    return fd;
}

/* 200, or a proper refusal. */
static bool is_served(int fd)
{
    struct answer answer = client_read(fd);
    bool served = answer.code == 200;
    ck_assert_msg(served || answer.code == 503, "%d: %s", answer.code, answer.body);
    ck_assert(served ||
              (strstr(answer.headers, "Retry-After: 1") && strstr(answer.body, "\"overloaded\"")));
    ck_assert(!answer.closed); /* the connection is kept */
    answer_free(&answer);
    close(fd);
    return served;
}

struct outcome {
    int n_sequences, n_steps; /* served */
};

/* All of them reach the daemon while it is stopped, so that it finds them at once, in this order.
 */
static struct outcome flood(const struct daemon *daemon)
{
    int sequences[SEQUENCES], steps[STEPS];
    char path[128];
    struct outcome outcome = { 0, 0 };
    ck_assert_int_eq(kill(daemon->pid, SIGSTOP), 0);
    for (int k = 0; k < SEQUENCES; k++) {
        sequences[k] = ask(daemon, "POST", MODEL "/predict", sequence());
    }
    for (int k = 0; k < STEPS; k++) {
        snprintf(path, sizeof path, MODEL "/sessions/s%d/step", k);
        steps[k] = ask(daemon, "POST", path, "{\"x\":[1]}");
    }
    int health = ask(daemon, "GET", "/healthz", "");
    ck_assert_int_eq(kill(daemon->pid, SIGCONT), 0);
    ck_assert(is_served(health));
    for (int k = 0; k < SEQUENCES; k++) {
        outcome.n_sequences += is_served(sequences[k]);
    }
    for (int k = 0; k < STEPS; k++) {
        outcome.n_steps += is_served(steps[k]);
    }
    return outcome;
}

TEST(what_cannot_be_done_in_time_is_refused_and_health_is_not)
{
    struct daemon daemon = start("1");
    struct outcome outcome = flood(&daemon);
    ck_assert_int_lt(outcome.n_sequences, SEQUENCES);
    expect(&daemon, "GET", "/healthz", NULL, 200, NULL);
    daemon_stop(&daemon);
}

/* How fast this machine is decides which of the rounds shows it; the limit doubles until one does.
 */
TEST(sequences_are_refused_before_steps)
{
    bool shown = false;
    for (int queue_ms = 2, round = 0; !shown;
         queue_ms = queue_ms < 30000 ? 2 * queue_ms : 2, round++) {
        char text[16];
        ck_assert_int_lt(round, PATIENCE_ROUNDS);
        snprintf(text, sizeof text, "%d", queue_ms);
        struct daemon daemon = start(text);
        struct outcome outcome = flood(&daemon);
        shown = outcome.n_sequences < SEQUENCES && outcome.n_steps == STEPS;
        daemon_stop(&daemon);
    }
}

TEST(refusals_are_counted_and_pass)
{
    struct daemon daemon = start("1");
    struct outcome outcome = flood(&daemon);
    char line[128];
    snprintf(line, sizeof line, "\ngrud_http_refused_total{kind=\"heavy\"} %d\n",
             SEQUENCES - outcome.n_sequences);
    bool served = false;
    for (int round = 0; !served; round++) { /* one client alone waits for nobody */
        ck_assert_int_lt(round, PATIENCE_ROUNDS);
        struct answer answer = request(&daemon, "GET", "/metrics", NULL);
        served = answer.code == 200;
        ck_assert(!served || strstr(answer.body, line));
        answer_free(&answer);
    }
    daemon_stop(&daemon);
}

/* All but the last byte of a request, which the worker has read: in each of its turns, and so while
 * it answers another request, it reads some kilobytes of it. */
static int ask_almost(const struct daemon *daemon, const char *path, const char *body, size_t n)
{
    enum { BYTES_PER_TURN = 2048 };
    int fd = client_connect(daemon);
    client_send_head(fd, "POST", path, NULL, "application/json", n);
    client_send(fd, body, n - 1);
    for (size_t k = 0; k < n / BYTES_PER_TURN; k++) {
        expect(daemon, "GET", "/healthz", NULL, 200, NULL);
    }
    return fd;
}

/* The last step of a long list, and a step of the same session that comes behind the list. */
TEST(a_long_list_does_not_keep_a_step_waiting)
{
    enum { N_STEPS = 400, STEP_SIZE = 64 };
    struct daemon daemon = start("10000");
    char *body = malloc((size_t)(N_STEPS + 2) * STEP_SIZE);
    ck_assert_ptr_nonnull(body);
    char *end = stpcpy(body, "{\"steps\":[");
    for (int k = 0; k < N_STEPS; k++) {
        end = stpcpy(end, "{\"session\":\"a\",\"x\":[1],\"horizon\":200},");
    }
    end = stpcpy(end, "{\"session\":\"b\",\"x\":[1]}]}");
    int list = ask_almost(&daemon, MODEL "/steps", body, (size_t)(end - body));
    free(body);
    ck_assert_int_eq(kill(daemon.pid, SIGSTOP), 0);
    client_send(list, "}", 1);
    int step = ask(&daemon, "POST", MODEL "/sessions/b/step", "{\"x\":[1]}");
    ck_assert_int_eq(kill(daemon.pid, SIGCONT), 0);
    struct answer answer = client_read(step);
    ck_assert_msg(answer.code == 200 && strstr(answer.body, "\"step\":1,"), "%d: %s", answer.code,
                  answer.body);
    answer_free(&answer);
    answer = client_read(list);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "{\"session\":\"b\",\"step\":2,"));
    answer_free(&answer);
    close(step);
    close(list);
    daemon_stop(&daemon);
}

/* ---- what is refused has not been done ---- */

enum { CROWD = 24, BATCH_LINES = 400, BATCH_SESSIONS = 4, REFUSALS_WANTED = 5, BATCHES_MAX = 2000 };

struct crowd {
    const struct daemon *daemon;
    atomic_bool is_over;
    pthread_t threads[CROWD];
};

static void *crowd_client(void *context)
{
    struct crowd *crowd = context;
    char path[128];
    snprintf(path, sizeof path, MODEL "/sessions/crowd-%lu/step", (unsigned long)pthread_self());
    while (!atomic_load(&crowd->is_over)) {
        int fd = ask(crowd->daemon, "POST", path, "{\"x\":[1],\"horizon\":300}");
        is_served(fd);
    }
    return NULL;
}

static void crowd_gather(struct crowd *crowd, const struct daemon *daemon)
{
    crowd->daemon = daemon;
    atomic_init(&crowd->is_over, false);
    for (int k = 0; k < CROWD; k++) {
        ck_assert_int_eq(pthread_create(&crowd->threads[k], NULL, crowd_client, crowd), 0);
    }
}

static void crowd_leave(struct crowd *crowd)
{
    atomic_store(&crowd->is_over, true);
    for (int k = 0; k < CROWD; k++) {
        pthread_join(crowd->threads[k], NULL);
    }
}

/* A batch as lines, in two pieces, so that its lines are worked on while the rest of it arrives. */
static bool send_batch(const struct daemon *daemon, int number)
{
    char *body = malloc((size_t)BATCH_LINES * 64), *end = body;
    ck_assert_ptr_nonnull(body);
    for (int k = 0; k < BATCH_LINES; k++) {
        end += sprintf(end, "{\"session\":\"b%d-%d\",\"seq\":%d,\"x\":[%d]}\n", number,
                       k % BATCH_SESSIONS, k / BATCH_SESSIONS + 1, k);
    }
    size_t n = (size_t)(end - body);
    int fd = client_connect(daemon);
    client_send_head(fd, "POST", MODEL "/steps", NULL, "application/x-ndjson", n);
    client_send(fd, body, n / 2);
    usleep(1000);
    client_send(fd, body + n / 2, n - n / 2);
    free(body);
    struct answer answer = client_read(fd);
    bool is_done = answer.code == 200;
    ck_assert_msg(is_done || answer.code == 503, "%d: %s", answer.code, answer.body);
    ck_assert(!is_done || !strstr(answer.body, "\"error\""));
    answer_free(&answer);
    close(fd);
    return is_done;
}

static void check_batch(const struct daemon *daemon, int number, bool is_done)
{
    for (int k = 0; k < BATCH_SESSIONS; k++) {
        char path[128], step[32];
        snprintf(path, sizeof path, MODEL "/sessions/b%d-%d", number, k);
        snprintf(step, sizeof step, "\"step\":%d,", BATCH_LINES / BATCH_SESSIONS);
        expect(daemon, "GET", path, NULL, is_done ? 200 : 404, is_done ? step : NULL);
    }
}

TEST(a_batch_is_refused_before_any_of_it_is_done_or_not_at_all)
{
    struct daemon daemon = start("1");
    struct crowd crowd;
    bool is_done[BATCHES_MAX];
    int n = 0, n_done = 0;
    crowd_gather(&crowd, &daemon);
    while (n < BATCHES_MAX && (n_done == 0 || n - n_done < REFUSALS_WANTED)) {
        is_done[n] = send_batch(&daemon, n);
        n_done += is_done[n++];
    }
    crowd_leave(&crowd);
    ck_assert_int_gt(n_done, 0);
    ck_assert_int_ge(n - n_done, REFUSALS_WANTED);
    for (int k = 0; k < n; k++) {
        check_batch(&daemon, k, is_done[k]);
    }
    daemon_stop(&daemon);
}
