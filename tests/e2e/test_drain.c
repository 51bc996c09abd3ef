/* SIGTERM: what was accepted is finished, within --drain-seconds; the rest is told. */
#include "drain_load.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MODEL "/v1/models/torch-stacked"
#define JOBS  "/v1/fine_tuning/jobs"

enum { CYCLES = 3, JOB_BYTES = 16 << 10, LOG_BYTES = 64 << 10, PATIENCE_MS = 60000 };

static void nap_ms(long ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

static int count_in(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

/* ---- under load ---- */

static void post_endless_job(const struct daemon *daemon, char id[64])
{
    char *body = malloc(JOB_BYTES);
    size_t n = (size_t)snprintf(
        body, JOB_BYTES,
        "{\"model\":\"pump\",\"hyperparameters\":{\"n_epochs\":1000000,\"learning_rate\":1e-6,"
        "\"early_stopping_patience\":null},\"training\":{\"series\":[{\"x\":[");
    for (int t = 0; t < 200; t++) {
        n += (size_t)snprintf(body + n, JOB_BYTES - n, "%s[%d]", t > 0 ? "," : "", t % 7);
    }
    snprintf(body + n, JOB_BYTES - n, "]}]}}");
    struct answer answer = request(daemon, "POST", JOBS, body);
    ck_assert_msg(answer.code == 202, "%s", answer.body);
    ck_assert_int_eq(sscanf(answer.body, "{\"id\":\"%63[^\"]", id), 1);
    answer_free(&answer);
    free(body);
}

/* The step at which the job is, once it runs and is beyond `least`. */
static double wait_for_job(const struct daemon *daemon, const char *id, double least)
{
    char path[128];
    snprintf(path, sizeof path, JOBS "/%s", id);
    for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
        struct answer job = request(daemon, "GET", path, NULL);
        ck_assert_int_eq(job.code, 200);
        bool is_running = strstr(job.body, "\"status\":\"running\"") != NULL;
        double step = number_in(job.body, "step");
        ck_assert_msg(is_running || strstr(job.body, "\"status\":\"queued\""), "%s", job.body);
        answer_free(&job);
        if (is_running && step > least) {
            return step;
        }
        nap_ms(10);
    }
    ck_abort_msg("the job does not go on from step %g", least);
    return 0;
}

/* The sessions are where their clients were told they are; a repeated seq changes nothing and is
 * answered alike. Returns how many were looked at. */
static size_t check_sessions(const struct daemon *daemon, const struct load *load)
{
    const struct load_session *sessions;
    char path[128], body[160], step[128];
    size_t n = load_sessions(load, &sessions), n_begun = 0;
    for (size_t k = 0; k < n; k++) {
        snprintf(path, sizeof path, MODEL "/sessions/%s", sessions[k].id);
        struct answer answer = request(daemon, "GET", path, NULL);
        ck_assert_msg(answer.code == (sessions[k].seq > 0 ? 200 : 404), "%s", answer.body);
        if (sessions[k].seq > 0) {
            ck_assert_msg(number_in(answer.body, "step") == sessions[k].seq,
                          "%s: %u acknowledged, %.200s", sessions[k].id, sessions[k].seq,
                          answer.body);
            load_print_step(step, sizeof step, sessions[k].seq);
            snprintf(body, sizeof body, "{%s}", step);
            snprintf(path, sizeof path, MODEL "/sessions/%s/step", sessions[k].id);
            struct answer again = request(daemon, "POST", path, body);
            ck_assert_int_eq(again.code, 200);
            ck_assert_str_eq(again.body, sessions[k].reply);
            answer_free(&again);
            n_begun++;
        }
        answer_free(&answer);
    }
    return n_begun;
}

static int n_cycles(void)
{
    const char *text = getenv("DRAIN_CYCLES");
    return text && atoi(text) > 0 ? atoi(text) : CYCLES;
}

static void add_tally(struct load_tally *sum, const struct load_tally *tally)
{
    sum->n_answered += tally->n_answered;
    sum->n_streams += tally->n_streams;
    sum->n_told += tally->n_told;
    sum->n_parted += tally->n_parted;
    sum->n_raced += tally->n_raced;
    sum->n_untaken += tally->n_untaken;
}

static struct load_tally run_cycle(struct daemon *daemon, struct load *load, const char *job)
{
    load_begin(load, daemon, job);
    nap_ms(20 + rand() % 400);
    load_note_end(load);
    int code = daemon_end(daemon);
    struct load_tally tally = load_end(load);
    ck_assert_int_eq(code, 0);
    ck_assert_msg(tally.n_lost == 0 && tally.problem[0] == '\0', "%u lost: %s", tally.n_lost,
                  tally.problem);
    return tally;
}

TEST(under_load_no_accepted_request_is_lost)
{
    static const char *const options[] = { "--record",   "100",   "--workers", "2",
                                           "--queue-ms", "60000", NULL }; /* however slow it is */
    static char log[LOG_BYTES];
    char job[64];
    struct daemon daemon = daemon_start(options);
    struct load *load = load_create();
    struct load_tally sum = { .n_answered = 0 };
    size_t n_checked = 0;
    double at = 0;
    ck_assert_ptr_nonnull(load);
    srand((unsigned)getpid());
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "8", NULL });
    post_endless_job(&daemon, job);
    int n = n_cycles();
    for (int k = 0; k < n; k++) {
        at = wait_for_job(&daemon, job, at);
        struct load_tally tally = run_cycle(&daemon, load, job);
        add_tally(&sum, &tally);
        daemon_wait_log(&daemon, "stopped synced=yes", log, sizeof log);
        daemon_start_again(&daemon, options);
        n_checked += check_sessions(&daemon, load);
    }
    wait_for_job(&daemon, job, at);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_wait_log(&daemon, "stopped synced=yes", log, sizeof log);
    ck_assert_ptr_null(strstr(log, "_cut"));
    ck_assert_ptr_null(strstr(log, "session_found_twice"));
    printf(
        "drain: %d cycles, %u requests answered, 0 lost; %u streams ended whole; %zu sessions as "
        "acknowledged; connections: %u told, %u closed in silence, %u raced, %u not taken in\n",
        n, sum.n_answered, sum.n_streams, n_checked, sum.n_told, sum.n_parted, sum.n_raced,
        sum.n_untaken);
    load_free(load);
    daemon_start_again(&daemon, options);
    daemon_stop(&daemon);
}

