/* encode_rule.c - rules, and what they have found. */
#include "codec/tree.h"

#include "base/clock.h"

static void add_time_or_null(struct tree *tree, cJSON *parent, const char *name, int64_t steady_ms)
{
    if (steady_ms == 0) {
        tree_add_null(tree, parent, name);
    } else {
        tree_add_time(tree, parent, name, clock_wall_of(steady_ms));
    }
}

static void add_webhook(struct tree *tree, cJSON *parent, struct rule_entry *entry)
{
    const struct rule_webhook webhook = rule_entry_webhook(entry);
    cJSON *item = tree_add_object(tree, parent, "webhook");
    add_time_or_null(tree, item, "last_success_at", webhook.last_success_at_ms);
    if (webhook.last_failure_at_ms == 0) {
        tree_add_null(tree, item, "last_failure");
    } else {
        cJSON *failure = tree_add_object(tree, item, "last_failure");
        tree_add_time(tree, failure, "at", clock_wall_of(webhook.last_failure_at_ms));
        tree_add_string(tree, failure, "reason", webhook.last_failure);
    }
    tree_add_count(tree, item, "failures", webhook.n_failures);
}

static void add_crossing(struct tree *tree, cJSON *parent, const struct rule *rule)
{
    cJSON *item = tree_add_object(tree, parent, "crossing");
    tree_add_string(tree, item, "output", rule->output);
    tree_add_number(tree, item, rule->is_below ? "below" : "above", rule->threshold);
    tree_add_count(tree, item, "horizon", rule->horizon);
}

static void add_rule(struct tree *tree, cJSON *item, struct rule_entry *entry)
{
    const struct rule *rule = &entry->rule;
    tree_add_string(tree, item, "name", rule->name);
    tree_add_string(tree, item, "model", rule->model);
    tree_add_string(tree, item, "prefix", rule->prefix);
    if (rule->kind == RULE_CROSSING) {
        add_crossing(tree, item, rule);
    } else {
        tree_add_bool(tree, item, rule_kind_word(rule->kind), true);
    }
    tree_add_number(tree, item, rule_bound_word(rule->kind), rule->bound);
    tree_add_count(tree, item, "for", rule->n_for);
    tree_add_string(tree, item, "url", rule->url);
    tree_add_string(tree, item, "format", rule_format_word(rule->format));
    tree_add_time(tree, item, "created_at", clock_wall_of(rule->created_at_ms));
    cJSON *states = tree_add_object(tree, item, "states");
    tree_add_count(tree, states, "firing", atomic_load(&entry->n_firing));
    tree_add_count(tree, states, "pending", atomic_load(&entry->n_pending));
    add_webhook(tree, item, entry);
}

void codec_put_rule(struct text *text, struct rule_entry *entry, const struct firing *firings,
                    size_t n)
{
    struct tree tree;
    tree_init(&tree);
    add_rule(&tree, tree.root, entry);
    cJSON *array = tree_add_array(&tree, tree.root, "firing");
    for (size_t k = 0; k < n; k++) {
        cJSON *item = tree_add_object(&tree, array, NULL);
        tree_add_string(&tree, item, "session", firings[k].session);
        tree_add_time(&tree, item, "since", clock_wall_of(firings[k].since_ms));
        tree_add_count(&tree, item, "step", firings[k].since_step);
        tree_add_number(&tree, item, "value", firings[k].since_value);
    }
    tree_finish(&tree, text);
}

void codec_put_rules(struct text *text, struct rule_entry *const *entries, size_t n)
{
    struct tree tree;
    tree_init(&tree);
    cJSON *array = tree_add_array(&tree, tree.root, "rules");
    for (size_t k = 0; k < n; k++) {
        add_rule(&tree, tree_add_object(&tree, array, NULL), entries[k]);
    }
    tree_finish(&tree, text);
}
