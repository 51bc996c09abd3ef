/*
 * threads_support.h - a service, and a team of threads that use it as its workers do.
 *
 * The test's thread makes the team and is the daemon's main thread meanwhile; each member is a
 * thread of its own, and never ends the test: what is unexpected is counted.
 */
#ifndef THREADS_SUPPORT_H
#define THREADS_SUPPORT_H

#include "service/service_support.h"

#include <pthread.h>

enum { THREADS = 4, SESSIONS = 24 };

struct team {
    struct world world;
    _Atomic bool is_over;
    _Atomic uint64_t n_acknowledged[SESSIONS];
    _Atomic uint64_t n_unexpected; /* replies that there is no reason for */
    _Atomic uint64_t n_blocked, n_done, n_activations, n_other;
    size_t n_batches, n_activations_wanted; /* the steps go on until there were as many of both */
    char unexpected[400];                   /* one of them */
};

struct member {
    struct team *team;
    uint64_t number;
    pthread_t thread;
};

void team_init(struct team *team, size_t n_batches);
/* A worker of one's own, for as long as the thread runs. */
struct service_context *team_worker(const struct team *team);
void team_note_unexpected(struct team *team, const struct fault *fault);
/* STATUS_OK, or one of both. */
bool is_one_of(enum status status, enum status a, enum status b);
/* A role: activates one version after the other until it is over. */
void *team_activate_versions(void *argument);
/* A thread for each role, until so many members are done by themselves (n_done). */
void team_run(struct team *team, void *(*const *roles)(void *), size_t n_roles, size_t n_that_end);

#endif
