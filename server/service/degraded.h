/*
 * degraded.h - the degraded states: what the service has to do without at the moment, while the
 * rest goes on.
 *
 * Each state begins when something is refused, and ends when the same succeeds again; but a failed
 * sync does not end before the process does: the pages that it was for may be gone from the cache,
 * and a sync that succeeds later says nothing about them.
 *
 * Any thread: the states are bits of one atomic word. What begins and what ends is logged once.
 */
#ifndef DEGRADED_H
#define DEGRADED_H

#include "base/status.h"

#include <stdbool.h>

struct service;

/* The word in /metrics, and the sentence in /readyz. */
#define DEGRADED_TABLE(X)                                                                          \
    X(SYNC, "sync",                                                                                \
      "the disk refused a sync: what was acknowledged may not survive a power failure, until "     \
      "grud is started again")                                                                     \
    X(SESSIONS, "sessions", "the disk has no room for new sessions")                               \
    X(VERSIONS, "versions", "the disk refuses new versions of models")                             \
    X(JOBS, "jobs", "the database of the jobs cannot be used")                                     \
    X(RECORDINGS, "recordings", "readings cannot be recorded")                                     \
    X(RULES, "rules", "rules, and what they have found, cannot be written down")                   \
    X(CUT, "cut",                                                                                  \
      "the file of a model's sessions was cut while grud ran: they are not served until grud is "  \
      "started again")                                                                             \
    X(CLUSTER, "cluster", "the cluster's engine does not answer: no session is served")            \
    X(LOST, "lost",                                                                                \
      "the cluster's engine came back without writes that it had acknowledged: no session is "     \
      "served until it has its data back, or the loss is accepted")                                \
    X(MODELS, "models", "a model, or a version of one, cannot be served")
enum degraded_state {
#define DEGRADED_ENUM(name, word, sentence) DEGRADED_##name,
    DEGRADED_TABLE(DEGRADED_ENUM)
#undef DEGRADED_ENUM
        DEGRADED_COUNT
};
const char *degraded_word(enum degraded_state state);
const char *degraded_sentence(enum degraded_state state);
bool service_is_degraded_by(const struct service *service, enum degraded_state state);
bool service_is_degraded(const struct service *service); /* any of them */

/* ---- for this layer ---- */

void degraded_begins(struct service *service, enum degraded_state state); /* logged, if it is new */
void degraded_ends(struct service *service, enum degraded_state state);   /* never that of a sync */
/* Begins if the status is STATUS_STORAGE_FAILED, and ends if it is STATUS_OK. */
void degraded_settle(struct service *service, enum degraded_state state, enum status status);

#endif
