/* job_series.h - the training data of a job: a part of the store of jobs (job_store.h). Callers
 * serialise. */
#ifndef JOB_SERIES_H
#define JOB_SERIES_H

#include "base/arena.h"
#include "base/status.h"
#include "gru.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job_store;

/* One sequence of a job's data: gru_series, and to which set it belongs. */
struct job_series {
    struct gru_series series;
    bool is_validation;
    size_t x_width, y_width; /* values in a row; y_width 0 without y */
};

/* Replaces a job's series: what its sessions had recorded, once gathered. A transaction of its own.
 */
__attribute__((warn_unused_result)) enum status
job_store_put_series(struct job_store *jobs, int64_t number, const struct job_series *series,
                     size_t n, struct fault *fault);
/* All series in order, and the values they point to, in the arena. */
__attribute__((warn_unused_result)) enum status
job_store_read_series(struct job_store *jobs, int64_t number, struct arena *arena,
                      struct job_series **ret_series, size_t *ret_n, struct fault *fault);
/* The ids of its sessions, in order, in the arena. */
__attribute__((warn_unused_result)) enum status
job_store_read_sessions(struct job_store *jobs, int64_t number, struct arena *arena,
                        const char *const **ret_sessions, size_t *ret_n, struct fault *fault);
/* Forgets what only a job that goes on needs: its series, sessions and checkpoints' states. A
 * transaction of its own. */
__attribute__((warn_unused_result)) enum status
job_store_forget_data(struct job_store *jobs, int64_t number, struct fault *fault);

#endif
