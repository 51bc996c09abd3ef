/*
 * learner.c - who has `learner` trained: rounds of a few jobs, some short, some endless, from
 * series or from what sessions recorded, that are followed, paused, resumed and cancelled at any
 * moment; their streams are opened and dropped. A round ends when all its jobs are over; then the
 * versions that they made are deleted, but for the active one. How many come to their end by
 * themselves depends on the trainer, which runs when nobody else wants the processor.
 */
#include "caller.h"

#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define JOBS "/v1/fine_tuning/jobs"

enum {
    N_JOBS = 5,
    N_STREAMS = 4,
    POKES = 150,
    TEXT_MAX = 16384,
    NAP_MS = 20,
    PATIENCE_MS = 120000
};
enum { N_SERIES = 3, N_ROWS = 60 };

struct learner {
    struct caller caller;
    size_t n_jobs; /* of this round */
    struct {
        char id[64];
        bool is_over;
    } jobs[N_JOBS];
    int streams[N_STREAMS]; /* -1: none */
    char path[256], text[TEXT_MAX];
};

static const char *job_path(struct learner *learner, size_t k, const char *below)
{
    snprintf(learner->path, sizeof learner->path, JOBS "/%s%s", learner->jobs[k].id, below);
    return learner->path;
}

/* ---- jobs ---- */

static size_t print_series(char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "\"series\":[");
    for (int k = 0; k < N_SERIES; k++) {
        n += (size_t)snprintf(out + n, size - n, "%s{\"x\":[", k > 0 ? "," : "");
        for (int t = 0; t < N_ROWS; t++) {
            n += (size_t)snprintf(out + n, size - n, "%s[%.3f,%.3f]", t > 0 ? "," : "",
                                  sin(0.4 * t + k), cos(0.4 * t + k));
        }
        n += (size_t)snprintf(out + n, size - n, "]}");
    }
    return n + (size_t)snprintf(out + n, size - n, "]");
}

/* 429 where as many wait as may. */
static void create(struct learner *learner)
{
    struct caller *caller = &learner->caller;
    const bool is_endless = caller_choose(caller, 3) == 0;
    int n = snprintf(learner->text, TEXT_MAX,
                     "{\"model\":\"learner\",\"seed\":%d,\"promotion\":{\"policy\":\"%s\"},"
                     "\"hyperparameters\":{\"window\":16,\"batch_size\":4,\"n_epochs\":%d,"
                     "\"early_stopping_patience\":null},\"training\":{",
                     (int)caller_choose(caller, 1000), caller_choose(caller, 2) ? "auto" : "manual",
                     is_endless ? 1000000 : (int)caller_choose(caller, 4) + 1);
    n += caller_choose(caller, 3) == 0
             ? snprintf(learner->text + n, TEXT_MAX - (size_t)n, "\"sessions_prefix\":\"passer-\"")
             : (int)print_series(learner->text + n, TEXT_MAX - (size_t)n);
    snprintf(learner->text + n, TEXT_MAX - (size_t)n, "}}");
    struct answer answer =
        caller_ask(caller, KIND_JOB_CREATE, "202 429", "POST", JOBS, learner->text);
    if (answer.code == 202) {
        learner->jobs[learner->n_jobs].is_over = false;
        ck_assert_int_eq(
            sscanf(answer.body, "{\"id\":\"%63[^\"]", learner->jobs[learner->n_jobs++].id), 1);
    }
    answer_free(&answer);
}

static void follow(struct learner *learner, size_t k)
{
    struct answer answer =
        caller_ask(&learner->caller, KIND_JOB_GET, "200", "GET", job_path(learner, k, ""), NULL);
    ck_assert_msg(!strstr(answer.body, "\"status\":\"failed\""), "%s", answer.body);
    if (!learner->jobs[k].is_over) {
        const bool has_succeeded = strstr(answer.body, "\"status\":\"succeeded\"") != NULL;
        learner->jobs[k].is_over = has_succeeded || strstr(answer.body, "\"status\":\"cancelled\"");
        learner->caller.soak->n_succeeded += has_succeeded;
    }
    answer_free(&answer);
}

static void steer(struct learner *learner, size_t k, const char *verb)
{
    caller_tell(&learner->caller, KIND_JOB_STEER, "200 409", "POST", job_path(learner, k, verb),
                "{}");
}

static bool all_are_over(const struct learner *learner)
{
    for (size_t k = 0; k < learner->n_jobs; k++) {
        if (!learner->jobs[k].is_over) {
            return false;
        }
    }
    return true;
}

/* ---- streams ---- */

static void drop_stream(struct learner *learner, size_t s)
{
    if (learner->streams[s] >= 0) {
        close(learner->streams[s]);
    }
    learner->streams[s] = -1;
}

