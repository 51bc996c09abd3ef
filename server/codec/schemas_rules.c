/* schemas_rules.c - the tables of what is said of rules; encode_rule.c prints it. */
#include "codec/schema_examples.h"
#include "codec/schemas.h"
#include "store/rule.h"

#define VALUE(name, its_type, ...)                                                                 \
    const struct json_schema schema_##name = { .type = JSON_SCHEMA_##its_type, __VA_ARGS__ };
#define OBJECT(table, ...)                                                                         \
    {                                                                                              \
        .type = JSON_SCHEMA_OBJECT, JSON_SCHEMA_FIELDS(table), __VA_ARGS__                         \
    }

// clang-format off

/* ---- values ---- */

VALUE(rule_name, STRING, .pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$", .example = "\"late-pumps\"",
      .help = "the rule's name")
VALUE(rule_prefix, STRING, .pattern = "^[A-Za-z0-9._~:-]{0,128}$", .example = "\"pump-\"",
      .help = "the rule is for sessions whose ids begin so; left out or empty: for all of the model")
VALUE(rule_coverage, BOOLEAN, .example = "true",
      .help = "`true`: looks at how many of a session's last hundred readings, or so, were within the intervals "
              "of level 0.9 (or the nearest that `--interval-levels` offers) that were given for them one step "
              "before; once 100 were")
VALUE(rule_below, NUMBER, .most = 1, .is_above_least = true, .example = "0.8",
      .help = "with `coverage`: a lower share than this meets the condition")
VALUE(rule_for, INTEGER, .least = 1, .most = RULE_FOR_MAX, .example = "3",
      .help = "so many readings in a row must meet the condition; 1 by default. The first that does not ends it")
VALUE(rule_url, STRING, .least = 1, .most = RULE_URL_MAX, .format = "uri", .example = "\"https://example.org/hooks/grud\"",
      .help = "where to post; `https` or `http`, without a user. One of this machine or of a private network only "
              "with `--webhook-private yes`")
VALUE(rule_format, STRING, .words = CHOICE_WORDS(RULE_FORMATS),
      .help = "`\"json\"`, the default, or what Alertmanager takes at `/api/v2/alerts`. See [RULES.md](RULES.md)")

/* ---- replies ---- */

static const struct field states_fields[] = {
    SAID("firing", &schema_count),
    SAID("pending", JSON_SCHEMA(INTEGER, .most = 9007199254740992.0,
         .help = "that meet the condition, and not yet `for` so many readings")),
};
static const struct json_schema states_part = OBJECT(states_fields, .help = "in how many sessions");
static const struct field failure_fields[] = { SAID("at", &schema_seconds), SAID("reason", &schema_text) };
static const struct json_schema failure_part = OBJECT(failure_fields, .is_nullable = true);
static const struct field webhook_fields[] = {
    SAID("last_success_at", &schema_seconds_or_null), SAID("last_failure", &failure_part),
    SAID("failures", &schema_count),
};
static const struct json_schema webhook_part = OBJECT(webhook_fields, .help = "how posts went since grud was started");

static const struct field firing_fields[] = {
    SAID("session", &schema_session_id), SAID("since", &schema_seconds),
    SAID("step", JSON_SCHEMA(INTEGER, .most = 9007199254740992.0, .help = "that made it fire")),
    SAID("value", JSON_SCHEMA(NUMBER, .is_nullable = true, .help = "what was compared then")),
};
static const struct json_schema firing_part = OBJECT(firing_fields);
static const struct json_schema firings_part = { .type = JSON_SCHEMA_ARRAY, .items = &firing_part,
    .help = "sessions in which it fires, up to `limit`" };

#define RULE_FIELDS                                                                                \
    SAID("name", &schema_rule_name), SAID("model", &schema_model_name),                            \
    SAID("prefix", &schema_rule_prefix), MAYBE("coverage", &schema_rule_coverage),                 \
    MAYBE("below", &schema_rule_below), SAID("for", &schema_rule_for),                             \
    SAID("url", &schema_rule_url), SAID("format", &schema_rule_format),                            \
    SAID("created_at", &schema_seconds), SAID("states", &states_part),                             \
    SAID("webhook", &webhook_part)
static const struct field rule_fields[] = { RULE_FIELDS, SAID("firing", &firings_part) };
const struct json_schema codec_rule_reply = OBJECT(rule_fields, .name = "Rule", .example = EXAMPLE_RULE);

static const struct field rule_row_fields[] = { RULE_FIELDS };
static const struct json_schema rule_row_part = OBJECT(rule_row_fields, .name = "RuleRow");
static const struct field rules_fields[] = {
    SAID("rules", JSON_SCHEMA(ARRAY, .items = &rule_row_part)),
};
const struct json_schema codec_rules_reply = OBJECT(rules_fields, .name = "RuleList", .example = EXAMPLE_RULES);
// clang-format on
