/* A disk that does not answer holds those that need it, and nobody else: one worker, every sync of
 * the daemon held (tests/held_disk.c), and what is asked beside it is answered. */
#include "daemon.h"
#include "test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOBS "/v1/fine_tuning/jobs"
#define PUMP "/v1/models/pump"
#define JOB                                                                                        \
    "{\"model\":\"pump\",\"training\":{\"series\":[{\"x\":[[1],[2],[3],[4],[5],[6],[7],[8]]}]}}"

enum { LOOK_US = 5000, PATIENCE_LOOKS = 12000 /* a minute */, ID_SIZE = 64, FILE_MAX = 1 << 16 };

struct held {
    struct daemon daemon;
    char hold[160], is_held[176]; /* the shim's files */
    char model[FILE_MAX];
    size_t n_model;
};

/* Beside the program that is tested. */
static void find_shim(char path[256])
{
    const char *grud = getenv("GRUD"); // NOLINT(concurrency-mt-unsafe): nothing changes it
    grud = grud ? grud : "build/grud";
    snprintf(path, 256, "%.*stests/held_disk.so", (int)(strrchr(grud, '/') + 1 - grud), grud);
    ck_assert_msg(access(path, R_OK) == 0, "no %s", path);
}

static void spawn(struct held *held, const char *const *options)
{
    char shim[256];
    find_shim(shim);
    /* NOLINTBEGIN(concurrency-mt-unsafe): this program has one thread */
    setenv("HELD_DISK", held->hold, 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);
    setenv("LD_PRELOAD", shim, 1);
    daemon_spawn(&held->daemon, options);
    unsetenv("LD_PRELOAD");
    unsetenv("HELD_DISK");
    /* NOLINTEND(concurrency-mt-unsafe) */
    daemon_wait_ready(&held->daemon);
}

static void read_model(struct held *held)
{
    char path[192];
    snprintf(path, sizeof path, "%s/pump.safetensors", held->daemon.directory);
    FILE *stream = fopen(path, "rbe");
    ck_assert_ptr_nonnull(stream);
    held->n_model = fread(held->model, 1, sizeof held->model, stream);
    ck_assert(feof(stream));
    fclose(stream);
}

static void start(struct held *held, const char *const *options)
{
    held->daemon = daemon_prepare();
    snprintf(held->hold, sizeof held->hold, "%s/hold", held->daemon.directory);
    snprintf(held->is_held, sizeof held->is_held, "%s.held", held->hold);
    spawn(held, options);
    daemon_add_model(
        &held->daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "8", NULL });
    read_model(held);
}

static const char *const one_worker[] = { "--workers", "1", "--sync-interval-ms", "3600000", NULL };

static void hold_after(const struct held *held, int n_pass)
{
    static int number;
    char beside[192];
    unlink(held->is_held);
    snprintf(beside, sizeof beside, "%s.new", held->hold);
    FILE *file = fopen(beside, "we");
    ck_assert(file && fprintf(file, "%d %d\n", ++number, n_pass) > 0 && fclose(file) == 0);
    ck_assert_int_eq(rename(beside, held->hold), 0);
}

static void hold(const struct held *held)
{
    hold_after(held, 0);
}

static void await_held(const struct held *held)
{
    for (int k = 0; access(held->is_held, F_OK) != 0; k++) {
        ck_assert_msg(k < PATIENCE_LOOKS, "nothing waits for the disk");
        usleep(LOOK_US);
    }
}

static void let_go(const struct held *held)
{
    ck_assert_int_eq(unlink(held->hold), 0);
}

static bool is_answered(int fd)
{
    struct pollfd waited = { .fd = fd, .events = POLLIN };
    return poll(&waited, 1, 0) > 0;
}

static int ask_json(const struct held *held, const char *method, const char *path, const char *body)
{
    int fd = client_connect(&held->daemon);
    client_send_request(fd, method, path, NULL, body ? "application/json" : NULL, body,
                        body ? strlen(body) : 0);
    return fd;
}

/* What was asked waits for the disk; what is asked after it is answered before it. */
static void check_others(const struct held *held, int fd)
{
    expect(&held->daemon, "GET", "/healthz", NULL, 200, "ok");
    expect(&held->daemon, "POST", PUMP "/sessions/other/step", "{\"x\":[1]}", 200, NULL);
    expect(&held->daemon, "GET", PUMP "/sessions/other", NULL, 200, NULL);
    expect(&held->daemon, "GET", "/v1/models", NULL, 200, NULL);
    expect(&held->daemon, "GET", "/metrics", NULL, 200, "grud_jobs");
    ck_assert(!is_answered(fd));
}

