/* job.h - a fine-tuning job as it is stored: one row of jobs.db (job_store.h), and its words. Plain
 * data; any thread. */
#ifndef JOB_H
#define JOB_H

#include "base/choice.h"
#include "base/digest.h"
#include "base/status.h"
#include "gru.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    JOB_ID_MAX = 31, /* "ftjob-" and 24 of a-z 0-9 */
    JOB_MODEL_MAX = 64,
    JOB_SUFFIX_MAX = 64,
    JOB_METADATA_MAX = 2048,
    JOB_TRIALS_MAX = GRU_RECIPE_TRIALS_MAX, /* rows of jobs.db have so many: it only ever grows */
    JOB_REASON_MAX = 399,
    JOB_MESSAGE_MAX = 999
};

/* THE words of a job's status, in the order of its life. */
#define JOB_STATUS_TABLE(X)                                                                        \
    X(VALIDATING,                                                                                  \
      "validating") /* accepted; what sessions recorded is being gathered and checked */           \
    X(QUEUED, "queued")                                                                            \
    X(RUNNING, "running")                                                                          \
    X(PAUSED, "paused")                                                                            \
    X(SUCCEEDED, "succeeded")                                                                      \
    X(FAILED, "failed")                                                                            \
    X(CANCELLED, "cancelled")

enum job_status {
#define JOB_STATUS_ENUM(name, word) JOB_##name,
    JOB_STATUS_TABLE(JOB_STATUS_ENUM)
#undef JOB_STATUS_ENUM
        JOB_N_STATUSES,
    JOB_ELSEWHERE = JOB_N_STATUSES /* none: the job is another process's, or has become so */
};
const char *job_status_word(enum job_status status);
static inline bool job_is_over(enum job_status status)
{
    return status == JOB_SUCCEEDED || status == JOB_FAILED || status == JOB_CANCELLED;
}

enum job_source {
    JOB_SERIES,
    JOB_SESSIONS,
    JOB_SESSIONS_PREFIX
}; /* where the training data come from */
#define JOB_POLICIES(F, X) F(JOB_AUTO, "auto") X(JOB_MANUAL, "manual")
#define JOB_PROMOTIONS(F, X)                                                                       \
    F(JOB_NONE, "none")                                                                            \
    X(JOB_PROMOTED, "promoted") X(JOB_REJECTED, "rejected") X(JOB_ROLLED_BACK, "rolled_back")
enum job_policy { JOB_POLICIES(CHOICE_ID, CHOICE_ID) };
enum job_promotion { JOB_PROMOTIONS(CHOICE_ID, CHOICE_ID) };
const char *job_policy_word(enum job_policy policy);
const char *job_promotion_word(enum job_promotion state);

/* How a job trains: as its hyper-parameters say, or as a recipe finds out (gru_recipe.h). */
#define JOB_RECIPES(F, X) F(JOB_RECIPE_NONE, "none") X(JOB_RECIPE_AUTO, "auto")
enum job_recipe { JOB_RECIPES(CHOICE_ID, CHOICE_ID) };
const char *job_recipe_word(enum job_recipe recipe);
enum { JOB_RECIPE_HORIZON = 12, JOB_RECIPE_SECONDS = 60 }; /* unless told otherwise */

/* The words of enum gru_recipe_fate, in its order. */
#define JOB_TRIAL_STATES(F, X)                                                                     \
    F(GRU_TRIAL_WAITING, "waiting")                                                                \
    X(GRU_TRIAL_RUNNING, "running")                                                                \
    X(GRU_TRIAL_ENDED, "done") X(GRU_TRIAL_DROPPED, "dropped") X(GRU_TRIAL_REFUSED, "refused")
const char *job_trial_state_word(enum gru_recipe_fate fate);

/* A row of a recipe's table, as the database has it (gru_recipe_trial). */
struct job_trial {
    uint64_t transform, season, scale, residual, width, steps, horizon_loss, member, fate, n_epochs,
        best_epoch;
    double rate, error; /* error: NaN: not known yet, infinite: none of its forecasts is finite */
};
struct job_trial job_trial_of(const struct gru_recipe_trial *trial);
struct gru_recipe_trial job_trial_shown(const struct job_trial *trial);
/* Whether its words are some. */
bool job_trial_is_valid(const struct job_trial *trial);

/* What a new version must show before it becomes active by itself (docs/FINE_TUNING.md). */
struct job_gate {
    double min_relative_gain; /* 0 <= g < 1 */
    bool must_beat_persistence;
    uint64_t min_targets; /* of the validation, at least 1 */
    double confidence;    /* 0 <= c < 1 */
};
enum { JOB_MIN_TARGETS_MAX = 1000000000 };
static const struct job_gate job_gate_default = {
    .min_relative_gain = 0.01, .must_beat_persistence = true, .min_targets = 30, .confidence = 0.9
};

/* NaN: there is none (yet). In the network's units (gru.h). */
struct job_metrics {
    double train_loss, valid_loss, baseline_valid_loss, persistence_valid_loss;
    double train_accuracy, valid_accuracy;
};

/* One row. Times are by the steady clock, 0: not yet. */
struct job {
    /* fixed when it is created */
    int64_t number;   /* grows with each job: their order. Set by job_store_insert */
    int64_t revision; /* of a job that was read, where processes share it (job_store_update) */
    char id[JOB_ID_MAX + 1];
    char model[JOB_MODEL_MAX + 1];
    unsigned base_version;
    struct digest base_digest;
    int64_t created_at_ms;
    enum job_source source;
    double validation_fraction; /* 0: none, or series of their own */
    struct gru_hyperparameters hyperparameters;
    uint64_t seed;
    enum job_policy policy;
    struct job_gate gate;
    uint64_t max_seconds; /* 0: no limit */
    bool dry_run;
    enum job_recipe recipe;
    uint64_t recipe_horizon;             /* 0 without a recipe */
    char suffix[JOB_SUFFIX_MAX + 1];     /* empty: none */
    char metadata[JOB_METADATA_MAX + 1]; /* a JSON object as it came; empty: none */
    /* its life */
    enum job_status status;
    bool is_finishing; /* its version is being stored: too late to cancel or pause it */
    int64_t started_at_ms, finished_at_ms, estimated_finish_ms;
    uint64_t running_ms;           /* time it has run, over all restarts and pauses */
    uint64_t epoch, step, n_steps; /* n_epochs is a hyper-parameter */
    struct job_metrics metrics;
    int n_trials, chosen_trial; /* of the recipe; the latter from 1, 0: none (yet) */
    struct job_trial trials[JOB_TRIALS_MAX];
    unsigned fine_tuned_version; /* 0: none */
    enum job_promotion promotion;
    char promotion_reason[JOB_REASON_MAX + 1]; /* empty: none */
    struct fault error;                        /* STATUS_OK unless the job failed */
};

/* What a request for a job says where it says nothing. */
static const double job_validation_fraction_default = 0.2;
enum { JOB_SEED_DEFAULT = 1 };

/* The time at which something happens to the job now: never before what has happened to it. */
int64_t job_now_ms(const struct job *job);

#endif
