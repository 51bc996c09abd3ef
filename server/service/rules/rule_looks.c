#include "service/rules/rule_looks.h"

#include <stdlib.h>

struct rule_looks *rule_looks_create(struct rule_set *set, size_t n_max)
{
    struct rule_looks *looks = malloc(sizeof *looks + n_max * sizeof *looks->looks);
    if (looks) {
        looks->next = NULL;
        looks->set = rule_set_ref(set);
        looks->n = 0;
    }
    return looks;
}

void rule_looks_add(struct rule_looks_list *list, struct rule_looks *looks)
{
    struct rule_looks_list one = { .first = looks, .last = looks };
    rule_looks_move(list, &one);
}

void rule_looks_move(struct rule_looks_list *list, struct rule_looks_list *more)
{
    if (!more->first) {
        return;
    }
    if (list->last) {
        list->last->next = more->first;
    } else {
        list->first = more->first;
    }
    list->last = more->last;
    *more = (struct rule_looks_list){ .first = NULL };
}

/* The next ones; NULL: there are none. */
static struct rule_looks *drop_first(struct rule_looks_list *list)
{
    struct rule_looks *looks = list->first;
    list->first = looks->next;
    rule_set_unref(looks->set);
    free(looks);
    return list->first;
}

void rule_looks_tell(struct rule_states *states, const struct rule_session *session,
                     struct rule_looks_list *list)
{
    for (const struct rule_looks *looks = list->first; looks; looks = drop_first(list)) {
        for (size_t k = 0; k < looks->n; k++) {
            rule_look_tell(states, session, &looks->looks[k]);
        }
    }
    list->last = NULL;
}

void rule_looks_drop(struct rule_looks_list *list)
{
    while (list->first) {
        drop_first(list);
    }
    list->last = NULL;
}
