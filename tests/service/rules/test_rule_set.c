/* The rules of a session are found by its id. */
#include "service/rules/rule_set.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

enum { N_RULES = 400, N_IDS = 5000, ID_MAX = 8 };

static struct rule_entry *make(const char *model, const char *prefix, int64_t number)
{
    struct rule rule = { .number = number };
    strcpy(rule.model, model);
    strcpy(rule.prefix, prefix);
    snprintf(rule.name, sizeof rule.name, "r%lld", (long long)number);
    struct rule_entry *entry = rule_entry_create(&rule);
    ck_assert_ptr_nonnull(entry);
    return entry;
}

static struct rule_set *make_set(struct rule_entry **entries, size_t n)
{
    struct rule_set *set = rule_set_create(entries, n);
    ck_assert_ptr_nonnull(set);
    for (size_t k = 0; k < n; k++) {
        rule_entry_unref(entries[k]); /* the set has its own */
    }
    return set;
}

/* How many rules are found for a session of the model. */
static size_t count(const struct rule_set *set, const char *model, const char *session)
{
    const struct rule_model *of = rule_set_model(set, model);
    const struct rule_node *node = of ? rule_set_find(of, session) : NULL;
    size_t n = 0;
    for (; node; node = node->up) {
        ck_assert(strncmp(session, node->prefix, node->n_prefix) == 0);
        for (size_t k = 0; k < node->n_entries; k++) {
            ck_assert_str_eq(node->entries[k]->rule.prefix, node->prefix);
            ck_assert_str_eq(node->entries[k]->rule.model, model);
        }
        n += node->n_entries;
    }
    return n;
}

/* Of three letters, so that many begin with many others. */
static unsigned random_id(unsigned seed, size_t n_min, char id[ID_MAX])
{
    seed = seed * 1664525 + 1013904223;
    const size_t n = n_min + (seed >> 16) % (ID_MAX - 1 - n_min);
    for (size_t k = 0; k < n; k++) {
        seed = seed * 1664525 + 1013904223;
        id[k] = "a-z"[(seed >> 16) % 3];
    }
    id[n] = '\0';
    return seed;
}

TEST(all_rules_whose_prefix_the_id_begins_with_are_found_and_no_other)
{
    static char prefixes[N_RULES][ID_MAX];
    struct rule_entry *entries[N_RULES];
    unsigned seed = 1;
    for (size_t k = 0; k < N_RULES; k++) {
        seed = random_id(seed, 0, prefixes[k]);
        entries[k] = make(k % 3 == 0 ? "other" : "m", prefixes[k], (int64_t)k + 1);
    }
    struct rule_set *set = make_set(entries, N_RULES);
    for (size_t i = 0; i < N_IDS; i++) {
        char id[ID_MAX];
        size_t n = 0, n_other = 0;
        seed = random_id(seed, 1, id);
        for (size_t k = 0; k < N_RULES; k++) {
            const bool is_prefix = strncmp(id, prefixes[k], strlen(prefixes[k])) == 0;
            n += is_prefix && k % 3 != 0;
            n_other += is_prefix && k % 3 == 0;
        }
        ck_assert_uint_eq(count(set, "m", id), n);
        ck_assert_uint_eq(count(set, "other", id), n_other);
        ck_assert_uint_eq(count(set, "none", id), 0);
    }
    rule_set_unref(set);
}

TEST(no_rules_are_a_set_too)
{
    struct rule_set *set = rule_set_create(NULL, 0);
    ck_assert_ptr_nonnull(set);
    ck_assert_uint_eq(count(set, "m", "s"), 0);
    ck_assert_ptr_null(rule_set_named(set, "m", "r1"));
    rule_set_unref(set);
}

TEST(rules_are_found_by_name)
{
    struct rule_entry *entries[] = { make("m", "a", 1), make("n", "a", 1), make("m", "b", 2) };
    struct rule_set *set = make_set(entries, 3);
    ck_assert_str_eq(rule_set_named(set, "m", "r2")->rule.prefix, "b");
    ck_assert_str_eq(rule_set_named(set, "n", "r1")->rule.model, "n");
    ck_assert_ptr_null(rule_set_named(set, "n", "r2"));
    rule_set_unref(set);
}
