#include "service/jobs/training_set_gather.h"

#include "service/job_database.h"
#include "service/jobs/training_set.h"
#include "service/models/trained_version.h"
#include "service/service_context.h"
#include "service/service_private.h"
#include "service/sessions/recorded_list.h"
#include "service/sessions/recorder.h"

#include <stdlib.h>

struct gathering {
    struct job_thread *job_thread;
    struct job *job;
    struct gru_model *base;
    struct arena arena;
    struct training_set training_set;
    struct gru_training training;
    struct gru_training_info info;
    struct fault *fault;
    enum status status;
};

/* What sessions have recorded may take long to come from the engine of a cluster. */
static void do_periodic_work(void *job_thread)
{
    job_thread_wait(job_thread, 0);
}

static enum status read_recordings(struct gathering *gathering, const char *const *sessions,
                                   size_t n_sessions, struct fault *fault)
{
    struct job_thread *job_thread = gathering->job_thread;
    const struct job *job = gathering->job;
    struct recorder *recorder = job_thread->service->recorder;
    const struct recorded_trips trips = { .engine = job_thread->context->engine,
                                          .between = do_periodic_work,
                                          .arg = job_thread };
    struct gru_series *series;
    size_t n;
    if (!recorder) {
        return fault_set(fault, STATUS_RECORDING_OFF, NULL,
                         "sessions record nothing: start grud with --record ROWS");
    }
    enum status status = recorder_flush(recorder, fault);
    if (status == STATUS_OK) {
        status = recorder_read(recorder, trips.engine ? &trips : NULL, job->model,
                               gru_model_info(gathering->base)->n_inputs, job->source, sessions,
                               n_sessions, job_thread->service->config->job_memory_max,
                               &gathering->arena, &series, &n, fault);
    }
    if (status == STATUS_REQUEST_TOO_LARGE) {
        return fault_set(fault, STATUS_JOB_TOO_LARGE, NULL, "%s", fault->message);
    }
    if (status == STATUS_OK) {
        gathering->training_set.series = series;
        gathering->training_set.n_series = n;
        if (n == 0) {
            return fault_set(fault, STATUS_INVALID_TRAINING, "training",
                             "no session recorded two readings in a row");
        }
    }
    return status;
}

/* The posted validation series stay; training series are those of a gathering that was
 * interrupted. */
static enum status collect(struct gathering *gathering, struct fault *fault)
{
    struct job_database *job_database = gathering->job_thread->job_database;
    int64_t number = gathering->job->number;
    const char *const *sessions;
    size_t n_sessions, n_rows;
    struct job_series *rows;
    struct job_store *jobs = job_database_lock(job_database);
    enum status status =
        job_store_read_sessions(jobs, number, &gathering->arena, &sessions, &n_sessions, fault);
    if (status == STATUS_OK) {
        status = job_store_read_series(jobs, number, &gathering->arena, &rows, &n_rows, fault);
    }
    job_database_unlock(job_database);
    if (status == STATUS_OK &&
        !training_set_of_rows(rows, n_rows, &gathering->arena, &gathering->training_set)) {
        status = fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the job's data");
    }
    return status == STATUS_OK ? read_recordings(gathering, sessions, n_sessions, fault) : status;
}

/* On the training thread: readings may be many. */
static void check(void *context)
{
    struct gathering *gathering = context;
    gathering->training = training_set_training(gathering->job, &gathering->training_set);
    gathering->status =
        training_set_check(gathering->job_thread->service->config, gathering->job, gathering->base,
                           &gathering->training, &gathering->info, gathering->fault);
}

static enum status keep(struct gathering *gathering, struct fault *fault)
{
    struct job_database *job_database = gathering->job_thread->job_database;
    size_t n_rows;
    struct job_series *rows =
        training_set_to_rows(&gathering->training_set, gru_model_info(gathering->base),
                             &gathering->job->hyperparameters, &n_rows);
    if (!rows) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the job's data");
    }
    enum status status = job_store_put_series(job_database_lock(job_database),
                                              gathering->job->number, rows, n_rows, fault);
    job_database_unlock(job_database);
    free(rows);
    return status;
}

static enum status gather(struct gathering *gathering, struct fault *fault)
{
    service_context_turn(gathering->job_thread->context);
    enum status status = trained_version_find_base(gathering->job_thread->context, gathering->job,
                                                   &gathering->base, fault);
    if (status == STATUS_OK) {
        status = collect(gathering, fault);
    }
    if (status == STATUS_OK) {
        job_thread_compute(gathering->job_thread, check, gathering);
        status = gathering->status;
    }
    if (status == STATUS_OK) {
        status = keep(gathering, fault);
    }
    return status;
}

static enum status gather_once(struct job_thread *job_thread, struct job *job, struct fault *fault)
{
    struct gathering gathering = { .job_thread = job_thread, .job = job, .fault = fault };
    arena_init(&gathering.arena, SIZE_MAX);
    enum status status = gather(&gathering, fault);
    if (status == STATUS_OK) {
        enum job_status now;
        struct job_event event =
            training_set_describe(gathering.base, &gathering.training, &gathering.info);
        job->status = JOB_QUEUED;
        job->n_steps = gathering.info.n_steps;
        status = job_database_change(job_thread->job_database, job, JOB_VALIDATING, &event, 1, &now,
                                     fault);
    }
    gru_model_unref(gathering.base);
    arena_done(&gathering.arena);
    return status;
}

void training_set_gather(struct job_thread *job_thread, struct job *job)
{
    struct fault fault = { .status = STATUS_OK };
    int attempt = 0;
    enum status status;
    do {
        status = gather_once(job_thread, job, &fault);
    } while (status != STATUS_OK && job_thread_waits_to_retry(job_thread, job, &attempt, &fault));
    if (status != STATUS_OK) {
        job_thread_fail_job(job_thread, job, JOB_VALIDATING, &fault);
    }
}
