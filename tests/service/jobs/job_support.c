#include "job_support.h"

#include "service/job_database.h"
#include "test.h"

#include <math.h>
#include <sched.h>
#include <string.h>
#include <time.h>

/* A recipe trains a dozen networks, which below a sanitizer takes minutes on a busy machine. */
enum { PATIENCE_MS = 300000 };

/* Stands in for libc's: here the trainer has the priority of the tests that wait for it. At
 * SCHED_IDLE it would run whenever nobody else wants the processor, which on a busy machine is for
 * milliseconds a second. */
int sched_setscheduler(pid_t process, int policy, const struct sched_param *parameters)
{
    (void)process;
    (void)policy;
    (void)parameters;
    return 0;
}

void sleep_ms(uint64_t ms)
{
    struct timespec time = { .tv_sec = (time_t)(ms / 1000),
                             .tv_nsec = (long)(ms % 1000) * 1000000 };
    nanosleep(&time, NULL);
}

void course_init(struct course *course)
{
    memset(course, 0, sizeof *course);
    for (size_t k = 0; k < WAVE_SERIES; k++) {
        for (size_t t = 0; t < WAVE_ROWS; t++) {
            double angle = 0.3 * (double)t + (double)k;
            course->x[k][t * INPUTS] = (float)sin(angle);
            course->x[k][t * INPUTS + 1] = (float)cos(angle);
        }
        course->series[k] = (struct gru_series){ .x = course->x[k], .n_rows = WAVE_ROWS };
    }
    course->request = (struct job_request){ .model = "m",
                                            .series = course->series,
                                            .n_series = WAVE_SERIES,
                                            .validation_fraction = 0.2,
                                            .gate = job_gate_default,
                                            .seed = 7 };
    gru_hyperparameters_init(&course->request.hyperparameters);
    course->request.hyperparameters.n_epochs = 30;
    course->request.hyperparameters.window = 16;
    course->request.hyperparameters.learning_rate = 0.01;
}

void course_make_long(struct course *course)
{
    course->request.hyperparameters.n_epochs = LONG_EPOCHS;
    course->request.hyperparameters.batch_size = 1;
    course->request.hyperparameters.window = 8;
    course->request.hyperparameters.early_stopping_patience = 0;
    course->request.hyperparameters.dropout = 0.1;
}

void course_make_endless(struct course *course)
{
    course_make_long(course);
    course->request.hyperparameters.n_epochs = 1000000;
    course->request.hyperparameters.batch_size = WAVE_SERIES;
}

