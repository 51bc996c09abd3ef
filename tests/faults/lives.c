/*
 * lives.c - faults outside of a request: while the daemon starts and stops, and while a job runs. A
 * start either comes to be ready with everything that was there before, or ends with a sentence. A
 * stop says whether all was synced. A job succeeds or fails with the reason, and the model is as it
 * says.
 */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { CASES = 8, JOB_CASES = 5, OVER_MS = 60000, PATH_SIZE = 320, ID_SIZE = 64 };

static char *state; /* what is there, whatever happens */
static long n_live; /* blocks that a run without a fault leaves */

static void expect_no_leak(void)
{
    long n_now = atomic_load(&driver.control->n_live);
    ck_assert_msg(n_now <= n_live, "%ld blocks were not freed", n_now - n_live);
}

/* 0; or 1, and it says that it did not sync. */
static void end(void)
{
    int code = shimmed_end();
    ck_assert_msg(code == 0 || (code == 1 && log_has("synced=no")), "ended with %d", code);
    expect_no_leak();
}

static void end_undisturbed(void)
{
    ck_assert_int_eq(shimmed_end(), 0);
    n_live = atomic_load(&driver.control->n_live);
}

/* Two versions, two sessions, a job that rests. */
static void fill(void)
{
    char job[JOB_BYTES], path[PATH_SIZE];
    put_file("pump");
    put_file("pump-wide");
    reset_sessions();
    print_job(job, "\"n_epochs\":1000000,\"early_stopping_patience\":null", MANUAL);
    struct answer answer = ask("POST", JOBS, job);
    ck_assert_msg(answer.code == 202, "%d %s", answer.code, answer.body);
    const char *id = strstr(answer.body, "\"ftjob-");
    ck_assert_ptr_nonnull(id);
    snprintf(path, sizeof path, JOBS "/%.*s/pause", (int)strcspn(id + 1, "\""), id + 1);
    answer_free(&answer);
    expect_code("POST", path, "{}", 200);
}

/* ---- starting ---- */

static void check_start(void)
{
    char reason[1024];
    if (is_degraded(reason, sizeof reason) &&
        (strstr(reason, "cannot be served") || strstr(reason, "no model is served"))) {
        driver.n_errors++; /* and says so */
    } else {
        expect_state(state, "not there after the start");
    }
    end();
}

static void run_start_case(void *context)
{
    (void)context;
    fault_arm(driver.class, driver.at, false, "");
    int code = shimmed_try_start(options_with(NULL));
    long n_failed = fault_disarm(NULL);
    if (code == -1) {
        check_start();
        return;
    }
    driver.n_exits++;
    ck_assert_msg(n_failed > 0 && (code == 1 || code == 2), "the start ended with %d", code);
    ck_assert_msg(log_has(" error cannot_") || log_has("grud: "),
                  "the start ended without a sentence");
    expect_no_leak();
    shimmed_start_again(options_with(NULL));
    expect_state(state, "not there after a start that failed");
    end();
}

static void each_start(void (*run_case)(void *context), void (*before)(void))
{
    for (const int *class = fault_classes; *class; class ++) {
        long n_calls = 0;
        if (!fault_class_is_due(*class)) {
            continue;
        }
        before();
        fault_arm(*class, 0, false, "");
        shimmed_start_again(options_with(NULL));
        fault_disarm(&n_calls);
        end();
        if (!each_case(*class, n_calls, CASES, run_case, NULL)) {
            break;
        }
    }
    free(state);
}

static void nothing(void) {}

static void run_start(const struct scenario *scenario)
{
    (void)scenario;
    shimmed_start(options_with(NULL));
    fill();
    state = snapshot();
    end_undisturbed();
    each_start(run_start_case, nothing);
}

static void wipe(void)
{
    shimmed_remove();
    ck_assert_int_eq(mkdir(driver.daemon.directory, 0700), 0);
}

static void run_first_start_case(void *context)
{
    wipe();
    run_start_case(context);
}

