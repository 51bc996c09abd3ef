#include "service/service.h"

#include "base/clock.h"
#include "base/log.h"
#include "cluster/cluster_url.h"
#include "service/cluster/heal.h"
#include "service/cluster/job_engine.h"
#include "service/cluster/watch.h"
#include "service/job_database.h"
#include "service/jobs/fine_tuning.h"
#include "service/models/catalogue.h"
#include "service/models/models_behind.h"
#include "service/models/models_follow.h"
#include "service/models/models_load.h"
#include "service/pool/pool.h"
#include "service/pool/pool_key.h"
#include "service/rules/rules.h"
#include "service/service_private.h"
#include "service/sessions/recorder.h"
#include "store/region_guard.h"

#include <math.h>
#include <stdlib.h>

/* Whether somebody has set the wall clock, before the start or since. */
static void note_clock(struct service *service)
{
    int64_t seconds = clock_note_jump();
    if (seconds != 0) {
        log_event(LOG_WARN, "clock_jumped", LOG_INT("seconds", seconds));
    }
    clock_file_keep(&service->clock_file, seconds != 0);
}

static enum status read_levels(const struct config *config, struct interval_levels *ret_levels,
                               struct fault *fault)
{
    return interval_levels_parse(config->interval_levels, ret_levels)
               ? STATUS_OK
               : fault_set(fault, STATUS_INVALID_VALUE, "interval-levels",
                           "interval-levels: '%.80s' is no list of up to %d ascending numbers "
                           "between 0 and 1, such as 0.8,0.9,0.95",
                           config->interval_levels, INTERVAL_LEVELS_MAX);
}

enum status service_check(const struct config *config, struct fault *fault)
{
    struct interval_levels levels;
    struct cluster_url url;
    if (config->cluster[0] != '\0' &&
        cluster_url_parse(config->cluster, &url, fault) != STATUS_OK) {
        return fault_status(fault);
    }
    return read_levels(config, &levels, fault);
}

static bool is_there(struct pool *pool, const struct pool_key *key, int64_t now_ms)
{
    struct fault fault;
    uint32_t slot;
    const bool is_claimed = pool_claim(pool, key, OWNER_MAIN, now_ms, &slot, &fault) == CLAIM_OK;
    if (is_claimed) {
        pool_release(pool, slot);
    }
    return is_claimed;
}

static enum status end_gone(struct service *service, struct pool *pool,
                            const struct rule_entry *entry, struct fault *fault)
{
    const size_t n_most = atomic_load(&entry->n_firing);
    const int64_t now_ms = clock_steady_ms();
    const struct rule_sample sample = { .at_ms = now_ms, .value = NAN };
    struct firing *firings = reallocarray(NULL, n_most + 1, sizeof *firings);
    if (!firings) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for what rules have found");
    }
    const size_t n = rule_states_list(service->rules->states, entry, n_most, firings);
    for (size_t k = 0; k < n; k++) {
        const struct pool_key key = pool_key_of(firings[k].session);
        const struct rule_session session = { pool->name, key.id, key.hash };
        if (!is_there(pool, &key, now_ms)) {
            rule_states_end_session(service->rules->states, &session, &sample);
        }
    }
    free(firings);
    return STATUS_OK;
}

/* A session may have ended, by its time or by a power failure, without its firings. Those of models
 * that are not served now stay. */
static enum status end_firings_of_gone(struct service *service, struct fault *fault)
{
    const bool knows_sessions = service->config->cluster[0] == '\0'; /* else the engine does */
    const struct rule_set *rules =
        service->rules && knows_sessions ? service->rules->current : NULL;
    struct catalogue *catalogue = catalogue_ref(service);
    enum status status = STATUS_OK;
    for (size_t k = 0; rules && status == STATUS_OK && k < rules->n_entries; k++) {
        const struct model *model = catalogue_find(catalogue, rules->entries[k]->rule.model);
        status = model ? end_gone(service, model->pool, rules->entries[k], fault) : STATUS_OK;
    }
    catalogue_unref(catalogue);
    return status;
}

/* The data directory, the job database and the recorder come first: models need them. */
static enum status open_all(struct service *service, struct fault *fault)
{
    const struct config *config = service->config;
    enum status status = read_levels(config, &service->interval_levels, fault);
    if (status == STATUS_OK && config->data[0]) {
        status = files_open_data(config->data, &service->data_lock, fault);
        if (status == STATUS_OK) {
            status = clock_file_open(config->data, &service->clock_file, fault);
        }
        if (status == STATUS_OK && !region_guard_install()) {
            status = fault_set(fault, STATUS_INTERNAL, NULL, "cannot catch faults in mapped files");
        }
    }
    note_clock(service);
    if (status == STATUS_OK) {
        status = job_database_create(config, &service->job_database, fault);
    }
    if (status == STATUS_OK) {
        status = recorder_create(config, &service->recorder, fault);
    }
    if (status == STATUS_OK) {
        status = rules_create(config, &service->rules, fault);
    }
    if (status == STATUS_OK) {
        status = models_load(service, fault);
    }
    if (status == STATUS_OK) {
        status = end_firings_of_gone(service, fault);
    }
    if (status == STATUS_OK) {
        status = recorder_recover(service->recorder, service, fault);
    }
    return status;
}

