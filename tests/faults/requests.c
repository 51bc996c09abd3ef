/*
 * requests.c - one request with one fault. It either succeeds, exactly as without the fault, or is
 * refused with an error of the contract and has changed nothing; sent again without the fault, it
 * succeeds. A connection may be cut if an allocation within libmicrohttpd failed; then either
 * holds.
 */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HTTP  "http-0,disk-" /* the worker, and the threads that wait for the disk for it */
#define LINES "application/x-ndjson"

enum { PATH_SIZE = 320, ID_SIZE = 64, CASES = 16 };

struct plan {
    void (*prepare)(void); /* once */
    void (*reset)(void);   /* before each case: to the state that it begins with */
    const char *method;
    const char *path;
    const char
        *of_job; /* not NULL: the path goes on with the id of the job at hand, and with this */
    const char *of_version; /* the same with the number of the newest version */
    const char *type, *body;
    const char *file; /* the body is this file */
    int code;
    bool is_random;    /* no two replies are alike */
    bool is_piecemeal; /* worked on as it arrives: some of it may be done when it fails */
};

static char job_id[ID_SIZE];
static char training[JOB_BYTES];

/* ---- states ---- */

void forget(const char *path)
{
    struct answer answer = ask("DELETE", path, NULL);
    ck_assert_msg(answer.code == 204 || answer.code == 404 || answer.code == 410,
                  "DELETE %s: %d %s", path, answer.code, answer.body);
    answer_free(&answer);
}

static void nothing(void) {}

/* "a" has made three steps and "b" one; no other session is there. */
void reset_sessions(void)
{
    static const char *const paths[] = { PUMP "/sessions/a", PUMP "/sessions/b", PUMP "/sessions/c",
                                         PUMP "/sessions/copy" };
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
        forget(paths[k]);
    }
    expect_code("POST", PUMP "/sessions/a/step", "{\"x\":[0.1,0.2],\"seq\":1}", 200);
    expect_code("POST", PUMP "/sessions/a/step", "{\"x\":[0.3,null],\"seq\":2}", 200);
    expect_code("POST", PUMP "/sessions/a/step", "{\"x\":[0.5,0.6],\"seq\":3}", 200);
    expect_code("POST", PUMP "/sessions/b/step", "{\"x\":[1.5,0.6],\"seq\":1}", 200);
}

void put_file(const char *file)
{
    struct answer answer = upload("pump", file);
    ck_assert_msg(answer.code == 201, "upload: %d %s", answer.code, answer.body);
    answer_free(&answer);
}

void forget_versions(void)
{
    char path[PATH_SIZE];
    struct answer model = ask("POST", PUMP "/versions/1/activate", "{}");
    ck_assert_msg(model.code == 200, "%d %s", model.code, model.body);
    note_versions(&model);
    for (unsigned number = driver.n_gone + 2; number <= driver.newest; number++) {
        snprintf(path, sizeof path, PUMP "/versions/%u", number);
        forget(path);
    }
    driver.n_gone = driver.newest - 1;
    answer_free(&model);
}

static void prepare_pump(void)
{
    put_file("pump");
}

/* Only version 1, which is active. */
static void reset_versions(void)
{
    forget_versions();
    reset_sessions();
}

/* And version 2, which is not. */
static void reset_two_versions(void)
{
    reset_versions();
    put_file("pump");
}

static void reset_two_sizes(void)
{
    reset_versions();
    put_file("pump-wide");
}

/* ---- rules ---- */

#define RULE             PUMP "/rules/r"
#define RULE_BODY(below) "{\"coverage\":true,\"below\":" below ",\"url\":\"https://example.org/\"}"

static void reset_no_rule(void)
{
    forget(RULE);
}

static void reset_rule(void)
{
    forget(RULE);
    expect_code("PUT", RULE, RULE_BODY("0.5"), 201);
}

/* ---- jobs ---- */

static void read_id(const struct answer *answer)
{
    const char *at = strstr(answer->body, "\"id\":\"");
    ck_assert_ptr_nonnull(at);
    snprintf(job_id, sizeof job_id, "%.*s", (int)strcspn(at + 6, "\""), at + 6);
}

/* One job runs for ever, so those behind it stay in the queue. */
static void prepare_jobs(void)
{
    prepare_pump();
    print_job(training, "\"n_epochs\":1000000,\"early_stopping_patience\":null", MANUAL);
    expect_code("POST", JOBS, training, 202);
    for (bool runs = false; !runs;) {
        struct answer answer = ask("GET", JOBS "?status=running", NULL);
        runs = strstr(answer.body, "\"running\"") != NULL;
        answer_free(&answer);
    }
    print_job(training, "\"n_epochs\":2", MANUAL);
}