/* In the place of an older one, which is dropped whatever is on its way. */
static void open_stream(struct learner *learner, size_t k)
{
    static const char begin[] = "HTTP/1.1 200 OK\r\n";
    char head[sizeof begin];
    const size_t s = caller_choose(&learner->caller, N_STREAMS);
    drop_stream(learner, s);
    int fd = client_ask(&learner->caller.soak->daemon, job_path(learner, k, "/events"),
                        "Accept: text/event-stream\r\n");
    ck_assert_int_eq(recv(fd, head, sizeof begin - 1, MSG_WAITALL), sizeof begin - 1);
    ck_assert_mem_eq(head, begin, sizeof begin - 1);
    soak_count(learner->caller.soak, KIND_JOB_STREAM, 200);
    learner->streams[s] = fd;
}

static void read_streams(struct learner *learner)
{
    char some[4096];
    for (size_t s = 0; s < N_STREAMS; s++) {
        if (learner->streams[s] >= 0 &&
            recv(learner->streams[s], some, sizeof some, MSG_DONTWAIT) == 0) {
            drop_stream(learner, s); /* its job is over */
        }
    }
}

/* ---- rounds ---- */

static void poke(struct learner *learner, size_t k)
{
    struct caller *caller = &learner->caller;
    switch (caller_choose(caller, 9)) {
    case 0:
        steer(learner, k, "/pause");
        break;
    case 1:
    case 2:
        steer(learner, k, "/resume");
        break;
    case 3:
        if (caller_choose(caller, 6) == 0) {
            steer(learner, k, "/cancel");
        }
        break;
    case 4:
        caller_tell(caller, KIND_JOB_EVENTS, "200", "GET", job_path(learner, k, "/events?limit=20"),
                    NULL);
        break;
    case 5:
        caller_tell(caller, KIND_JOB_EVENTS, "200", "GET", job_path(learner, k, "/checkpoints"),
                    NULL);
        break;
    case 6:
        caller_tell(caller, KIND_JOB_LIST, "200", "GET", JOBS "?limit=5&model=learner", NULL);
        break;
    case 7:
        open_stream(learner, k);
        break;
    default:
        follow(learner, k);
    }
    read_streams(learner);
}

/* With no job alive, nobody needs any version but the active one. */
static void delete_versions(struct learner *learner)
{
    struct answer answer =
        caller_ask(&learner->caller, KIND_MODEL_GET, "200", "GET", LEARNER, NULL);
    const unsigned active = (unsigned)number_in(answer.body, "active_version");
    for (const char *at = answer.body; (at = strstr(at, "{\"version\":")); at++) {
        const unsigned number = (unsigned)number_in(at, "version");
        if (number != active) {
            snprintf(learner->path, sizeof learner->path, LEARNER "/versions/%u", number);
            caller_tell(&learner->caller, KIND_VERSION_DELETE, "204", "DELETE", learner->path,
                        NULL);
        }
    }
    answer_free(&answer);
}

/* Cancels what is left of a round, and waits until it is over. */
static void end_round(struct learner *learner)
{
    for (size_t k = 0; k < learner->n_jobs; k++) {
        if (!learner->jobs[k].is_over) {
            steer(learner, k, "/cancel");
        }
    }
    for (int ms = 0; !all_are_over(learner); ms += NAP_MS) {
        ck_assert_msg(ms < PATIENCE_MS, "a cancelled job has not ended after %d s",
                      PATIENCE_MS / 1000);
        soak_nap_ms(NAP_MS);
        for (size_t k = 0; k < learner->n_jobs; k++) {
            follow(learner, k);
        }
    }
    delete_versions(learner);
}

static void do_round(struct learner *learner)
{
    learner->n_jobs = 0;
    for (int k = 0; k < N_JOBS; k++) {
        create(learner);
    }
    for (int n = 0; n < POKES && !all_are_over(learner) && !learner->caller.soak->is_over; n++) {
        poke(learner, caller_choose(&learner->caller, learner->n_jobs));
        soak_nap_ms(NAP_MS);
    }
    end_round(learner);
}

void *learner_run(void *place)
{
    const struct place *mine = place;
    struct learner *learner = calloc(1, sizeof *learner);
    ck_assert_ptr_nonnull(learner);
    learner->caller = caller_create(mine);
    memset(learner->streams, 0xff, sizeof learner->streams);
    while (!mine->soak->is_over) {
        do_round(learner);
    }
    for (size_t s = 0; s < N_STREAMS; s++) {
        drop_stream(learner, s);
    }
    caller_done(&learner->caller);
    free(learner);
    return NULL;
}