enum status service_create(const struct config *config, struct service **ret_service,
                           struct fault *fault)
{
    struct service *service = calloc(1, sizeof *service);
    if (!service) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to start");
    }
    service->config = config;
    service->data_lock = FILES_UNLOCKED;
    service->clock_file = CLOCK_FILE_NONE;
    service->synced.wake_fd = -1;
    service->synced_at_ms = clock_monotonic_ms();
    service->sync_interval_ms = config->sync_interval_ms;
    service->session_memory.max = config->session_memory_max;
    listeners_init(&service->listeners);
    pthread_mutex_init(&service->writer, NULL);
    pthread_mutex_init(&service->mutex, NULL);
    enum status status = open_all(service, fault);
    if (status != STATUS_OK) {
        service_free(service);
        return status;
    }
    *ret_service = service;
    return STATUS_OK;
}

enum status service_start_disk(struct service *service, struct fault *fault)
{
    return disk_threads_start(service, fault);
}

enum status service_reload_models(struct service *service, struct fault *fault)
{
    enum status status = models_load(service, fault);
    models_follow_anew(service);
    return status;
}

void service_halt(struct service *service)
{
    models_follow_halt(service);
}

bool service_is_halted(const struct service *service)
{
    return models_follow_is_halted(service);
}

void service_free(struct service *service)
{
    if (!service) {
        return;
    }
    service_stop_jobs(service);
    webhook_thread_stop(service);
    disk_threads_stop(service);
    models_follow_stop(service);
    cluster_watch_free(service->cluster_watch);
    recorder_free(service->recorder);
    catalogue_unref(service->current);
    rules_free(service->rules);
    job_database_free(service->job_database);
    clock_file_close(&service->clock_file);
    files_unlock(&service->data_lock);
    listeners_done(&service->listeners);
    free(service);
}

enum status service_join_cluster(struct service *service, struct cluster_target *cluster,
                                 struct fault *fault)
{
    struct job_store *jobs;
    service->cluster = cluster;
    enum status status = cluster_watch_create(cluster, &service->cluster_watch, fault);
    if (status == STATUS_OK) {
        status = job_engine_open(cluster, &jobs, fault);
    }
    if (status == STATUS_OK) {
        job_database_join(service->job_database, jobs);
    }
    return status == STATUS_OK ? models_follow_start(service, fault) : status;
}

bool service_misses_cluster(const struct service *service)
{
    return (service->cluster_watch && cluster_watch_misses(service->cluster_watch)) ||
           models_are_behind(service);
}

const struct cluster_target *service_cluster(const struct service *service)
{
    return service->cluster;
}

int64_t service_cluster_away_ms(const struct service *service)
{
    return cluster_watch_away_ms(service->cluster_watch);
}

void service_print_steps_with(struct service *service, step_event_printer *print)
{
    service->print_step = print;
}

void service_print_rule_news_with(struct service *service, rule_news_printer *print)
{
    if (service->rules) {
        service->rules->print = print;
    }
}

const struct interval_levels *service_interval_levels(const struct service_context *context)
{
    return &context->service->interval_levels;
}

/* ---- syncs ---- */

bool service_sync(struct service *service)
{
    struct catalogue *catalogue = catalogue_ref(service);
    for (size_t k = 0; k < catalogue->n_models; k++) {
        (void)!commit_sync_pool(service, catalogue->models[k]->pool);
    }
    catalogue_unref(catalogue);
    return !service_is_degraded_by(service, DEGRADED_SYNC);
}

static void run_sync(struct service_context *context, struct disk_task *task)
{
    (void)task;
    service_sync(service_context_service(context));
}

/* Main has signals and expiry to see to: another thread waits for the disk, as soon as there is
 * one. One sync is on its way at a time: where the disk is slower than the interval, they follow
 * one another. */
static void begin_sync(struct service *service)
{
    service->is_syncing = service->is_syncing && !disk_inbox_take(&service->synced);
    if (service->is_syncing) {
        return;
    }
    service->sync = (struct disk_task){ .inbox = &service->synced, .run = run_sync };
    service->is_syncing = disk_thread_hand_in(service, DISK_SYNCS, &service->sync);
    if (!service->is_syncing) {
        service_sync(service);
    }
}

/* An interval that has just become 0 owes one more: replies wait for what they write themselves. */
static void sync_when_due(struct service *service)
{
    size_t interval_ms = service->config->sync_interval_ms;
    int64_t now_ms = clock_monotonic_ms();
    bool is_due = interval_ms > 0 ? now_ms - service->synced_at_ms >= (int64_t)interval_ms
                                  : service->sync_interval_ms > 0;
    service->sync_interval_ms = interval_ms;
    if (is_due) {
        service->synced_at_ms = now_ms;
        begin_sync(service);
    }
}