static void steer(const char *verb)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, JOBS "/%s/%s", job_id, verb);
    expect_code("POST", path, "{}", 200);
}

/* None but the one that runs. */
static void reset_queue(void)
{
    static const char *const lists[] = { JOBS "?status=queued", JOBS "?status=paused" };
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        struct answer answer = ask("GET", lists[k], NULL);
        while (strstr(answer.body, "\"id\":")) {
            read_id(&answer);
            steer("cancel");
            answer_free(&answer);
            answer = ask("GET", lists[k], NULL);
        }
        answer_free(&answer);
    }
}

static void reset_queued(void)
{
    reset_queue();
    struct answer answer = ask("POST", JOBS, training);
    ck_assert_msg(answer.code == 202, "%d %s", answer.code, answer.body);
    read_id(&answer);
    answer_free(&answer);
}

static void reset_paused(void)
{
    reset_queued();
    steer("pause");
}

static void prepare_queued(void)
{
    prepare_jobs();
    reset_queued();
}

/* ---- a case ---- */

struct trial {
    const struct plan *plan;
    char *before, *after, *reply; /* as they are without a fault; the reply NULL if it is random */
};

static struct answer act(const struct plan *plan)
{
    char path[PATH_SIZE];
    if (plan->file) {
        return upload("pump", plan->file);
    }
    int n = snprintf(path, sizeof path, "%s", plan->path);
    if (plan->of_job) {
        snprintf(path + n, sizeof path - (size_t)n, "/%s%s", job_id, plan->of_job);
    } else if (plan->of_version) {
        snprintf(path + n, sizeof path - (size_t)n, "/%u%s", driver.newest, plan->of_version);
    }
    const char *body = plan->body;
    return request_typed(&driver.daemon, plan->method, path, plan->type, body,
                         body ? strlen(body) : 0);
}

static bool is_state(const char *wanted)
{
    char *now = snapshot();
    bool same = strcmp(now, wanted) == 0;
    free(now);
    return same;
}

static void expect_success(const struct trial *trial, struct answer *answer)
{
    ck_assert_msg(answer->code == trial->plan->code, "not %d but %d: %s", trial->plan->code,
                  answer->code, answer->body ? answer->body : "(cut)");
    if (trial->reply) {
        make_comparable(answer->body);
        ck_assert_msg(strcmp(answer->body, trial->reply) == 0, "another reply: %.400s",
                      answer->body);
    }
    expect_state(trial->after, "not as after it");
}

/* Whether the request is done. */
static bool check_reply(const struct trial *trial, struct answer *answer, long n_failed)
{
    const struct plan *plan = trial->plan;
    if (answer->code == 0) {
        driver.n_cut++;
        ck_assert_msg(n_failed > 0 && driver.class == FAULT_MEMORY, "cut");
        bool is_done = is_state(trial->after);
        if (!is_done) {
            expect_state(trial->before, "neither done nor undone");
        }
        return is_done;
    }
    bool is_list = answer->code == 200 && plan->code == 200 && strstr(answer->body, "{\"error\":{");
    if (answer->code == plan->code && !is_list) {
        expect_success(trial, answer);
        return true;
    }
    driver.n_errors++;
    ck_assert_msg(n_failed > 0, "an error without a fault: %d %s", answer->code, answer->body);
    if (is_list) { /* each item has its own */
        return false;
    }
    expect_error(answer);
    bool is_done = strstr(answer->body, "\"message\":\"done, but ") != NULL;
    if (!plan->is_piecemeal) {
        expect_state(is_done ? trial->after : trial->before,
                     is_done ? "not done" : "refused, but not undone");
    }
    return is_done && !plan->is_piecemeal;
}

static void run_case(void *context)
{
    const struct trial *trial = context;
    trial->plan->reset();
    fault_arm(driver.class, driver.at, false, HTTP);
    struct answer answer = act(trial->plan);
    long n_failed = fault_disarm(NULL);
    bool is_done = check_reply(trial, &answer, n_failed);
    answer_free(&answer);
    if (!is_done) {
        answer = act(trial->plan);
        expect_success(trial, &answer);
        answer_free(&answer);
    }
    expect_code("GET", "/healthz", NULL, 200);
}

/* ---- a scenario ---- */

static void learn(struct trial *trial)
{
    trial->plan->reset();
    trial->before = snapshot();
    struct answer answer = act(trial->plan);
    ck_assert_msg(answer.code == trial->plan->code, "%d %s", answer.code, answer.body);
    make_comparable(answer.body);
    trial->reply = trial->plan->is_random ? NULL : strdup(answer.body);
    trial->after = snapshot();
    answer_free(&answer);
}

