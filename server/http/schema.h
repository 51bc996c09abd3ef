/*
 * schema.h - names for what bodies and replies hold, each with its schema (codec/schemas.h). Rows
 * of the table of routes refer to them, so a name that is misspelled, or has no schema, does not
 * compile. Constant; any thread.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#include "codec/schemas.h"

#define SCHEMA_TABLE(X)                                                                            \
    X(ERROR, codec_error_reply)                                                                    \
    X(EMPTY, codec_no_body) /* an object without fields, or no body */                             \
    X(HEALTH, codec_health_reply)                                                                  \
    X(READINESS, codec_readiness_reply)                                                            \
    X(PAGE, codec_page)                                                                            \
    X(PAGE_FILE, codec_page_file)                                                                  \
    X(METRICS, codec_metrics_reply)                                                                \
    X(INDEX, codec_index_reply)                                                                    \
    X(OPENAPI, codec_openapi_reply)                                                                \
    X(MODEL, codec_model_reply)                                                                    \
    X(MODEL_LIST, codec_models_reply)                                                              \
    X(MODEL_FILE, codec_model_file)                                                                \
    X(STEP, codec_step_body)                                                                       \
    X(STEP_REPLY, codec_step_reply)                                                                \
    X(STEPS, codec_steps_body)                                                                     \
    X(STEPS_REPLY, codec_steps_reply)                                                              \
    X(SESSION, codec_session_reply)                                                                \
    X(SESSION_LIST, codec_sessions_reply)                                                          \
    X(READING_LIST, codec_readings_reply)                                                          \
    X(SESSION_EVENT, codec_session_events)                                                         \
    X(SESSION_RESTORE, codec_session_body)                                                         \
    X(FORK, codec_fork_body)                                                                       \
    X(FORECAST, codec_forecast_body)                                                               \
    X(FORECAST_REPLY, codec_forecast_reply)                                                        \
    X(PREDICT, codec_predict_body)                                                                 \
    X(PREDICT_REPLY, codec_predict_reply)                                                          \
    X(EVALUATE, codec_evaluate_body)                                                               \
    X(EVALUATE_REPLY, codec_evaluate_reply)                                                        \
    X(RULE_WANTED, codec_rule_body)                                                                \
    X(RULE, codec_rule_reply)                                                                      \
    X(RULE_LIST, codec_rules_reply)                                                                \
    X(JOB_CREATE, codec_job_body)                                                                  \
    X(JOB, codec_job_reply)                                                                        \
    X(JOB_LIST, codec_jobs_reply)                                                                  \
    X(EVENT_LIST, codec_events_reply)                                                              \
    X(CHECKPOINT_LIST, codec_checkpoints_reply)

enum schema {
    SCHEMA_NONE, /* there is no body, or no reply but a status */
#define SCHEMA_ENUM(name, json) SCHEMA_##name,
    SCHEMA_TABLE(SCHEMA_ENUM)
#undef SCHEMA_ENUM
        SCHEMA_COUNT
};

/* NULL: SCHEMA_NONE. */
const struct json_schema *schema_json(enum schema schema);

#endif
