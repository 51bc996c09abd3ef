/*
 * sources.h - the sources of a job's data: series in the body, or sessions and what they recorded.
 * Private to the codec.
 */
#ifndef SOURCES_H
#define SOURCES_H

#include "codec/series.h"
#include "service/jobs/fine_tuning.h"

enum { JOB_SESSIONS_MAX = 100000 };

struct job_sources {
    enum job_source source;
    struct series_list list;
    const char **sessions; /* ids, or the one prefix */
    size_t n_sessions, size;
};

/* `info` is borrowed. */
void sources_init(struct job_sources *sources, const struct gru_info *info, int loss);
/* {"series"} or {"sessions"} or {"sessions_prefix"} */
enum status sources_read_training(struct reader *r, struct job_sources *sources);
/* {"series"} or {"fraction"} */
enum status sources_read_validation(struct reader *r, struct job_sources *sources,
                                    double *ret_fraction);

#endif
