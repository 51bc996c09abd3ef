/*
 * job_support.h - jobs for tests: waves that the networks of service_support.h can learn to
 * forecast, requests to learn them, and waiting for what becomes of that.
 */
#ifndef JOB_SUPPORT_H
#define JOB_SUPPORT_H

#include "service/service_support.h"

#include "service/jobs/fine_tuning.h"

enum { WAVE_ROWS = 400, WAVE_SERIES = 2 };

/* Training data, and a request that asks for a fifth of them as validation. */
struct course {
    double x[WAVE_SERIES][WAVE_ROWS * INPUTS];
    struct gru_series series[WAVE_SERIES];
    struct job_request request;
};
void course_init(struct course *course);

/* Long enough to be met in the middle; its end comes soon enough. TSan makes a step many times as
 * long. */
#ifdef __SANITIZE_THREAD__
enum { LONG_EPOCHS = 100 };
#else
enum { LONG_EPOCHS = 400 };
#endif
/* Makes it as long as that; and one that does not end by itself. */
void course_make_long(struct course *course);
void course_make_endless(struct course *course);

void world_start_jobs(struct world *world);
void world_stop_jobs(struct world *world);
/* A world with a data directory whose job thread runs, and a course for it. */
void world_begin_course(struct world *world, struct course *course);

/* Another job as the request says. */
struct job course_start(struct world *world, const struct job_request *request);
/* That it is refused like this. */
void expect_refused(struct world *world, const struct job_request *request, enum status status,
                    const char *param);

struct job job_get(struct world *world, const char *id);
/* Waits until the job has that status; a job that is over cannot get it any more. */
struct job job_wait(struct world *world, const char *id, enum job_status status);
/* Waits until it is running and has done that many steps. */
struct job job_wait_steps(struct world *world, const char *id, uint64_t step);
/* That it has an event like this. */
bool job_has_event(struct world *world, const char *id, const char *words);
/* All events, at most `room`. */
size_t job_get_events(struct world *world, const char *id, struct job_event *events, size_t room);
/* What became of its version, with these words among the reason. */
void expect_promotion(struct world *world, const char *id, enum job_promotion promotion,
                      const char *words);
/* How many series of its data the database still has. */
size_t job_count_series(struct world *world, const struct job *job);
/* Waits until it has none: they go after the job has ended. */
void job_expect_forgotten(struct world *world, const struct job *job);
/* As if the process had been killed after the job's version was stored: it is still running, and
 * has the data of the course. The job thread does not run. */
void job_make_unfinished(struct world *world, struct job *job, const struct course *course);
/* The job's version. */
const struct version *job_version(struct world *world, const struct job *job);
/* What the course gives if nothing disturbs it, in a world of its own without a data directory. */
struct digest undisturbed_digest(const struct job_request *request);
/* Starts a world, with a data directory or without, and a long job in it; and says what an
 * undisturbed one comes to. */
struct job course_start_long(struct world *world, struct course *course, bool has_data,
                             struct digest *ret_digest);
void expect_digest(struct digest a, struct digest b);
void sleep_ms(uint64_t ms);

#endif
