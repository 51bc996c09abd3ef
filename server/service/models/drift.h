/*
 * drift.h - whether the errors of a model's sessions have become larger, as all threads share it: a
 * watch (scores/drift_watch.h), and what it has told.
 *
 * A thread that steps notes errors in a buffer of its own, without a lock or a line of cache that
 * another thread writes to. The buffers are taken, in the order of time, by whoever looks,
 * several times a second, and by a thread that has half filled its own. So every error counts, at a
 * reading an hour and at a hundred thousand a second; only where a thread finds the watch in use
 * for as long as it takes to fill the other half are errors left out. No thread waits for another
 * one but to look or to read.
 *
 * Drift lasts until another version is active, or the errors are what they were before.
 */
#ifndef DRIFT_H
#define DRIFT_H

#include "service/scores/drift_watch.h"
#include "store/job.h"

#include <stdbool.h>
#include <stdint.h>

enum { DRIFT_REASON_MAX = 399 };

/* The last attempt at a job that drift starts (jobs/drift_jobs.h). */
struct drift_job {
    int64_t at_ms;                     /* by the steady clock; 0: there was none */
    int64_t next_ms;                   /* before which there is no other */
    char id[JOB_ID_MAX + 1];           /* empty: the job was refused */
    bool is_over;                      /* and nothing more will become of it */
    bool is_put_off;                   /* to be made up for, though drift may be over by then */
    char reason[DRIFT_REASON_MAX + 1]; /* why it made no better version; empty: it did, or may */
};

struct drift_report {
    bool is_drifting;
    uint64_t n_alarms[DRIFT_N_DETECTORS];
    double ratio;           /* recent errors as a multiple of usual ones; NaN: not known yet */
    int64_t detected_at_ms; /* of the last alarm, by the steady clock; 0: there was none */
    struct drift_alarm alarm;
    struct drift_job job;
};

/* Of a model: reference-counted, as its copies share it. NULL: no memory. */
struct drift;
struct drift *drift_create(void);
struct drift *drift_ref(struct drift *drift);
void drift_unref(struct drift *drift); /* takes NULL */

/* A standardised error, by the thread of that number (scores/error_totals.h), which made it at that
 * time. */
void drift_note(struct drift *drift, unsigned thread, double error, int64_t now_ms);

/* Takes what all threads have noted for the version that is active. True: since the last look drift
 * was told, or is over. *ret_has_alarm: it was told of that version, though it may be over already.
 * One thread at a time. */
bool drift_look(struct drift *drift, unsigned version, int64_t now_ms, bool *ret_has_alarm);
/* As it is for that version: another one's drift is over. Any thread. */
void drift_read(struct drift *drift, unsigned version, struct drift_report *ret_report);
/* The word of the detector that told the last alarm. */
const char *drift_report_detector(const struct drift_report *report);
/* What became of the last attempt at a job. Any thread. */
void drift_note_job(struct drift *drift, const struct drift_job *job);

#endif