static struct answer answer_of(int fd, int code)
{
    struct answer answer = client_read(fd);
    ck_assert_msg(answer.code == code, "%d instead of %d: %.300s", answer.code, code, answer.body);
    close(fd);
    return answer;
}

static void expect_answer(int fd, int code, const char *text)
{
    struct answer answer = answer_of(fd, code);
    ck_assert_msg(!text || strstr(answer.body, text), "no '%s' in %.300s", text, answer.body);
    answer_free(&answer);
}

/* The request waits for the disk, and everybody else is served meanwhile. */
static void check_held(const struct held *held, const char *method, const char *path,
                       const char *body, int code, const char *text)
{
    hold(held);
    int fd = ask_json(held, method, path, body);
    await_held(held);
    check_others(held, fd);
    let_go(held);
    expect_answer(fd, code, text);
}

static void post_job(const struct held *held, char id[ID_SIZE])
{
    struct answer answer = request(&held->daemon, "POST", JOBS, JOB);
    ck_assert_int_eq(answer.code, 202);
    ck_assert_int_eq(sscanf(answer.body, "{\"id\":\"%63[^\"]", id), 1);
    answer_free(&answer);
}

TEST(while_a_job_is_written_others_are_served)
{
    static struct held held;
    start(&held, one_worker);
    check_held(&held, "POST", JOBS, JOB, 202, "\"id\":");
    daemon_stop(&held.daemon);
}

TEST(while_a_job_is_written_its_readers_wait_in_order)
{
    static struct held held;
    char id[ID_SIZE], path[160], events[160];
    start(&held, one_worker);
    post_job(&held, id);
    snprintf(path, sizeof path, JOBS "/%s", id);
    snprintf(events, sizeof events, JOBS "/%s/events", id);
    hold(&held);
    int fd = ask_json(&held, "POST", JOBS, JOB);
    await_held(&held);
    int readers[] = { ask_json(&held, "GET", path, NULL), ask_json(&held, "GET", events, NULL),
                      ask_json(&held, "GET", JOBS, NULL),
                      client_ask(&held.daemon, events, "Accept: text/event-stream\r\n") };
    check_others(&held, fd);
    for (size_t k = 0; k < 4; k++) {
        ck_assert(!is_answered(readers[k]));
    }
    let_go(&held);
    expect_answer(fd, 202, "\"id\":");
    expect_answer(readers[0], 200, id);
    expect_answer(readers[1], 200, "\"list\"");
    expect_answer(readers[2], 200, id);
    struct answer stream = client_read_chunks(readers[3]);
    ck_assert(stream.code == 200 && strstr(stream.body, "ftevent-"));
    answer_free(&stream);
    close(readers[3]);
    daemon_stop(&held.daemon);
}

TEST(while_a_model_is_stored_others_are_served)
{
    static struct held held;
    start(&held, one_worker);
    hold(&held);
    int fd = client_connect(&held.daemon);
    client_send_request(fd, "PUT", PUMP, NULL, "application/octet-stream", held.model,
                        held.n_model);
    await_held(&held);
    check_others(&held, fd);
    let_go(&held);
    expect_answer(fd, 201, "\"version\":2");
    check_held(&held, "POST", PUMP "/versions/2/activate", NULL, 200, "\"active_version\":2");
    check_held(&held, "DELETE", PUMP "/versions/1", NULL, 204, NULL);
    expect(&held.daemon, "GET", PUMP, NULL, 200, "\"active_version\":2");
    daemon_stop(&held.daemon);
}

TEST(a_client_that_hangs_up_takes_nothing_with_it)
{
    static struct held held;
    start(&held, one_worker);
    hold(&held);
    int fd = ask_json(&held, "POST", JOBS, JOB);
    await_held(&held);
    check_others(&held, fd);
    close(fd);
    expect(&held.daemon, "GET", "/healthz", NULL, 200, "ok");
    let_go(&held);
    expect(&held.daemon, "GET", JOBS, NULL, 200, "ftjob-"); /* it was accepted, and is done */
    daemon_stop(&held.daemon);
}