static void run_first_start(const struct scenario *scenario)
{
    (void)scenario;
    shimmed_start(options_with(NULL));
    state = snapshot();
    end_undisturbed();
    each_start(run_first_start_case, wipe);
}

/* ---- stopping ---- */

static void run_stop_case(void *context)
{
    (void)context;
    shimmed_start_again(options_with(NULL));
    expect_state(state, "not there after a stop");
    fault_arm(driver.class, driver.at, false, "");
    end();
    fault_disarm(NULL);
}

static void run_stop(const struct scenario *scenario)
{
    (void)scenario;
    shimmed_start(options_with(NULL));
    fill();
    state = snapshot();
    end_undisturbed();
    for (const int *class = fault_classes; *class; class ++) {
        long n_calls = 0;
        if (fault_class_is_due(*class)) {
            shimmed_start_again(options_with(NULL));
            fault_arm(*class, 0, false, "");
            end();
            fault_disarm(&n_calls);
            if (!each_case(*class, n_calls, CASES, run_stop_case, NULL)) {
                break;
            }
        }
    }
    free(state);
}

/* ---- the first request after a start allocates what a worker keeps for all later ones ---- */

struct row {
    int class;
    long n_calls;
};

static void run_cold_case(void *context)
{
    struct row *row = context;
    static const char path[] = PUMP "/sessions/c/step",
                      body[] = "{\"x\":[0.1,0.2],\"seq\":1,\"horizon\":2}";
    shimmed_start_again(options_with(NULL));
    fault_arm(row->class, driver.at, false, "http-0");
    struct answer answer = ask("POST", path, body);
    long n_failed = fault_disarm(&row->n_calls);
    if (answer.code == 0) {
        driver.n_cut++;
    } else if (answer.code != 200) {
        driver.n_errors++;
        expect_error(&answer);
        expect_code("GET", PUMP "/sessions/c", NULL, 404);
    }
    ck_assert_msg(n_failed > 0 || answer.code == 200, "an error without a fault: %d", answer.code);
    answer_free(&answer);
    answer = ask("POST", path, body);
    ck_assert_msg(answer.code == 200 && number_in(answer.body, "step") == 1, "%d %s", answer.code,
                  answer.body);
    answer_free(&answer);
    expect_code("DELETE", PUMP "/sessions/c", NULL, 204);
    expect_state(state, "something else has changed");
    if (driver.at > 0) {
        end();
    } else {
        end_undisturbed();
    }
}

static void run_cold(const struct scenario *scenario)
{
    (void)scenario;
    shimmed_start(options_with(NULL));
    fill();
    state = snapshot();
    ck_assert_int_eq(shimmed_end(), 0);
    for (const int *class = fault_classes; *class; class ++) {
        struct row row = { .class = *class };
        if (!fault_class_is_due(*class)) {
            continue;
        }
        driver.at = 0;
        run_cold_case(&row);
        if (!each_case(*class, row.n_calls, CASES, run_cold_case, &row)) {
            break;
        }
    }
    free(state);
}

/* ---- a model of a new name: there is no way to take it back ---- */

static void run_first_upload_case(void *context)
{
    const char *name = context;
    char model[64], path[PATH_SIZE];
    snprintf(model, sizeof model, "%s-%s-%ld", name, fault_class_name(driver.class), driver.at);
    snprintf(path, sizeof path, "/v1/models/%s", model);
    fault_arm(driver.class, driver.at, false, "http-0");
    struct answer answer = upload(model, "pump");
    long n_failed = fault_disarm(NULL);
    bool is_done = answer.code == 201;
    if (answer.code == 0) {
        driver.n_cut++;
        struct answer model_now = ask("GET", path, NULL);
        is_done = model_now.code == 200;
        answer_free(&model_now);
    } else if (!is_done) {
        driver.n_errors++;
        ck_assert_msg(n_failed > 0, "an error without a fault: %d", answer.code);
        expect_error(&answer);
        is_done = strstr(answer.body, "\"message\":\"done, but ") != NULL;
        expect_code("GET", path, NULL, is_done ? 200 : 404);
    }
    answer_free(&answer);
    if (!is_done) {
        answer = upload(model, "pump");
        ck_assert_msg(answer.code == 201, "refused: %d %s", answer.code, answer.body);
        answer_free(&answer);
    }
    snprintf(path, sizeof path, "/v1/models/%s/sessions/x/step", model);
    expect_code("POST", path, "{\"x\":[1,2]}", 200);
}

