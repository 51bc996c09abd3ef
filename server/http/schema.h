/*
 * schema.h - names for what bodies and replies hold, as docs/API.md describes it. Rows of the table
 * of routes refer to them, so a name that is misspelled does not compile. Constant; any thread.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#define SCHEMA_TABLE(X)                                                                            \
    X(ERROR, "Error")                                                                              \
    X(EMPTY, "Empty") /* an object without fields, or no body */                                   \
    X(HEALTH, "Health")                                                                            \
    X(READINESS, "Readiness")                                                                      \
    X(PAGE, "Page")                                                                                \
    X(PAGE_FILE, "PageFile")                                                                       \
    X(METRICS, "Metrics")                                                                          \
    X(INDEX, "Index")                                                                              \
    X(MODEL, "Model")                                                                              \
    X(MODEL_LIST, "ModelList")                                                                     \
    X(MODEL_FILE, "ModelFile")                                                                     \
    X(STEP, "Step")                                                                                \
    X(STEP_REPLY, "StepReply")                                                                     \
    X(STEPS, "Steps")                                                                              \
    X(STEPS_REPLY, "StepsReply")                                                                   \
    X(SESSION, "Session")                                                                          \
    X(SESSION_LIST, "SessionList")                                                                 \
    X(READING_LIST, "ReadingList")                                                                 \
    X(SESSION_EVENT, "SessionEvent")                                                               \
    X(SESSION_RESTORE, "SessionRestore")                                                           \
    X(FORK, "Fork")                                                                                \
    X(FORECAST, "Forecast")                                                                        \
    X(FORECAST_REPLY, "ForecastReply")                                                             \
    X(PREDICT, "Predict")                                                                          \
    X(PREDICT_REPLY, "PredictReply")                                                               \
    X(EVALUATE, "Evaluate")                                                                        \
    X(EVALUATE_REPLY, "EvaluateReply")                                                             \
    X(JOB_CREATE, "JobCreate")                                                                     \
    X(JOB, "Job")                                                                                  \
    X(JOB_LIST, "JobList")                                                                         \
    X(EVENT_LIST, "EventList")                                                                     \
    X(CHECKPOINT_LIST, "CheckpointList")

enum schema {
    SCHEMA_NONE, /* there is no body, or no reply but a status */
#define SCHEMA_ENUM(name, text) SCHEMA_##name,
    SCHEMA_TABLE(SCHEMA_ENUM)
#undef SCHEMA_ENUM
        SCHEMA_COUNT
};

/* NULL: SCHEMA_NONE. */
const char *schema_name(enum schema schema);

#endif