static long count_calls(const struct plan *plan, int class)
{
    long n_calls;
    plan->reset();
    fault_arm(class, 0, false, HTTP);
    struct answer answer = act(plan);
    fault_disarm(&n_calls);
    answer_free(&answer);
    return n_calls;
}

/* What is allocated at the end of main, after one request without a fault. */
static long count_blocks(const struct plan *plan)
{
    shimmed_start(options_with(NULL));
    plan->prepare();
    plan->reset();
    struct answer answer = act(plan);
    answer_free(&answer);
    ck_assert_int_eq(shimmed_end(), 0);
    shimmed_remove();
    return atomic_load(&driver.control->n_live);
}

static void run_plan(const struct scenario *scenario)
{
    const struct plan *plan = scenario->details;
    struct trial trial = { .plan = plan };
    long n_live = count_blocks(plan);
    shimmed_start(options_with(NULL));
    plan->prepare();
    learn(&trial);
    for (const int *class = fault_classes; *class; class ++) {
        if (fault_class_is_due(*class) &&
            !each_case(*class, count_calls(plan, *class), CASES, run_case, &trial)) {
            return;
        }
    }
    ck_assert_int_eq(shimmed_end(), 0);
    long n_now = atomic_load(&driver.control->n_live);
    ck_assert_msg(n_now <= n_live, "%ld blocks were not freed", n_now - n_live);
    shimmed_start_again(options_with(NULL));
    expect_state(trial.after, "not there after a restart");
    ck_assert_int_eq(shimmed_end(), 0);
    free(trial.before);
    free(trial.after);
    free(trial.reply);
}

/* ---- the table ---- */

#define PLAN(...)                                                                                  \
    &(const struct plan)                                                                           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define ON_SESSIONS .prepare = prepare_pump, .reset = reset_sessions
#define ON_QUEUE    .prepare = prepare_jobs, .is_random = true

