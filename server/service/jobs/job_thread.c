/* job_thread.c - the clerk's life: its thread, its chores, the queue. */
#include "service/jobs/job_thread.h"

#include "base/log.h"
#include "service/jobs/fine_tuning.h"
#include "service/sessions/recorder.h"
#include "base/wait.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CHORE_MS = 500,    /* how long a recorded reading may wait to be written */
    TROUBLE_MS = 1000, /* between attempts at what the database refuses */
    ATTEMPTS = 5       /* at what may be refused for good */
};

/* ---- chores ---- */

static void write_recorded(struct clerk *clerk)
{
    struct fault fault; /* the recorder logs what it cannot write, and keeps it */
    worker_turn(clerk->worker);
    if (wait_now_ms() - clerk->flushed_ms >= CHORE_MS) {
        enum status status = recorder_flush(clerk->service->recorder, &fault);
        trouble_settle(clerk->service, TROUBLE_RECORDINGS, status);
        clerk->flushed_ms = wait_now_ms();
    }
}

static void forget_data(struct clerk *clerk, int64_t number)
{
    struct fault fault;
    enum status status = jobs_forget_data(ledger_lock(clerk->ledger), number, &fault);
    ledger_unlock(clerk->ledger);
    if (status != STATUS_OK) {
        log_event(LOG_WARN, "job_data_not_deleted", LOG_INT("number", number),
                  LOG_STRING("reason", fault.message));
    }
}

/* Not of the job that the clerk is at, which may be about to write some more: later. */
static void forget_ended(struct clerk *clerk, int64_t number)
{
    if (number != clerk->at_work) {
        forget_data(clerk, number);
        return;
    }
    ledger_lock(clerk->ledger);
    ledger_note_over_locked(clerk->ledger, number);
    ledger_unlock(clerk->ledger);
}

/* Ended jobs keep data when the process was killed before it could forget them. */
static void sweep(struct clerk *clerk)
{
    enum { PAGE = 32 };
    struct job *page = calloc(PAGE, sizeof *page);
    char after[JOB_ID_MAX + 1] = "";
    bool has_more = page != NULL;
    while (has_more && !clerk_is_stopping(clerk)) {
        struct job_filter filter = { .after = after[0] ? after : NULL, .status = -1 };
        struct fault fault;
        size_t n;
        enum status status =
            jobs_list(ledger_lock(clerk->ledger), &filter, PAGE, page, &n, &has_more, &fault);
        ledger_unlock(clerk->ledger);
        if (status != STATUS_OK || n == 0) {
            break;
        }
        for (size_t k = 0; k < n; k++) {
            if (job_is_over(page[k].status)) {
                forget_ended(clerk, page[k].number);
            }
        }
        memcpy(after, page[n - 1].id, sizeof after);
        write_recorded(clerk);
    }
    free(page);
}

static void forget_all_ended(struct clerk *clerk)
{
    int64_t over[LEDGER_OVER];
    ledger_lock(clerk->ledger);
    size_t n = clerk->ledger->n_over;
    bool is_sweep_due = clerk->ledger->is_sweep_due;
    memcpy(over, clerk->ledger->over, sizeof over);
    clerk->ledger->n_over = 0;
    clerk->ledger->is_sweep_due = false;
    ledger_unlock(clerk->ledger);
    for (size_t k = 0; k < n; k++) {
        forget_ended(clerk, over[k]);
    }
    if (is_sweep_due) {
        sweep(clerk);
    }
}

/* Nobody may come by to write something: whether it would succeed is tried. */
static void probe(struct clerk *clerk)
{
    struct fault fault;
    if (service_has_trouble(clerk->service, TROUBLE_JOBS)) {
        enum status status = jobs_probe(ledger_lock(clerk->ledger), &fault);
        ledger_unlock(clerk->ledger);
        trouble_settle(clerk->service, TROUBLE_JOBS, status);
    }
}

static void do_chores(struct clerk *clerk)
{
    bool is_due = wait_now_ms() - clerk->flushed_ms >= CHORE_MS;
    write_recorded(clerk);
    if (is_due) { /* not between jobs only: one may run for days */
        forget_all_ended(clerk);
        probe(clerk);
    }
}

/* ---- waiting ---- */

void clerk_wait(struct clerk *clerk, int64_t ms)
{
    struct timespec until;
    int64_t chore_ms = clerk->flushed_ms + CHORE_MS - wait_now_ms();
    ms = ms < chore_ms ? ms : chore_ms;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (ms > 0 ? ms : 0) * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    if (sem_clockwait(&clerk->ledger->bell, CLOCK_MONOTONIC, &until) == 0) {
        while (sem_trywait(&clerk->ledger->bell) == 0) { /* one look answers all rings */
        }
    }
    do_chores(clerk);
}

void clerk_compute(struct clerk *clerk, void (*run)(void *argument), void *argument)
{
    trainer_begin(clerk->trainer, run, argument);
    do { /* once at least: chores are due however short the tasks are */
        clerk_wait(clerk, CHORE_MS);
    } while (!trainer_is_done(clerk->trainer));
}

/* ---- the end of a job ---- */

