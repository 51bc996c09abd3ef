/*
 * service.h - what grud can do, as structs and verbs that know nothing of HTTP or JSON.
 *
 * The service owns the models, their versions and their session pools. HTTP workers call the verbs,
 * each with a `struct service_context` of its own; a worker belongs to one thread. Every verb
 * returns STATUS_OK or fills `fault` and changes nothing. Results that are pointers live in the
 * arena given, or in the worker's catalogue until service_context_turn.
 *
 * Locks: models are found in an immutable, reference-counted catalogue that a worker renews once
 * per turn of its loop; a session is claimed by an atomic flag for as long as it is worked on;
 * index shards, free lists and tombstones have mutexes of their own. No thread ever holds two of
 * these at once, but for the writer's lock of the catalogue, under which sessions are claimed one
 * at a time.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/status.h"
#include "config/config.h"
#include "gru.h"
#include "store/job_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SESSION_ID_MAX = 128, MODEL_NAME_MAX = 64 };

struct service;
struct service_context;
struct pool;

/* ---- life ---- */

/* Reads the models (one that is refused is logged and left out) and maps the sessions. `config`
 * must outlive it. */
__attribute__((warn_unused_result)) enum status
service_create(const struct config *config, struct service **ret_service, struct fault *fault);
void service_free(struct service *service);

/* From the main thread, a few times a second: ends sessions whose time to live is over, syncs when
 * the interval has passed. */
void service_tick(struct service *service);
/* Everything to disk: false, and degraded from then on, if that failed, now or earlier. */
bool service_sync(struct service *service);

/* What keeps the service from all that it should do, while the rest goes on: the word in /metrics,
 * and the sentence in /readyz. Each begins when something is refused, and ends when the same
 * succeeds again; but a failed sync does not end before the process does: the pages that it was for
 * may be gone from the cache, and a sync that succeeds later says nothing about them. */
#define DEGRADED_TABLE(X)                                                                          \
    X(SYNC, "sync",                                                                                \
      "the disk refused a sync: what was acknowledged may not survive a power failure, until "     \
      "grud is started again")                                                                     \
    X(SESSIONS, "sessions", "the disk has no room for new sessions")                               \
    X(VERSIONS, "versions", "the disk refuses new versions of models")                             \
    X(JOBS, "jobs", "the database of the jobs cannot be used")                                     \
    X(RECORDINGS, "recordings", "readings cannot be recorded")                                     \
    X(MODELS, "models",                                                                            \
      "a model was left out at the start: its file, or that of its sessions, cannot be opened")
enum degraded_state {
#define DEGRADED_ENUM(name, word, sentence) DEGRADED_##name,
    DEGRADED_TABLE(DEGRADED_ENUM)
#undef DEGRADED_ENUM
        DEGRADED_COUNT
};
const char *degraded_word(enum degraded_state state);
const char *degraded_sentence(enum degraded_state state);
bool service_is_degraded_by(const struct service *service, enum degraded_state state);
bool service_is_degraded(const struct service *service); /* any of them */

__attribute__((warn_unused_result)) enum status
service_context_create(struct service *service, struct service_context **ret_context);
void service_context_free(struct service_context *context);
struct service *service_context_service(const struct service_context *context);
/* The beginning of a turn of the worker's loop: models found earlier are no longer valid. */
void service_context_turn(struct service_context *context);

/* ---- models ---- */

struct version {
    unsigned number;
    int64_t created_at_ms;
    unsigned parent;            /* the version that a job started from; 0: none */
    char job[JOB_ID_MAX + 1];   /* that job; empty: none */
    struct job_metrics metrics; /* of that job */
    bool read_only;             /* from the --models directory */
    struct digest digest;
    struct gru_model *gru;
    char *path; /* the file; NULL: there is no data directory, the version is in memory only */
    void *file; /* then its bytes, from malloc */
    size_t n_file;
};

struct model {
    char name[MODEL_NAME_MAX + 1];
    size_t n_versions;
    struct version *versions; /* ascending */
    unsigned newest; /* the highest number of those that there are and were: none is given twice */
    struct version *active;
    struct pool *pool;
};

