/* A model whose forecasts become worse: it is told of everywhere, and fine-tuned, but not often. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MODEL "/v1/models/pump"
#define JOBS  "/v1/fine_tuning/jobs"

enum { USUAL = 400, CHANGED = 200, PER_REQUEST = 100, POLL_MS = 20, MINUTE = 60000 };

static const char *const proposing[] = { "--record", "2000", "--drift-fine-tune", "propose", NULL };

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

static void drift_away(const struct daemon *daemon)
{
    step(daemon, USUAL, 1);
    expect(daemon, "GET", MODEL, NULL, 200, "\"drift\":{\"state\":\"none\",");
    step(daemon, CHANGED, 10);
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

/* The id of the job that drift has started last. */
static void last_job(const struct daemon *daemon, char id[64])
{
    struct answer answer = wait_for(daemon, MODEL, "\"last_job\":{");
    const char *at = strstr(answer.body, "\"last_job\":{");
    ck_assert_int_eq(sscanf(at, "\"last_job\":{\"at\":%*[^,],\"job\":\"%63[^\"]\"", id), 1);
    answer_free(&answer);
}

static void wait_job(const struct daemon *daemon, const char *id, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, JOBS "/%s", id);
    struct answer answer = wait_for(daemon, path, text);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"metadata\":{\"reason\":\"drift\"}"));
    answer_free(&answer);
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
    struct answer answer = wait_for(&daemon, MODEL, "\"drift\":{\"state\":\"drifting\",");
    ck_assert_ptr_nonnull(strstr(answer.body, "\"last_job\":null"));
    answer_free(&answer);
    await_event(fd, "event: drift\ndata: {\"state\":\"drifting\",");
    close(fd);
    answer = wait_for(&daemon, "/metrics", "\ngrud_drifting{model=\"pump\"} 1\n");
    ck_assert_ptr_nonnull(strstr(
        answer.body, "\ngrud_drift_alarms_total{model=\"pump\",detector=\"page_hinkley\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(answer.body, "\ngrud_drift_error_ratio{model=\"pump\"} "));
    answer_free(&answer);
    ck_assert_int_eq(n_jobs(&daemon), 0);
    daemon_stop(&daemon);
}

TEST(a_model_that_drifts_is_fine_tuned_once_in_a_day_also_across_a_restart)
{
    char first[64], second[64];
    struct daemon daemon = start(proposing);
    drift_away(&daemon);
    last_job(&daemon, first);
    wait_job(&daemon, first, "\"status\":\"succeeded\"");
    expect(&daemon, "GET", MODEL, NULL, 200, "\"drift\":{\"state\":\"drifting\",");
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_start_again(&daemon, proposing);
    expect(&daemon, "GET", MODEL, NULL, 200, "\"last_job\":null");
    drift_away(&daemon);
    last_job(&daemon, second);
    ck_assert_str_eq(second, first);
    ck_assert_int_eq(n_jobs(&daemon), 1);
    daemon_stop(&daemon);
}

TEST(without_recordings_the_reason_is_said)
{
    struct daemon daemon = start((const char *const[]){ "--drift-fine-tune", "auto", NULL });
    drift_away(&daemon);
    struct answer answer = wait_for(&daemon, MODEL, "\"job\":null,\"reason\":\"");
    ck_assert_ptr_nonnull(strstr(answer.body, "--record"));
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
