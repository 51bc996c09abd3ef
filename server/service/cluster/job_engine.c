#include "service/cluster/job_engine.h"

#include "base/clock.h"
#include "service/cluster/job_engine_data.h"
#include "store/job_deletion.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- one job ---- */

/* What a column that another build did not write is. */
static void set_defaults(struct job *job)
{
    *job = (struct job){ .metrics = { NAN, NAN, NAN, NAN, NAN, NAN } };
    gru_hyperparameters_init(&job->hyperparameters);
}

/* Of an entry with its number and its columns. *ret_job is written only if all of it is right. */
static enum status read_job(const struct cluster_reply *entry, struct job *ret_job,
                            struct fault *fault)
{
    struct job job;
    set_defaults(&job);
    if (entry->type != CLUSTER_LIST || entry->n != 2 || entry->list[0].type != CLUSTER_NUMBER) {
        return job_engine_damaged(fault);
    }
    const struct cluster_reply *columns = &entry->list[1];
    const struct cluster_reply *revision = job_engine_find_value(columns, "revision");
    job.number = entry->list[0].number;
    job.is_finishing = job_engine_find_value(columns, "finishing") != NULL;
    if (!job_engine_get_columns(columns, &job_columns, &job) || !revision ||
        !job_engine_get_number(revision, &job.revision) || job.id[0] == '\0' ||
        job.model[0] == '\0' || !job_row_is_valid(&job)) {
        return job_engine_damaged(fault);
    }
    *ret_job = job;
    return STATUS_OK;
}

/* By a number that is an answer. */
static enum status refuse_new(int64_t answer, const struct job *job, struct fault *fault)
{
    switch (answer) {
    case JOB_ENGINE_NO_UPLOAD:
        return job_engine_no_upload(fault);
    case JOB_ENGINE_HAS_ANOTHER:
        return job_store_refuse_another(job, fault);
    default:
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "there is a job %s already", job->id);
    }
}

static enum status take_new(const struct cluster_reply *reply, struct job *job,
                            const struct job_addition *addition, struct fault *fault)
{
    size_t n_jobs[JOB_N_STATUSES];
    if (reply->type == CLUSTER_NUMBER) {
        return refuse_new(reply->number, job, fault);
    }
    for (size_t k = 0; k < reply->n; k++) {
        if (reply->list[k].type != CLUSTER_NUMBER) {
            return job_engine_damaged(fault);
        }
        if (reply->n == JOB_N_STATUSES) {
            n_jobs[k] = (size_t)reply->list[k].number;
        }
    }
    if (reply->n == JOB_N_STATUSES) {
        enum status status = job_store_check_room(n_jobs, addition->most, fault);
        return status == STATUS_OK ? job_engine_damaged(fault) : status;
    }
    if (reply->n != 2) {
        return job_engine_damaged(fault);
    }
    job->number = reply->list[0].number;
    if (addition->event) {
        addition->event->id = reply->list[1].number;
    }
    return STATUS_OK;
}

/* The name under which a job is to be alone, and since when. */
static void put_alone(struct job_engine *jobs, const struct job *job, const int64_t *since_ms)
{
    char name[sizeof job->model + sizeof job->metadata] = "";
    if (since_ms) {
        snprintf(name, sizeof name, "%s %s", job->model, job->metadata);
    }
    job_engine_put_word(jobs, name);
    engine_put_number(jobs->engine, since_ms ? job_engine_time(*since_ms) : 0);
}

