/* service_private.h - what the files of this layer share: the service, its catalogue of models, its
 * workers. */
#ifndef SERVICE_PRIVATE_H
#define SERVICE_PRIVATE_H

#include "service/pool/pool.h"
#include "service/service.h"
#include "store/files.h"

#include <math.h>
#include <stdatomic.h>

struct job_database;
struct recorder;
struct outbox;
struct job_thread;

/* All models at one moment: immutable, reference-counted. A change publishes a new one. */
struct catalogue {
    _Atomic unsigned n_refs;
    size_t n_models;
    struct model **models; /* by name */
};

struct counters {
    _Atomic uint64_t n_steps, n_sequence_rows, n_forecast_rows, n_rewarmed;
    _Atomic uint64_t n_syncs, n_failed_syncs;
    _Atomic uint64_t n_training_steps;
};

static const struct job_metrics no_metrics = { NAN, NAN, NAN, NAN, NAN, NAN };

struct service {
    const struct config *config;
    int data_lock;                    /* -1: no data directory */
    _Atomic unsigned degraded_states; /* 1 << enum degraded_state of each */
    _Atomic unsigned n_workers;
    int64_t synced_at_ms;    /* by wait_now_ms; main thread only */
    size_t sync_interval_ms; /* that was in force then; main thread only */
    struct counters counters;
    struct job_database *job_database; /* the job database */
    struct recorder *recorder;         /* NULL: sessions record nothing */
    struct job_thread *job_thread;     /* NULL: its threads do not run. Main thread only */

    pthread_mutex_t writer; /* held by whoever changes the models, from reading the catalogue to
                               publishing the next */

    pthread_mutex_t mutex; /* guards `current` */
    struct catalogue *current;
    _Atomic uint64_t generation; /* of `current`; a worker that has it need not lock */
};

enum {
    SERVICE_CONTEXT_LANES = 256 /* steps that service_steps looks at together; bounds the rounds of
                          a batch with many of one session */
};

struct service_context {
    struct service *service;
    uint16_t owner; /* of its claims */
    int64_t now_ms; /* at the beginning of the turn */
    uint64_t generation;
    struct catalogue *catalogue;
    struct catalogue **held; /* [n_held] earlier ones that this turn's callers may still look at */
    size_t n_held, held_room;
    struct gru_work *work;
    struct outbox *outbox; /* of what its steps record; NULL: nothing */
    /* Scratch of service_steps, grown as needed. */
    struct item *items;
    uint64_t *blocked; /* [n_places] a hash table of the sessions that this batch found in use */
    size_t n_items, n_places;
    bool has_blocked;
    struct gru_lane lanes[SERVICE_CONTEXT_LANES];
    /* Scratch of re-warming: readings and outputs. */
    float *rewarm;
    size_t n_rewarm;
};

int64_t clock_now_ms(void);

/* ---- service.c ---- */

void degraded_begins(struct service *service, enum degraded_state state); /* logged, if it is new */
void degraded_ends(struct service *service, enum degraded_state state);   /* never that of a sync */
/* Begins if the status is STATUS_STORAGE_FAILED, and ends if it is STATUS_OK. */
void degraded_settle(struct service *service, enum degraded_state state, enum status status);

/* ---- catalogue.c ---- */

struct catalogue *catalogue_ref(struct service *service); /* the current one */
void catalogue_unref(struct catalogue *catalogue);
/* Makes `next` (one reference, given away) the current one. */
void catalogue_publish(struct service *service, struct catalogue *next);
/* A deep copy, to be changed before it is published; of NULL: an empty one. NULL: no memory. */
struct catalogue *catalogue_copy(const struct catalogue *catalogue);
struct model *catalogue_find(const struct catalogue *catalogue, const char *name);
/* Takes over a complete model of a new name; false: no memory. */
__attribute__((warn_unused_result)) bool catalogue_insert(struct catalogue *catalogue,
                                                          struct model *model);

struct model *
model_create(const char *name); /* without versions, active version and pool; NULL: no memory */
void model_free(struct model *model); /* takes NULL and half-built ones */
struct version *model_find_version(const struct model *model, unsigned number);
/* Takes over `version`; false: no memory. Pointers to the model's versions move, but for `active`,
 * which follows. */
