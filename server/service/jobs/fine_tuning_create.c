/* fine_tuning_create.c - creates a job (fine_tuning.h): everything that can be checked at once is
 * checked before it is stored. */
#include "base/clock.h"
#include "base/log.h"
#include "service/degraded.h"
#include "service/job_database.h"
#include "service/jobs/fine_tuning.h"
#include "service/jobs/training_set.h"
#include "service/models/models.h"
#include "service/names.h"
#include "service/service_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- the request ---- */

static bool has_validation(const struct job_request *request)
{
    return request->n_validation > 0 || request->validation_fraction > 0;
}

static enum status check_texts(const struct job_request *request, struct fault *fault)
{
    if (request->suffix && strlen(request->suffix) > JOB_SUFFIX_MAX) {
        return fault_set(fault, STATUS_INVALID_VALUE, "suffix", "'suffix' may have %d bytes",
                         JOB_SUFFIX_MAX);
    }
    if (request->metadata && strlen(request->metadata) > JOB_METADATA_MAX) {
        return fault_set(fault, STATUS_INVALID_VALUE, "metadata",
                         "'metadata' may have %d bytes as JSON text", JOB_METADATA_MAX);
    }
    return STATUS_OK;
}

static enum status check_promotion(const struct job_request *request, struct fault *fault)
{
    const struct {
        const char *path;
        double value;
    } shares[] = { { "promotion.min_relative_gain", request->gate.min_relative_gain },
                   { "promotion.confidence", request->gate.confidence } };
    for (size_t k = 0; k < sizeof shares / sizeof *shares; k++) {
        if (!(shares[k].value >= 0 && shares[k].value < 1)) {
            return fault_set(fault, STATUS_INVALID_VALUE, shares[k].path,
                             "'%s' must be at least 0 and below 1, not %g", shares[k].path,
                             shares[k].value);
        }
    }
    if (request->has_policy && request->policy == JOB_AUTO && !has_validation(request)) {
        return fault_set(
            fault, STATUS_INVALID_VALUE, "promotion.policy",
            "the policy 'auto' compares validation losses, and there is no 'validation'");
    }
    return STATUS_OK;
}

/* Whether they recorded anything is found out when that is gathered. */
static enum status check_sessions(const struct service *service, const struct job_request *request,
                                  struct fault *fault)
{
    if (service->config->record == 0) {
        return fault_set(fault, STATUS_RECORDING_OFF, NULL,
                         "sessions record nothing: start grud with --record ROWS");
    }
    if (request->n_sessions == 0) {
        return fault_set(fault, STATUS_INVALID_VALUE, "training.sessions",
                         "'training.sessions' is empty");
    }
    for (size_t k = 0; k < request->n_sessions; k++) {
        const char *id = request->sessions[k];
        char param[64] = "training.sessions_prefix";
        bool is_prefix = request->source == JOB_SESSIONS_PREFIX;
        if ((is_prefix && id[0] == '\0') || session_id_is_valid(id, strlen(id))) {
            continue;
        }
        if (!is_prefix) {
            snprintf(param, sizeof param, "training.sessions[%zu]", k);
        }
        return fault_set(fault, STATUS_INVALID_VALUE, param,
                         "'%s' must be of 1 to %d characters of A-Z a-z 0-9 . _ ~ : -", param,
                         SESSION_ID_MAX);
    }
    return STATUS_OK;
}

static enum status check_hyperparameters(const struct job_request *request,
                                         const struct gru_model *gru, struct fault *fault)
{
    struct gru_error error = { .message = "" };
    enum gru_status status = gru_hyperparameters_check(&request->hyperparameters, gru, &error);
    if (status != GRU_OK) {
        return fault_set(fault, status_of_gru(status), error.param, "%s",
                         error.message[0] ? error.message : gru_status_text(status));
    }
    double fraction = request->validation_fraction;
    if (!(fraction >= 0 && fraction < 1)) {
        return fault_set(fault, STATUS_INVALID_VALUE, "validation.fraction",
                         "'validation.fraction' must be at least 0 and below 1, not %g", fraction);
    }
    return STATUS_OK;
}

static enum status check_recipe(const struct job_request *request, struct fault *fault)
{
    return request->recipe == JOB_RECIPE_NONE || has_validation(request)
               ? STATUS_OK
               : fault_set(fault, STATUS_INVALID_VALUE, "validation",
                           "'validation' must not be null beside 'recipe': forecasts of the "
                           "validation part are what it chooses by");
}

static enum status check_request(const struct service *service, const struct job_request *request,
                                 const struct gru_model *gru, struct fault *fault)
{
    enum status status = check_texts(request, fault);
    if (status == STATUS_OK) {
        status = check_hyperparameters(request, gru, fault);
    }
    if (status == STATUS_OK) {
        status = check_recipe(request, fault);
    }
    if (status == STATUS_OK) {
        status = check_promotion(request, fault);
    }
    if (status == STATUS_OK && request->source != JOB_SERIES) {
        status = check_sessions(service, request, fault);
    }
    return status;
}

/* ---- the job ---- */

