/*
 * rules.h - rules on sessions: what they are, verbs on them, and what steps note for them. A rule
 * fires in a session when a value of it meets the rule's condition for so many readings in a row;
 * that, and its end, are posted to the rule's URL by the webhook thread (webhook_thread.h), for
 * which no other thread waits.
 *
 * Rules are found in a context's own reference to their set, renewed once a turn (rule_set.h), so
 * steps take no lock for them. What was found is in rule_states.h. The store has a mutex that is
 * held while the disk works: for verbs that change rules, which run on a disk's thread, and for the
 * webhook thread.
 *
 * With --rule-max 0 there are none of all this.
 */
#ifndef RULES_H
#define RULES_H

#include "config/config.h"
#include "service/rules/rule_set.h"
#include "service/rules/rule_states.h"
#include "store/rule_store.h"

struct arena;
struct service;
struct service_context;
struct webhook_thread;

/* What became of posts, as they are counted. */
#define RULE_POSTS(X)                                                                              \
    X(RULE_POST_DELIVERED, "delivered")                                                            \
    X(RULE_POST_FAILED, "failed")     /* to be tried again */                                      \
    X(RULE_POST_REFUSED, "refused")   /* in a way that would be the same again */                  \
    X(RULE_POST_GIVEN_UP, "given_up") /* after a day of failures */
enum rule_post {
#define RULE_POST_ID(id, word) id,
    RULE_POSTS(RULE_POST_ID)
#undef RULE_POST_ID
        RULE_N_POSTS
};
const char *rule_post_word(enum rule_post post);

/* What is told of a firing. */
struct rule_news {
    const struct rule *rule;
    const struct firing *firing;
    bool is_firing;  /* false: its end */
    const char *key; /* the same for the same news */
};
/* Prints it as the rule's format has it, into memory of the arena; false: there is not enough. */
typedef bool rule_news_printer(const struct rule_news *news, struct arena *arena,
                               const char **ret_json, size_t *ret_n);

struct rules {
    struct rule_states *states;
    rule_news_printer *print;              /* set before the webhook thread runs */
    struct webhook_thread *webhook_thread; /* NULL: it does not run. Main thread only */
    _Atomic uint64_t n_posts[RULE_N_POSTS];

    pthread_mutex_t mutex; /* of changes, and of the store */
    struct rule_store *store;

    pthread_mutex_t set_mutex; /* guards `current`; taken under `mutex`, too */
    struct rule_set *current;
    _Atomic uint64_t generation; /* of `current`; a context that has it need not lock */
};

/* ---- for service.c ---- */

/* Reads the rules and what they had found. *ret_rules NULL: --rule-max is 0. */
__attribute__((warn_unused_result)) enum status
rules_create(const struct config *config, struct rules **ret_rules, struct fault *fault);
void rules_free(struct rules *rules); /* takes NULL */

/* ---- a context's reference ---- */

void rules_renew(struct service_context *context);
void rules_release(struct service_context *context); /* the context ends */

/* ---- verbs: the thread of DISK_JOBS, but for those that say otherwise ---- */

/* The rule of wanted->model and its name is this from here on: what fired by another one of that
 * name ends. wanted->number and its time are set. *ret_is_new: there was none. Faults name the
 * fields. */
enum status rule_put(struct service_context *context, struct rule *wanted, bool *ret_is_new,
                     struct fault *fault);
enum status rule_delete(struct service_context *context, const char *model, const char *name,
                        struct fault *fault);

/* Any thread, with a context of its own; entries are valid until its next turn. The rules of a
 * model, or (NULL) all. */
size_t rule_list(const struct service_context *context, const char *model,
                 struct rule_entry *const **ret_entries);
enum status rule_find(const struct service_context *context, const char *model, const char *name,
                      struct rule_entry **ret_entry, struct fault *fault);
/* The sessions in which it fires, n_max of them at most. */
size_t rule_firings(const struct service_context *context, const struct rule_entry *entry,
                    size_t n_max, struct firing *ret_firings);
/* Figures: how many states there are, how many had no room, and what became of posts. */
struct rule_figures {
    uint64_t n_left_out;
    uint64_t n_posts[RULE_N_POSTS];
};
struct rule_figures rules_figures(const struct service_context *context);

#endif
