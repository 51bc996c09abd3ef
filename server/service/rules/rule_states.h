/*
 * rule_states.h - what rules have found in sessions, where that is not nothing: which conditions
 * are met, which rules fire, and what is still to be told of that.
 *
 * A state is of one rule and one session. It is told by level and not by queue: it holds what its
 * receiver knows and what is true now, and wherever these differ something is to be posted. So
 * nothing is lost however long a receiver is away, and what changes back and forth meanwhile is
 * told once. But a firing that is over before it could be told is told, and then its end: one
 * unusual reading in a batch is not overlooked.
 *
 * Any thread notes, with the session claimed; the webhook thread takes what is new, and alone frees
 * what has ever fired. Locks: one for each share of the sessions, held alone and for some hundred
 * instructions. The last part of this header is the webhook thread's.
 */
#ifndef RULE_STATES_H
#define RULE_STATES_H

#include "service/rules/rule_entry.h"

#include <math.h>

enum { RULE_STATE_SHARES = 256 };

struct rule_share {
    pthread_mutex_t mutex;
    _Atomic size_t n;                  /* of its states */
    LIST_HEAD(, rule_state) * buckets; /* [n_buckets], a power of two; NULL: none yet */
    size_t n_buckets;
    TAILQ_HEAD(, rule_state) news; /* that the webhook thread has not taken */
};

struct rule_states {
    _Atomic size_t n;            /* all of them */
    _Atomic uint64_t n_left_out; /* of sessions for which there was no room */
    size_t n_max;
    int wake_fd; /* an eventfd: written when there is news */
    struct rule_share shares[RULE_STATE_SHARES];
};

/* A session. */
struct rule_session {
    const char *model, *id;
    uint64_t hash; /* of the id */
};
/* A reading, and the value of a rule's kind that it led to. */
struct rule_sample {
    uint64_t step;
    int64_t at_ms;   /* by the steady clock */
    double value;    /* NaN: there is none */
    uint64_t commit; /* that must be done before anybody is told (commit.h); 0: none */
};

__attribute__((warn_unused_result)) enum status
rule_states_create(size_t n_max, struct rule_states **ret_states, struct fault *fault);
void rule_states_free(struct rule_states *states); /* takes NULL; no other thread uses them */

/* ---- any thread ---- */

static inline bool rule_states_are_any(const struct rule_states *states)
{
    return atomic_load_explicit(&states->n, memory_order_relaxed) > 0;
}
/* A reading meets the rule's condition, or does not. */
void rule_states_note(struct rule_states *states, struct rule_entry *entry,
                      const struct rule_session *session, bool is_met,
                      const struct rule_sample *sample);
/* The session has ended, or another one has its name: so have its firings. */
void rule_states_end_session(struct rule_states *states, const struct rule_session *session,
                             const struct rule_sample *sample);
/* The rule is over. Nothing more is found by it. */
void rule_states_end_rule(struct rule_states *states, struct rule_entry *entry, int64_t now_ms);

/* The sessions that fire by that rule: n_max of them at most, in no order, as copies. */
size_t rule_states_list(struct rule_states *states, const struct rule_entry *entry, size_t n_max,
                        struct firing *ret_firings);

/* What the last process has left, before there are other threads. */
__attribute__((warn_unused_result)) bool rule_states_restore(struct rule_states *states,
                                                             struct rule_entry *entry,
                                                             const struct firing *firing);

/* ---- the webhook thread ---- */

/* What is to be told of a state. */
enum rule_due { RULE_DUE_NOTHING, RULE_DUE_FIRING, RULE_DUE_END };

/* That it fires again, before its end could be told, and perhaps has ended again. */
struct rule_refiring {
    bool is_there, has_ended;
    struct rule_sample since, ended;
    enum rule_end end;
};

/* A state that may have something to tell. */
struct rule_state {
    LIST_ENTRY(rule_state) link; /* in its bucket */
    struct rule_entry *entry;    /* a reference */
    uint64_t hash;
    uint64_t n_met; /* readings in a row that met the condition, until it fires */
    struct firing firing;
    uint64_t commit;
    bool is_news;
    TAILQ_ENTRY(rule_state) next_news;
    /* Written by the webhook thread, with the lock, which others read them by. */
    bool is_taken;        /* it is among those that the thread sees to */
    enum rule_due posted; /* what is on its way, or failed last */
    struct rule_refiring again;
    /* The webhook thread's own. */
    TAILQ_ENTRY(rule_state) queued;
    int64_t first_try_ms; /* by the monotonic clock; 0: not yet */
};

/* Up to n states with news whose commits are done (up to that number), and copies of what they are
 * now. They are the thread's until they are settled; NULL stands for one that is so already.
 * *ret_has_more: there is other news. */
size_t rule_states_take(struct rule_states *states, uint64_t commits_done, size_t n,
                        struct rule_state **ret_states, struct firing *ret_firings,
                        bool *ret_has_more);
/* What is to be posted of a state that was taken, with a copy; it counts as on its way. */
enum rule_due rule_states_begin_post(struct rule_states *states, struct rule_state *state,
                                     struct firing *ret_firing);
/* It has been told. */
void rule_states_end_post(struct rule_states *states, struct rule_state *state);
/* Whether there is more to tell. If not, it is not the thread's any more, and is freed if there is
 * nothing left of it. A copy of what it is is made first. */
bool rule_states_settle(struct rule_states *states, struct rule_state *state,
                        struct firing *ret_firing);

#endif