// clang-format off
const struct scenario request_scenarios[] = {
    { "step", run_plan, PLAN(ON_SESSIONS, .method = "POST", .path = PUMP "/sessions/a/step", .code = 200,
        .body = "{\"x\":{\"temp\":0.7},\"seq\":4,\"horizon\":12}") },
    { "step-first", run_plan, PLAN(ON_SESSIONS, .method = "POST", .path = PUMP "/sessions/c/step", .code = 200,
        .body = "{\"x\":[0.7,0.8],\"seq\":1}") },
    { "steps", run_plan, PLAN(ON_SESSIONS, .method = "POST", .path = PUMP "/steps", .code = 200,
        .body = "{\"steps\":[{\"session\":\"a\",\"x\":[1,2],\"seq\":4},{\"session\":\"b\",\"x\":[1,2],\"seq\":2},"
                "{\"session\":\"a\",\"x\":[3,4],\"seq\":5},{\"session\":\"c\",\"x\":[1,2],\"seq\":1,\"horizon\":3}]}") },
    { "steps-ndjson", run_plan, PLAN(ON_SESSIONS, .method = "POST", .path = PUMP "/steps", .code = 200, .type = LINES, .is_piecemeal = true,
        .body = "{\"session\":\"a\",\"x\":[1,2],\"seq\":4}\n{\"session\":\"b\",\"x\":[1,2],\"seq\":2}\n"
                "{\"session\":\"a\",\"x\":[3,4],\"seq\":5}\n{\"session\":\"c\",\"x\":[1,2],\"seq\":1}\n") },
    { "predict", run_plan, PLAN(ON_SESSIONS, .method = "POST", .path = PUMP "/predict", .code = 200,
        .body = "{\"instances\":[{\"x\":[[1,2],[3,4],[5,6]]},{\"x\":[[1,2]]}],\"horizon\":9}") },
    { "forecast", run_plan, PLAN(ON_SESSIONS, .method = "POST", .path = PUMP "/sessions/a/forecast", .code = 200,
        .body = "{\"horizon\":20}") },
    { "session-get", run_plan, PLAN(ON_SESSIONS, .method = "GET", .path = PUMP "/sessions/a", .code = 200) },
    { "session-put", run_plan, PLAN(ON_SESSIONS, .method = "PUT", .path = PUMP "/sessions/c", .code = 201,
        .body = "{\"rewarm\":[[1,2],[3,4]]}") },
    { "session-replace", run_plan, PLAN(ON_SESSIONS, .method = "PUT", .path = PUMP "/sessions/a", .code = 200,
        .body = "{\"rewarm\":[[1,2],[3,4]],\"ttl\":1000}") },
    { "session-fork", run_plan, PLAN(ON_SESSIONS, .method = "POST", .path = PUMP "/sessions/a/fork", .code = 201,
        .body = "{\"to\":\"copy\"}") },
    { "session-delete", run_plan, PLAN(ON_SESSIONS, .method = "DELETE", .path = PUMP "/sessions/a", .code = 204) },
    { "session-list", run_plan, PLAN(ON_SESSIONS, .method = "GET", .path = PUMP "/sessions?prefix=a&limit=9", .code = 200) },
    { "models", run_plan, PLAN(ON_SESSIONS, .method = "GET", .path = "/v1/models", .code = 200) },
    { "index", run_plan, PLAN(ON_SESSIONS, .method = "GET", .path = "/v1", .code = 200) },
    { "metrics", run_plan, PLAN(ON_SESSIONS, .method = "GET", .path = "/metrics", .code = 200, .is_random = true) },
    { "readyz", run_plan, PLAN(ON_SESSIONS, .method = "GET", .path = "/readyz", .code = 200, .is_random = true) },
    { "file", run_plan, PLAN(ON_SESSIONS, .method = "GET", .path = PUMP "/versions/1/file", .code = 200) },
    { "upload", run_plan, PLAN(.prepare = prepare_pump, .reset = reset_versions, .file = "pump-wide", .code = 201) },
    { "activate", run_plan, PLAN(.prepare = prepare_pump, .reset = reset_two_versions, .method = "POST",
        .path = PUMP "/versions", .of_version = "/activate", .body = "{}", .code = 200) },
    { "activate-converts", run_plan, PLAN(.prepare = prepare_pump, .reset = reset_two_sizes, .method = "POST",
        .path = PUMP "/versions", .of_version = "/activate", .body = "{}", .code = 200) },
    { "version-delete", run_plan, PLAN(.prepare = prepare_pump, .reset = reset_two_versions, .method = "DELETE",
        .path = PUMP "/versions", .of_version = "", .code = 204) },
    { "rule-put", run_plan, PLAN(.prepare = prepare_pump, .reset = reset_no_rule, .method = "PUT", .path = RULE, .body = RULE_BODY("0.8"), .code = 201) },
    { "rule-replace", run_plan, PLAN(.prepare = prepare_pump, .reset = reset_rule, .method = "PUT", .path = RULE, .body = RULE_BODY("0.8"), .code = 200) },
    { "rule-delete", run_plan, PLAN(.prepare = prepare_pump, .reset = reset_rule, .method = "DELETE", .path = RULE, .code = 204) },
    { "rule-get", run_plan, PLAN(.prepare = prepare_pump, .reset = reset_rule, .method = "GET", .path = RULE, .code = 200) },
    { "rule-list", run_plan, PLAN(.prepare = prepare_pump, .reset = reset_rule, .method = "GET", .path = PUMP "/rules", .code = 200) },
    { "job-create", run_plan, PLAN(ON_QUEUE, .reset = reset_queue, .method = "POST", .path = JOBS, .body = training, .code = 202) },
    { "job-cancel", run_plan, PLAN(ON_QUEUE, .reset = reset_queued, .method = "POST", .path = JOBS, .of_job = "/cancel", .body = "{}", .code = 200) },
    { "job-pause", run_plan, PLAN(ON_QUEUE, .reset = reset_queued, .method = "POST", .path = JOBS, .of_job = "/pause", .body = "{}", .code = 200) },
    { "job-resume", run_plan, PLAN(ON_QUEUE, .reset = reset_paused, .method = "POST", .path = JOBS, .of_job = "/resume", .body = "{}", .code = 200) },
    { "job-get", run_plan, PLAN(.prepare = prepare_queued, .reset = nothing, .is_random = true, .method = "GET", .path = JOBS, .of_job = "", .code = 200) },
    { "job-list", run_plan, PLAN(.prepare = prepare_queued, .reset = nothing, .is_random = true, .method = "GET", .path = JOBS, .code = 200) },
    { "job-events", run_plan, PLAN(.prepare = prepare_queued, .reset = nothing, .is_random = true, .method = "GET", .path = JOBS, .of_job = "/events", .code = 200) },
    { "job-checkpoints", run_plan, PLAN(.prepare = prepare_queued, .reset = nothing, .is_random = true, .method = "GET", .path = JOBS, .of_job = "/checkpoints", .code = 200) },
    { NULL, NULL, NULL }
};
// clang-format on