/* ---- one connection at a time ---- */

static const char half_a_step[] = "POST " MODEL "/sessions/a/step HTTP/1.1\r\nHost: localhost\r\n"
                                  "Content-Type: application/json\r\nContent-Length: 17\r\n"
                                  "Expect: 100-continue\r\n\r\n";

/* It is in the daemon's hands: it has asked for the body. */
static int begin_step(const struct daemon *daemon)
{
    static const char asked[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char answer[sizeof asked] = "";
    int fd = client_connect(daemon);
    client_send(fd, half_a_step, sizeof half_a_step - 1);
    ck_assert_int_eq(recv(fd, answer, sizeof asked - 1, MSG_WAITALL), sizeof asked - 1);
    ck_assert_str_eq(answer, asked);
    client_send(fd, "{\"x\":[1,", 8);
    return fd;
}

static bool is_refused(const struct daemon *daemon)
{
    int fd = client_try_open(daemon->port), reason = errno;
    if (fd >= 0) {
        close(fd);
    }
    return fd < 0 && reason == ECONNREFUSED;
}

static void wait_until_refused(const struct daemon *daemon)
{
    for (int ms = 0; !is_refused(daemon); ms++) {
        ck_assert_int_lt(ms, PATIENCE_MS);
        nap_ms(1);
    }
}

TEST(while_it_drains_it_is_not_ready_and_finishes_what_has_begun)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--drain-seconds", "3600", NULL });
    int step = begin_step(&daemon);
    static const char half_a_question[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n";
    int ready = client_connect(&daemon);
    client_send(ready, half_a_question, sizeof half_a_question - 1);
    ck_assert_int_eq(kill(daemon.pid, SIGTERM), 0);
    wait_until_refused(&daemon);
    client_send(ready, "\r\n", 2);
    struct answer answer = client_read(ready);
    ck_assert(answer.code == 503 && answer.closed);
    ck_assert_ptr_nonnull(strstr(answer.body, "not_ready"));
    answer_free(&answer);
    client_send(step, "2,3,4,5]}", 9);
    answer = client_read(step);
    ck_assert(answer.code == 200 && answer.closed);
    answer_free(&answer);
    ck_assert_int_eq(daemon_wait(&daemon), 0);
    close(ready);
    close(step);
    daemon_start_again(&daemon, NULL);
    expect(&daemon, "GET", MODEL "/sessions/a", NULL, 200, "\"step\":1");
    daemon_stop(&daemon);
}

TEST(a_silent_connection_is_closed_cleanly)
{
    char byte;
    struct daemon daemon = daemon_start(NULL);
    int fd = client_ask(&daemon, "/healthz", "");
    struct answer answer = client_read(fd);
    ck_assert(answer.code == 200 && !answer.closed);
    answer_free(&answer);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 0); /* and not reset */
    close(fd);
    daemon_start_again(&daemon, NULL);
    daemon_stop(&daemon);
}

