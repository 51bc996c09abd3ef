#include "service/job_database.h"

#include "base/log.h"
#include "service/internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum status ledger_create(const struct config *config, struct ledger **ret_ledger, struct fault *fault)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the jobs");
    }
    enum status status = jobs_open(config->data, &ledger->jobs, fault);
    if (status != STATUS_OK) {
        free(ledger);
        return status;
    }
    sem_init(&ledger->bell, 0, 0);
    pthread_mutex_init(&ledger->mutex, NULL);
    ledger->is_sweep_due = true;
    *ret_ledger = ledger;
    return STATUS_OK;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger) {
        return;
    }
    jobs_close(ledger->jobs);
    pthread_mutex_destroy(&ledger->mutex);
    sem_destroy(&ledger->bell);
    free(ledger);
}

struct jobs *ledger_lock(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->mutex);
    return ledger->jobs;
}

void ledger_unlock(struct ledger *ledger)
{
    pthread_mutex_unlock(&ledger->mutex);
}

void ledger_ring(struct ledger *ledger)
{
    sem_post(&ledger->bell);
}

void ledger_interrupt(struct ledger *ledger)
{
    atomic_fetch_add(&ledger->interruptions, 1);
    ledger_ring(ledger);
}

void ledger_note_change(struct ledger *ledger)
{
    atomic_fetch_add(&ledger->generation, 1);
}

void ledger_note_over_locked(struct ledger *ledger, int64_t number)
{
    if (ledger->n_over < LEDGER_OVER) {
        ledger->over[ledger->n_over++] = number;
    } else {
        ledger->is_sweep_due = true;
    }
}

/* Within a transaction. */
static enum status change(struct jobs *jobs, const struct job *job, enum job_status from,
                          struct job_event *events, size_t n_events, enum job_status *ret_status,
                          struct fault *fault)
{
    struct job now;
    bool written;
    enum status status = jobs_find(jobs, job->id, &now, fault);
    if (status != STATUS_OK || now.status != from) {
        *ret_status = status == STATUS_OK ? now.status : *ret_status;
        return status;
    }
    for (size_t k = 0; status == STATUS_OK && k < n_events; k++) {
        status = jobs_add_event(jobs, job->number, &events[k], fault);
    }
    return status == STATUS_OK ? jobs_update(jobs, job, from, &written, ret_status, fault) : status;
}

enum status ledger_change_locked(struct ledger *ledger, const struct job *job, enum job_status from,
                                 struct job_event *events, size_t n_events, enum job_status *ret_status,
                                 struct fault *fault)
{
    enum job_status now = from;
    enum status status = jobs_begin(ledger->jobs, fault);
    if (status == STATUS_OK) {
        status = change(ledger->jobs, job, from, events, n_events, &now, fault);
        status = jobs_end(ledger->jobs, status, fault);
    }
    if (status == STATUS_OK) {
        *ret_status = now;
        ledger_note_change(ledger);
    }
    return status;
}

enum status ledger_change(struct ledger *ledger, const struct job *job, enum job_status from,
                          struct job_event *events, size_t n_events, enum job_status *ret_status,
                          struct fault *fault)
{
    ledger_lock(ledger);
    enum status status = ledger_change_locked(ledger, job, from, events, n_events, ret_status, fault);
    ledger_unlock(ledger);
    return status;
}

void ledger_say(struct ledger *ledger, const struct job *job, struct job_event event)
{
    struct fault fault;
    struct job now;
    struct jobs *jobs = ledger_lock(ledger);
    enum status status = jobs_find(jobs, job->id, &now, &fault);
    if (status == STATUS_OK && !job_is_over(now.status)) {
        status = jobs_add_event(jobs, job->number, &event, &fault);
        ledger_note_change(ledger);
    }
    ledger_unlock(ledger);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "job_event_lost", LOG_STRING("job", job->id),
                  LOG_STRING("message", event.message), LOG_STRING("reason", fault.message));
    }
}

struct job_event ledger_message(enum job_event_level level, const char *format, ...)
{
    struct job_event event = { .created_at_ms = clock_now_ms(),
                               .level = level,
                               .train_loss = NAN,
                               .valid_loss = NAN,
                               .grad_norm = NAN,
                               .learning_rate = NAN };
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(event.message, sizeof event.message, format, arguments);
    va_end(arguments);
    fault_drop_partial_code_point(event.message); /* messages end with what may have been cut */
    return event;
}
