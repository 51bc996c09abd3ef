/*
 * service_private.h - the two structs that all rooms of this layer work on: the service, and the
 * context of a thread that calls it. What they point to belongs to the rooms, which are only named
 * here. Each field says which thread uses it, or which lock guards it.
 */
#ifndef SERVICE_PRIVATE_H
#define SERVICE_PRIVATE_H

#include "config/config.h"
#include "gru.h"
#include "service/cluster/heal.h"
#include "service/disk_thread.h"
#include "service/late_outcome.h"
#include "service/listeners.h"
#include "service/pool/pool.h"
#include "service/scores/interval_levels.h"
#include "service/sessions/step_events.h"
#include "store/clock_file.h"
#include "store/files.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalogue;
struct cluster_target;
struct cluster_watch;
struct disk_thread;
struct engine;
struct job_database;
struct job_thread;
struct models_follower;
struct outbox;
struct pending_step;
struct recorder;
struct rewarming;
struct rule_set;
struct rules;
struct step_cluster;
struct step_notes;

struct service_counters {
    _Atomic uint64_t n_steps, n_repeated_readings, n_filled_readings;
    _Atomic uint64_t n_late_readings[LATE_N_OUTCOMES];
    _Atomic uint64_t n_sessions_deleted, n_sessions_restarted;
    _Atomic uint64_t n_sequence_rows, n_forecast_rows, n_rewarmed;
    _Atomic uint64_t n_syncs, n_failed_syncs;
    _Atomic uint64_t n_training_steps, training_us;
};

struct service {
    const struct config *config;
    struct files_lock data_lock;
    struct clock_file clock_file;     /* main thread only */
    _Atomic unsigned degraded_states; /* 1 << enum degraded_state of each */
    _Atomic unsigned n_contexts;      /* that were ever created */
    int64_t synced_at_ms;             /* by clock_monotonic_ms; main thread only */
    size_t sync_interval_ms;          /* that was in force then; main thread only */
    struct disk_task sync;            /* of all sessions' files, when it is due */
    struct disk_inbox synced;         /* main's, where that comes back */
    bool is_syncing;                  /* it is on its way; main thread only */
    struct service_counters counters;
    struct pool_memory session_memory;
    struct listeners listeners;
    step_event_printer *print_step;         /* NULL: no step is told; set before workers run */
    struct interval_levels interval_levels; /* that are offered */
    struct job_database *job_database;
    struct rules *rules;                             /* NULL: there are none, and none may be */
    struct cluster_target *cluster;                  /* NULL: this node stands alone */
    struct cluster_watch *cluster_watch;             /* likewise. But for one function: main's */
    struct heal healed;                              /* so far; main's */
    struct models_follower *models_follower;         /* likewise. Main thread only */
    _Atomic bool models_are_behind;                  /* models/models_behind.h */
    struct recorder *recorder;                       /* NULL: sessions record nothing */
    struct job_thread *job_thread;                   /* NULL: it does not run. Main thread only */
    struct disk_thread *disk_threads[DISK_N_QUEUES]; /* NULL: they do not run, or not yet */

    /* Held by a change of the models, from reading the catalogue to publishing the next one. */
    pthread_mutex_t writer;

    pthread_mutex_t mutex; /* guards `current` */
    struct catalogue *current;
    _Atomic uint64_t generation; /* of `current`; a context that has it need not lock */
};

/* Steps that service_steps looks at together; bounds the rounds of a batch with many of one
 * session. */
enum { SERVICE_CONTEXT_LANES = 256 };

struct service_context {
    struct service *service;
    uint16_t owner; /* of its claims */
    int64_t now_ms; /* at the beginning of the turn, by the steady clock */
    uint64_t generation;
    struct catalogue *catalogue;
    struct catalogue **held; /* [n_held] earlier ones that this turn's callers may still look at */
    size_t n_held, held_room;
    struct gru_work *work;
    bool owes_sync;               /* commit.h */
    bool is_blocked;              /* sessions.h */
    struct engine *engine;        /* NULL: this node stands alone */
    struct step_cluster *cluster; /* likewise: step_cluster.h */
    struct pool_token known;      /* of the session that a verb has asked the engine for last */
    struct outbox *outbox;     /* of what its steps record; NULL: nothing, or the engine has it */
    struct step_notes *notes;  /* of that; NULL: nothing, or the outbox has it */
    struct rule_set *rule_set; /* rules/rules.h; NULL: there is none */
    uint64_t rules_generation; /* of that */
    struct arena event_arena;  /* in which a step that listeners are told is printed */
    /* Scratch of service_steps, grown as needed. */
    struct pending_step *pending_steps; /* [n_pending_steps] */
    uint64_t *blocked; /* [n_buckets] a hash table of the sessions that this batch found in use */
    size_t n_pending_steps, n_buckets;
    bool has_blocked;
    int64_t n_work_left; /* beyond one row a step, in this turn: rows times parameters */
    struct gru_lane lanes[2 * SERVICE_CONTEXT_LANES]; /* each with that of its base */
    char *copies; /* [n_copies_bytes] scratch for the next copies of sessions */
    size_t n_copies_bytes;
    void *rewarm; /* scratch of re-warming: readings, outputs and a state */
    size_t n_rewarm_bytes;
    struct rewarming *rewarming; /* one that takes several turns; NULL: none */
    uint64_t n_turns;            /* so far */
};

#endif
