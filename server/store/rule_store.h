/*
 * rule_store.h - rules and what they have found, as they outlive the process: rules.db in the data
 * directory, or in memory without one. SQLite, one connection without locks of its own: callers
 * serialise. Each change is one transaction, and on disk when its call returns; on failure nothing
 * has changed.
 */
#ifndef RULE_STORE_H
#define RULE_STORE_H

#include "base/status.h"
#include "store/rule.h"

#include <stddef.h>

struct rule_store;

__attribute__((warn_unused_result)) enum status
rule_store_open(const char *data, struct rule_store **ret_rules, struct fault *fault);
void rule_store_close(struct rule_store *rules); /* takes NULL */

/* The rule takes the place of the one of its model and name, if there is one (`replaced` is its
 * number, else 0). Sets rule->number. */
__attribute__((warn_unused_result)) enum status
rule_store_put(struct rule_store *rules, struct rule *rule, int64_t replaced, struct fault *fault);
/* It is over: it is kept until rule_store_forget. */
__attribute__((warn_unused_result)) enum status rule_store_end(struct rule_store *rules,
                                                               int64_t number, struct fault *fault);

/* All rules, also those that are over, in the order of their numbers; then all firings. */
__attribute__((warn_unused_result)) enum status
rule_store_each(struct rule_store *rules,
                enum status (*found)(void *cls, const struct rule *rule, struct fault *fault),
                void *cls, struct fault *fault);
__attribute__((warn_unused_result)) enum status rule_store_each_firing(
    struct rule_store *rules,
    enum status (*found)(void *cls, const struct firing *firing, struct fault *fault), void *cls,
    struct fault *fault);

/* Writes n firings in one transaction; those that neither fire, nor are told, nor owe anything are
 * deleted, and those of rules that there are not are left out. */
__attribute__((warn_unused_result)) enum status rule_store_write(struct rule_store *rules,
                                                                 const struct firing *firings,
                                                                 size_t n, struct fault *fault);
/* Deletes the rules that are over and have no firing left. */
__attribute__((warn_unused_result)) enum status rule_store_forget(struct rule_store *rules,
                                                                  struct fault *fault);

#endif
