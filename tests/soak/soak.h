/*
 * soak.h - what the clients of a soak share: one real daemon, the models that they made for it, and
 * the sign that time is up. Each kind of client is a thread of its own and has a file of its own:
 *
 * - regulars.c: sessions that stay; every answer is recomputed with libgru
 * - passers.c: sessions that come and go (created, forked, restored, expired, evicted, deleted),
 * lists of steps, whole sequences
 * - keeper.c: versions uploaded, activated back and forth, downloaded, deleted
 * - learner.c: fine-tuning jobs and their event streams
 * - rude.c: clients that hang up, send garbage, read slowly or say nothing
 *
 * Whatever one of them does not expect ends the program at once (failure.c).
 */
#ifndef SOAK_H
#define SOAK_H

#include "e2e/daemon.h"
#include "soak_network.h"

#include <stdint.h>

enum { N_SHIFTS = 3, HISTORY = 32 };

/* Names of models in the daemon. */
#define REGULAR "/v1/models/regular" /* one version, for ever */
#define SHIFTING                                                                                   \
    "/v1/models/shifting" /* the keeper's: its version changes, and the size of its state */
#define PASSING "/v1/models/passing" /* more sessions than it has room for */
#define LEARNER "/v1/models/learner" /* trained on, and promoted */

/* What was asked for, and how often. */
#define KIND_TABLE(X)                                                                              \
    X(STEP, "step")                                                                                \
    X(STEP_AHEAD, "step with horizon")                                                             \
    X(STEP_FILL, "step with fill")                                                                 \
    X(STEP_AGAIN, "step repeated")                                                                 \
    X(STEPS, "steps, array")                                                                       \
    X(STEPS_LINES, "steps, lines")                                                                 \
    X(LINES_AGAIN, "steps, lines repeated")                                                        \
    X(PREDICT, "predict")                                                                          \
    X(FORECAST, "forecast")                                                                        \
    X(SESSION_GET, "session get")                                                                  \
    X(SESSION_PUT, "session put")                                                                  \
    X(SESSION_DELETE, "session delete")                                                            \
    X(SESSION_FORK, "session fork")                                                                \
    X(SESSION_LIST, "session list")                                                                \
    X(MODEL_PUT, "version upload")                                                                 \
    X(MODEL_GET, "model get")                                                                      \
    X(VERSION_FILE, "version file")                                                                \
    X(VERSION_ACTIVATE, "version activate")                                                        \
    X(VERSION_DELETE, "version delete")                                                            \
    X(JOB_CREATE, "job create")                                                                    \
    X(JOB_GET, "job get")                                                                          \
    X(JOB_LIST, "job list")                                                                        \
    X(JOB_STEER, "job pause/resume/cancel")                                                        \
    X(JOB_EVENTS, "job events")                                                                    \
    X(JOB_STREAM, "job stream")                                                                    \
    X(SYSTEM, "health, metrics")                                                                   \
    X(RUDE_REQUEST, "hung up in a request")                                                        \
    X(RUDE_ANSWER, "hung up in an answer")                                                         \
    X(RUDE_GARBAGE, "garbage")                                                                     \
    X(RUDE_SLOW, "slow reader")                                                                    \
    X(RUDE_SILENT, "silent")

enum kind {
#define KIND_ENUM(name, text) KIND_##name,
    KIND_TABLE(KIND_ENUM)
#undef KIND_ENUM
        KIND_COUNT
};

enum { CODE_MAX = 600 };

struct soak {
    struct system_control *system; /* the daemon's wall clock */
    struct daemon daemon;
    struct network regular;          /* also that of passing and learner */
    struct network shifts[N_SHIFTS]; /* what the versions of shifting are made of */
    _Atomic bool is_over;
    _Atomic uint64_t asked[KIND_COUNT];
    _Atomic uint64_t
        answered[CODE_MAX]; /* by status; 0: closed without an answer, where that is expected */
    _Atomic uint64_t n_compared;  /* numbers that were recomputed */
    _Atomic uint64_t n_succeeded; /* jobs */
};

struct place {
    struct soak *soak;
    uint64_t number; /* from 1; of this thread among all */
};

/* Threads, from their place until is_over. What the first two return is for their _finish, which is
 * called once all threads have ended: the keeper's first. */
void *keeper_run(void *place);
void *regulars_run(void *place);
void *passers_run(void *place);
void *learner_run(void *place);
void *rude_run(void *place);

/* Activates a last version of shifting, another one than any that its sessions have seen, and is
 * freed. */
void keeper_finish(void *keeper);
/* Every session's forecast, once more: of regular from all that it was given, of shifting from the
 * last HISTORY readings, replayed through the last version. Is freed. */
void regulars_finish(void *regulars);

#endif
