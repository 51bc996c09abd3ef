/* gather.c - a job that is validating: what its sessions recorded becomes its training data. */
#include "base/log.h"
#include "service/jobs/job_thread.h"
#include "service/jobs/training_set.h"
#include "service/sessions/recorder.h"

#include <stdlib.h>

struct gathering {
    struct clerk *clerk;
    struct job *job;
    struct gru_model *base;
    struct arena arena;
    struct material material;
    struct gru_training training;
    struct gru_training_info info;
    struct fault *fault;
    enum status status;
};

static enum status read_recordings(struct gathering *gathering, const char *const *sessions,
                                   size_t n_sessions, struct fault *fault)
{
    struct clerk *clerk = gathering->clerk;
    const struct job *job = gathering->job;
    struct recorder *recorder = clerk->service->recorder;
    struct gru_series *series;
    size_t n;
    if (!recorder) {
        return fault_set(fault, STATUS_RECORDING_OFF, NULL,
                         "sessions record nothing: start grud with --record ROWS");
    }
    enum status status = recorder_flush(recorder, fault);
    if (status == STATUS_OK) {
        status = recorder_read(recorder, job->model, gru_model_info(gathering->base)->n_inputs, job->source,
                               sessions, n_sessions, clerk->service->config->job_memory_max,
                               &gathering->arena, &series, &n, fault);
    }
    if (status == STATUS_REQUEST_TOO_LARGE) {
        return fault_set(fault, STATUS_JOB_TOO_LARGE, NULL, "%s", fault->message);
    }
    if (status == STATUS_OK) {
        gathering->material.series = series;
        gathering->material.n_series = n;
        if (n == 0) {
            return fault_set(fault, STATUS_INVALID_TRAINING, "training",
                             "no session recorded two readings in a row");
        }
    }
    return status;
}

/* The posted validation series stay; training series are those of a gathering that was interrupted. */
static enum status collect(struct gathering *gathering, struct fault *fault)
{
    struct ledger *ledger = gathering->clerk->ledger;
    int64_t number = gathering->job->number;
    const char *const *sessions;
    size_t n_sessions, n_rows;
    struct job_series *rows;
    struct jobs *jobs = ledger_lock(ledger);
    enum status status = jobs_read_sessions(jobs, number, &gathering->arena, &sessions, &n_sessions, fault);
    if (status == STATUS_OK) {
        status = jobs_read_series(jobs, number, &gathering->arena, &rows, &n_rows, fault);
    }
    ledger_unlock(ledger);
    if (status == STATUS_OK && !material_of_rows(rows, n_rows, &gathering->arena, &gathering->material)) {
        status = fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the job's data");
    }
    return status == STATUS_OK ? read_recordings(gathering, sessions, n_sessions, fault) : status;
}

/* On the trainer's thread: readings may be many. */
static void check(void *context)
{
    struct gathering *gathering = context;
    gathering->training = material_training(gathering->job, &gathering->material);
    gathering->status = material_check(gathering->clerk->service->config, gathering->base,
                                       &gathering->training, &gathering->info, gathering->fault);
}

static enum status keep(struct gathering *gathering, struct fault *fault)
{
    struct ledger *ledger = gathering->clerk->ledger;
    size_t n_rows;
    struct job_series *rows = material_to_rows(&gathering->material, gru_model_info(gathering->base),
                                               &gathering->job->hyperparameters, &n_rows);
    if (!rows) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the job's data");
    }
    enum status status = jobs_put_series(ledger_lock(ledger), gathering->job->number, rows, n_rows, fault);
    ledger_unlock(ledger);
    free(rows);
    return status;
}

static enum status gather(struct gathering *gathering, struct fault *fault)
{
    worker_turn(gathering->clerk->worker);
    enum status status = version_find_base(gathering->clerk->worker, gathering->job, &gathering->base, fault);
    if (status == STATUS_OK) {
        status = collect(gathering, fault);
    }
    if (status == STATUS_OK) {
        clerk_compute(gathering->clerk, check, gathering);
        status = gathering->status;
    }
    if (status == STATUS_OK) {
        status = keep(gathering, fault);
    }
    return status;
}

static enum status gather_once(struct clerk *clerk, struct job *job, struct fault *fault)
{
    struct gathering gathering = { .clerk = clerk, .job = job, .fault = fault };
    arena_init(&gathering.arena, SIZE_MAX);
    enum status status = gather(&gathering, fault);
    if (status == STATUS_OK) {
        enum job_status now;
        struct job_event event = material_describe(gathering.base, &gathering.training, &gathering.info);
        job->status = JOB_QUEUED;
        job->n_steps = gathering.info.n_steps;
        status = ledger_change(clerk->ledger, job, JOB_VALIDATING, &event, 1, &now, fault);
    }
    gru_model_unref(gathering.base);
    arena_done(&gathering.arena);
    return status;
}

void clerk_gather(struct clerk *clerk, struct job *job)
{
    struct fault fault = { .status = STATUS_OK };
    int attempt = 0;
    enum status status;
    do {
        status = gather_once(clerk, job, &fault);
    } while (status != STATUS_OK && clerk_waits_to_retry(clerk, job, &attempt, &fault));
    if (status != STATUS_OK) {
        clerk_fail_job(clerk, job, JOB_VALIDATING, &fault);
    }
}
