/* routes.c - THE table of routes: the router, GET /v1, /metrics and the tests read it. */
#include "http/routes.h"

#include "http/api.h"

#define MODEL   "/v1/models/{model}"
#define VERSION MODEL "/versions/{version}"
#define SESSION MODEL "/sessions/{session}"
#define RULE    MODEL "/rules/{rule}"
#define JOBS    "/v1/fine_tuning/jobs"
#define JOB     JOBS "/{id}"

/* The media types and the schema of a body, and of a reply. */
#define TAKES(media, schema) .takes = (media), .body = SCHEMA_##schema
#define GIVES(media, schema) .gives = (media), .reply = SCHEMA_##schema
#define JSON                 MEDIA_SET_JSON
#define NDJSON               MEDIA_SET_NDJSON
#define OCTETS               MEDIA_SET_OCTETS
#define EVENTS               MEDIA_SET_EVENTS
#define PAGE_FILES           (MEDIA_SET_JAVASCRIPT | MEDIA_SET_CSS | MEDIA_SET_SVG)

/* What rows that name a version in their body, and those that forecast, refuse. */
#define VERSION_REFUSES STATUS_VERSION_NOT_FOUND, STATUS_VERSION_UNAVAILABLE
#define FORECAST_REFUSES                                                                           \
    STATUS_HORIZON_NOT_SUPPORTED, STATUS_NOT_CAUSAL, STATUS_NON_FINITE_RESULT,                     \
        STATUS_INCOMPATIBLE_MODEL