/* "ftjob-" and 24 characters; false: the kernel has no randomness to give. */
static bool make_id(char id[JOB_ID_MAX + 1])
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    enum { N_CHARACTERS = 24, N_FAIR = 252 /* the largest multiple of 36 that a byte holds */ };
    size_t n = (size_t)snprintf(id, JOB_ID_MAX + 1, "ftjob-");
    size_t end = n + N_CHARACTERS;
    while (n < end) {
        uint8_t bytes[32];
        ssize_t got = getrandom(bytes, sizeof bytes, 0);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        for (ssize_t k = 0; k < got && n < end; k++) {
            if (bytes[k] < N_FAIR) {
                id[n++] = characters[bytes[k] % (sizeof characters - 1)];
            }
        }
    }
    id[n] = '\0';
    return true;
}

static struct job make_job(const struct job_request *request, const struct version *version)
{
    struct job job = { .base_version = version->number,
                       .base_digest = version->digest,
                       .created_at_ms = clock_steady_ms(),
                       .source = request->source,
                       .validation_fraction = request->validation_fraction,
                       .hyperparameters = request->hyperparameters,
                       .seed = request->seed,
                       .policy = request->has_policy       ? request->policy
                                 : has_validation(request) ? JOB_AUTO
                                                           : JOB_MANUAL,
                       .gate = request->gate,
                       .max_seconds = request->max_seconds,
                       .dry_run = request->dry_run,
                       .recipe = request->recipe,
                       .status = request->source == JOB_SERIES ? JOB_QUEUED : JOB_VALIDATING,
                       .metrics = no_metrics };
    if (job.recipe != JOB_RECIPE_NONE) { /* what it aims at is what its version is judged by */
        job.recipe_horizon = request->recipe_horizon;
        job.hyperparameters.horizon_loss = (size_t)request->recipe_horizon;
        job.max_seconds = request->max_seconds > 0 ? request->max_seconds : JOB_RECIPE_SECONDS;
    }
    snprintf(job.model, sizeof job.model, "%s", request->model);
    snprintf(job.suffix, sizeof job.suffix, "%s", request->suffix ? request->suffix : "");
    snprintf(job.metadata, sizeof job.metadata, "%s", request->metadata ? request->metadata : "");
    return job;
}

/* Jobs that are paused wait as well: they keep their data, and may be resumed. */
static enum status enqueue(struct service *service, struct job *job, const struct job_series *rows,
                           size_t n_rows, const struct job_request *request,
                           struct job_event *event, struct fault *fault)
{
    struct job_database *job_database = service->job_database;
    const size_t most = service->config->job_max; /* it may change */
    const struct job_addition addition = { .series = rows,
                                           .n_series = n_rows,
                                           .sessions = request->sessions,
                                           .n_sessions =
                                               job->source == JOB_SERIES ? 0 : request->n_sessions,
                                           .event = event,
                                           .most = &most,
                                           .alone_since_ms = request->alone_since_ms };
    enum status status = job_store_insert(job_database_lock(job_database), job, &addition, fault);
    if (status == STATUS_OK) {
        job_database_note_new_locked(job_database, job->status);
    }
    job_database_unlock(job_database);
    job_database_wake(job_database);
    return status;
}

/* Checks the posted data, and makes them rows; both are the caller's to free. */
static enum status take_series(const struct service *service, const struct job_request *request,
                               const struct gru_model *gru, struct job *job,
                               struct job_series **ret_rows, size_t *ret_n,
                               struct job_event *ret_event, struct fault *fault)
{
    const struct training_set training_set = { .series = request->series,
                                               .n_series = request->source == JOB_SERIES
                                                               ? request->n_series
                                                               : 0,
                                               .validation = request->validation,
                                               .n_validation = request->n_validation };
    struct gru_training_info info;
    struct gru_training training = training_set_training(job, &training_set);
    if (request->source == JOB_SERIES) {
        enum status status = training_set_check(service->config, job, gru, &training, &info, fault);
        if (status != STATUS_OK) {
            return status;
        }
        job->n_steps = info.n_steps;
        *ret_event = training_set_describe(gru, &training, &info);
    } else {
        *ret_event =
            job_database_message(JOB_EVENT_INFO, "what the sessions recorded is to be gathered");
    }
    *ret_rows =
        training_set_to_rows(&training_set, gru_model_info(gru), &job->hyperparameters, ret_n);
    return *ret_rows ? STATUS_OK
                     : fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the job's data");
}

enum status job_create(struct service_context *context, const struct job_request *request,
                       struct job *ret_job, struct fault *fault)
{
    struct service *service = context->service;
    const struct model *model;
    const struct version *version;
    enum status status = model_find(context, request->model, &model, fault);
    if (status == STATUS_OK) {
        status = model_check_causal(model, fault);
    }
    if (status == STATUS_OK) {
        status = version_find(model, request->version, &version, fault);
    }
    if (status == STATUS_OK) {
        status = check_request(service, request, version->gru, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct job job = make_job(request, version);
    struct job_series *rows;
    size_t n_rows;
    struct job_event event;
    if (!make_id(job.id)) {
        return fault_set(fault, STATUS_INTERNAL, NULL, "no random number for the job's id");
    }
    status = take_series(service, request, version->gru, &job, &rows, &n_rows, &event, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = enqueue(service, &job, rows, n_rows, request, &event, fault);
    free(rows);
    degraded_settle(service, DEGRADED_JOBS, status);
    if (status == STATUS_OK) {
        log_event(LOG_INFO, "job_created", LOG_STRING("job", job.id),
                  LOG_STRING("model", job.model), LOG_INT("version", job.base_version));
        *ret_job = job;
        status = job_database_confirm(service->job_database, fault);
    }
    return status;
}