static void expect_cut(struct daemon *daemon, const char *what)
{
    char log[LOG_BYTES];
    ck_assert_int_eq(daemon_wait(daemon), 0);
    daemon_wait_log(daemon, what, log, sizeof log);
    ck_assert_ptr_nonnull(strstr(log, "stopped synced=yes"));
    daemon_start_again(daemon, NULL);
    expect(daemon, "GET", MODEL "/sessions/a", NULL, 404, NULL); /* what was cut is not done */
    daemon_stop(daemon);
}

TEST(a_request_that_never_ends_is_cut_and_logged)
{
    static const char *const seconds[] = { "0", "1" };
    for (int k = 0; k < 2; k++) {
        struct daemon daemon = daemon_start((const char *const[]){
            "--drain-seconds", seconds[k], "--request-seconds", "3600", NULL });
        int fd = begin_step(&daemon);
        ck_assert_int_eq(kill(daemon.pid, SIGTERM), 0);
        expect_cut(&daemon, "requests_cut n=1");
        close(fd);
    }
}

TEST(a_reply_that_is_not_read_is_cut_and_logged)
{
    enum { FILL = 4 << 20 };
    const int small = 4096;
    char head[12];
    struct daemon daemon = daemon_start((const char *const[]){
        "--drain-seconds", "1", "--reply-seconds", "3600", "--row-max", "1000000", NULL });
    int fd = client_connect(&daemon);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    /* a row of two bytes and a reply row of about twenty: far more than the sockets hold */
    char *body = malloc(FILL);
    size_t n = (size_t)snprintf(body, FILL, "{\"x\":[");
    while (n < FILL - 64) {
        n += (size_t)snprintf(body + n, FILL - n, "[1,2,3,4,5],");
    }
    n += (size_t)snprintf(body + n, FILL - n, "[1,2,3,4,5]]}");
    client_send_request(fd, "POST", MODEL "/predict", NULL, "application/json", body, n);
    ck_assert_int_eq(recv(fd, head, 12, MSG_WAITALL), 12); /* the reply has begun */
    ck_assert_int_eq(kill(daemon.pid, SIGTERM), 0);
    expect_cut(&daemon, "requests_cut n=1");
    close(fd);
    free(body);
}

/* Sends what would take a minute and more, and a signal. The log says that it was cut: by its
 * worker, if a slice of it is short enough on this machine; else the process ends around it. */
