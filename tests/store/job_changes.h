/* job_changes.h - for tests of what fails: each call that changes the jobs, and all that can be
 * seen of it. */
#ifndef JOB_CHANGES_H
#define JOB_CHANGES_H

#include "store/job_store.h"

enum { JOB_VALUES = 3000, N_JOB_CHANGES = 8 };

extern const double job_values[JOB_VALUES];

struct job_change {
    const char *name;
    enum status (*run)(struct job_store *jobs, struct fault *fault);
};
extern const struct job_change job_changes[N_JOB_CHANGES];

/* Jobs on which each of them changes something; data empty: in memory. */
struct job_store *job_changes_prepare(const char *data);

struct job_view {
    size_t n_jobs, n_series, n_sessions, n_events, n_checkpoints, n_state;
    uint64_t versions; /* of the lineage, summed up */
    int64_t last_event;
    enum job_status status; /* of the first job */
};

struct job_view job_view_of(struct job_store *jobs);
void assert_changed(struct job_store *jobs, const struct job_view *before, bool changed,
                    const char *name);

#endif
