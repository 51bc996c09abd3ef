/*
 * rule_looks.h - what rules have seen in readings that may still be lost: kept until the reading
 * counts, and told then (rule_states.h), or dropped as if it had never been. Nothing of it is
 * shared: one thread's.
 */
#ifndef RULE_LOOKS_H
#define RULE_LOOKS_H

#include "service/rules/rule_set.h"
#include "service/rules/rule_states.h"

/* What a rule compares after a reading. */
struct rule_look {
    struct rule_entry *entry;
    bool is_met;
    struct rule_sample sample;
};

/* Those of one reading. */
struct rule_looks {
    struct rule_looks *next;
    struct rule_set *set; /* whose entries they are; a reference */
    size_t n;
    struct rule_look looks[];
};

/* Those of a session's readings, in their order. Begins as zeros. */
struct rule_looks_list {
    struct rule_looks *first, *last;
};

/* With room for n_max, and none in it; NULL: no memory. */
struct rule_looks *rule_looks_create(struct rule_set *set, size_t n_max);
/* Puts those of one more reading behind the others, which has them from here on. */
void rule_looks_add(struct rule_looks_list *list, struct rule_looks *looks);
/* Puts those of `more` behind those of `list`; nothing is left in `more`. */
void rule_looks_move(struct rule_looks_list *list, struct rule_looks_list *more);

static inline void rule_look_tell(struct rule_states *states, const struct rule_session *session,
                                  const struct rule_look *look)
{
    rule_states_note(states, look->entry, session, look->is_met, &look->sample);
}
/* The readings count; with their session claimed. Nothing is left in the list after either. */
void rule_looks_tell(struct rule_states *states, const struct rule_session *session,
                     struct rule_looks_list *list);
/* They do not. */
void rule_looks_drop(struct rule_looks_list *list);

#endif