/* Names: 1 to 64 of A-Z a-z 0-9 . _ - not beginning with '.'; ids: 1 to 128 of A-Z a-z 0-9 . _ ~ :
 * - */
bool model_name_is_valid(const char *name, size_t n);
bool session_id_is_valid(const char *id, size_t n);

/* By name order. Valid until service_context_turn. */
const struct model *const *models_list(struct service_context *context, size_t *ret_n);
enum status model_find(struct service_context *context, const char *name,
                       const struct model **ret_model, struct fault *fault);
/* number 0: the active version. */
enum status version_find(const struct model *model, unsigned number,
                         const struct version **ret_version, struct fault *fault);
size_t model_n_sessions(const struct model *model);

/* The verbs that change models: they renew the worker's catalogue themselves. */
enum status model_put(struct service_context *context, const char *name, const void *bytes,
                      size_t n_bytes, const struct model **ret_model, struct fault *fault);
enum status model_activate(struct service_context *context, const char *name, unsigned number,
                           const struct model **ret_model, struct fault *fault);
enum status model_delete_version(struct service_context *context, const char *name, unsigned number,
                                 struct fault *fault);
/* The bytes of a version's file, in the arena. */
enum status model_read_file(const struct version *version, struct arena *arena,
                            const void **ret_bytes, size_t *ret_n, struct fault *fault);

/* ---- steps ---- */

/* How far to look ahead: the body fields `horizon` and `future`. */
struct forecast_options {
    size_t horizon;      /* 0: not asked for */
    const float *future; /* [n_future_rows][info->n_future], NaN: missing */
    size_t n_future_rows;
    uint64_t future_columns; /* forecast_options_columns of the model that they were read for */
};
/* Tells models apart whose rows of known future values are of other inputs: versions may differ in
 * what feeds what, and one may become active between a request's text and its turn. */
uint64_t forecast_options_columns(const struct gru_info *info);

/* One reading of one session, and what came of it. The caller fills the upper part; everything it
 * points to, and the results, live in `arena`. */
struct step {
    struct arena *arena;
    const struct model *model; /* found in this turn; service_steps finds it again in later turns */
    char model_name[MODEL_NAME_MAX + 1];
    char session[SESSION_ID_MAX + 1];
    const float *x; /* [I] raw, NaN: missing */
    bool has_seq;
    uint64_t seq;
    struct forecast_options forecast_options;

    bool is_done; /* false: the session is in use elsewhere; hand the step in again at the next turn
                   */
    struct fault fault; /* status STATUS_OK if it succeeded */
    uint64_t number;    /* of this step, from 1 */
    unsigned version;
    const float *y;        /* [O] */
    const float *forecast; /* [n_forecast][O], NULL if there is none */
    size_t n_forecast;
};

/* Works on all steps that are not done, in order per session, in as few passes over the weights as
 * possible. Never waits. With a sync interval of 0 the results are on disk when it returns. */
void service_steps(struct service_context *context, struct step *const *steps, size_t n);

/* ---- sessions ---- */

struct session_row {
    char session[SESSION_ID_MAX + 1];
    uint64_t step;
    unsigned version;
    int64_t created_at_ms, last_seen_at_ms, expires_at_ms; /* expires: 0: never */
};

/* How well the outputs that feed an input forecast it, one step ahead. */
struct session_errors {
    const uint32_t *n;       /* [O] comparisons; NULL: none */
    const float *mae, *rmse; /* [O], NaN where there is nothing to compare with */
};

struct session {
    struct session_row row;
    struct gru_model *gru; /* the version that the state belongs to */
    int64_t ttl_s;         /* its own time to live; -1: the configured one */
    struct digest digest;
    float *state;          /* [state_floats] (gru.h): a copy */
    const float *readings; /* [n_readings][I], oldest first */
    size_t n_readings;
    struct session_errors errors;
};

enum status session_read(struct service_context *context, const struct model *model, const char *id,
                         struct arena *arena, struct session *ret_session, struct fault *fault);

