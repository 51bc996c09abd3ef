/* schemas_rules.c - the tables of what is said of rules; encode_rule.c prints it. */
#include "codec/schema_examples.h"
#include "codec/schemas.h"
#include "store/rule.h"

#define OBJECT(table, ...)                                                                         \
    {                                                                                              \
        .type = JSON_SCHEMA_OBJECT, JSON_SCHEMA_FIELDS(table), __VA_ARGS__                         \
    }

// clang-format off

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
    MAYBE("below", &schema_rule_below), MAYBE("anomaly", &schema_rule_anomaly),                     \
    MAYBE("p_value", &schema_rule_p_value), MAYBE("crossing", &codec_rule_crossing_part),          \
    MAYBE("probability", &schema_rule_probability), SAID("for", &schema_rule_for),                             \
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