TEST(a_drain_waits_for_the_disk_and_answers)
{
    static struct held held;
    char log[4096];
    start(&held, one_worker);
    hold(&held);
    int fd = ask_json(&held, "POST", JOBS, JOB);
    await_held(&held);
    check_others(&held, fd);
    ck_assert_int_eq(kill(held.daemon.pid, SIGTERM), 0);
    daemon_wait_log(&held.daemon, "stopping", log, sizeof log);
    let_go(&held);
    struct answer answer = answer_of(fd, 202);
    ck_assert_ptr_nonnull(strcasestr(answer.headers, "\r\nConnection: close\r\n"));
    answer_free(&answer);
    ck_assert_int_eq(daemon_wait(&held.daemon), 0);
    daemon_remove(&held.daemon);
}

TEST(a_drain_ends_around_a_disk_that_does_not_answer)
{
    static struct held held;
    char log[4096];
    start(&held, (const char *const[]){ "--workers", "1", "--sync-interval-ms", "3600000",
                                        "--drain-seconds", "1", NULL });
    hold(&held);
    int fd = ask_json(&held, "POST", JOBS, JOB), behind = ask_json(&held, "GET", JOBS, NULL);
    await_held(&held);
    check_others(&held, fd);
    ck_assert_int_eq(kill(held.daemon.pid, SIGTERM), 0);
    daemon_wait_log(&held.daemon, "work_cut", log, sizeof log);
    let_go(&held); /* the last sync, which main does, is held like all others */
    daemon_wait(&held.daemon);
    struct answer answer = client_read(fd); /* it was done, and its client may hear of that */
    ck_assert(answer.code == 0 || answer.code == 202);
    answer_free(&answer);
    close(fd);
    close(behind);
    daemon_remove(&held.daemon);
}

/* ---- sessions that move ---- */

/* False: the request was answered without one more sync. */
static bool is_held_at_last(const struct held *held, int fd)
{
    for (int k = 0; access(held->is_held, F_OK) != 0; k++) {
        if (is_answered(fd)) {
            return false;
        }
        ck_assert_msg(k < PATIENCE_LOOKS, "neither held nor answered");
        usleep(LOOK_US);
    }
    return true;
}

static void activate_held_at(const struct held *held, int version, int n_pass, bool *ret_was_held)
{
    static const struct {
        const char *method, *path, *body;
        int code;
    } asked[] = { { "GET", PUMP "/sessions/a", NULL, 200 },
                  { "GET", PUMP "/sessions", NULL, 200 },
                  { "POST", PUMP "/sessions/a/step", "{\"x\":[2]}", 200 },
                  { "POST", PUMP "/sessions/a/forecast", "{\"horizon\":2}", 200 },
                  { "PUT", PUMP "/sessions/b", "{\"rewarm\":[[1],[2]]}", 0 },
                  { "POST", PUMP "/sessions/a/fork", "{\"to\":\"c\"}", 201 },
                  { "DELETE", PUMP "/sessions/d", NULL, 204 } };
    enum { N = sizeof asked / sizeof *asked };
    char path[64];
    int fds[N];
    expect(&held->daemon, "PUT", PUMP "/sessions/d", "{}", 201, NULL);
    snprintf(path, sizeof path, PUMP "/versions/%d/activate", version);
    hold_after(held, n_pass);
    int fd = ask_json(held, "POST", path, NULL);
    *ret_was_held = is_held_at_last(held, fd);
    for (size_t k = 0; k < N; k++) {
        fds[k] = ask_json(held, asked[k].method, asked[k].path, asked[k].body);
    }
    expect(&held->daemon, "GET", "/healthz", NULL, 200, "ok");
    expect(&held->daemon, "POST", "/v1/models/torch-small/sessions/other/step", "{\"x\":[1,2,3]}",
           200, NULL);
    ck_assert(!*ret_was_held || !is_answered(fd));
    let_go(held);
    expect_answer(fd, 200, "\"active_version\":");
    for (size_t k = 0; k < N; k++) {
        struct answer answer = client_read(fds[k]);
        ck_assert_msg(asked[k].code == 0 ? answer.code / 100 == 2 : answer.code == asked[k].code,
                      "%s %s: %d %s", asked[k].method, asked[k].path, answer.code, answer.body);
        answer_free(&answer);
        close(fds[k]);
    }
    expect(&held->daemon, "DELETE", PUMP "/sessions/c", NULL, 204, NULL);
}

/* At each sync of an activation to another size: what needs a session that is being moved is
 * answered when it has moved, and everything else at once. */
