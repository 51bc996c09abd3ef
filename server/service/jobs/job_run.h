/*
 * job_run.h - one job from the queue to the end of its training, slice by slice, and its state on
 * the way. The job thread; functions that take `void *` are run by the training thread while the
 * job thread waits.
 */
#ifndef JOB_RUN_H
#define JOB_RUN_H

#include "service/jobs/data_warnings.h"
#include "service/jobs/job_thread.h"
#include "service/jobs/recipe_task.h"
#include "service/jobs/training_set.h"

struct job_run {
    struct job_thread *job_thread;
    struct job *job;        /* as it is, or is about to be, in the database */
    struct gru_model *base; /* what it starts from */
    struct arena arena;     /* its data */
    struct training_set training_set;
    struct gru_training training;
    struct gru_training_info info;
    struct data_warnings warnings;
    struct gru_trainer *trainer; /* or, of a job with a recipe, */
    struct gru_recipe *recipe;   /* this, */
    struct recipe_task recipe_task;
    enum gru_recipe_fate fates[GRU_RECIPE_TRIALS_MAX]; /* of its trials, as they were reported */
    struct gru_model *trained;                         /* what came of it; NULL: not yet */
    bool is_compared, passes; /* it, or what a recipe chose, with the base; the verdict */
    struct {
        double trained, base, naive; /* mean losses */
    } compared;
    struct fault *fault; /* of the training thread's last task */
    enum status status;  /* the same */

    /* the last checkpoint, as read at the beginning or about to be written */
    void *state;
    size_t n_state;
    bool is_restored, is_refused;
    bool has_checkpoint; /* one was written, or restored */

    struct gru_progress progress;
    enum gru_advance ended; /* what the last slice ended with */
    bool is_out_of_time;    /* max_seconds have passed */
    uint64_t interruptions; /* the job database's, when the job's status was last read */

    /* times: by clock_monotonic_ms */
    int64_t began_at_ms;
    uint64_t ran_ms;             /* before that: of earlier runs */
    int64_t last_written_at_ms;  /* the last progress */
    int64_t last_reported_at_ms; /* the last metrics event, */
    uint64_t last_reported_step; /* and its step */
    int64_t last_saved_at_ms;    /* the last checkpoint, */
    int64_t saving_ms;           /* and how long it took */
    int64_t last_paced_at_ms;    /* the pace was measured from here, */
    uint64_t paced_step;         /* and this step */
    double step_ms;              /* the pace, smoothed; 0: not known yet */
    int64_t slice_us;
    int64_t baseline_us, steps_us; /* slices of the base's validation, and of this run's steps */

    uint64_t first_step; /* where this run began */
    uint64_t seen_epoch; /* the last that was complete after a slice */
    size_t n_skipped;    /* that were warned of */
};

/* A job that is queued, or was running when the process ended. Returns when it is over, or paused,
 * or the daemon stops. */
void job_run_train(struct job_thread *job_thread, struct job *job);

#endif