/* Sessions in the order of their ids, from the first after `after` (may be empty) that begins with
 * `prefix`. rows: room for `limit`. */
enum status session_list(struct service_context *context, const struct model *model,
                         const char *prefix, const char *after, size_t limit,
                         struct session_row *rows, size_t *ret_n, bool *ret_has_more,
                         struct fault *fault);

/* PUT: creates the session, or replaces it. With `state` NULL it begins anew (or, with readings, as
 * if it had just seen those: rewarm). With a state, its digest must be the active version's. */
struct session_restore {
    int64_t ttl_s; /* -1: the configured one */
    uint64_t step;
    bool has_digest;
    struct digest digest;
    const float *state;    /* [state_floats] or NULL */
    const float *readings; /* [n_readings][I]; kept as the session's last inputs */
    size_t n_readings;
    int64_t created_at_ms; /* 0: now */
    struct session_errors errors;
};
enum status session_put(struct service_context *context, const struct model *model, const char *id,
                        const struct session_restore *restore, bool *ret_created,
                        struct fault *fault);
enum status session_delete(struct service_context *context, const struct model *model,
                           const char *id, struct fault *fault);
enum status session_fork(struct service_context *context, const struct model *model, const char *id,
                         const char *to, struct arena *arena, struct fault *fault);

/* ---- whole sequences ---- */

struct sequence {
    const float *x; /* [n_rows][I] */
    size_t n_rows;
    struct forecast_options forecast_options;
    float *y;        /* result: [n_rows or 1][S * O] */
    float *forecast; /* result: [n_forecast][O] or NULL */
    size_t n_forecast;
};

/* The caller fills the upper part; what it points to, and the results, live in the arena. */
struct prediction {
    struct gru_model *gru;
    unsigned version;
    bool last_only;
    bool has_instances; /* `instances` was given: errors name instances[k] */
    size_t n_sequences;
    struct sequence *sequences;

    /* The verb's own. How many rows a slice has changes nothing but how long it takes. */
    size_t n_rows_left, slice_rows; /* those of forecasts count too; 0 left: it is done */
    size_t row_work;                /* what a row of this model costs, in parameters */
    struct gru_lane *lanes;
    struct gru_run run;
    size_t n_forecast; /* sequences whose forecast is made */
    bool is_rolling;   /* that of the next one is begun */
    struct gru_roll roll;
};

/* A long prediction is done in slices of a few milliseconds, between which its worker serves
 * others. One that was begun is gone on with until no rows are left or that fails, and ended in any
 * case; it may take many turns, and holds its network meanwhile, whatever becomes of the version.
 */
enum status predict_begin(struct prediction *prediction, struct arena *arena, struct fault *fault);
enum status predict_go_on(struct service_context *context, struct prediction *prediction,
                          struct fault *fault);
void predict_end(struct prediction *prediction);
/* Whether one more slice is not enough. */
bool predict_is_long(const struct prediction *prediction);

/* A session's forecast: a prediction of a sequence without rows, from a copy of the session's
 * state. So the session may step on meanwhile. */
struct session_forecast {
    struct prediction prediction; /* begun: gone on with and ended like any other */
    struct sequence sequence;     /* its only one, with the result */
    uint64_t step;                /* of the session, when it was begun */
};
enum status session_forecast_begin(struct service_context *context, const struct model *model,
                                   const char *id, const struct forecast_options *forecast_options,
                                   struct arena *arena, struct session_forecast *ret_forecast,
                                   struct fault *fault);

/* ---- figures for /metrics ---- */

struct service_figures {
    uint64_t n_steps, n_sequence_rows, n_forecast_rows, n_rewarmed;
    uint64_t n_sessions_created, n_sessions_expired, n_sessions_evicted, n_sessions_damaged;
    uint64_t n_syncs, n_failed_syncs;
    uint64_t n_training_steps, n_recorded, n_recordings_lost;
    uint64_t n_jobs[JOB_N_STATUSES]; /* at this moment */
};
void service_read_figures(struct service *service, struct service_figures *ret_figures);

#endif
