/* Rules as they are answered, and what receivers of webhooks are told. */
#include "codec_support.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

static struct rule_entry *entry_of(const struct rule *rule)
{
    struct rule_entry *entry = rule_entry_create(rule);
    ck_assert_ptr_nonnull(entry);
    return entry;
}

static const struct rule coverage = { .model = "weather",
                                      .name = "late",
                                      .prefix = "pump-",
                                      .kind = RULE_COVERAGE,
                                      .bound = 0.8,
                                      .n_for = 3,
                                      .url = "https://example.org/?a=\"b\"",
                                      .created_at_ms = 1763668800250 };
static const struct rule crossing = { .model = "weather",
                                      .name = "hot",
                                      .kind = RULE_CROSSING,
                                      .bound = 0.5,
                                      .output = "temp",
                                      .threshold = -80.5,
                                      .horizon = 12,
                                      .n_for = 1,
                                      .url = "http://example.org/",
                                      .format = RULE_ALERTMANAGER,
                                      .created_at_ms = 1763668801000 };

#define LATE                                                                                       \
    "\"name\":\"late\",\"model\":\"weather\",\"prefix\":\"pump-\",\"coverage\":true,"              \
    "\"below\":0.8,\"for\":3,\"url\":\"https://example.org/?a=\\\"b\\\"\",\"format\":\"json\","    \
    "\"created_at\":1763668800.25,\"states\":{\"firing\":%s,\"pending\":%s},"
#define UNTOLD "\"webhook\":{\"last_success_at\":null,\"last_failure\":null,\"failures\":0}"

TEST(a_rule_is_answered_with_the_sessions_in_which_it_fires)
{
    static const struct firing firings[] = {
        { .session = "pump-7", .since_ms = 1763672400250, .since_step = 1042, .since_value = 0.75 },
        { .session = "pump-8", .since_ms = 1763672401000, .since_step = 7, .since_value = 0 }
    };
    struct setup s;
    char due[1024];
    setup_init(&s, model_closed());
    struct rule_entry *entry = entry_of(&coverage);
    atomic_store(&entry->n_firing, 2);
    atomic_store(&entry->n_pending, 5);
    codec_put_rule(&s.text, entry, firings, 2);
    snprintf(due, sizeof due,
             "{" LATE UNTOLD ",\"firing\":["
             "{\"session\":\"pump-7\",\"since\":1763672400.25,\"step\":1042,\"value\":0.75},"
             "{\"session\":\"pump-8\",\"since\":1763672401,\"step\":7,\"value\":0}]}",
             "2", "5");
    ck_assert_str_eq(setup_text(&s), due);
    codec_put_rule(&s.text, entry, NULL, 0);
    ck_assert_ptr_nonnull(strstr(setup_text(&s), ",\"firing\":[]}"));
    rule_entry_unref(entry);
    setup_done(&s);
}

TEST(rules_are_answered_by_what_they_look_at)
{
    struct rule anomaly = coverage, cold = crossing;
    struct setup s;
    setup_init(&s, model_closed());
    anomaly.kind = RULE_ANOMALY;
    anomaly.bound = 0.001;
    cold.is_below = true;
    struct rule_entry *const entries[] = { entry_of(&anomaly), entry_of(&crossing),
                                           entry_of(&cold) };
    codec_put_rules(&s.text, entries, 3);
    const char *text = setup_text(&s), *first = strstr(text, "{\"rules\":[{\"name\":\"late\"");
    ck_assert_ptr_eq(first, text);
    ck_assert_ptr_nonnull(strstr(text, "\"anomaly\":true,\"p_value\":0.001,\"for\":3,"));
    ck_assert_ptr_nonnull(strstr(
        text, "\"prefix\":\"\",\"crossing\":{\"output\":\"temp\",\"above\":-80.5,\"horizon\":12},"
              "\"probability\":0.5,\"for\":1,\"url\":\"http://example.org/\","
              "\"format\":\"alertmanager\",\"created_at\":1763668801,"));
    ck_assert_ptr_nonnull(strstr(text, "\"crossing\":{\"output\":\"temp\",\"below\":-80.5,"));
    ck_assert_ptr_null(strstr(text, "firing\":["));
    codec_put_rules(&s.text, NULL, 0);
    ck_assert_str_eq(setup_text(&s), "{\"rules\":[]}");
    for (size_t k = 0; k < 3; k++) {
        rule_entry_unref(entries[k]);
    }
    setup_done(&s);
}

TEST(how_a_webhook_does_is_answered)
{
    struct setup s;
    setup_init(&s, model_closed());
    struct rule_entry *entry = entry_of(&coverage);
    rule_entry_note_post(entry, "it answered with status 503");
    rule_entry_note_post(entry, "Couldn't \"resolve\"");
    codec_put_rule(&s.text, entry, NULL, 0);
    const char *text = setup_text(&s);
    ck_assert_ptr_nonnull(
        strstr(text, "\"webhook\":{\"last_success_at\":null,\"last_failure\":{\"at\":"));
    ck_assert_ptr_nonnull(
        strstr(text, ",\"reason\":\"Couldn't \\\"resolve\\\"\"},\"failures\":2}"));
    rule_entry_note_post(entry, NULL);
    codec_put_rule(&s.text, entry, NULL, 0);
    text = setup_text(&s);
    ck_assert_ptr_null(strstr(text, "\"last_success_at\":null"));
    ck_assert_ptr_nonnull(strstr(text, "\"failures\":2}"));
    rule_entry_unref(entry);
    setup_done(&s);
}

/* ---- what is posted ---- */

