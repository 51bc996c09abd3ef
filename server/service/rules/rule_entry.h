/*
 * rule_entry.h - a rule as the threads share it: what it says, which never changes, how many
 * sessions it has found, and how its webhook does.
 *
 * Reference-counted: the set of rules has a reference while the rule is in force, and so has each
 * session that it has found, until the last end is told. Any thread; counts are atomics, and the
 * words about the webhook have a mutex that is held for a copy of them.
 */
#ifndef RULE_ENTRY_H
#define RULE_ENTRY_H

#include "base/status.h"
#include "store/rule.h"
#include "webhook/webhook_client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct rule_state;

/* How the webhook of a rule does. Times are by the steady clock; 0: never. */
struct rule_webhook {
    int64_t last_success_at_ms, last_failure_at_ms;
    char last_failure[WEBHOOK_REASON_MAX + 1];
    uint64_t n_failures; /* since the process began */
};

struct rule_entry {
    _Atomic unsigned n_refs;
    struct rule rule;
    size_t n_prefix;
    _Atomic bool is_over; /* no session is found any more */
    _Atomic uint64_t n_firing, n_pending;

    pthread_mutex_t mutex; /* guards `webhook` */
    struct rule_webhook webhook;

    /* The webhook thread's own. */
    TAILQ_HEAD(rule_queue, rule_state) queue; /* what is to be posted, in order */
    LIST_ENTRY(rule_entry) active;            /* among those with a queue */
    bool is_active, is_refused;               /* the last post was refused, which was said */
    size_t n_on_their_way;
    unsigned n_failed_in_a_row;
    int64_t next_try_ms; /* by the monotonic clock */
};

/* With one reference; NULL: no memory. */
struct rule_entry *rule_entry_create(const struct rule *rule);
struct rule_entry *rule_entry_ref(struct rule_entry *entry);
void rule_entry_unref(struct rule_entry *entry); /* takes NULL */

/* Whether they say the same: but for their numbers and times. */
bool rule_is_same(const struct rule *a, const struct rule *b);

struct rule_webhook rule_entry_webhook(struct rule_entry *entry);
/* A post has succeeded (reason NULL), or failed. */
void rule_entry_note_post(struct rule_entry *entry, const char *reason);

#endif