/* Also where nobody has read or written since. */
static void note_cut(struct service *service, const struct model *model)
{
    struct pool *pool = model->pool;
    if (pool->is_cut || region_check(&pool->region)) {
        return;
    }
    pool->is_cut = true;
    log_event(LOG_ERROR, "sessions_cut", LOG_STRING("model", model->name),
              LOG_STRING("advice", "start grud again to go on with the sessions that are whole"));
    degraded_begins(service, DEGRADED_CUT);
}

/* A slice, so that signals and other work have their turn. */
static void heal(struct service *service, struct engine *engine)
{
    enum { SLICE_NS = 100000000 };
    struct heal *healed = &service->healed;
    const int64_t until_ns = clock_monotonic_ns() + SLICE_NS;
    struct catalogue *catalogue = catalogue_ref(service);
    for (size_t k = 0; k < catalogue->n_models; k++) {
        heal_pool(healed, engine, catalogue->models[k]->pool, until_ns);
    }
    catalogue_unref(catalogue);
    if (heal_is_over(engine)) {
        log_event(LOG_INFO, "cluster_healed", LOG_INT("given_back", (int64_t)healed->n_given_back),
                  LOG_INT("newer", (int64_t)healed->n_newer),
                  LOG_INT("failed", (int64_t)healed->n_failed));
        *healed = (struct heal){ .n_given_back = 0 };
    }
}

static void look_for_engine(struct service *service)
{
    if (!service->cluster_watch) {
        return;
    }
    const bool is_there = cluster_watch_look(service->cluster_watch);
    struct engine *engine = cluster_watch_healing(service->cluster_watch);
    if (engine) {
        heal(service, engine);
    }
    if (cluster_watch_sees_loss(service->cluster_watch)) {
        degraded_begins(service, DEGRADED_LOST);
        degraded_ends(service, DEGRADED_CLUSTER);
    } else if (is_there) {
        degraded_ends(service, DEGRADED_CLUSTER);
        degraded_ends(service, DEGRADED_LOST);
    } else {
        degraded_begins(service, DEGRADED_CLUSTER);
    }
}

void service_tick(struct service *service)
{
    note_clock(service);
    look_for_engine(service);
    int64_t now_ms = clock_steady_ms();
    struct catalogue *catalogue = catalogue_ref(service);
    for (size_t k = 0; k < catalogue->n_models; k++) {
        note_cut(service, catalogue->models[k]);
        pool_expire(catalogue->models[k]->pool, now_ms);
    }
    catalogue_unref(catalogue);
    sync_when_due(service);
}

void service_read_figures(struct service *service, struct service_figures *ret_figures)
{
    struct service_figures figures = {
        .n_session_bytes = atomic_load(&service->session_memory.n_bytes),
        .n_steps = atomic_load(&service->counters.n_steps),
        .n_repeated_readings = atomic_load(&service->counters.n_repeated_readings),
        .n_filled_readings = atomic_load(&service->counters.n_filled_readings),
        .n_sessions_deleted = atomic_load(&service->counters.n_sessions_deleted),
        .n_sessions_restarted = atomic_load(&service->counters.n_sessions_restarted),
        .n_sequence_rows = atomic_load(&service->counters.n_sequence_rows),
        .n_forecast_rows = atomic_load(&service->counters.n_forecast_rows),
        .n_rewarmed = atomic_load(&service->counters.n_rewarmed),
        .n_syncs = atomic_load(&service->counters.n_syncs),
        .n_failed_syncs = atomic_load(&service->counters.n_failed_syncs),
        .n_training_steps = atomic_load(&service->counters.n_training_steps),
        .training_us = atomic_load(&service->counters.training_us)
    };
    for (enum late_outcome k = 0; k < LATE_N_OUTCOMES; k++) {
        figures.n_late_readings[k] = atomic_load(&service->counters.n_late_readings[k]);
    }
    struct catalogue *catalogue = catalogue_ref(service);
    for (size_t k = 0; k < catalogue->n_models; k++) {
        struct pool *pool = catalogue->models[k]->pool;
        figures.n_sessions_created += atomic_load(&pool->n_created);
        figures.n_sessions_expired += atomic_load(&pool->n_ended[TOMBSTONE_EXPIRED]);
        figures.n_sessions_evicted += atomic_load(&pool->n_ended[TOMBSTONE_EVICTED]);
        figures.n_sessions_damaged += atomic_load(&pool->n_ended[TOMBSTONE_DAMAGED]);
        figures.n_sessions_stepped_back += atomic_load(&pool->n_stepped_back);
        figures.n_readings_lost += atomic_load(&pool->n_readings_lost);
        figures.n_copies_exposed += atomic_load(&pool->n_exposed);
    }
    catalogue_unref(catalogue);
    for (size_t k = 0; k < JOB_N_STATUSES; k++) {
        figures.n_jobs[k] = atomic_load(&service->job_database->n_jobs[k]);
        figures.n_jobs_ended[k] = atomic_load(&service->job_database->n_ended[k]);
    }
    recorder_figures(service->recorder, &figures.n_recorded, &figures.n_recordings_lost);
    *ret_figures = figures;
}
