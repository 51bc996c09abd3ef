/*
 * rule_set.h - the rules in force at one moment, ready to be looked up by session: immutable and
 * reference-counted, as the catalogue of models is. A change makes another one.
 *
 * The rules of a session are those whose prefix its id begins with. The prefixes of a model are in
 * order, and each knows the longest other one that it begins with. Among those that are not greater
 * than an id the greatest begins with every prefix of that id: so a search by halves and a walk up
 * finds the longest prefix of the id, and its walk up is all of them. Any thread.
 */
#ifndef RULE_SET_H
#define RULE_SET_H

#include "base/status.h"
#include "service/rules/rule_entry.h"

/* What a session is to keep for its rules. */
struct rule_needs {
    bool has_coverage, has_anomaly;
    size_t n_ahead; /* steps that crossings look ahead; 0: there are none */
};

/* Rules of the same prefix; `up` is the longest other prefix that this one begins with. */
struct rule_node {
    const char *prefix;
    size_t n_prefix;
    const struct rule_node *up;  /* NULL: none */
    struct rule_entry **entries; /* [n_entries] by name */
    size_t n_entries;
    struct rule_needs needs; /* of these and of all further up */
};

struct rule_model {
    const char *name;
    struct rule_node *nodes; /* [n_nodes] in the order of their prefixes */
    size_t n_nodes;
};

struct rule_set {
    _Atomic unsigned n_refs;
    struct rule_entry **entries; /* [n_entries] by model, prefix and name; with references */
    size_t n_entries;
    struct rule_node *nodes;
    struct rule_model *models; /* [n_models] by name */
    size_t n_models;
};

/* Of n rules, whose entries get one more reference. NULL: no memory. */
struct rule_set *rule_set_create(struct rule_entry *const *entries, size_t n);
struct rule_set *rule_set_ref(struct rule_set *set);
void rule_set_unref(struct rule_set *set); /* takes NULL */

/* NULL: the model has none. */
const struct rule_model *rule_set_model(const struct rule_set *set, const char *model);
/* The longest prefix of that session's id, from which `up` leads to the others; NULL: none. */
const struct rule_node *rule_set_find(const struct rule_model *model, const char *session);
/* The rule of that name; NULL: there is none. */
struct rule_entry *rule_set_named(const struct rule_set *set, const char *model, const char *name);

#endif