static void expect_long_work_cut(const char *request)
{
    char log[LOG_BYTES];
    struct daemon daemon =
        daemon_start((const char *const[]){ "--drain-seconds", "2", "--horizon-max", "1000000",
                                            "--row-max", "10000000", "--workers", "1", NULL });
    daemon_add_model(&daemon, "wide",
                     (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers",
                                            "512,512", NULL });
    int fd = client_connect(&daemon);
    client_send(fd, request, strlen(request));
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_wait_log(&daemon, "stopped synced=yes", log, sizeof log);
    bool is_cut_by_worker = strstr(log, "requests_cut n=1") != NULL;
    ck_assert_msg(strstr(log, "work_cut requests=yes job=no") || is_cut_by_worker, "%s", log);
    close(fd);
    daemon_start_again(&daemon, NULL);
    daemon_stop(&daemon);
}

TEST(a_far_forecast_is_cut_when_the_time_is_over)
{
    expect_long_work_cut("POST /v1/models/wide/sessions/a/step HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Type: application/json\r\nContent-Length: 27\r\n\r\n"
                         "{\"x\":[1],\"horizon\":1000000}");
}

TEST(a_long_prediction_is_cut_when_the_time_is_over)
{
    expect_long_work_cut("POST /v1/models/wide/predict HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Type: application/json\r\nContent-Length: 29\r\n\r\n"
                         "{\"x\":[[1]],\"horizon\":1000000}");
}

TEST(a_second_signal_ends_it_at_once)
{
    static const int signals[] = { SIGTERM, SIGINT };
    char log[LOG_BYTES];
    for (int k = 0; k < 2; k++) {
        struct daemon daemon = daemon_start(
            (const char *const[]){ "--drain-seconds", "3600", "--request-seconds", "3600", NULL });
        int fd = begin_step(&daemon);
        ck_assert_int_eq(kill(daemon.pid, SIGINT), 0);
        daemon_wait_log(&daemon, "stopping signal=INT", log, sizeof log);
        wait_until_refused(&daemon);
        ck_assert_int_eq(kill(daemon.pid, signals[k]), 0);
        ck_assert_int_eq(daemon_wait(&daemon), 0);
        daemon_wait_log(&daemon, "stopped synced=yes", log, sizeof log);
        ck_assert_ptr_nonnull(strstr(log, "stopping_at_once"));
        ck_assert_ptr_nonnull(strstr(log, "requests_cut n=1"));
        close(fd);
        daemon_start_again(&daemon, NULL);
        daemon_stop(&daemon);
    }
}

/* ---- before it is ready ---- */

/* A pipe in the place of a file: the start waits for somebody to write to it. */
TEST(a_start_that_takes_long_is_ended_by_a_signal)
{
    char path[192], log[LOG_BYTES];
    struct daemon daemon = daemon_start(NULL);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    snprintf(path, sizeof path, "%s/data/models/torch-stacked", daemon.directory);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/data/models/torch-stacked/active", daemon.directory);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    daemon_spawn(&daemon, NULL);
    int fd = open(path, O_WRONLY | O_CLOEXEC); /* waits for somebody who reads */
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_wait_log(&daemon, "stopped signal=TERM before=ready", log, sizeof log);
    close(fd);
    ck_assert_int_eq(unlink(path), 0);
    daemon_start_again(&daemon, NULL);
    daemon_stop(&daemon);
}

TEST(a_signal_at_any_moment_of_the_start_does_no_harm)
{
    char log[LOG_BYTES];
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "POST", MODEL "/sessions/a/step", "{\"x\":[1,2,3,4,5]}", 200, NULL);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    for (int ms = 0, n_clean = 0; n_clean < 25;
         ms += 1 + ms / 16) { /* as slow as the machine may be today */
        ck_assert_int_lt(ms, 60000);
        daemon_spawn(&daemon, NULL);
        nap_ms(ms);
        int code = daemon_end(&daemon);
        ck_assert_msg(code == 0 || code == 128 + SIGTERM /* before main */, "%d", code);
        n_clean += code == 0;
    }
    daemon_wait_log(&daemon, "stopped", log, sizeof log);
    ck_assert_int_eq(count_in(log, "Z error "), 0);
    daemon_start_again(&daemon, NULL);
    expect(&daemon, "GET", MODEL "/sessions/a", NULL, 200, "\"step\":1");
    daemon_stop(&daemon);
}
