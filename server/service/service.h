/*
 * service.h - what grud can do, as structs and verbs that know nothing of HTTP or JSON. The layer's
 * public header: the life of the service, and below it the rooms' own headers in the order in which
 * they build on each other. Jobs have theirs, jobs/fine_tuning.h.
 *
 *     models/     which models there are; each has a pool of sessions (pool/, known to this layer
 *                 alone)
 *     sessions/   steps, sessions, predictions
 *     rules/      conditions on sessions, and the webhooks that tell of them
 *     jobs/       fine-tuning
 *
 * HTTP workers call the verbs, each with a `struct service_context` of its own, which belongs to
 * one thread. Every verb returns STATUS_OK, or fills `fault` and changes nothing. Results that are
 * pointers live in the arena given, or in the context's catalogue until service_context_turn.
 *
 * Locks: models are found in an immutable, reference-counted catalogue that a context renews once
 * per turn of its thread's loop; a session is claimed by an atomic flag for as long as it is worked
 * on; index shards, free lists and tombstones have mutexes of their own. No thread ever holds two
 * of these at once, but for the writer's lock of the catalogue, under which sessions are claimed
 * one at a time.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "base/status.h"
#include "config/config.h"
#include "service/backup.h"
#include "service/degraded.h"
#include "service/disk_thread.h"
#include "service/late_outcome.h"
#include "service/models/models.h"
#include "service/rules/rules.h"
#include "service/rules/webhook_thread.h"
#include "service/scores/interval_reply.h"
#include "service/service_context.h"
#include "service/sessions/commit.h"
#include "service/sessions/evaluate.h"
#include "service/sessions/history.h"
#include "service/sessions/listing.h"
#include "service/sessions/outlook.h"
#include "service/sessions/predict.h"
#include "service/sessions/restore.h"
#include "service/sessions/seen_since.h"
#include "service/sessions/session_figures.h"
#include "service/sessions/session_forecast.h"
#include "service/sessions/sessions.h"
#include "service/sessions/step_events.h"
#include "service/sessions/steps.h"
#include "store/job_store.h"

#include <stdbool.h>
#include <stdint.h>

struct cluster_target;

/* ---- life: from the main thread ---- */

/* Whether the options of this layer are what they may be. */
__attribute__((warn_unused_result)) enum status service_check(const struct config *config,
                                                              struct fault *fault);
/* Reads the models (one that is refused is logged and left out) and maps the sessions. `config`
 * must outlive it. */
__attribute__((warn_unused_result)) enum status
service_create(const struct config *config, struct service **ret_service, struct fault *fault);
/* Starts the threads that wait for the disk (disk_thread.h); before the workers, which need them.
 */
__attribute__((warn_unused_result)) enum status service_start_disk(struct service *service,
                                                                   struct fault *fault);
/* The engine that has the sessions, of an option --cluster that is not empty; before the contexts.
 * It stays its caller's, and is there as long as the service. An engine that is away may come: what
 * does not pass is a fault. */
__attribute__((warn_unused_result)) enum status
service_join_cluster(struct service *service, struct cluster_target *cluster, struct fault *fault);
/* How steps are printed for those that listen (listeners.h); before the workers. Without it nobody
 * is told of any. */
void service_print_steps_with(struct service *service, step_event_printer *print);
/* How firings are printed for their receivers (rules/rules.h); before the webhook thread. */
void service_print_rule_news_with(struct service *service, rule_news_printer *print);
/* SIGHUP: reads the directories of models again, and adds what is new (models/models_load.h). */
__attribute__((warn_unused_result)) enum status service_reload_models(struct service *service,
                                                                      struct fault *fault);
/* The end is near: what goes on by itself in this layer, but for jobs and webhooks, begins nothing
 * more. Returns at once. */
void service_halt(struct service *service);
bool service_is_halted(const struct service *service);
/* After all contexts were freed. Takes NULL and a service that was not started whole. */
void service_free(struct service *service);

/* A few times a second: ends sessions whose time to live is over, has all synced when the interval
 * has passed. It does not wait for that, once service_start_disk has been called. */
void service_tick(struct service *service);
/* Any thread: the engine of the cluster has been away for too long for requests to be sent here, or
 * its models were not seen yet. */
bool service_misses_cluster(const struct service *service);
/* Any thread: the engine, NULL: this node stands alone; and for how long that has been away by now,
 * 0: it is there. */
const struct cluster_target *service_cluster(const struct service *service);
int64_t service_cluster_away_ms(const struct service *service);
/* Everything to disk: false, and degraded from then on, if that failed, now or earlier. */
bool service_sync(struct service *service);

/* What `level` may be in a request: --interval-levels. As long as the service is. */
const struct interval_levels *service_interval_levels(const struct service_context *context);

/* ---- figures for /metrics: any thread ---- */

struct service_figures {
    uint64_t n_steps, n_repeated_readings, n_filled_readings;
    uint64_t n_late_readings[LATE_N_OUTCOMES];
    uint64_t n_sequence_rows, n_forecast_rows, n_rewarmed;
    uint64_t n_session_bytes; /* now */
    uint64_t n_sessions_created, n_sessions_deleted, n_sessions_restarted;
    uint64_t n_sessions_expired, n_sessions_evicted, n_sessions_damaged;
    uint64_t n_sessions_stepped_back, n_readings_lost, n_copies_exposed;
    uint64_t n_syncs, n_failed_syncs;
    uint64_t n_training_steps, training_us, n_recorded, n_recordings_lost;
    uint64_t n_jobs[JOB_N_STATUSES];       /* at this moment */
    uint64_t n_jobs_ended[JOB_N_STATUSES]; /* since the start; of those that are an end */
};
void service_read_figures(struct service *service, struct service_figures *ret_figures);

#endif
