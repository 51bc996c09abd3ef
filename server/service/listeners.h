/*
 * listeners.h - those that want to know at once what becomes of sessions, and how they are told.
 *
 * A thread that steps or ends a session tells the listeners of that session while it still has the
 * claim, so they hear of its steps in order. It hands them a reference to one event, which is
 * printed once for all, and never waits for any of them: a listener has a queue of bounded size,
 * and one that does not empty it is lost: its queue is freed, and it is told nothing more. Where
 * nobody listens telling costs a load and a branch.
 *
 * With --sync-interval-ms 0 an event has the number of the commit (sessions/commit.h) that it waits
 * for, and is given out only once that is done. So nobody hears of a step that is not acknowledged.
 *
 * Any thread opens, tells and closes; a listener's queue is read by one thread at a time. Locks:
 * one for each share of the listeners, by session, and one for those that listen to a whole model;
 * they are held alone, for as long as a pointer takes to be put in a queue. The header's other
 * part, how an event is printed, is the matter of layers above (service_print_steps_with).
 */
#ifndef LISTENERS_H
#define LISTENERS_H

#include "service/names.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* ---- events ---- */

/* Why a session's steps end, and the words that clients read. */
#define SESSION_ENDS(X)                                                                            \
    X(SESSION_DELETED, "deleted")                                                                  \
    X(SESSION_EXPIRED, "expired")                                                                  \
    X(SESSION_EVICTED, "evicted")                                                                  \
    X(SESSION_DAMAGED, "damaged")                                                                  \
    X(SESSION_REPLACED, "replaced") /* by a PUT: another one has its name */

enum session_end {
    SESSION_GOES_ON, /* the event is a step */
#define SESSION_END_ID(id, word) id,
    SESSION_ENDS(SESSION_END_ID)
#undef SESSION_END_ID
        SESSION_N_ENDS
};
const char *session_end_word(enum session_end end);

/* Immutable but for the count. */
struct session_event {
    _Atomic unsigned n_refs;
    enum session_end end;
    bool is_amended; /* the step changed one that was made before */
    bool is_drift;   /* it is no session's: whether its model drifts has changed */
    uint64_t step;
    int64_t at_ms;   /* of a step: when it was made, by the steady clock */
    uint64_t commit; /* it waits for; 0: for none */
    char session[SESSION_ID_MAX + 1];
    size_t n;
    char json[]; /* [n] of a step */
};

/* With one reference, and its fields but for those of a step set; NULL: no memory. */
struct session_event *session_event_make(const char *session, enum session_end end,
                                         const char *json, size_t n);
void session_event_unref(struct session_event *event);

/* ---- listeners ---- */

struct listener;
struct listener_share {
    pthread_mutex_t mutex;
    _Atomic size_t n;
    LIST_HEAD(, listener) list;
};

enum { LISTENER_SHARES = 256 };

struct listeners {
    _Atomic size_t n;                              /* all of them */
    _Atomic uint64_t commits_begun, commits_done;  /* commit.h */
    struct listener_share shares[LISTENER_SHARES]; /* by the session's hash */
    struct listener_share wide;                    /* to whole models */
};

/* What happened, and to which session. */
struct told {
    const char *model, *session;
    uint64_t hash; /* of the session's id */
};

void listeners_init(struct listeners *listeners);
void listeners_done(struct listeners *listeners); /* once nobody listens */

/* ---- telling: with the session claimed ---- */

static inline bool listeners_are_any(const struct listeners *listeners)
{
    return atomic_load_explicit(&listeners->n, memory_order_relaxed) > 0;
}

/* Whether somebody listens to it. */
bool listeners_want(struct listeners *listeners, const struct told *told);
/* Takes the caller's reference. NULL: there was no memory for it; whoever listens to the session is
 * lost. */
void listeners_tell(struct listeners *listeners, const struct told *told,
                    struct session_event *event);
void listeners_tell_end(struct listeners *listeners, const struct told *told, enum session_end end,
                        uint64_t commit);

/* All that listen to the model, whichever prefix they named: whether it drifts has changed. Without
 * a session claimed. */
void listeners_tell_drift(struct listeners *listeners, const char *model);

/* ---- listening ---- */

/* To one session; or, is_wide, to those of the model whose ids begin with it. NULL: no memory. */
struct listener *listener_open(struct listeners *listeners, const struct told *told, bool is_wide);
void listener_close(struct listener *listener);
/* Whether there is something to take, or it is lost. No lock. */
bool listener_has_news(const struct listener *listener);
bool listener_is_lost(const struct listener *listener);
/* The next events, n_max at most, with their references; those that wait for a commit stay. */
size_t listener_take(struct listener *listener, struct session_event **ret_events, size_t n_max);

#endif