TEST(an_activation_to_another_size_holds_nobody_else)
{
    static struct held held;
    bool was_held = true;
    int n_held = 0;
    start(&held, one_worker);
    daemon_add_model(&held.daemon, "pump",
                     (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers",
                                            "12", "--force", NULL });
    expect(&held.daemon, "POST", PUMP "/sessions/a/step", "{\"x\":[1]}", 200, NULL);
    for (int k = 0; was_held; k++) {
        activate_held_at(&held, k % 2 ? 1 : 2, k, &was_held);
        n_held += was_held;
    }
    ck_assert_int_ge(n_held, 3); /* the choice, the new file, its folder */
    daemon_stop(&held.daemon);
}

/* ---- --sync-interval-ms 0 ---- */

/* The reply is held, with the work done; meanwhile the worker serves others. */
static void check_reply_held(const struct held *held, const char *method, const char *path,
                             const char *body, int code, const char *text)
{
    hold(held);
    int fd = ask_json(held, method, path, body);
    await_held(held);
    expect(&held->daemon, "GET", "/healthz", NULL, 200, "ok");
    expect(&held->daemon, "GET", PUMP "/sessions", NULL, 200, NULL);
    ck_assert(!is_answered(fd));
    let_go(held);
    expect_answer(fd, code, text);
}

static const char *const no_interval[] = { "--workers", "1", "--sync-interval-ms", "0", NULL };

/* `body` ends with as many blanks; a large one is read by another thread (server/http/route.h). */
static void check_replies_held(const struct held *held, int n_blanks)
{
    static const struct {
        const char *method, *path, *body;
        int code;
        const char *text;
    } asked[] = {
        { "POST", PUMP "/sessions/a/step", "{\"x\":[1],\"seq\":1}", 200, "\"step\":1" },
        /* what it repeats may not have been synced */
        { "POST", PUMP "/sessions/a/step", "{\"x\":[1],\"seq\":1}", 200, "\"step\":1" },
        { "POST", PUMP "/steps", "{\"steps\":[{\"session\":\"b\",\"x\":[1]}]}", 200,
          "\"results\"" },
        { "PUT", PUMP "/sessions/c", "{}", 201, "\"c\"" },
        { "PUT", PUMP "/sessions/c", "{\"rewarm\":[[1],[2]]}", 200, "\"step\":2" },
        { "POST", PUMP "/sessions/a/fork", "{\"to\":\"d\"}", 201, "\"d\"" },
    };
    for (size_t k = 0; k < sizeof asked / sizeof *asked; k++) {
        char *body;
        ck_assert_int_gt(asprintf(&body, "%s%*s", asked[k].body, n_blanks, ""), 0);
        check_reply_held(held, asked[k].method, asked[k].path, body, asked[k].code, asked[k].text);
        free(body);
    }
    for (const char *id = "abcd"; *id; id++) {
        char path[64];
        snprintf(path, sizeof path, PUMP "/sessions/%c", *id);
        check_reply_held(held, "DELETE", path, NULL, 204, NULL);
    }
}

TEST(a_reply_that_waits_for_a_sync_holds_nobody)
{
    static struct held held;
    start(&held, no_interval);
    check_replies_held(&held, 0);
    check_replies_held(&held, 300 << 10);
    daemon_stop(&held.daemon);
}

/* Waits until the stream has said that; what else it says must not be `never`. */
static void await_event(int fd, const char *text, const char *never)
{
    char said[1 << 14] = "";
    size_t n = 0;
    while (!strstr(said, text)) {
        ck_assert_uint_lt(n, sizeof said - 1);
        ssize_t more = recv(fd, said + n, sizeof said - 1 - n, 0);
        ck_assert_msg(more > 0, "no %s in %s", text, said);
        n += (size_t)more;
        said[n] = '\0';
    }
    ck_assert_msg(!never || !strstr(said, never), "%s", said);
}