static enum status job_engine_insert(struct job_store *store, struct job *job,
                                     const struct job_addition *addition, struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    const struct cluster_reply *reply;
    char upload[JOB_UPLOAD_NAME_MAX];
    enum status status =
        job_engine_upload_series(jobs, addition->series, addition->n_series, upload, fault);
    if (status == STATUS_OK) {
        status = job_engine_begin(jobs, CLUSTER_JOB_INSERT, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    job_engine_put_word(jobs, job->id);
    engine_put_number(jobs->engine, job->status);
    engine_put_number(jobs->engine, addition->most ? (int64_t)*addition->most : -1);
    job_engine_put_word(jobs, upload);
    put_alone(jobs, job, addition->alone_since_ms);
    engine_put_number(jobs->engine, (int64_t)addition->n_sessions);
    for (size_t k = 0; k < addition->n_sessions; k++) {
        job_engine_put_word(jobs, addition->sessions[k]);
    }
    if (addition->event) {
        job_engine_put_row(jobs, &event_columns, addition->event);
    } else {
        engine_put_number(jobs->engine, 0);
    }
    job_engine_put_columns(jobs, &job_columns, job);
    status = engine_call_one(jobs->engine, &reply, fault);
    return status == STATUS_OK ? take_new(reply, job, addition, fault) : status;
}

/* *ret_found false: the reply is the number 0. */
static enum status call_for_job(struct job_engine *jobs, bool *ret_found, struct job *ret_job,
                                struct fault *fault)
{
    const struct cluster_reply *reply;
    enum status status = job_engine_call(jobs, &reply, fault);
    const bool found = status == STATUS_OK && reply->type != CLUSTER_NUMBER;
    if (found) {
        status = read_job(reply, ret_job, fault);
    }
    if (status == STATUS_OK) {
        *ret_found = found;
    }
    return status;
}

static enum status job_engine_find(struct job_store *store, const char *id, struct job *ret_job,
                                   struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    bool found;
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_FIND, fault);
    if (status != STATUS_OK) {
        return status;
    }
    job_engine_put_word(jobs, id);
    status = call_for_job(jobs, &found, ret_job, fault);
    return status == STATUS_OK && !found
               ? fault_set(fault, STATUS_JOB_NOT_FOUND, NULL, "there is no job %s", id)
               : status;
}

static bool get_status(const struct cluster_reply *reply, enum job_status *ret_status)
{
    const bool is_one =
        reply->type == CLUSTER_NUMBER && reply->number >= 0 && reply->number <= JOB_ELSEWHERE;
    *ret_status = is_one ? (enum job_status)reply->number : JOB_ELSEWHERE;
    return is_one;
}

static enum status take_update(const struct cluster_reply *reply, struct job_event *events,
                               size_t n_events, bool *ret_written, enum job_status *ret_status,
                               struct fault *fault)
{
    enum job_status now;
    if (reply->type == CLUSTER_NUMBER) {
        return job_engine_gone(fault);
    }
    const bool has_both = reply->n >= 2 && reply->list[0].type == CLUSTER_NUMBER;
    if (!has_both || !get_status(&reply->list[1], &now)) {
        return job_engine_damaged(fault);
    }
    for (size_t k = 0; k < n_events && k + 2 < reply->n; k++) {
        events[k].id = reply->list[k + 2].number;
    }
    *ret_written = reply->list[0].number == 1;
    *ret_status = now;
    return STATUS_OK;
}

static enum status job_engine_update(struct job_store *store, const struct job *job,
                                     enum job_status from, struct job_event *events,
                                     size_t n_events, bool *ret_written,
                                     enum job_status *ret_status, struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    const struct cluster_reply *reply;
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_UPDATE, fault);
    if (status != STATUS_OK) {
        return status;
    }
    job_engine_put_node(jobs, job->number);
    engine_put_number(jobs->engine, job->revision);
    engine_put_number(jobs->engine, from);
    engine_put_number(jobs->engine, job->status);
    engine_put_number(jobs->engine, job_engine_time(job->finished_at_ms));
    engine_put_number(jobs->engine, (int64_t)n_events);
    for (size_t k = 0; k < n_events; k++) {
        job_engine_put_row(jobs, &event_columns, &events[k]);
    }
    job_engine_put_columns(jobs, &job_life_columns, job);
    status = engine_call_one(jobs->engine, &reply, fault);
    return status == STATUS_OK
               ? take_update(reply, events, n_events, ret_written, ret_status, fault)
               : status;
}