static void run_first_upload(const struct scenario *scenario)
{
    (void)scenario;
    shimmed_start(options_with(NULL));
    for (const int *class = fault_classes; *class; class ++) {
        long n_calls;
        char name[32];
        snprintf(name, sizeof name, "first-%d", *class);
        fault_arm(*class, 0, false, "http-0");
        struct answer answer = upload(name, "pump");
        fault_disarm(&n_calls);
        answer_free(&answer);
        if (fault_class_is_due(*class) &&
            !each_case(*class, n_calls, CASES, run_first_upload_case, name)) {
            return;
        }
    }
    state = snapshot();
    ck_assert_int_eq(shimmed_end(), 0);
    shimmed_start_again(options_with(NULL));
    expect_state(state, "not there after a restart");
    end_undisturbed();
    free(state);
}

/* ---- jobs ---- */

struct job_plan {
    const char *thread; /* whose calls fail */
    const char *hyperparameters, *rest;
    const char
        *sessions; /* the whole job, that learns from what they recorded; NULL: one on a series */
};

static struct answer wait_until_over(const char *id)
{
    const struct timespec nap = { .tv_nsec = 5000000 };
    char path[PATH_SIZE];
    snprintf(path, sizeof path, JOBS "/%s", id);
    for (int ms = 0; ms < OVER_MS; ms += 5) {
        struct answer answer = ask("GET", path, NULL);
        ck_assert_msg(answer.code == 200, "%d %s", answer.code, answer.body);
        if (strstr(answer.body, "\"status\":\"succeeded\"") ||
            strstr(answer.body, "\"status\":\"failed\"")) {
            return answer;
        }
        answer_free(&answer);
        nanosleep(&nap, NULL);
    }
    ck_abort_msg("the job is not over after %d ms", OVER_MS);
}

static bool has_text(const char *path, const char *text)
{
    struct answer answer = ask("GET", path, NULL);
    ck_assert_int_eq(answer.code, 200);
    bool found = strstr(answer.body, text) != NULL;
    answer_free(&answer);
    return found;
}

static void check_job(const struct answer *job, const char *id, long n_failed)
{
    char text[ID_SIZE + 16];
    bool succeeded = strstr(job->body, "\"status\":\"succeeded\"") != NULL;
    bool promoted = strstr(job->body, "\"state\":\"promoted\"") != NULL;
    snprintf(text, sizeof text, "\"job\":\"%s\"", id);
    if (succeeded) {
        ck_assert_msg(strstr(job->body, "\"error\":null") != NULL, "%s", job->body);
    } else {
        driver.n_errors++;
        ck_assert_msg(n_failed > 0, "it failed without a fault: %s", job->body);
        ck_assert_msg(strstr(job->body, "\"error\":{\"code\":\"") != NULL, "no reason: %s",
                      job->body);
    }
    ck_assert_msg(has_text(PUMP, text) == succeeded, "no version of it, or one too many: %s",
                  job->body);
    ck_assert_msg(has_text(PUMP, "\"active_version\":1,") == !promoted,
                  "another version is active: %s", job->body);
}

