/* routes.c - THE table of routes: the router, GET /v1 and the tests read it. */
#include "http/routes.h"

#include "http/api.h"

#define MODEL   "/v1/models/{model}"
#define VERSION MODEL "/versions/{version}"
#define SESSION MODEL "/sessions/{session}"
#define JOBS    "/v1/fine_tuning/jobs"
#define JOB     JOBS "/{id}"

// clang-format off
const struct route http_routes[] = {
    { "GET", "/healthz", .handle = api_health, .scope = SCOPE_NONE,
      .summary = "200 while the process lives" },
    { "GET", "/readyz", .handle = api_ready, .scope = SCOPE_NONE,
      .summary = "200 when models are loaded and sessions restored, 503 while draining" },
    { "GET", "/metrics", .handle = api_metrics, .scope = SCOPE_READ,
      .summary = "figures in Prometheus' text format" },
    { "GET", "/v1", .handle = api_index, .scope = SCOPE_READ,
      .summary = "name, version and routes" },

    { "GET", "/v1/models", .handle = api_models_list, .scope = SCOPE_READ,
      .summary = "all models" },
    { "GET", MODEL, .handle = api_model_get, .scope = SCOPE_READ,
      .summary = "one model: inputs, outputs, layers, versions" },
    { "PUT", MODEL, .handle = api_model_put, .body = BODY_OCTETS, .scope = SCOPE_ADMIN, .is_heavy = true,
      .summary = "uploads a safetensors file as a new version" },
    { "GET", VERSION "/file", .handle = api_version_file, .scope = SCOPE_READ, .is_heavy = true,
      .summary = "a version's safetensors file" },
    { "POST", VERSION "/activate", .handle = api_version_activate, .body = BODY_EMPTY_OR_JSON, .scope = SCOPE_ADMIN,
      .summary = "switches the model over to a version; live sessions are re-warmed" },
    { "DELETE", VERSION, .handle = api_version_delete, .scope = SCOPE_ADMIN,
      .summary = "deletes a version that is not active" },

    { "POST", SESSION "/step", .handle = api_step, .finish = api_step_finish, .body = BODY_JSON, .scope = SCOPE_PREDICT,
      .summary = "one reading in, the model's output and a forecast out" },
    { "POST", MODEL "/steps", .handle = api_steps, .finish = api_steps_finish, .upload = api_steps_upload,
      .body = BODY_STEPS, .scope = SCOPE_PREDICT,
      .summary = "readings of many sessions in one request" },
    { "GET", MODEL "/sessions", .handle = api_sessions_list, .scope = SCOPE_READ,
      .summary = "sessions in the order of their ids (prefix, limit, after)" },
    { "GET", SESSION, .handle = api_session_get, .scope = SCOPE_READ,
      .summary = "one session with its hidden state and error statistics" },
    { "PUT", SESSION, .handle = api_session_put, .body = BODY_JSON, .scope = SCOPE_PREDICT,
      .summary = "restores what GET gave, or creates a session" },
    { "DELETE", SESSION, .handle = api_session_delete, .scope = SCOPE_PREDICT,
      .summary = "ends a session" },
    { "POST", SESSION "/fork", .handle = api_session_fork, .body = BODY_JSON, .scope = SCOPE_PREDICT,
      .summary = "a copy of a session that steps on its own" },
    { "POST", SESSION "/forecast", .handle = api_session_forecast, .finish = api_session_forecast_finish, .body = BODY_JSON, .scope = SCOPE_PREDICT,
      .summary = "looks ahead without a reading; changes nothing" },

    { "POST", MODEL "/predict", .handle = api_predict, .finish = api_predict_finish, .body = BODY_JSON, .scope = SCOPE_PREDICT, .is_heavy = true,
      .summary = "whole sequences in, predictions out" },

    { "POST", JOBS, .handle = api_job_create, .upload = api_job_upload, .body = BODY_TRAINING, .scope = SCOPE_TRAIN, .is_heavy = true,
      .summary = "trains a copy of a model; as application/x-ndjson: the job, then a series per line" },
    { "GET", JOBS, .handle = api_jobs_list, .scope = SCOPE_READ,
      .summary = "fine-tuning jobs, newest first (after, limit, model, status)" },
    { "GET", JOB, .handle = api_job_get, .scope = SCOPE_READ,
      .summary = "one job: status, progress, metrics, promotion" },
    { "POST", JOB "/cancel", .handle = api_job_cancel, .body = BODY_EMPTY_OR_JSON, .scope = SCOPE_TRAIN,
      .summary = "ends a job" },
    { "POST", JOB "/pause", .handle = api_job_pause, .body = BODY_EMPTY_OR_JSON, .scope = SCOPE_TRAIN,
      .summary = "lets a job rest, with what it has learnt" },
    { "POST", JOB "/resume", .handle = api_job_resume, .body = BODY_EMPTY_OR_JSON, .scope = SCOPE_TRAIN,
      .summary = "lets a paused job go on" },
    { "GET", JOB "/events", .handle = api_job_events, .scope = SCOPE_READ,
      .summary = "what happened, oldest first (after, limit); live as text/event-stream" },
    { "GET", JOB "/checkpoints", .handle = api_job_checkpoints, .scope = SCOPE_READ,
      .summary = "where a job can be resumed from, newest first (after, limit)" },
};
// clang-format on

const size_t http_n_routes = sizeof http_routes / sizeof *http_routes;
