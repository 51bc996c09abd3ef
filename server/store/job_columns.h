/*
 * job_columns.h - which columns the rows of jobs.db have: tables X(column, TYPE, field, most), from
 * which both the SQL and the readers of rows are made. The hyper-parameters (gru.h) are further
 * columns of jobs: hyper_<field>. For job_schema.c, and for the test that the migrations make them
 * all.
 *
 * A change here needs a migration: job_migrations.c says how.
 */
#ifndef JOB_COLUMNS_H
#define JOB_COLUMNS_H

#define METRIC_COLUMNS(X)                                                                          \
    X(train_loss, REAL, metrics.train_loss, 0)                                                     \
    X(valid_loss, REAL, metrics.valid_loss, 0)                                                     \
    X(baseline_valid_loss, REAL, metrics.baseline_valid_loss, 0)                                   \
    X(persistence_valid_loss, REAL, metrics.persistence_valid_loss, 0)                             \
    X(train_accuracy, REAL, metrics.train_accuracy, 0)                                             \
    X(valid_accuracy, REAL, metrics.valid_accuracy, 0)

#define JOB_FIXED_COLUMNS(X)                                                                       \
    X(id, TEXT, id, 0)                                                                             \
    X(model, TEXT, model, 0)                                                                       \
    X(base_version, NUMBER, base_version, 0)                                                       \
    X(base_digest_high, COUNT, base_digest.high, 0)                                                \
    X(base_digest_low, COUNT, base_digest.low, 0)                                                  \
    X(created_at_ms, INTEGER, created_at_ms, 0)                                                    \
    X(source, CHOICE, source, JOB_SESSIONS_PREFIX)                                                 \
    X(validation_fraction, REAL, validation_fraction, 0)                                           \
    X(seed, COUNT, seed, 0)                                                                        \
    X(policy, CHOICE, policy, JOB_MANUAL)                                                          \
    X(min_relative_gain, REAL, gate.min_relative_gain, 0)                                          \
    X(must_beat_persistence, FLAG, gate.must_beat_persistence, 0)                                  \
    X(min_targets, COUNT, gate.min_targets, 0)                                                     \
    X(confidence, REAL, gate.confidence, 0)                                                        \
    X(max_seconds, COUNT, max_seconds, 0)                                                          \
    X(dry_run, FLAG, dry_run, 0)                                                                   \
    X(class_weighting, CHOICE, hyperparameters.class_weighting, GRU_N_CLASS_WEIGHTINGS - 1)        \
    X(class_weights, BYTES, hyperparameters.class_weights, 0)                                      \
    X(n_output_weights, CHOICE, hyperparameters.n_output_weights, GRU_OUTPUT_WEIGHTS_MAX)          \
    X(output_weights, BYTES, hyperparameters.output_weights, 0)                                    \
    X(recipe, CHOICE, recipe, JOB_RECIPE_AUTO)                                                     \
    X(recipe_horizon, COUNT, recipe_horizon, 0)                                                    \
    X(suffix, TEXT, suffix, 0)                                                                     \
    X(metadata, TEXT, metadata, 0)

#define JOB_STATUS_COLUMN(X) X(status, CHOICE, status, JOB_N_STATUSES - 1)

#define JOB_LIFE_COLUMNS(X)                                                                        \
    X(started_at_ms, INTEGER, started_at_ms, 0)                                                    \
    X(finished_at_ms, INTEGER, finished_at_ms, 0)                                                  \
    X(estimated_finish_ms, INTEGER, estimated_finish_ms, 0)                                        \
    X(running_ms, COUNT, running_ms, 0)                                                            \
    X(epoch, COUNT, epoch, 0)                                                                      \
    X(step, COUNT, step, 0)                                                                        \
    X(n_steps, COUNT, n_steps, 0)                                                                  \
    METRIC_COLUMNS(X)                                                                              \
    X(n_trials, CHOICE, n_trials, JOB_TRIALS_MAX)                                                  \
    X(chosen_trial, CHOICE, chosen_trial, JOB_TRIALS_MAX)                                          \
    X(trials, BYTES, trials, 0)                                                                    \
    X(fine_tuned_version, NUMBER, fine_tuned_version, 0)                                           \
    X(promotion, CHOICE, promotion, JOB_ROLLED_BACK)                                               \
    X(promotion_reason, TEXT, promotion_reason, 0)                                                 \
    X(error_status, STATUS, error.status, 0)                                                       \
    X(error_has_expected, FLAG, error.has_expected, 0)                                             \
    X(error_expected, COUNT, error.expected, 0)                                                    \
    X(error_param, TEXT, error.param, 0)                                                           \
    X(error_message, TEXT, error.message, 0)

#define EVENT_COLUMNS(X)                                                                           \
    X(created_at_ms, INTEGER, created_at_ms, 0)                                                    \
    X(level, CHOICE, level, JOB_EVENT_ERROR)                                                       \
    X(is_metrics, FLAG, is_metrics, 0)                                                             \
    X(message, TEXT, message, 0)                                                                   \
    X(step, COUNT, step, 0)                                                                        \
    X(epoch, COUNT, epoch, 0)                                                                      \
    X(train_loss, REAL, train_loss, 0)                                                             \
    X(valid_loss, REAL, valid_loss, 0)                                                             \
    X(grad_norm, REAL, grad_norm, 0)                                                               \
    X(learning_rate, REAL, learning_rate, 0)

#define CHECKPOINT_COLUMNS(X)                                                                      \
    X(created_at_ms, INTEGER, created_at_ms, 0)                                                    \
    X(step, COUNT, step, 0)                                                                        \
    X(epoch, COUNT, epoch, 0)                                                                      \
    X(train_loss, REAL, train_loss, 0)                                                             \
    X(valid_loss, REAL, valid_loss, 0)

#define LINEAGE_COLUMNS(X)                                                                         \
    X(model, TEXT, model, 0)                                                                       \
    X(version, NUMBER, version, 0)                                                                 \
    X(parent, NUMBER, parent, 0)                                                                   \
    X(digest_high, COUNT, digest.high, 0)                                                          \
    X(digest_low, COUNT, digest.low, 0)                                                            \
    X(job, TEXT, job, 0)                                                                           \
    METRIC_COLUMNS(X)

#endif