// clang-format off
const struct route http_routes[] = {
    { "GET", "/healthz", SCOPE_NONE, .handle = api_health, .is_probe = true, GIVES(JSON, HEALTH),
      .summary = "200 while the process lives" },
    { "GET", "/readyz", SCOPE_NONE, .handle = api_ready, .is_probe = true, GIVES(JSON, READINESS),
      .refuses = { STATUS_NOT_READY },
      .summary = "200 when models are loaded and sessions restored, 503 while draining" },
    { "GET", "/metrics", SCOPE_READ, .handle = api_metrics, GIVES(MEDIA_SET_METRICS, METRICS),
      .summary = "figures in Prometheus' text format" },
    { "GET", "/metrics/forecasts", SCOPE_READ, .handle = api_forecasts, .disk = DISK_LISTS,
      .queries = { "model", "prefix", "ahead", "limit" }, GIVES(MEDIA_SET_METRICS, METRICS),
      .refuses = { STATUS_MODEL_NOT_FOUND, STATUS_MODEL_UNAVAILABLE, STATUS_MODEL_UNREADABLE },
      .summary = "forecasts of single sessions, likewise (model, prefix, ahead, limit)" },
    { "GET", "/v1", SCOPE_READ, .handle = api_index, GIVES(JSON, INDEX),
      .summary = "name, version and routes" },
    { "GET", "/openapi.json", SCOPE_READ, .handle = api_openapi, .disk = DISK_LISTS,
      .is_heavy = true, GIVES(JSON, OPENAPI), .codes = { 200, 304 },
      .summary = "this API as an OpenAPI 3.1 document" },

    { "GET", "/", SCOPE_NONE, .handle = api_page, .is_page = true, GIVES(MEDIA_SET_HTML, PAGE),
      .codes = { 200, 304 }, .refuses = { STATUS_ROUTE_NOT_FOUND },
      .summary = "the page; without a key, since it asks for one itself" },
    { "GET", "/page/{file}", SCOPE_NONE, .handle = api_page_file, .is_page = true,
      GIVES(PAGE_FILES, PAGE_FILE), .codes = { 200, 304 }, .refuses = { STATUS_ROUTE_NOT_FOUND },
      .summary = "a file of the page" },
    { "GET", "/page/{folder}/{file}", SCOPE_NONE, .handle = api_page_file, .is_page = true,
      GIVES(PAGE_FILES, PAGE_FILE), .codes = { 200, 304 }, .refuses = { STATUS_ROUTE_NOT_FOUND },
      .summary = "a file of the page" },

    { "GET", "/v1/models", SCOPE_READ, .handle = api_models_list, GIVES(JSON, MODEL_LIST),
      .summary = "all models" },
    { "GET", MODEL, SCOPE_READ, .handle = api_model_get, GIVES(JSON, MODEL),
      .summary = "one model: inputs, outputs, layers, versions" },
    { "PUT", MODEL, SCOPE_ADMIN, .handle = api_model_put, .changes = true,
      .disk = DISK_MODELS, .is_heavy = true,
      TAKES(OCTETS, MODEL_FILE), GIVES(JSON, MODEL), .codes = { 201 },
      .refuses = { STATUS_INVALID_VALUE, STATUS_INVALID_MODEL, STATUS_INCOMPATIBLE_MODEL,
                   STATUS_NO_DATA_DIRECTORY },
      .summary = "uploads a safetensors file as a new version" },
    { "GET", VERSION "/file", SCOPE_READ, .handle = api_version_file,
      .disk = DISK_MODELS, .is_heavy = true,
      GIVES(OCTETS, MODEL_FILE), .refuses = { STATUS_FILE_GONE },
      .summary = "a version's safetensors file" },
    { "POST", VERSION "/activate", SCOPE_ADMIN, .handle = api_version_activate, .changes = true,
      .disk = DISK_MODELS,
      TAKES(JSON, EMPTY), GIVES(JSON, MODEL),
      .refuses = { STATUS_INCOMPATIBLE_MODEL, STATUS_INVALID_MODEL },
      .summary = "switches the model over to a version; live sessions are re-warmed" },
    { "DELETE", VERSION, SCOPE_ADMIN, .handle = api_version_delete, .changes = true,
      .disk = DISK_MODELS,
      .refuses = { STATUS_VERSION_ACTIVE, STATUS_VERSION_READ_ONLY },
      .summary = "deletes a version that is not active" },

    { "POST", SESSION "/step", SCOPE_PREDICT, .handle = api_step,
      .changes = true, .finish = api_step_finish, .is_read_aside = true,
      TAKES(JSON, STEP), GIVES(JSON, STEP_REPLY),
      .refuses = { STATUS_SEQUENCE_MISMATCH, STATUS_LATE_READING, STATUS_TOO_LATE,
                   STATUS_FILL_NOT_SUPPORTED, STATUS_AMEND_OFF, STATUS_SESSION_NOT_FOUND,
                   STATUS_MISSING_INPUT, STATUS_RECORDS_NOT_SUPPORTED, FORECAST_REFUSES },
      .summary = "one reading in, the model's output and a forecast out" },
    { "POST", MODEL "/steps", SCOPE_PREDICT, .handle = api_steps,
      .changes = true, .finish = api_steps_finish,
      .upload = api_steps_upload, .is_read_aside = true, TAKES(JSON | NDJSON, STEPS), GIVES(JSON | NDJSON, STEPS_REPLY),
      .summary = "readings of many sessions in one request" },
    { "GET", MODEL "/sessions", SCOPE_READ, .handle = api_sessions_list, .disk = DISK_LISTS,
      .queries = { "prefix", "limit", "after", "order" }, GIVES(JSON, SESSION_LIST),
      .summary = "sessions by id, or newest first (prefix, limit, after, order)" },
    { "GET", "/v1/sessions", SCOPE_READ, .handle = api_sessions_list_all, .disk = DISK_LISTS,
      .queries = { "prefix", "limit", "after", "order", "model" }, GIVES(JSON, SESSION_LIST),
      .refuses = { STATUS_MODEL_NOT_FOUND, STATUS_MODEL_UNAVAILABLE, STATUS_MODEL_UNREADABLE },
      .summary = "sessions of all models (prefix, limit, after, order, model)" },
    { "GET", SESSION, SCOPE_READ, .handle = api_session_get, .is_of_session = true, GIVES(JSON, SESSION),
      .summary = "one session with its hidden state and error statistics" },
    { "GET", SESSION "/readings", SCOPE_READ, .handle = api_session_readings, .disk = DISK_LISTS,
      .queries = { "limit", "before" }, GIVES(JSON, READING_LIST),
      .summary = "what the session took in and what had been forecast for it (limit, before)" },
    { "GET", SESSION "/events", SCOPE_READ, .handle = api_session_events, .is_of_session = true,
      GIVES(EVENTS, SESSION_EVENT), .summary = "the session's steps as they are made, live" },
    { "GET", MODEL "/events", SCOPE_READ, .handle = api_model_events, .queries = { "prefix" },
      GIVES(EVENTS, SESSION_EVENT),
      .summary = "the steps of all sessions of a model as they are made, live (prefix)" },
    { "PUT", SESSION, SCOPE_PREDICT, .handle = api_session_put, .is_of_session = true,
      .finish = api_session_put_finish, .changes = true, .is_read_aside = true,
      TAKES(JSON, SESSION_RESTORE), GIVES(JSON, SESSION), .codes = { 200, 201 },
      .refuses = { STATUS_DIGEST_MISMATCH, STATUS_MISSING_INPUT, STATUS_NON_FINITE_RESULT },
      .summary = "restores what GET gave, or creates a session" },
    { "DELETE", SESSION, SCOPE_PREDICT, .handle = api_session_delete, .is_of_session = true, .changes = true,
      .summary = "ends a session" },
    { "POST", SESSION "/fork", SCOPE_PREDICT, .handle = api_session_fork, .is_of_session = true,
      .finish = api_session_fork_finish, .changes = true, .is_read_aside = true,
      TAKES(JSON, FORK), GIVES(JSON, SESSION), .codes = { 201 },
      .refuses = { STATUS_SESSION_EXISTS },
      .summary = "a copy of a session that steps on its own" },
    { "POST", SESSION "/forecast", SCOPE_PREDICT, .handle = api_session_forecast, .is_of_session = true,
      .finish = api_session_forecast_finish, .is_read_aside = true,
      TAKES(JSON, FORECAST), GIVES(JSON, FORECAST_REPLY),
      .refuses = { STATUS_NO_READING, STATUS_MISSING_INPUT, STATUS_RECORDS_NOT_SUPPORTED,
                   FORECAST_REFUSES },
      .summary = "looks ahead without a reading; changes nothing" },

    { "POST", MODEL "/predict", SCOPE_PREDICT, .handle = api_predict, .finish = api_predict_finish,
      .is_heavy = true, .is_read_aside = true, TAKES(JSON, PREDICT), GIVES(JSON, PREDICT_REPLY),
      .refuses = { STATUS_MISSING_INPUT, STATUS_RECORDS_NOT_SUPPORTED, VERSION_REFUSES,
                   FORECAST_REFUSES },
      .summary = "whole sequences in, predictions out" },
    { "POST", MODEL "/evaluate", SCOPE_PREDICT, .handle = api_evaluate,
      .finish = api_evaluate_finish,
      .is_heavy = true, .is_read_aside = true, TAKES(JSON, EVALUATE), GIVES(JSON, EVALUATE_REPLY),
      .refuses = { STATUS_SERIES_TOO_SHORT, STATUS_MISSING_INPUT, VERSION_REFUSES,
                   FORECAST_REFUSES },
      .summary = "a back-test: how good forecasts from each row of a series would have been" },

    { "GET", MODEL "/rules", SCOPE_READ, .handle = api_rules_list, .disk = DISK_LISTS,
      GIVES(JSON, RULE_LIST), .summary = "the rules of a model, with how they do" },
    { "GET", RULE, SCOPE_READ, .handle = api_rule_get, .disk = DISK_LISTS, .queries = { "limit" },
      GIVES(JSON, RULE), .summary = "one rule, with the sessions in which it fires (limit)" },
    { "PUT", RULE, SCOPE_ADMIN, .handle = api_rule_put, .changes = true, .disk = DISK_JOBS,
      TAKES(JSON, RULE_WANTED), GIVES(JSON, RULE), .codes = { 200, 201 },
      .refuses = { STATUS_RULE_NOT_SUPPORTED, STATUS_RULES_FULL, STATUS_NOT_CAUSAL,
                   STATUS_HORIZON_NOT_SUPPORTED },
      .summary = "has a webhook posted when a condition on sessions begins or ends to be met" },
    { "DELETE", RULE, SCOPE_ADMIN, .handle = api_rule_delete, .changes = true, .disk = DISK_JOBS,
      .summary = "ends a rule, and what fires by it" },

    { "POST", JOBS, SCOPE_TRAIN, .handle = api_job_create, .changes = true,
      .disk = DISK_JOBS, .upload = api_job_upload,
      .is_heavy = true, .has_training_lines = true, TAKES(JSON | NDJSON, JOB_CREATE),
      GIVES(JSON, JOB), .codes = { 202 },
      .refuses = { STATUS_MODEL_NOT_FOUND, STATUS_MODEL_UNAVAILABLE, STATUS_MODEL_UNREADABLE, VERSION_REFUSES,
                   STATUS_SESSION_NOT_FOUND, STATUS_NOT_CAUSAL, STATUS_INVALID_TRAINING, STATUS_MISSING_INPUT,
                   STATUS_JOB_TOO_LARGE, STATUS_INCOMPATIBLE_MODEL, STATUS_SERIES_TOO_SHORT,
                   STATUS_NON_FINITE_RESULT, STATUS_RECORDING_OFF, STATUS_TRAINING_OFF,
                   STATUS_NO_DATA_DIRECTORY },
      .summary =
        "trains a copy of a model; as application/x-ndjson: the job, then a series per line" },
    { "GET", JOBS, SCOPE_READ, .handle = api_jobs_list, .disk = DISK_JOBS,
      .queries = { "after", "limit", "model", "status" }, GIVES(JSON, JOB_LIST),
      .refuses = { STATUS_JOB_NOT_FOUND },
      .summary = "fine-tuning jobs, newest first (after, limit, model, status)" },
    { "GET", JOB, SCOPE_READ, .handle = api_job_get, .disk = DISK_JOBS, GIVES(JSON, JOB),
      .summary = "one job: status, progress, metrics, promotion" },
    { "POST", JOB "/cancel", SCOPE_TRAIN, .handle = api_job_cancel, .changes = true,
      .disk = DISK_JOBS,
      TAKES(JSON, EMPTY), GIVES(JSON, JOB),
      .refuses = { STATUS_JOB_STATUS_CONFLICT },
      .summary = "ends a job" },
    { "POST", JOB "/pause", SCOPE_TRAIN, .handle = api_job_pause, .changes = true,
      .disk = DISK_JOBS,
      TAKES(JSON, EMPTY), GIVES(JSON, JOB),
      .refuses = { STATUS_JOB_STATUS_CONFLICT },
      .summary = "lets a job rest, with what it has learnt" },
    { "POST", JOB "/resume", SCOPE_TRAIN, .handle = api_job_resume, .changes = true,
      .disk = DISK_JOBS,
      TAKES(JSON, EMPTY), GIVES(JSON, JOB),
      .refuses = { STATUS_JOB_STATUS_CONFLICT },
      .summary = "lets a paused job go on" },
    { "GET", JOB "/events", SCOPE_READ, .handle = api_job_events, .disk = DISK_JOBS,
      .queries = { "after", "limit" }, GIVES(JSON | EVENTS, EVENT_LIST),
      .codes = { 200, 204 },
      .summary = "what happened, oldest first (after, limit); live as text/event-stream" },
    { "GET", JOB "/checkpoints", SCOPE_READ, .handle = api_job_checkpoints, .disk = DISK_JOBS,
      .queries = { "after", "limit" }, GIVES(JSON, CHECKPOINT_LIST),
      .summary = "where a job can be resumed from, newest first (after, limit)" },
};
// clang-format on

const size_t http_n_routes = sizeof http_routes / sizeof *http_routes;