void world_start_jobs(struct world *world)
{
    enum status status = service_start_jobs(world->service, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
}

void world_stop_jobs(struct world *world)
{
    service_stop_jobs(world->service);
}

void world_begin_course(struct world *world, struct course *course)
{
    world_init(world);
    world_use_data(world);
    world_start(world);
    world_start_jobs(world);
    course_init(course);
}

struct job course_start(struct world *world, const struct job_request *request)
{
    struct job job;
    service_context_turn(world->context);
    enum status status = job_create(world->context, request, &job, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    return job;
}

void expect_refused(struct world *world, const struct job_request *request, enum status status,
                    const char *param)
{
    struct job job;
    service_context_turn(world->context);
    enum status got = job_create(world->context, request, &job, &world->fault);
    ck_assert_msg(got == status, "%s instead of %s: %s", status_code(got), status_code(status),
                  got == STATUS_OK ? "" : world->fault.message);
    ck_assert_str_eq(world->fault.param, param);
}

struct job job_get(struct world *world, const char *id)
{
    struct job job;
    service_context_turn(world->context);
    enum status status = job_find(world->context, id, &job, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    return job;
}

struct job job_wait(struct world *world, const char *id, enum job_status status)
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        struct job job = job_get(world, id);
        if (job.status == status) {
            return job;
        }
        ck_assert_msg(!job_is_over(job.status), "the job is %s: %s %s", job_status_word(job.status),
                      job.error.message, job.promotion_reason);
        sleep_ms(1);
    }
    ck_abort_msg("the job has not become %s", job_status_word(status));
}

struct job job_wait_steps(struct world *world, const char *id, uint64_t step)
{
    struct job job = job_wait(world, id, JOB_RUNNING);
    while (job.status == JOB_RUNNING && job.step < step) {
        sleep_ms(1);
        job = job_get(world, id);
    }
    ck_assert_msg(job.status == JOB_RUNNING, "the job is %s", job_status_word(job.status));
    return job;
}

size_t job_get_events(struct world *world, const char *id, struct job_event *events, size_t room)
{
    size_t n;
    bool has_more;
    struct job job;
    service_context_turn(world->context);
    enum status status =
        job_events(world->context, id, 0, room, &job, events, &n, &has_more, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    return n;
}

bool job_has_event(struct world *world, const char *id, const char *words)
{
    enum { PAGE = 50 };
    struct job_event events[PAGE];
    struct job job;
    int64_t after = 0;
    size_t n = 0;
    bool has_more = true;
    while (has_more) {
        service_context_turn(world->context);
        enum status status =
            job_events(world->context, id, after, PAGE, &job, events, &n, &has_more, &world->fault);
        ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
        for (size_t k = 0; k < n; k++) {
            if (strstr(events[k].message, words)) {
                return true;
            }
            after = events[k].id;
        }
    }
    return false;
}

const struct version *job_version(struct world *world, const struct job *job)
{
    const struct version *version;
    enum status status =
        version_find(world_model(world), job->fine_tuned_version, &version, &world->fault);
    ck_assert_msg(status == STATUS_OK && job->fine_tuned_version > 0, "%s", world->fault.message);
    return version;
}

void expect_promotion(struct world *world, const char *id, enum job_promotion promotion,
                      const char *words)
{
    struct job job = job_get(world, id);
    ck_assert_msg(job.promotion == promotion, "%s: %s", job_promotion_word(job.promotion),
                  job.promotion_reason);
    ck_assert_msg(strstr(job.promotion_reason, words) != NULL, "%s", job.promotion_reason);
}

size_t job_count_series(struct world *world, const struct job *job)
{
    struct job_series *series;
    size_t n;
    struct job_database *job_database = world->service->job_database;
    enum status status = job_store_read_series(job_database_lock(job_database), job->number,
                                               &world->kept, &series, &n, &world->fault);
    job_database_unlock(job_database);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    return n;
}

void job_expect_forgotten(struct world *world, const struct job *job)
{
    for (int ms = 0; ms < 60000 && job_count_series(world, job) > 0; ms++) {
        sleep_ms(1);
    }
    ck_assert_uint_eq(job_count_series(world, job), 0);
}

void job_make_unfinished(struct world *world, struct job *job, const struct course *course)
{
    struct job_series rows[WAVE_SERIES];
    bool written;
    enum job_status now;
    for (size_t k = 0; k < WAVE_SERIES; k++) {
        rows[k] = (struct job_series){ .series = course->series[k], .x_width = INPUTS };
    }
    struct job_store *jobs = job_database_lock(world->service->job_database);
    job->status = JOB_RUNNING;
    job->promotion = JOB_NONE;
    job->fine_tuned_version = 0;
    ck_assert_int_eq(job_store_put_series(jobs, job->number, rows, WAVE_SERIES, &world->fault),
                     STATUS_OK);
    ck_assert_int_eq(
        job_store_update(jobs, job, JOB_SUCCEEDED, NULL, 0, &written, &now, &world->fault),
        STATUS_OK);
    job_database_unlock(world->service->job_database);
}

struct digest undisturbed_digest(const struct job_request *request)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    struct job job = course_start(&world, request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    struct digest digest = job_version(&world, &job)->digest;
    world_done(&world);
    return digest;
}

void expect_digest(struct digest a, struct digest b)
{
    ck_assert_msg(a.high == b.high && a.low == b.low, "the weights differ");
}

struct job course_start_long(struct world *world, struct course *course, bool has_data,
                             struct digest *ret_digest)
{
    course_init(course);
    course_make_long(course);
    *ret_digest = undisturbed_digest(&course->request);
    world_init(world);
    if (has_data) {
        world_use_data(world);
    }
    world_start(world);
    world_start_jobs(world);
    return course_start(world, &course->request);
}
