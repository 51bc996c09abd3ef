/*
 * driver.h - what the files of the driver share: the daemon under the shim, the classes of faults,
 * the cases of a scenario, and what is counted.
 *
 * A case is one scenario with one fault: the n-th call of a class fails. Whatever is checked is
 * checked with libcheck's macros, as the tests' daemon.h does it; here a failed one (check.c) ends
 * the case, not the program, and is a violation.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include "control.h"
#include "e2e/daemon.h"
#include "test.h"

#include <stddef.h>

struct scenario {
    const char *name;
    void (*run)(const struct scenario *scenario);
    const void *details; /* of the scenarios that are made alike */
};

/* The tables of scenarios, each ended by one without a name. */
extern const struct scenario request_scenarios[], life_scenarios[], disk_scenarios[];

struct driver {
    char root[64]; /* holds the model files and the control page */
    struct fault_control *control;
    struct daemon daemon;
    bool is_up;
    const struct scenario *scenario;
    int class; /* of the case at hand; 0: none */
    long at;
    unsigned newest; /* the highest number that a version of pump had */
    unsigned n_gone; /* how many of them are gone for good: comparisons count on from there */
    long n_memory_faults, n_file_faults, n_errors, n_cut, n_exits, n_violations;
};
extern struct driver driver;

/* ---- check.c ---- */

/* Runs it; false: there was a violation, and the daemon is gone. */
bool guarded(void (*run)(void *context), void *context);

/* ---- faults ---- */

extern const int fault_classes[]; /* ended by 0 */
const char *fault_class_name(int class);
/* Is that class asked for? */
bool fault_class_is_due(int class);
void fault_arm(int class, long at, bool is_for_good, const char *threads);
/* Returns how many calls have failed, and how many there were. */
long fault_disarm(long *ret_n_calls);

/* Calls run_case for every n from 1 to n_calls, or for those that AT and STRIDE say, or n_cases of
 * them; each is guarded. False: one of them was a violation, which ends the row. */
bool each_case(int class, long n_calls, long n_cases, void (*run_case)(void *context),
               void *context);

/* ---- the daemon under the shim ---- */

void shimmed_start(const char *const *options);       /* on a fresh directory */
void shimmed_start_again(const char *const *options); /* on the same */
/* -1: it runs; else the exit code. A death by a signal is a violation. */
int shimmed_try_start(const char *const *options);
/* SIGTERM; returns the exit code, which is no signal's. */
int shimmed_end(void);
void shimmed_remove(void);      /* the directory */
bool log_has(const char *text); /* since the last start */

/* A path below the root; valid until the next call but three. */
const char *root_path(const char *name);
/* The options that all scenarios begin with, and those that follow (NULL-terminated). */
const char *const *options_with(const char *const *more);

/* ---- requests ---- */

#define PUMP   "/v1/models/pump" /* two inputs, two outputs */
#define JOBS   "/v1/fine_tuning/jobs"
#define MANUAL ",\"promotion\":{\"policy\":\"manual\"}"
enum { JOB_BYTES = 16 << 10 };

struct answer ask(const char *method, const char *path, const char *body);
struct answer upload(const char *model, const char *file);
void note_versions(const struct answer *model); /* of pump, in driver.newest */
/* An error has a code of THE table (server/base/status.h) and a message. */
void expect_error(const struct answer *answer);
void expect_code(const char *method, const char *path, const char *body, int code);
/* What clients can see, as one text that is comparable: models, sessions and what is in them, jobs
 * that are not over. From malloc. */
char *snapshot(void);
void expect_state(const char *wanted, const char *what);
/* Makes what two cases of one scenario answer the same text, in place: times are left out, and
 * since no number of a version is given twice, those beyond 1 are counted from the first one of the
 * case. */
void make_comparable(char *json);
/* GET /readyz: whether it says degraded, or that no model can be served, and why. */
bool is_degraded(char *reason, size_t size);
void wait_until_recovered(void);

/* ---- states that cases begin with (requests.c) ---- */

void forget(const char *path);   /* DELETE; what is not there is fine */
void put_file(const char *file); /* another version of pump */
void forget_versions(void);      /* all of pump but version 1, which is active then */
/* "a" has made three steps and "b" one; "c" and "copy" are not there. */
void reset_sessions(void);
/* A job on one series. `rest`: its further members, each with a comma before it. */
void print_job(char out[JOB_BYTES], const char *hyperparameters, const char *rest);

#endif