static enum status job_engine_confirm(struct job_store *store, struct fault *fault)
{
    return engine_call_wait(job_engine_of(store)->engine, fault);
}

/* ---- the job that this node works at ---- */

static enum status job_engine_take(struct job_store *store, bool *ret_found, struct job *ret_job,
                                   struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_TAKE, fault);
    if (status != STATUS_OK) {
        return status;
    }
    job_engine_put_word(jobs, jobs->node);
    return call_for_job(jobs, ret_found, ret_job, fault);
}

static enum status job_engine_claim(struct job_store *store, int64_t number,
                                    enum job_status *ret_status, struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    const struct cluster_reply *reply;
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_CLAIM, fault);
    if (status != STATUS_OK) {
        return status;
    }
    job_engine_put_node(jobs, number);
    status = job_engine_call(jobs, &reply, fault);
    if (status == STATUS_OK && !get_status(reply, ret_status)) {
        return job_engine_gone(fault);
    }
    return status;
}

static enum status job_engine_release(struct job_store *store, int64_t number, struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    int64_t done;
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_RELEASE, fault);
    if (status != STATUS_OK) {
        return status;
    }
    job_engine_put_node(jobs, number);
    return job_engine_call_number(jobs, &done, fault);
}

static enum status job_engine_look(struct job_store *store, int64_t number,
                                   struct job_store_look *ret_look, struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    const struct cluster_reply *reply;
    struct job_store_look look = { 0 };
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_LOOK, fault);
    if (status != STATUS_OK) {
        return status;
    }
    job_engine_put_node(jobs, number);
    status = job_engine_call_list(jobs, &reply, fault);
    bool fits = status == STATUS_OK && reply->n == JOB_N_STATUSES + 2;
    for (size_t k = 0; fits && k < reply->n; k++) {
        fits = reply->list[k].type == CLUSTER_NUMBER && reply->list[k].number >= 0;
    }
    if (status == STATUS_OK && (!fits || !get_status(&reply->list[reply->n - 1], &look.status))) {
        status = job_engine_damaged(fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    jobs->at_work = look.status == JOB_ELSEWHERE ? 0 : number;
    jobs->looked_at_ms = clock_monotonic_ms();
    look.generation = (uint64_t)reply->list[0].number;
    for (size_t k = 0; k < JOB_N_STATUSES; k++) {
        look.n_by_status[k] = (size_t)reply->list[k + 1].number;
    }
    *ret_look = look;
    return STATUS_OK;
}

/* ---- many jobs ---- */

static enum status job_engine_count(struct job_store *store, size_t n_by_status[JOB_N_STATUSES],
                                    struct fault *fault)
{
    struct job_store_look look;
    enum status status = job_engine_look(store, 0, &look, fault);
    if (status == STATUS_OK) {
        memcpy(n_by_status, look.n_by_status, sizeof look.n_by_status);
    }
    return status;
}

/* Some of them, from *below on; *below 0: these were all. */
static enum status list_some(struct job_engine *jobs, const struct job_filter *filter,
                             int64_t *below, size_t limit, const struct cluster_reply **ret_jobs,
                             struct fault *fault)
{
    char from[24];
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_LIST, fault);
    if (status != STATUS_OK) {
        return status;
    }
    snprintf(from, sizeof from, "(%" PRId64, *below);
    job_engine_put_word(jobs, *below < INT64_MAX ? from : "+inf");
    job_engine_put_word(jobs, filter->model ? filter->model : "");
    engine_put_number(jobs->engine, filter->status);
    engine_put_number(jobs->engine, limit < INT32_MAX ? (int64_t)limit : INT32_MAX);
    status = job_engine_call_list(jobs, ret_jobs, fault);
    if (status == STATUS_OK &&
        ((*ret_jobs)->n == 0 || (*ret_jobs)->list[0].type != CLUSTER_NUMBER ||
         (*ret_jobs)->list[0].number >= *below)) {
        return job_engine_damaged(fault);
    }
    if (status == STATUS_OK) {
        *below = (*ret_jobs)->list[0].number;
    }
    return status;
}