/* Neither live, nor by those who come meanwhile and look for what they have missed. */
TEST(nobody_hears_of_a_step_that_the_disk_has_not_got)
{
    static struct held held;
    start(&held, no_interval);
    expect(&held.daemon, "POST", PUMP "/sessions/a/step", "{\"x\":[1]}", 200, NULL);
    int live = client_ask(&held.daemon, PUMP "/sessions/a/events", "");
    await_event(live, "retry: ", NULL);
    hold(&held);
    int fd = ask_json(&held, "POST", PUMP "/sessions/a/step", "{\"x\":[2]}");
    await_held(&held);
    int late = client_ask(&held.daemon, PUMP "/sessions/a/events", "Last-Event-ID: 1\r\n");
    await_event(late, "retry: ", "event: step");
    usleep(500000); /* some ticks of the streams */
    ck_assert(!is_answered(fd) && !is_answered(live) && !is_answered(late));
    let_go(&held);
    expect_answer(fd, 200, "\"step\":2");
    await_event(live, "\nid: 2\n", NULL);
    await_event(late, "\nid: 2\n", NULL);
    close(live);
    close(late);
    daemon_stop(&held.daemon);
}

TEST(lines_wait_for_a_sync_at_their_end)
{
    static const char lines[] = "{\"session\":\"a\",\"x\":[1]}\n{\"session\":\"a\",\"x\":[2]}\n";
    static struct held held;
    start(&held, no_interval);
    hold(&held);
    int fd = client_connect(&held.daemon);
    client_send_request(fd, "POST", PUMP "/steps", NULL, "application/x-ndjson", lines,
                        strlen(lines));
    await_held(&held);
    expect(&held.daemon, "GET", "/healthz", NULL, 200, "ok");
    ck_assert(!is_answered(fd));
    let_go(&held);
    expect_answer(fd, 200, "\"step\":2");
    daemon_stop(&held.daemon);
}

TEST(replies_that_are_held_together_share_a_sync)
{
    enum { N = 20 };
    static struct held held;
    int fds[N];
    start(&held, no_interval);
    expect(&held.daemon, "POST", PUMP "/sessions/first/step", "{\"x\":[1]}", 200, NULL);
    struct answer before = request(&held.daemon, "GET", "/metrics", NULL);
    hold(&held);
    for (int k = 0; k < N; k++) {
        char path[64];
        snprintf(path, sizeof path, PUMP "/sessions/s-%d/step", k);
        fds[k] = ask_json(&held, "POST", path, "{\"x\":[1]}");
    }
    await_held(&held);
    for (int n = 0; n < N + 1;) { /* until all are done */
        struct answer answer = request(&held.daemon, "GET", "/metrics", NULL);
        n = (int)strtol(strstr(answer.body, "\ngrud_steps_total ") + 18, NULL, 10);
        answer_free(&answer);
    }
    for (int k = 0; k < N; k++) {
        ck_assert(!is_answered(fds[k]));
    }
    let_go(&held);
    for (int k = 0; k < N; k++) {
        expect_answer(fds[k], 200, "\"step\":1");
    }
    struct answer after = request(&held.daemon, "GET", "/metrics", NULL);
    long n_syncs = strtol(strstr(after.body, "\ngrud_syncs_total ") + 18, NULL, 10) -
                   strtol(strstr(before.body, "\ngrud_syncs_total ") + 18, NULL, 10);
    ck_assert_int_ge(n_syncs, 1);
    ck_assert_int_le(n_syncs, 2); /* those that came while the first was held share the second */
    answer_free(&before);
    answer_free(&after);
    daemon_stop(&held.daemon);
}

TEST(a_held_reply_is_sent_before_the_end)
{
    static struct held held;
    char log[4096];
    start(&held, no_interval);
    hold(&held);
    int fd = ask_json(&held, "POST", PUMP "/sessions/a/step", "{\"x\":[1]}");
    await_held(&held);
    ck_assert_int_eq(kill(held.daemon.pid, SIGTERM), 0);
    daemon_wait_log(&held.daemon, "stopping", log, sizeof log);
    let_go(&held);
    expect_answer(fd, 200, "\"step\":1");
    ck_assert_int_eq(daemon_wait(&held.daemon), 0);
    daemon_remove(&held.daemon);
}

TEST(signals_do_not_wait_for_a_sync_that_is_due)
{
    static struct held held;
    char log[4096];
    start(&held, (const char *const[]){ "--workers", "1", "--sync-interval-ms", "10", NULL });
    hold(&held);
    await_held(&held);
    ck_assert_int_eq(kill(held.daemon.pid, SIGHUP), 0);
    daemon_wait_log(&held.daemon, "reloaded", log, sizeof log);
    expect(&held.daemon, "POST", PUMP "/sessions/a/step", "{\"x\":[1]}", 200, NULL);
    let_go(&held);
    daemon_stop(&held.daemon);
}
