#include "service/rules/rule_set.h"

#include <stdlib.h>
#include <string.h>

/* ---- making ---- */

static int compare(const void *a, const void *b)
{
    const struct rule *x = &(*(struct rule_entry *const *)a)->rule;
    const struct rule *y = &(*(struct rule_entry *const *)b)->rule;
    const int by_model = strcmp(x->model, y->model);
    const int by_prefix = by_model != 0 ? by_model : strcmp(x->prefix, y->prefix);
    return by_prefix != 0 ? by_prefix : strcmp(x->name, y->name);
}

static bool begins_with(const char *text, const struct rule_node *node)
{
    return strncmp(text, node->prefix, node->n_prefix) == 0;
}

/* The node behind the model's last one, of the prefix of this rule. */
static void add_node(struct rule_set *set, struct rule_model *model, size_t at)
{
    struct rule_node *node = &model->nodes[model->n_nodes];
    const struct rule_entry *entry = set->entries[at];
    const struct rule_node *up = model->n_nodes > 0 ? node - 1 : NULL;
    while (up && !begins_with(entry->rule.prefix, up)) {
        up = up->up;
    }
    *node = (struct rule_node){ .prefix = entry->rule.prefix,
                                .n_prefix = entry->n_prefix,
                                .up = up,
                                .entries = &set->entries[at] };
    if (up) {
        node->needs = up->needs;
    }
    model->n_nodes++;
}

/* The next one of the node. */
static void add_entry(struct rule_node *node, const struct rule *rule)
{
    node->n_entries++;
    node->needs.has_coverage = node->needs.has_coverage || rule->kind == RULE_COVERAGE;
    node->needs.has_anomaly = node->needs.has_anomaly || rule->kind == RULE_ANOMALY;
    if (rule->kind == RULE_CROSSING && rule->horizon > node->needs.n_ahead) {
        node->needs.n_ahead = rule->horizon;
    }
}

static void compile(struct rule_set *set)
{
    struct rule_node *free_node = set->nodes;
    for (size_t k = 0; k < set->n_entries; k++) {
        const struct rule *rule = &set->entries[k]->rule;
        struct rule_model *model = set->n_models > 0 ? &set->models[set->n_models - 1] : NULL;
        if (!model || strcmp(model->name, rule->model) != 0) {
            model = &set->models[set->n_models++];
            *model = (struct rule_model){ .name = rule->model, .nodes = free_node };
        }
        if (model->n_nodes == 0 ||
            strcmp(model->nodes[model->n_nodes - 1].prefix, rule->prefix) != 0) {
            add_node(set, model, k);
            free_node++;
        }
        add_entry(&model->nodes[model->n_nodes - 1], rule);
    }
}

struct rule_set *rule_set_create(struct rule_entry *const *entries, size_t n)
{
    struct rule_set *set = calloc(1, sizeof *set);
    const size_t n_room = n > 0 ? n : 1;
    if (!set) {
        return NULL;
    }
    set->n_refs = 1;
    set->entries = calloc(n_room, sizeof(*set->entries));
    set->nodes = calloc(n_room, sizeof *set->nodes);
    set->models = calloc(n_room, sizeof *set->models);
    if (!set->entries || !set->nodes || !set->models) {
        rule_set_unref(set);
        return NULL;
    }
    for (size_t k = 0; k < n; k++) {
        set->entries[k] = rule_entry_ref(entries[k]);
    }
    set->n_entries = n;
    qsort(set->entries, n, sizeof(*set->entries), compare);
    compile(set);
    return set;
}

struct rule_set *rule_set_ref(struct rule_set *set)
{
    atomic_fetch_add_explicit(&set->n_refs, 1, memory_order_relaxed);
    return set;
}

void rule_set_unref(struct rule_set *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->n_refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t k = 0; k < set->n_entries; k++) {
        rule_entry_unref(set->entries[k]);
    }
    free(set->entries);
    free(set->nodes);
    free(set->models);
    free(set);
}

/* ---- looking up ---- */

const struct rule_model *rule_set_model(const struct rule_set *set, const char *model)
{
    for (size_t k = 0; k < set->n_models; k++) {
        if (strcmp(set->models[k].name, model) == 0) {
            return &set->models[k];
        }
    }
    return NULL;
}

const struct rule_node *rule_set_find(const struct rule_model *model, const char *session)
{
    size_t least = 0, most = model->n_nodes; /* how many are not greater than the id */
    while (least < most) {
        const size_t middle = least + (most - least) / 2;
        if (strcmp(model->nodes[middle].prefix, session) <= 0) {
            least = middle + 1;
        } else {
            most = middle;
        }
    }
    const struct rule_node *node = least > 0 ? &model->nodes[least - 1] : NULL;
    while (node && !begins_with(session, node)) {
        node = node->up;
    }
    return node;
}

struct rule_entry *rule_set_named(const struct rule_set *set, const char *model, const char *name)
{
    for (size_t k = 0; k < set->n_entries; k++) {
        const struct rule *rule = &set->entries[k]->rule;
        if (strcmp(rule->model, model) == 0 && strcmp(rule->name, name) == 0) {
            return set->entries[k];
        }
    }
    return NULL;
}