static enum status job_engine_list(struct job_store *store, const struct job_filter *filter,
                                   size_t limit, struct job *ret_jobs, size_t *ret_n,
                                   bool *ret_has_more, struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    struct job after = { .number = INT64_MAX };
    const struct cluster_reply *some;
    size_t n = 0;
    bool has_more = false;
    enum status status =
        filter->after ? job_engine_find(store, filter->after, &after, fault) : STATUS_OK;
    int64_t below = after.number;
    while (status == STATUS_OK && below != 0 && !has_more) {
        status = list_some(jobs, filter, &below, limit - n + 1, &some, fault);
        for (size_t k = 1; status == STATUS_OK && k < some->n && !has_more; k++) {
            has_more = n == limit;
            status = has_more ? STATUS_OK : read_job(&some->list[k], &ret_jobs[n++], fault);
        }
    }
    if (status == STATUS_OK) {
        *ret_n = n;
        *ret_has_more = has_more;
    }
    return status;
}

/* All of it at once: where many events are, the engine frees them aside. */
static enum status job_engine_delete_ended(struct job_store *store, int64_t before_ms,
                                           bool *ret_found, enum job_status *ret_status,
                                           struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    const struct cluster_reply *reply;
    enum job_status was;
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_DELETE_ENDED, fault);
    if (status != STATUS_OK) {
        return status;
    }
    engine_put_number(jobs->engine, job_engine_time(before_ms));
    status = job_engine_call(jobs, &reply, fault);
    if (status == STATUS_OK && !get_status(reply, &was)) {
        status = job_engine_damaged(fault);
    }
    if (status == STATUS_OK) {
        *ret_found = was != JOB_ELSEWHERE;
        *ret_status = was;
    }
    return status;
}

/* ---- the whole ---- */

static enum status job_engine_probe(struct job_store *store, struct fault *fault)
{
    struct job_store_look look;
    return job_engine_look(store, 0, &look, fault);
}

static void job_engine_close(struct job_store *store)
{
    struct job_engine *jobs = job_engine_of(store);
    engine_free(jobs->engine);
    free(jobs);
}

static const struct job_store_methods methods = { .close = job_engine_close,
                                                  .probe = job_engine_probe,
                                                  .insert = job_engine_insert,
                                                  .find = job_engine_find,
                                                  .take = job_engine_take,
                                                  .claim = job_engine_claim,
                                                  .release = job_engine_release,
                                                  .look = job_engine_look,
                                                  .count = job_engine_count,
                                                  .list = job_engine_list,
                                                  .update = job_engine_update,
                                                  .confirm = job_engine_confirm,
                                                  .put_series = job_engine_put_series,
                                                  .read_series = job_engine_read_series,
                                                  .read_sessions = job_engine_read_sessions,
                                                  .forget_data = job_engine_forget_data,
                                                  .add_event = job_engine_add_event,
                                                  .list_events = job_engine_list_events,
                                                  .add_checkpoint = job_engine_add_checkpoint,
                                                  .read_state = job_engine_read_state,
                                                  .list_checkpoints = job_engine_list_checkpoints,
                                                  .delete_ended = job_engine_delete_ended };

enum status job_engine_open(struct cluster_target *target, struct job_store **ret_jobs,
                            struct fault *fault)
{
    struct job_engine *jobs = calloc(1, sizeof *jobs);
    uint64_t random;
    if (!jobs || getrandom(&random, sizeof random, 0) != sizeof random) {
        free(jobs);
        return fault_set(fault, STATUS_NO_MEMORY, NULL,
                         "there is not enough memory to open the jobs");
    }
    enum status status = engine_create(target, &jobs->engine, fault);
    if (status != STATUS_OK) {
        free(jobs);
        return status;
    }
    snprintf(jobs->node, sizeof jobs->node, "%016" PRIx64, random);
    jobs->store.methods = &methods;
    *ret_jobs = &jobs->store;
    return STATUS_OK;
}
