/* A model whose forecasts become worse: it is told of everywhere. (The jobs that drift starts are
 * tested in service/jobs/test_drift_jobs.c.) */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MODEL "/v1/models/pump"
#define JOBS  "/v1/fine_tuning/jobs"

enum {
    USUAL = 400,
    CHANGED = 200,
    CHANGED_SIZE = 10,
    PER_REQUEST = 100,
    POLL_MS = 20,
    CHANGED_MOST = 1000000,
    LONG_MS = 2000,
    MINUTE = 60000
};

static struct daemon start(const char *const *options)
{
    struct daemon daemon = daemon_start(options);
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "4", NULL });
    return daemon;
}

/* n readings that nobody could forecast, in steps of that size. */
static void step(const struct daemon *daemon, int n, int size)
{
    static unsigned long noise = 88172645463325252UL;
    for (int done = 0; done < n; done += PER_REQUEST) {
        char body[PER_REQUEST * 48 + 32], *p = body;
        p += sprintf(p, "{\"steps\":[");
        for (int k = 0; k < PER_REQUEST; k++) {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            p += sprintf(p, "%s{\"session\":\"s\",\"x\":[%d]}", k > 0 ? "," : "",
                         ((int)(noise % 201) - 100) * size);
        }
        sprintf(p, "]}");
        expect(daemon, "POST", MODEL "/steps", body, 200, "\"step\"");
    }
}

/* What a GET says, once it says that; the caller frees it. */
static struct answer wait_for(const struct daemon *daemon, const char *path, const char *text)
{
    for (int ms = 0;; ms += POLL_MS) {
        struct answer answer = request(daemon, "GET", path, NULL);
        if (strstr(answer.body, text)) {
            return answer;
        }
        ck_assert_msg(ms < MINUTE, "no %s in %s", text, answer.body);
        answer_free(&answer);
        usleep(POLL_MS * 1000);
    }
}

/* What the model says, once it says that. Where threads wait for processors some errors are left
 * out (drift.h), and drift may be over before it was looked at: then larger ones come. */
static struct answer wait_drift(const struct daemon *daemon, const char *text)
{
    int size = CHANGED_SIZE;
    for (int ms = POLL_MS;; ms += POLL_MS) {
        struct answer answer = request(daemon, "GET", MODEL, NULL);
        if (strstr(answer.body, text)) {
            return answer;
        }
        ck_assert_msg(ms < MINUTE, "no %s in %s", text, answer.body);
        if (ms % LONG_MS == 0 && size < CHANGED_MOST && strstr(answer.body, "\"state\":\"none\"")) {
            size *= 10;
            step(daemon, CHANGED, size);
        }
        answer_free(&answer);
        usleep(POLL_MS * 1000);
    }
}

static void drift_away(const struct daemon *daemon)
{
    step(daemon, USUAL, 1);
    expect(daemon, "GET", MODEL, NULL, 200, "\"drift\":{\"state\":\"none\",");
    step(daemon, CHANGED, CHANGED_SIZE);
}

/* The socket's own limit is the time for it. */
static void await_event(int fd, const char *text)
{
    static char events[1 << 18];
    size_t n = 0;
    for (events[0] = '\0'; !strstr(events, text); events[n] = '\0') {
        const ssize_t more = recv(fd, events + n, sizeof events - 1 - n, 0);
        ck_assert_msg(more > 0, "no %s in %s", text, events);
        n += (size_t)more;
    }
}

static int n_jobs(const struct daemon *daemon)
{
    int n = 0;
    struct answer answer = request(daemon, "GET", JOBS, NULL);
    ck_assert_int_eq(answer.code, 200);
    for (const char *at = answer.body; (at = strstr(at, "\"base_version\":")); at++) {
        n++;
    }
    answer_free(&answer);
    return n;
}

TEST(drift_is_told_in_the_model_its_events_and_the_metrics)
{
    struct daemon daemon = start(NULL);
    const int fd = client_ask(&daemon, MODEL "/events?prefix=another", "");
    drift_away(&daemon);
    struct answer answer = wait_drift(&daemon, "\"drift\":{\"state\":\"drifting\",");
    ck_assert_ptr_nonnull(strstr(answer.body, "\"last_job\":null"));
    answer_free(&answer);
    await_event(fd, "event: drift\ndata: {\"state\":\"drifting\",");
    close(fd);
    answer = wait_for(&daemon, "/metrics", "\ngrud_drifting{model=\"pump\"} 1\n");
    ck_assert_ptr_nonnull(strstr(
        answer.body, "\ngrud_drift_alarms_total{model=\"pump\",detector=\"page_hinkley\"} "));
    ck_assert_ptr_nonnull(
        strstr(answer.body, "\ngrud_drift_alarms_total{model=\"pump\",detector=\"adwin\"} "));
    ck_assert_ptr_nonnull(strstr(answer.body, "\ngrud_drift_error_ratio{model=\"pump\"} "));
    answer_free(&answer);
    ck_assert_int_eq(n_jobs(&daemon), 0);
    daemon_stop(&daemon);
}

TEST(modes_and_intervals_that_are_none_are_refused)
{
    static const char *const bad[][3] = { { "--drift-fine-tune", "sometimes", NULL },
                                          { "--drift-interval-seconds", "59", NULL } };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char output[512];
        ck_assert_int_ne(daemon_run(bad[k], output, sizeof output), 0);
        ck_assert_msg(strstr(output, bad[k][0]) != NULL, "%s", output);
    }
}