__attribute__((warn_unused_result)) bool model_insert_version(struct model *model,
                                                              struct version version);
void model_remove_version(struct model *model, unsigned number);
void version_done(struct version *version);

/* Fetches the newest catalogue within a turn; what was found before stays valid until the turn
 * ends. False: no memory; it cannot fail if room was reserved. */
__attribute__((warn_unused_result)) bool service_context_renew(struct service_context *context);
/* Makes room for the next n renewals. */
__attribute__((warn_unused_result)) bool
service_context_reserve_held(struct service_context *context, size_t n);

/* ---- models.c ---- */

/* A version from the bytes of its file. */
enum status version_make(const struct file_version *file, const void *bytes, size_t n,
                         struct version *ret_version, struct fault *fault);
/* Versions of one model read the same inputs and give the same outputs: sessions outlive versions.
 */
enum status version_check(const struct model *model, const struct version *version,
                          struct fault *fault);
/* Where the model's sessions are kept, in the layout that a version of it needs. `path` is where
 * the options point to. */
struct pool_options model_pool_options(const struct service *service, const struct model *model,
                                       const struct gru_model *gru, char path[PATH_MAX]);
/* Opens the pool of a model that has its active version. */
enum status model_open_pool(const struct service *service, struct model *model,
                            struct fault *fault);

/* ---- models_load.c ---- */

/* Reads the directories into a first catalogue, opens the pools. */
enum status models_load(struct service *service, struct fault *fault);

/* ---- session_copy.c ---- */

/* The older copy, made a copy of the newest; until it is sealed the newest stays the newest. */
struct record_copy *session_begin_copy(const struct pool *pool, uint32_t slot,
                                       const struct record_copy **ret_now);
void session_seal_copy(struct pool *pool, uint32_t slot, struct record_copy *copy);
/* Syncs the pool if replies are to wait for that. */
enum status pool_commit(struct service *service, struct pool *pool, struct fault *fault);

/* A new session in two steps: a slot with a first copy (step 0, no readings, fresh state) that the
 * caller may still change, then the session found by others and that copy sealed. It stays claimed.
 * As pool_alloc and pool_publish; a slot that cannot be published is discarded. */
enum claim session_alloc(struct service_context *context, const struct model *model,
                         const struct pool_key *key, uint32_t *ret_slot,
                         struct record_copy **ret_copy, struct fault *fault);
enum claim session_publish(struct pool *pool, const struct pool_key *key, uint32_t slot,
                           struct record_copy *copy, struct fault *fault);

/* The state after those readings from a fresh start. readings: [n_readings][I]; y: room for [S *
 * O]. */
enum status session_replay(struct service_context *context, const struct version *version,
                           const float *readings, size_t n_readings, float *state, float *y,
                           struct fault *fault);
/* Brings a claimed session to the model's active version: replays its readings if its state belongs
 * to another. */
enum status session_rewarm(struct service_context *context, const struct model *model,
                           uint32_t slot, struct fault *fault);
/* Makes context->rewarm at least that long. */
__attribute__((warn_unused_result)) bool
service_context_grow_rewarm(struct service_context *context, size_t n_floats);

/* ---- forecast_options.c ---- */

/* How a forecast failed, in the terms of the request. */
enum status forecast_options_fault(const struct gru_model *gru, enum gru_status status,
                                   const struct forecast_options *forecast_options,
                                   struct fault *fault);
/* That what is known of the future fits, and room in the arena for the forecast of a reply: as many
 * rows as were asked for, else as many as a model of several steps says at once; else *ret_n is 0
 * and *ret_forecast NULL. */
enum status forecast_options_room(const struct gru_info *info,
                                  const struct forecast_options *forecast_options,
                                  struct arena *arena, float **ret_forecast, size_t *ret_n,
                                  struct fault *fault);
/* Makes that room, and rolls out from a state into it. */
enum status forecast_options_run(struct service_context *context, const struct gru_model *gru,
                                 const float *state,
                                 const struct forecast_options *forecast_options,
                                 struct arena *arena, float **ret_forecast, size_t *ret_n,
                                 struct fault *fault);

#endif
