/*
 * job_migrations.c - the tables of jobs.db, format by format.
 *
 * A new column, such as that of a new hyper-parameter, is a migration of one line at the end, with
 * JOB_FORMAT raised:
 *
 *     { "add the hyper-parameter rho", "ALTER TABLE jobs ADD COLUMN hyper_rho REAL DEFAULT 0.9;" },
 *
 * The default is what jobs without it were trained with, so that one that goes on gives the same
 * weights. A number without "none" is INTEGER NOT NULL DEFAULT n.
 *
 * Words (optimizers, losses, statuses, ...) are stored as their place in their list, so a new one
 * goes to the end of the list. Rows need no change, but an older grud could not read the new
 * number, so it is a migration all the same, whose SQL is a comment:
 *
 *     { "add the optimizer rmsprop", "-- hyper_optimizer 3: rmsprop" },
 *
 * tests/store/test_job_migrations.c compares what the migrations make with what job_columns.h asks
 * for, and names what is missing. tests/fixtures/formats/make.sh freezes what the last build of a
 * format keeps on disk, for the tests of later ones.
 */
#include "store/job_migrations.h"

/* SQL, laid out as SQL. */
// clang-format off
const struct statement job_migrations[JOB_FORMAT] = {
    /* As the first release made them; their digest was its format, so not even a space may change. */
    { "create the tables",
        "CREATE TABLE jobs (number INTEGER PRIMARY KEY, id TEXT NOT NULL, model TEXT NOT NULL,"
        " base_version INTEGER NOT NULL, base_digest_high INTEGER NOT NULL,"
        " base_digest_low INTEGER NOT NULL, created_at_ms INTEGER NOT NULL,"
        " source INTEGER NOT NULL, validation_fraction REAL, seed INTEGER NOT NULL,"
        " policy INTEGER NOT NULL, min_relative_gain REAL, max_seconds INTEGER NOT NULL,"
        " dry_run INTEGER NOT NULL, suffix TEXT NOT NULL, metadata TEXT NOT NULL,"
        " hyper_n_epochs INTEGER NOT NULL, hyper_batch_size INTEGER NOT NULL,"
        " hyper_learning_rate REAL, hyper_optimizer INTEGER NOT NULL /* sgd|adam|adamw */,"
        " hyper_momentum REAL, hyper_weight_decay REAL,"
        " hyper_loss INTEGER NOT NULL /* mse|mae|huber|bce|cross_entropy */,"
        " hyper_clip_norm REAL, hyper_window INTEGER NOT NULL, hyper_l2_sp REAL,"
        " hyper_dropout REAL, hyper_early_stopping_patience INTEGER NOT NULL,"
        " hyper_train INTEGER NOT NULL /* all|head */, status INTEGER NOT NULL"
        " /* validating queued running paused succeeded failed cancelled */,"
        " started_at_ms INTEGER NOT NULL, finished_at_ms INTEGER NOT NULL,"
        " estimated_finish_ms INTEGER NOT NULL, running_ms INTEGER NOT NULL,"
        " epoch INTEGER NOT NULL, step INTEGER NOT NULL, n_steps INTEGER NOT NULL,"
        " train_loss REAL, valid_loss REAL, baseline_valid_loss REAL,"
        " persistence_valid_loss REAL, train_accuracy REAL, valid_accuracy REAL,"
        " fine_tuned_version INTEGER NOT NULL, promotion INTEGER NOT NULL,"
        " promotion_reason TEXT NOT NULL, error_status TEXT NOT NULL,"
        " error_has_expected INTEGER NOT NULL, error_expected INTEGER NOT NULL,"
        " error_param TEXT NOT NULL, error_message TEXT NOT NULL, UNIQUE (id)) STRICT;"
        "CREATE INDEX jobs_of_status ON jobs (status, number);"

        "CREATE TABLE series (job INTEGER NOT NULL REFERENCES jobs (number), n INTEGER NOT NULL,"
        " is_validation INTEGER NOT NULL, x_width INTEGER NOT NULL, y_width INTEGER NOT NULL,"
        " x BLOB NOT NULL, y BLOB, PRIMARY KEY (job, n)) STRICT;"

        "CREATE TABLE sessions (job INTEGER NOT NULL REFERENCES jobs (number), n INTEGER NOT NULL,"
        " session TEXT NOT NULL, PRIMARY KEY (job, n)) STRICT, WITHOUT ROWID;"

        "CREATE TABLE events (id INTEGER PRIMARY KEY,"
        " job INTEGER NOT NULL REFERENCES jobs (number), created_at_ms INTEGER NOT NULL,"
        " level INTEGER NOT NULL, is_metrics INTEGER NOT NULL, message TEXT NOT NULL,"
        " step INTEGER NOT NULL, epoch INTEGER NOT NULL, train_loss REAL, valid_loss REAL,"
        " grad_norm REAL, learning_rate REAL) STRICT;"
        "CREATE INDEX events_of_job ON events (job, id);"

        "CREATE TABLE checkpoints (id INTEGER PRIMARY KEY,"
        " job INTEGER NOT NULL REFERENCES jobs (number), created_at_ms INTEGER NOT NULL,"
        " step INTEGER NOT NULL, epoch INTEGER NOT NULL, train_loss REAL, valid_loss REAL) STRICT;"
        "CREATE INDEX checkpoints_of_job ON checkpoints (job, id);"

        "CREATE TABLE states (job INTEGER PRIMARY KEY REFERENCES jobs (number),"
        " checkpoint INTEGER NOT NULL REFERENCES checkpoints (id), state BLOB NOT NULL) STRICT;"

        "CREATE TABLE lineage (n INTEGER PRIMARY KEY, model TEXT NOT NULL,"
        " version INTEGER NOT NULL, parent INTEGER NOT NULL, digest_high INTEGER NOT NULL,"
        " digest_low INTEGER NOT NULL, job TEXT NOT NULL, train_loss REAL, valid_loss REAL,"
        " baseline_valid_loss REAL, persistence_valid_loss REAL, train_accuracy REAL,"
        " valid_accuracy REAL, UNIQUE (model, version)) STRICT;" },

    { "end the pages with checksums", "-- an older grud would write pages without (page_checksums.h)" },

    /* A job from before is judged as one that asks for nothing is now. */
    { "add what the gate asks for",
        "ALTER TABLE jobs ADD COLUMN must_beat_persistence INTEGER NOT NULL DEFAULT 1;"
        "ALTER TABLE jobs ADD COLUMN min_targets INTEGER NOT NULL DEFAULT 30;"
        "ALTER TABLE jobs ADD COLUMN confidence REAL DEFAULT 0.9;" },

    /* Of a job from before each series is judged by itself, as it was. */
    { "add which series go on after a gap",
        "ALTER TABLE series ADD COLUMN is_continuation INTEGER NOT NULL DEFAULT 0;" },

    /* A job from before has one learning rate, and classes that are alike. */
    { "add schedules and weights of classes",
        "ALTER TABLE jobs ADD COLUMN hyper_schedule_type INTEGER NOT NULL DEFAULT 0"
        " /* constant|cosine|step */;"
        "ALTER TABLE jobs ADD COLUMN hyper_schedule_warmup_steps INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN hyper_schedule_step_epochs INTEGER NOT NULL DEFAULT 10;"
        "ALTER TABLE jobs ADD COLUMN hyper_schedule_factor REAL DEFAULT 0.1;"
        "ALTER TABLE jobs ADD COLUMN class_weighting INTEGER NOT NULL DEFAULT 0"
        " /* alike|balanced|given */;"
        "ALTER TABLE jobs ADD COLUMN class_weights BLOB NOT NULL DEFAULT x'';" },

    /* The data of a job from before are floats. */
    { "add how large a value of a series is",
        "ALTER TABLE series ADD COLUMN value_bytes INTEGER NOT NULL DEFAULT 4;" },

    /* The outputs of a job from before are alike, it was trained one row ahead, walking through its
     * series, and it keeps its model's scaling. */
    { "add weights of outputs, losses of roll-outs, sampling, the schedule plateau and scalings that "
      "are fitted",
        "-- hyper_schedule_type 3: plateau\n"
        "ALTER TABLE jobs ADD COLUMN n_output_weights INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN output_weights BLOB NOT NULL DEFAULT x'';"
        "ALTER TABLE jobs ADD COLUMN hyper_horizon_loss INTEGER NOT NULL DEFAULT 1;"
        "ALTER TABLE jobs ADD COLUMN hyper_schedule_patience INTEGER NOT NULL DEFAULT 3;"
        "ALTER TABLE jobs ADD COLUMN hyper_sampling_length INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN hyper_sampling_burn_in INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN hyper_sampling_per_epoch INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN hyper_scaling INTEGER NOT NULL DEFAULT 0"
        " /* keep|fit|fit_robust */;" },

    /* A job from before was trained as its hyper-parameters say. */
    { "add recipes and what they tried",
        "ALTER TABLE jobs ADD COLUMN recipe INTEGER NOT NULL DEFAULT 0 /* none|auto */;"
        "ALTER TABLE jobs ADD COLUMN recipe_horizon INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN n_trials INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN chosen_trial INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN trials BLOB NOT NULL DEFAULT x'';" },
};
// clang-format on