static const struct firing begun = { .session = "pump-7",
                                     .is_firing = true,
                                     .since_ms = 1763672400250,
                                     .since_step = 1042,
                                     .since_value = 0.75,
                                     .ended_value = (double)NAN };

static void expect_news(struct setup *s, const struct rule *rule, const struct firing *firing,
                        bool is_firing, const char *due)
{
    const struct rule_news news = {
        .rule = rule, .firing = firing, .is_firing = is_firing, .key = "1-ab-1042-17-firing"
    };
    const char *json;
    size_t n;
    ck_assert(codec_print_rule_news(&news, &s->arena, &json, &n));
    ck_assert_msg(n == strlen(due) && memcmp(json, due, n) == 0, "%.*s", (int)n, json);
}

#define PLAIN                                                                                      \
    "{\"id\":\"1-ab-1042-17-firing\",\"rule\":\"late\",\"model\":\"weather\","                     \
    "\"session\":\"pump-7\",\"state\":"

TEST(a_firing_and_its_end_are_told_as_documented)
{
    struct setup s;
    struct firing ended = begun;
    setup_init(&s, model_closed());
    expect_news(&s, &coverage, &begun, true,
                PLAIN "\"firing\",\"since\":1763672400.25,\"at\":1763672400.25,\"step\":1042,"
                      "\"value\":{\"coverage\":0.75},\"threshold\":{\"below\":0.8}}");
    ended.ended_ms = 1763672500000;
    ended.ended_step = 1050;
    ended.ended_value = 0.875;
    expect_news(&s, &coverage, &ended, false,
                PLAIN "\"resolved\",\"since\":1763672400.25,\"at\":1763672500,\"step\":1050,"
                      "\"value\":{\"coverage\":0.875},\"threshold\":{\"below\":0.8},"
                      "\"reason\":\"condition\"}");
    ended.ended_step = 0; /* by no reading */
    ended.ended_value = (double)NAN;
    ended.end = RULE_END_SESSION;
    expect_news(&s, &coverage, &ended, false,
                PLAIN "\"resolved\",\"since\":1763672400.25,\"at\":1763672500,\"step\":null,"
                      "\"value\":{\"coverage\":null},\"threshold\":{\"below\":0.8},"
                      "\"reason\":\"session_ended\"}");
    ended.end = RULE_END_RULE;
    struct rule anomaly = coverage;
    anomaly.kind = RULE_ANOMALY;
    anomaly.bound = 0.001;
    expect_news(&s, &anomaly, &ended, false,
                PLAIN "\"resolved\",\"since\":1763672400.25,\"at\":1763672500,\"step\":null,"
                      "\"value\":{\"p_value\":null},\"threshold\":{\"p_value\":0.001},"
                      "\"reason\":\"rule_changed\"}");
    setup_done(&s);
}

#define ALERT                                                                                      \
    "[{\"labels\":{\"alertname\":\"hot\",\"model\":\"weather\",\"session\":\"pump-7\"},"           \
    "\"annotations\":{\"summary\":\"crossing of session pump-7: probability 0.75, bound: "         \
    "probability 0.5\",\"id\":\"1-ab-1042-17-firing\"},\"startsAt\":\"2025-11-20T21:00:00.250Z\","

TEST(alertmanager_is_told_in_its_form)
{
    struct setup s;
    struct firing ended = begun;
    setup_init(&s, model_closed());
    expect_news(&s, &crossing, &begun, true, ALERT "\"endsAt\":\"2026-11-21T21:00:00.250Z\"}]");
    ended.ended_ms = 1763672500007;
    expect_news(&s, &crossing, &ended, false, ALERT "\"endsAt\":\"2025-11-20T21:01:40.007Z\"}]");
    ended.ended_ms = begun.since_ms - 5; /* it refuses an end before the beginning */
    expect_news(&s, &crossing, &ended, false, ALERT "\"endsAt\":\"2025-11-20T21:00:00.250Z\"}]");
    setup_done(&s);
}

/* Times are shown by the wall clock, however it was set meanwhile. */
TEST(news_has_the_time_of_the_wall_clock)
{
    struct setup s;
    setup_init(&s, model_closed());
    const struct clock_state before = clock_read_state();
    clock_set_steady(before.steady_ms, 3600);
    expect_news(&s, &coverage, &begun, true,
                PLAIN "\"firing\",\"since\":1763676000.25,\"at\":1763676000.25,\"step\":1042,"
                      "\"value\":{\"coverage\":0.75},\"threshold\":{\"below\":0.8}}");
    clock_set_steady(clock_steady_ms(), before.wall_ahead_s);
    setup_done(&s);
}

/* The longest names there are, in both forms; and no memory for them. */
TEST(the_longest_news_has_room)
{
    static const size_t body_max = 16 << 10; /* as posts have it */
    struct rule rule = crossing;
    struct firing firing = begun;
    memset(rule.model, 'm', RULE_MODEL_MAX);
    memset(rule.name, 'n', RULE_NAME_MAX);
    memset(firing.session, 's', RULE_SESSION_MAX);
    for (int format = 0; format <= RULE_ALERTMANAGER; format++) {
        const char *json;
        size_t n;
        struct arena arena, none;
        rule.format = (enum rule_format)format;
        const struct rule_news news = { .rule = &rule, .firing = &firing, .key = "k" };
        arena_init(&arena, body_max);
        ck_assert(codec_print_rule_news(&news, &arena, &json, &n));
        ck_assert(n > 0 && n < body_max);
        arena_done(&arena);
        arena_init(&none, 0);
        ck_assert(!codec_print_rule_news(&news, &none, &json, &n));
        arena_done(&none);
    }
}