static void post_job(const struct job_plan *plan, char id[ID_SIZE])
{
    char body[JOB_BYTES];
    if (plan->sessions) {
        snprintf(body, sizeof body, "%s", plan->sessions);
    } else {
        print_job(body, plan->hyperparameters, plan->rest);
    }
    struct answer answer = ask("POST", JOBS, body);
    ck_assert_msg(answer.code == 202, "%d %s", answer.code, answer.body);
    const char *at = strstr(answer.body, "\"ftjob-");
    ck_assert_ptr_nonnull(at);
    snprintf(id, ID_SIZE, "%.*s", (int)strcspn(at + 1, "\""), at + 1);
    answer_free(&answer);
}

static void run_job_case(void *context)
{
    const struct job_plan *plan = context;
    char id[ID_SIZE], path[PATH_SIZE];
    forget_versions();
    fault_arm(driver.class, driver.at, false, plan->thread);
    post_job(plan, id);
    struct answer job = wait_until_over(id);
    long n_failed = fault_disarm(NULL);
    check_job(&job, id, n_failed);
    answer_free(&job);
    snprintf(path, sizeof path, JOBS "/%s/events?limit=100", id);
    ck_assert_msg(has_text(path, "\"fine_tuning.job.event\""), "no events");
    wait_until_recovered();
}

static void record_some(void)
{
    for (int k = 0; k < 40; k++) {
        char body[64];
        snprintf(body, sizeof body, "{\"x\":[%d,%d]}", k % 7, k % 3);
        expect_code("POST", PUMP "/sessions/a/step", body, 200);
    }
}

static void run_job(const struct scenario *scenario)
{
    const struct job_plan *plan = scenario->details;
    char id[ID_SIZE];
    shimmed_start(options_with(NULL));
    put_file("pump");
    reset_sessions();
    record_some();
    for (const int *class = fault_classes; *class; class ++) {
        long n_calls = 0;
        if (!fault_class_is_due(*class)) {
            continue;
        }
        forget_versions();
        fault_arm(*class, 0, false, plan->thread);
        post_job(plan, id);
        struct answer job = wait_until_over(id);
        fault_disarm(&n_calls);
        check_job(&job, id, 0);
        answer_free(&job);
        if (!each_case(*class, n_calls, JOB_CASES, run_job_case, (void *)(uintptr_t)plan)) {
            return;
        }
    }
    state = snapshot();
    ck_assert_int_eq(shimmed_end(), 0);
    long n_now = atomic_load(&driver.control->n_live);
    shimmed_start_again(options_with(NULL));
    expect_state(state, "not there after a restart");
    post_job(plan, id);
    struct answer job = wait_until_over(id);
    answer_free(&job);
    end_undisturbed();
    ck_assert_msg(n_now <= n_live, "%ld blocks were not freed", n_now - n_live);
    free(state);
}

/* So little is asked for that a few epochs on a few rows are promoted. */
#define AUTO                                                                                       \
    ",\"promotion\":{\"policy\":\"auto\",\"min_relative_gain\":0,\"confidence\":0,"                \
    "\"min_targets\":1,\"must_beat_persistence\":false},\"validation\":{\"fraction\":0.25}"
#define HYPER "\"n_epochs\":3,\"learning_rate\":0.02"
#define JOB(...)                                                                                   \
    &(const struct job_plan)                                                                       \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

const struct scenario life_scenarios[] = {
    { "first-start", run_first_start, NULL },
    { "start", run_start, NULL },
    { "stop", run_stop, NULL },
    { "first-request", run_cold, NULL },
    { "first-upload", run_first_upload, NULL },
    { "job-thread", run_job, JOB(.thread = "jobs", .hyperparameters = HYPER, .rest = AUTO) },
    { "job-trainer", run_job, JOB(.thread = "trainer", .hyperparameters = HYPER, .rest = AUTO) },
    { "job-sessions", run_job,
      JOB(.thread = "jobs",
          .sessions = "{\"model\":\"pump\",\"hyperparameters\":{\"n_epochs\":2,\"window\":8},"
                      "\"training\":{\"sessions\":[\"a\"]}" MANUAL "}") },
    { NULL, NULL, NULL }
};
