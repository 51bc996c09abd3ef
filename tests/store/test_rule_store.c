/* Rules and what they have found, as they outlive the process. */
#include "store/rule_store.h"

#include "formats.h"
#include "store_support.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { LIST_MAX = 16 };

struct found {
    struct rule rules[LIST_MAX];
    struct firing firings[LIST_MAX];
    size_t n_rules, n_firings;
};

static enum status take_rule(void *cls, const struct rule *rule, struct fault *fault)
{
    struct found *found = cls;
    (void)fault;
    found->rules[found->n_rules++] = *rule;
    return STATUS_OK;
}

static enum status take_firing(void *cls, const struct firing *firing, struct fault *fault)
{
    struct found *found = cls;
    (void)fault;
    found->firings[found->n_firings++] = *firing;
    return STATUS_OK;
}

static struct rule_store *opened(const char *data)
{
    struct rule_store *rules = NULL;
    struct fault fault;
    enum status status = rule_store_open(data, &rules, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return rules;
}

static void read_all(struct rule_store *rules, struct found *found)
{
    struct fault fault;
    *found = (struct found){ 0 };
    ck_assert_int_eq(rule_store_each(rules, take_rule, found, &fault), STATUS_OK);
    ck_assert_int_eq(rule_store_each_firing(rules, take_firing, found, &fault), STATUS_OK);
}

/* Each text is as long as it may be. */
static struct rule filled(char letter)
{
    struct rule rule = { .kind = RULE_CROSSING,
                         .is_below = true,
                         .threshold = -0.375,
                         .horizon = 24,
                         .bound = 0.8125,
                         .n_for = RULE_FOR_MAX,
                         .format = RULE_ALERTMANAGER,
                         .created_at_ms = 1763668800123 };
    memset(rule.model, letter, RULE_MODEL_MAX);
    memset(rule.name, letter, RULE_NAME_MAX);
    memset(rule.prefix, letter, RULE_PREFIX_MAX);
    memset(rule.url, letter, RULE_URL_MAX);
    memset(rule.output, letter, RULE_OUTPUT_MAX);
    return rule;
}

static struct firing firing_of(int64_t rule, char letter)
{
    struct firing firing = { .rule = rule,
                             .is_firing = true,
                             .is_told = true,
                             .owes_firing = true,
                             .since_ms = 17,
                             .since_step = 1042,
                             .since_value = 0.25,
                             .ended_ms = 19,
                             .ended_step = 1043,
                             .ended_value = NAN,
                             .end = RULE_END_RULE };
    memset(firing.session, letter, RULE_SESSION_MAX);
    return firing;
}

static void assert_same_firing(const struct firing *a, const struct firing *b)
{
    ck_assert_int_eq(a->rule, b->rule);
    ck_assert_str_eq(a->session, b->session);
    ck_assert(a->is_firing == b->is_firing && a->is_told == b->is_told &&
              a->owes_firing == b->owes_firing && a->end == b->end);
    ck_assert_int_eq(a->since_ms, b->since_ms);
    ck_assert_uint_eq(a->since_step, b->since_step);
    ck_assert_int_eq(a->ended_ms, b->ended_ms);
    ck_assert_uint_eq(a->ended_step, b->ended_step);
    assert_real_equal(a->since_value, b->since_value);
    assert_real_equal(a->ended_value, b->ended_value);
}

static void put(struct rule_store *rules, struct rule *rule, int64_t replaced)
{
    struct fault fault;
    enum status status = rule_store_put(rules, rule, replaced, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
}

TEST(rules_and_firings_are_read_back_as_they_were_written)
{
    const struct folder folder = data_make();
    struct rule_store *rules = opened(folder.path);
    struct rule first = filled('a'), second = filled('b');
    struct found found;
    struct fault fault;
    put(rules, &first, 0);
    put(rules, &second, 0);
    const struct firing firings[] = { firing_of(first.number, 'x'), firing_of(second.number, 'x') };
    ck_assert_int_eq(rule_store_write(rules, firings, 2, &fault), STATUS_OK);
    rule_store_close(rules);
    rules = opened(folder.path);
    read_all(rules, &found);
    ck_assert_uint_eq(found.n_rules, 2);
    ck_assert_mem_eq(&found.rules[0], &first, sizeof first);
    ck_assert_mem_eq(&found.rules[1], &second, sizeof second);
    ck_assert_uint_eq(found.n_firings, 2);
    assert_same_firing(&found.firings[0], &firings[0]);
    assert_same_firing(&found.firings[1], &firings[1]);
    rule_store_close(rules);
    folder_remove(&folder);
}

TEST(a_rule_that_is_replaced_is_kept_until_its_last_firing_is_gone)
{
    struct rule_store *rules = opened("");
    struct rule before = filled('a'), after = filled('a');
    struct found found;
    struct fault fault;
    put(rules, &before, 0);
    struct firing firing = firing_of(before.number, 's');
    ck_assert_int_eq(rule_store_write(rules, &firing, 1, &fault), STATUS_OK);
    put(rules, &after, before.number);
    ck_assert_int_gt(after.number, before.number);
    ck_assert_int_eq(rule_store_forget(rules, &fault), STATUS_OK);
    read_all(rules, &found);
    ck_assert_uint_eq(found.n_rules, 2);
    ck_assert(found.rules[0].is_over && !found.rules[1].is_over);
    firing.is_firing = firing.is_told = firing.owes_firing = false;
    ck_assert_int_eq(rule_store_write(rules, &firing, 1, &fault), STATUS_OK);
    ck_assert_int_eq(rule_store_forget(rules, &fault), STATUS_OK);
    read_all(rules, &found);
    ck_assert_uint_eq(found.n_rules, 1);
    ck_assert_uint_eq(found.n_firings, 0);
    ck_assert_int_eq(found.rules[0].number, after.number);
    rule_store_close(rules);
}

TEST(a_firing_of_no_rule_keeps_no_other_from_being_written)
{
    struct rule_store *rules = opened("");
    struct rule rule = filled('a');
    struct found found;
    struct fault fault;
    put(rules, &rule, 0);
    const struct firing firings[] = { firing_of(rule.number + 1, 'x'),
                                      firing_of(rule.number, 'y') };
    ck_assert_int_eq(rule_store_write(rules, firings, 2, &fault), STATUS_OK);
    read_all(rules, &found);
    ck_assert_uint_eq(found.n_firings, 1);
    assert_same_firing(&found.firings[0], &firings[1]);
    rule_store_close(rules);
}

TEST(two_rules_of_a_name_are_refused_and_nothing_has_changed)
{
    struct rule_store *rules = opened("");
    struct rule first = filled('a'), second = filled('a');
    struct found found;
    struct fault fault;
    put(rules, &first, 0);
    ck_assert_int_ne(rule_store_put(rules, &second, 0, &fault), STATUS_OK);
    read_all(rules, &found);
    ck_assert_uint_eq(found.n_rules, 1);
    rule_store_close(rules);
}

TEST(a_number_is_given_once)
{
    struct rule_store *rules = opened("");
    struct rule first = filled('a'), second = filled('b');
    struct fault fault;
    put(rules, &first, 0);
    ck_assert_int_eq(rule_store_end(rules, first.number, &fault), STATUS_OK);
    ck_assert_int_eq(rule_store_forget(rules, &fault), STATUS_OK);
    put(rules, &second, 0);
    ck_assert_int_gt(second.number, first.number);
    rule_store_close(rules);
}

TEST(a_value_that_does_not_fit_is_a_damaged_file)
{
    const struct folder folder = data_make();
    struct rule_store *rules = opened(folder.path);
    struct rule rule = filled('a');
    struct found found = { 0 };
    struct fault fault;
    put(rules, &rule, 0);
    rule_store_close(rules);
    sql_run(&folder, "rules.db", "UPDATE rules SET kind = 77");
    rules = opened(folder.path);
    ck_assert_int_eq(rule_store_each(rules, take_rule, &found, &fault), STATUS_STORAGE_FAILED);
    ck_assert_ptr_nonnull(strstr(fault.message, "rules.db"));
    ck_assert_uint_eq(found.n_rules, 0);
    rule_store_close(rules);
    folder_remove(&folder);
}

TEST(a_newer_format_is_refused)
{
    const struct folder folder = data_make();
    struct rule_store *rules = opened(folder.path);
    struct fault fault;
    rule_store_close(rules);
    sql_run(&folder, "rules.db", "PRAGMA user_version = 99");
    ck_assert_int_ne(rule_store_open(folder.path, &rules, &fault), STATUS_OK);
    ck_assert_ptr_nonnull(strstr(fault.message, "99"));
    folder_remove(&folder);
}

/* ---- files of former formats, and of this one: tests/fixtures/formats/rules.sh ---- */

struct kept {
    const char *name;
    unsigned since_folder; /* the first that has it */
    struct rule rule;
    bool has_firing;
    struct firing firing;
};

static const struct kept kept[] = {
    { "told",
      7,
      { .prefix = "a-", .bound = 1, .n_for = 3 },
      true,
      { .session = "a-1", .is_firing = true, .is_told = true } },
    { "untold",
      7,
      { .prefix = "b-", .bound = 1, .n_for = 1, .format = RULE_ALERTMANAGER },
      true,
      { .session = "b-1", .is_firing = true, .owes_firing = true } },
    { "ended",
      7,
      { .prefix = "c-", .bound = 1, .n_for = 1 },
      true,
      { .session = "c-1", .owes_firing = true, .end = RULE_END_SESSION } },
    { "over",
      7,
      { .prefix = "d-", .bound = 1, .n_for = 1, .is_over = true },
      true,
      { .session = "d-1", .owes_firing = true, .end = RULE_END_RULE } },
    { "odd",
      8,
      { .prefix = "none-", .kind = RULE_ANOMALY, .bound = 0.001, .n_for = 1 },
      false,
      { .rule = 0 } },
    { "cold",
      8,
      { .prefix = "none-",
        .kind = RULE_CROSSING,
        .bound = 0.75,
        .n_for = 1,
        .output = "temp",
        .is_below = true,
        .threshold = -2.5,
        .horizon = 7 },
      false,
      { .rule = 0 } },
};

static void expect_rule(const struct rule *rule, const struct kept *due)
{
    const struct rule *wanted = &due->rule;
    ck_assert_str_eq(rule->model, "pump");
    ck_assert_str_eq(rule->prefix, wanted->prefix);
    ck_assert(rule->kind == wanted->kind && rule->bound == wanted->bound);
    ck_assert(rule->n_for == wanted->n_for && rule->format == wanted->format);
    ck_assert(rule->is_over == wanted->is_over && rule->created_at_ms > 1700000000000);
    ck_assert_str_eq(rule->output, wanted->output);
    ck_assert(rule->is_below == wanted->is_below && rule->threshold == wanted->threshold);
    ck_assert_uint_eq(rule->horizon, wanted->horizon);
    ck_assert(strncmp(rule->url, "http://127.0.0.1:", 17) == 0 && strstr(rule->url, due->name));
}

static void expect_firing(const struct firing *firing, const struct firing *wanted)
{
    ck_assert_str_eq(firing->session, wanted->session);
    ck_assert(firing->is_firing == wanted->is_firing && firing->is_told == wanted->is_told);
    ck_assert(firing->owes_firing == wanted->owes_firing && firing->end == wanted->end);
    ck_assert(firing->since_step > 100 && firing->since_value > 0 && firing->since_value < 1);
    ck_assert(firing->since_ms > 1700000000000);
    ck_assert(wanted->is_firing ||
              (firing->ended_ms >= firing->since_ms && firing->ended_step == 0));
}

static void expect_kept(const struct found *found, unsigned folder)
{
    size_t n_rules = 0, n_firings = 0;
    for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
        const struct rule *rule = found->rules;
        const struct firing *firing = found->firings;
        if (folder < kept[k].since_folder) {
            continue;
        }
        while (rule < found->rules + found->n_rules && strcmp(rule->name, kept[k].name) != 0) {
            rule++;
        }
        ck_assert_msg(rule < found->rules + found->n_rules, "no %s", kept[k].name);
        expect_rule(rule, &kept[k]);
        n_rules++;
        while (firing < found->firings + found->n_firings && firing->rule != rule->number) {
            firing++;
        }
        ck_assert_int_eq(firing < found->firings + found->n_firings, kept[k].has_firing);
        if (kept[k].has_firing) {
            expect_firing(firing, &kept[k].firing);
            n_firings++;
        }
    }
    ck_assert_uint_eq(found->n_rules, n_rules);
    ck_assert_uint_eq(found->n_firings, n_firings);
}

TEST(rules_of_former_formats_are_all_there)
{
    for (unsigned folder = 7; folder <= 8; folder++) {
        const struct folder unpacked = folder_make();
        char data[PATH_MAX];
        struct found found;
        format_unpack_archive(folder, "rules", unpacked.path);
        folder_path(&unpacked, "data", data);
        for (int round = 0; round < 2; round++) {
            struct rule_store *rules = opened(data);
            read_all(rules, &found);
            expect_kept(&found, folder);
            rule_store_close(rules);
        }
        folder_remove(&unpacked);
    }
}