void clerk_note_trouble(struct clerk *clerk, const struct job *job, const struct fault *fault)
{
    if (!service_has_trouble(clerk->service, TROUBLE_JOBS)) {
        log_event(LOG_ERROR, "jobs_not_written", LOG_STRING("job", job ? job->id : NULL),
                  LOG_STRING("reason", fault->message));
    }
    trouble_begins(clerk->service, TROUBLE_JOBS);
}

bool clerk_waits_to_retry(struct clerk *clerk, const struct job *job, int *attempt, const struct fault *fault)
{
    if (!status_may_pass(fault->status) || ++*attempt == ATTEMPTS || clerk_is_stopping(clerk)) {
        return false;
    }
    log_event(LOG_WARN, "job_waits", LOG_STRING("job", job->id), LOG_STRING("reason", fault->message));
    clerk_wait(clerk, TROUBLE_MS);
    return !clerk_is_stopping(clerk);
}

bool clerk_end_job(struct clerk *clerk, struct job *job, enum job_status from, struct job_event *events,
                   size_t n_events)
{
    struct fault fault = { .status = STATUS_OK };
    enum job_status now = from;
    job->finished_at_ms = clock_now_ms();
    job->estimated_finish_ms = 0;
    for (;;) {
        enum status status = ledger_change(clerk->ledger, job, from, events, n_events, &now, &fault);
        if (status == STATUS_OK || status == STATUS_JOB_NOT_FOUND) {
            break;
        }
        clerk_note_trouble(clerk, job, &fault);
        if (clerk_is_stopping(clerk)) {
            return false;
        }
        clerk_wait(clerk, TROUBLE_MS);
    }
    if (now != job->status) {
        return false;
    }
    forget_data(clerk, job->number);
    return true;
}

void clerk_fail_job(struct clerk *clerk, struct job *job, enum job_status from, const struct fault *fault)
{
    const struct fault said = fault_for_clients(fault);
    struct job_event event = ledger_message(JOB_EVENT_ERROR, "%.*s", JOB_MESSAGE_MAX, said.message);
    if (clerk_is_stopping(clerk)) {
        return;
    }
    job->status = JOB_FAILED;
    job->error = said;
    if (clerk_end_job(clerk, job, from, &event, 1)) {
        log_event(LOG_WARN, "job_failed", LOG_STRING("job", job->id),
                  LOG_STRING("code", status_code(fault->status)), LOG_STRING("reason", fault->message));
    }
}

/* ---- the queue ---- */

static void *work(void *context)
{
    struct clerk *clerk = context;
    pthread_setname_np(pthread_self(), "clerk");
    while (!clerk_is_stopping(clerk)) {
        struct fault fault;
        struct job job;
        bool found = false;
        forget_all_ended(clerk);
        enum status status = jobs_next(ledger_lock(clerk->ledger), &found, &job, &fault);
        ledger_unlock(clerk->ledger);
        if (status != STATUS_OK) {
            clerk_note_trouble(clerk, NULL, &fault);
        }
        clerk->at_work = found ? job.number : 0;
        if (status != STATUS_OK || !found) {
            clerk_wait(clerk, status != STATUS_OK ? TROUBLE_MS : CHORE_MS);
        } else if (job.status == JOB_VALIDATING) {
            clerk_gather(clerk, &job);
        } else {
            clerk_run(clerk, &job);
        }
        clerk->at_work = 0;
    }
    atomic_store(&clerk->is_halted, true);
    while (!atomic_load(&clerk->is_ending)) {
        clerk_wait(clerk, CHORE_MS);
    }
    return NULL;
}

/* ---- life ---- */

static void clerk_free(struct clerk *clerk)
{
    trainer_free(clerk->trainer);
    worker_free(clerk->worker);
    free(clerk);
}

enum status service_start_jobs(struct service *service, struct fault *fault)
{
    struct clerk *clerk = calloc(1, sizeof *clerk);
    if (!clerk) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the jobs");
    }
    clerk->service = service;
    clerk->ledger = service->ledger;
    clerk->flushed_ms = wait_now_ms();
    clerk->trainer = trainer_create(&service->ledger->bell);
    if (!clerk->trainer || worker_create(service, &clerk->worker) != STATUS_OK ||
        pthread_create(&clerk->thread, NULL, work, clerk) != 0) {
        clerk_free(clerk);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "the threads for jobs cannot be started");
    }
    service->clerk = clerk;
    return STATUS_OK;
}

void service_halt_jobs(struct service *service)
{
    struct clerk *clerk = service->clerk;
    if (clerk) {
        atomic_store(&clerk->is_stopping, true);
        ledger_interrupt(clerk->ledger);
        trainer_hurry(clerk->trainer);
    }
}

bool service_jobs_are_halted(const struct service *service)
{
    return !service->clerk || atomic_load(&service->clerk->is_halted);
}

void service_stop_jobs(struct service *service)
{
    struct fault fault;
    struct clerk *clerk = service->clerk;
    service_halt_jobs(service);
    if (clerk) {
        atomic_store(&clerk->is_ending, true);
        ledger_ring(clerk->ledger);
        pthread_join(clerk->thread, NULL);
        clerk_free(clerk);
        service->clerk = NULL;
    }
    (void)!recorder_flush(service->recorder, &fault);
}
