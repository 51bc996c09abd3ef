/*
 * status.h - THE table of everything that a request can end with: the stable code that clients see,
 * and the HTTP status. A leaf; any layer may use it.
 */
#ifndef STATUS_H
#define STATUS_H

#include "gru.h"

#include <stdbool.h>
#include <stdint.h>

/*      name                   code                      HTTP */
#define STATUS_TABLE(X)                                                                            \
    X(OK, "ok", 200)                                                                               \
    X(INVALID_REQUEST, "invalid_request", 400)   /* HTTP framing, query parameters */              \
    X(INVALID_ENCODING, "invalid_encoding", 400) /* a body is not what Content-Encoding says */    \
    X(INVALID_JSON, "invalid_json", 400)                                                           \
    X(UNKNOWN_FIELD, "unknown_field", 400)                                                         \
    X(DUPLICATE_FIELD, "duplicate_field", 400)                                                     \
    X(MISSING_FIELD, "missing_field", 400)                                                         \
    X(INVALID_TYPE, "invalid_type", 400)                                                           \
    X(INVALID_VALUE, "invalid_value", 400)                                                         \
    X(WRONG_LENGTH, "wrong_length", 400)                                                           \
    X(MISSING_INPUT, "missing_input", 400) /* the model's policy is `error` */                     \
    X(INVALID_TRAINING, "invalid_training",                                                        \
      400) /* data or hyper-parameters do not fit the model */                                     \
    X(KEY_MISSING, "key_missing", 401)                                                             \
    X(KEY_INVALID, "key_invalid", 401)                                                             \
    X(SCOPE_MISSING, "scope_missing", 403)                                                         \
    X(ORIGIN_REFUSED, "origin_refused", 403)                                                       \
    X(ROUTE_NOT_FOUND, "route_not_found", 404)                                                     \
    X(MODEL_NOT_FOUND, "model_not_found", 404)                                                     \
    X(VERSION_NOT_FOUND, "version_not_found", 404)                                                 \
    X(SESSION_NOT_FOUND, "session_not_found", 404)                                                 \
    X(JOB_NOT_FOUND, "job_not_found", 404)                                                         \
    X(RULE_NOT_FOUND, "rule_not_found", 404)                                                       \
    X(METHOD_NOT_ALLOWED, "method_not_allowed", 405)                                               \
    X(SEQUENCE_MISMATCH, "sequence_mismatch", 409)                                                 \
    X(LATE_READING, "late_reading", 409)                                                           \
    X(TOO_LATE, "too_late", 409)                                                                   \
    X(SESSION_EXISTS, "session_exists", 409)                                                       \
    X(DIGEST_MISMATCH, "digest_mismatch", 409)                                                     \
    X(VERSION_ACTIVE, "version_active", 409)                                                       \
    X(VERSION_READ_ONLY, "version_read_only", 409) /* it lives in the --models directory */        \
    X(JOB_STATUS_CONFLICT, "job_status_conflict",                                                  \
      409) /* it cannot be paused, resumed or cancelled now */                                     \
    X(SESSION_EXPIRED, "session_expired", 410)                                                     \
    X(SESSION_DAMAGED, "session_damaged", 410) /* neither copy of its record fits its checksum */  \
    X(SESSION_EVICTED, "session_evicted", 410)                                                     \
    X(FILE_GONE, "file_gone", 410) /* of a version that is served from memory */                   \
    X(BODY_TOO_LARGE, "body_too_large", 413)                                                       \
    X(URL_TOO_LONG, "url_too_long", 414)                                                           \
    X(REQUEST_TOO_LARGE, "request_too_large", 413) /* its working memory or its reply would be */  \
    X(UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", 415)                                       \
    X(HOST_REFUSED, "host_refused", 421)                                                           \
    X(NON_FINITE_RESULT, "non_finite_result", 422)                                                 \
    X(HORIZON_NOT_SUPPORTED, "horizon_not_supported", 422)                                         \
    X(NOT_CAUSAL, "not_causal", 422) /* the model reads whole sequences, from both ends */         \
    X(RECORDS_NOT_SUPPORTED, "records_not_supported", 422) /* for the names of its outputs */      \
    X(FILL_NOT_SUPPORTED, "fill_not_supported", 422) /* the model refuses missing readings */      \
    X(NO_READING, "no_reading", 422)                                                               \
    X(SERIES_TOO_SHORT, "series_too_short", 422) /* nothing in it to compare a forecast with */    \
    X(INVALID_MODEL, "invalid_model", 422)                                                         \
    X(INCOMPATIBLE_MODEL, "incompatible_model", 422) /* a version with other inputs or outputs */  \
    X(JOB_TOO_LARGE, "job_too_large", 422)           /* beyond --job-memory-max */                 \
    X(RULE_NOT_SUPPORTED, "rule_not_supported", 422) /* the model has nothing that it looks at */  \
    X(RULES_FULL, "rules_full", 422)                 /* beyond --rule-max */                       \
    X(DIVERGED, "diverged", 422)                     /* a job's loss is not finite */              \
    X(TOO_MANY_CONNECTIONS, "too_many_connections", 429) /* from one address */                    \
    X(RATE_LIMITED, "rate_limited", 429)                                                           \
    X(HEADERS_TOO_LARGE, "headers_too_large", 431)                                                 \
    X(QUEUE_FULL, "queue_full", 429)                                                               \
    X(INTERNAL, "internal", 500)                                                                   \
    X(HTTP_VERSION_NOT_SUPPORTED, "http_version_not_supported", 505)                               \
    X(NO_DATA_DIRECTORY, "no_data_directory", 501)                                                 \
    X(TRAINING_OFF, "training_off", 501) /* OpenBLAS is a build that must not be used */           \
    X(RECORDING_OFF, "recording_off", 501)                                                         \
    X(AMEND_OFF, "amend_off", 501)                                                                 \
    X(SESSIONS_FULL, "sessions_full", 503)                                                         \
    X(NOT_READY, "not_ready", 503)                                                                 \
    X(OVERLOADED, "overloaded", 503)                                                               \
    X(STORAGE_FAILED, "storage_failed", 503)                                                       \
    X(MODEL_UNREADABLE, "model_unreadable", 503)   /* its file's permissions forbid it */          \
    X(MODEL_UNAVAILABLE, "model_unavailable", 503) /* it is there, and cannot be served */         \
    X(VERSION_UNAVAILABLE, "version_unavailable", 503)                                             \
    X(NO_MEMORY, "out_of_memory", 503)

enum status {
#define STATUS_ENUM(name, code, http) STATUS_##name,
    STATUS_TABLE(STATUS_ENUM)
#undef STATUS_ENUM
        STATUS_COUNT
};

/* What went wrong, in the words of an error reply. */
struct fault {
    enum status status;
    int error;         /* what the system said (errno) where that is known, or 0 */
    bool has_expected; /* sequence_mismatch: the step number that comes next */
    uint64_t expected;
    bool has_last_at; /* late_reading: the time of the session's last reading */
    double last_at;
    char param[160];   /* the offending field as a path, or empty for null */
    char message[720]; /* that of a gru_error fits, with more around it */
    size_t n_public;   /* bytes of the message that are for clients, or 0: all of it */
};

const char *status_code(enum status status);
int status_http(enum status status);

/* Fills *fault (never NULL). param may be NULL; texts may be those of the same fault. */
__attribute__((format(printf, 4, 5))) void fault_fill(struct fault *fault, enum status status,
                                                      const char *param, const char *format, ...);

/* Appends advice to the message. It is for the operator and stands in the log only, as it
 * tells of owners and modes of files. */
void fault_add_advice(struct fault *fault, const char *advice);

/* A copy without such advice. */
struct fault fault_for_clients(const struct fault *fault);

/* A cut may have left a part of a code point at the end: it goes too, so that the text remains
 * valid UTF-8.
 */
void fault_drop_partial_code_point(char *text);

/* fault_fill, and the status to return: `return fault_set(fault, STATUS_NO_MEMORY, NULL, "...")`.
 */
#define fault_set(fault, status, ...) (fault_fill((fault), (status), __VA_ARGS__), fault_is(status))
/* For an allocation that an arena refused. If the arena is full (arena->is_full) the request is too
 * large, in these words; else memory is short, and the same request may succeed later. */
#define fault_no_room(fault, is_full, param, ...)                                                  \
    ((is_full)                                                                                     \
         ? fault_set((fault), STATUS_REQUEST_TOO_LARGE, (param), __VA_ARGS__)                      \
         : fault_set((fault), STATUS_NO_MEMORY, NULL, "there is not enough memory for this"))
static inline enum status fault_is(enum status status)
{
    return status;
}

/* Whether the same may succeed later: memory and the disk may have been short for a moment. */
static inline bool status_may_pass(enum status status)
{
    return status == STATUS_NO_MEMORY || status == STATUS_STORAGE_FAILED;
}

/* The same of a fault: a port may be free by then, but a missing permission stays. */
bool fault_may_pass(const struct fault *fault);

/* The status of a fault that was filled: never STATUS_OK. */
static inline enum status fault_status(const struct fault *fault)
{
    return fault->status != STATUS_OK ? fault->status : STATUS_INTERNAL;
}

/* The library's statuses in the daemon's terms. */
enum status status_of_gru(enum gru_status status);

#endif
