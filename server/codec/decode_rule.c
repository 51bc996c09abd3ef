/* decode_rule.c - the body of a rule: which sessions, what is looked at, and where it is told. */
#include "codec/codec.h"
#include "codec/reader.h"
#include "codec/schemas.h"

#include <string.h>

struct rule_body {
    const struct gru_model *gru;
    const struct gru_info *info; /* of that */
    const struct codec_limits *limits;
    double bounds[RULE_N_KINDS];
    struct rule rule;
};

static enum status read_prefix(struct reader *r, void *body)
{
    static const char expected[] = "at most 128 characters of A-Z a-z 0-9 . _ ~ : -";
    char *prefix = ((struct rule_body *)body)->rule.prefix;
    enum status status = reader_string(r, expected, prefix, RULE_PREFIX_MAX + 1);
    return status != STATUS_OK || prefix[0] == '\0' || session_id_is_valid(prefix, strlen(prefix))
               ? status
               : reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
}

/* What is looked at is said by `true`, and not looked at by leaving it out. */
static enum status read_true(struct reader *r, void *body)
{
    (void)body;
    bool is_true;
    enum status status = reader_bool(r, &is_true);
    return status != STATUS_OK || is_true
               ? status
               : reader_refuse(r, STATUS_INVALID_VALUE, "must be true, or left out");
}

static enum status read_bound(struct reader *r, void *body, enum rule_kind kind, bool may_be_one,
                              const char *expected)
{
    double *bound = &((struct rule_body *)body)->bounds[kind];
    enum status status = reader_number(r, bound);
    return status != STATUS_OK || (*bound > 0 && (*bound < 1 || (may_be_one && *bound == 1)))
               ? status
               : reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
}

static enum status read_below(struct reader *r, void *body)
{
    return read_bound(r, body, RULE_COVERAGE, true,
                      "more than 0 and at most 1, as 0.8 is for 8 of 10 readings");
}

static enum status read_p_value(struct reader *r, void *body)
{
    return read_bound(r, body, RULE_ANOMALY, false,
                      "more than 0 and less than 1, as 0.001 is for one of 1000 readings");
}

static enum status read_probability(struct reader *r, void *body)
{
    return read_bound(r, body, RULE_CROSSING, true, "more than 0 and at most 1, as in 0.8");
}

static enum status read_for(struct reader *r, void *body)
{
    return reader_integer(r, 1, RULE_FOR_MAX, &((struct rule_body *)body)->rule.n_for);
}

static enum status read_url(struct reader *r, void *body)
{
    return reader_string(r, "a URL of at most 1023 characters",
                         ((struct rule_body *)body)->rule.url, RULE_URL_MAX + 1);
}

static enum status read_format(struct reader *r, void *body)
{
    static const char expected[] = CHOICE_SENTENCE(RULE_FORMATS);
    char word[sizeof "alertmanager"];
    enum status status = reader_string(r, expected, word, sizeof word);
    const int format = status == STATUS_OK ? choice_find(CHOICE_WORDS(RULE_FORMATS), word) : 0;
    if (format < 0) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    ((struct rule_body *)body)->rule.format = (enum rule_format)format;
    return status;
}

/* ---- crossing ---- */

static enum status read_output(struct reader *r, void *body)
{
    const struct rule_body *rule = body;
    const struct gru_info *info = rule->info;
    char *name = ((struct rule_body *)body)->rule.output;
    enum status status = reader_string(r, "the name of an output", name, RULE_OUTPUT_MAX + 1);
    size_t output = 0;
    while (status == STATUS_OK && output < info->n_outputs &&
           strcmp(info->outputs[output].name, name) != 0) {
        output++;
    }
    if (status == STATUS_OK && output == info->n_outputs) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "is no output of this model");
    }
    if (status == STATUS_OK && info->outputs[output].feeds < 0) {
        return reader_refuse(r, STATUS_RULE_NOT_SUPPORTED,
                             "feeds no input, so no reading ever tells how sure its forecasts are");
    }
    return status;
}

static enum status read_above(struct reader *r, void *body)
{
    return reader_number(r, &((struct rule_body *)body)->rule.threshold);
}

static enum status read_below_threshold(struct reader *r, void *body)
{
    ((struct rule_body *)body)->rule.is_below = true;
    return read_above(r, body);
}

static enum status read_rule_horizon(struct reader *r, void *body)
{
    struct rule_body *rule = body;
    return reader_integer(r, 1, rule->limits->interval_horizon_max, &rule->rule.horizon);
}

enum crossing_field { CROSSING_FIELD_ABOVE, CROSSING_FIELD_BELOW };

static const struct field crossing_fields[] = {
    [CROSSING_FIELD_ABOVE] = { "above", read_above, false, &schema_rule_threshold },
    [CROSSING_FIELD_BELOW] = { "below", read_below_threshold, false, &schema_rule_threshold },
    { "output", read_output, true, &schema_rule_output },
    { "horizon", read_rule_horizon, false, &schema_rule_horizon },
};

const struct json_schema codec_rule_crossing_part = {
    .type = JSON_SCHEMA_OBJECT,
    .name = "RuleCrossing",
    JSON_SCHEMA_FIELDS(crossing_fields),
    .either = "above|below",
    .help = "looks at how probable it is that this output will have been above or below this by "
            "`horizon` steps ahead, with each reading",
    .example = "{\"output\":\"temp\",\"above\":80}"
};

/* How far the model looks without being told of the future. */
static size_t farthest(const struct gru_model *gru, size_t most)
{
    const struct gru_info *info = gru_model_info(gru);
    const bool can_roll = info->n_feeds > 0 && gru_future_rows(gru, most) == 0;
    return can_roll || most < info->steps ? most : info->steps;
}

static enum status read_crossing(struct reader *r, void *body)
{
    enum { HORIZON_INITIAL = 12 };
    struct rule_body *rule = body;
    const size_t most = farthest(rule->gru, rule->limits->interval_horizon_max);
    unsigned seen;
    enum status status = reader_fields(
        r, crossing_fields, sizeof crossing_fields / sizeof *crossing_fields, body, &seen);
    if (status != STATUS_OK) {
        return status;
    }
    const bool has_above = seen & 1U << CROSSING_FIELD_ABOVE,
               has_below = seen & 1U << CROSSING_FIELD_BELOW;
    if (has_above == has_below) {
        return reader_refuse_field(
            r, has_above ? STATUS_INVALID_VALUE : STATUS_MISSING_FIELD, "above",
            has_above ? "and `below` do not go together" : "is missing, and so is `below`");
    }
    if (rule->rule.horizon > most) {
        return reader_refuse_field(r, STATUS_HORIZON_NOT_SUPPORTED, "horizon",
                                   "is %zu, and this model forecasts %zu steps without being told "
                                   "of the future",
                                   (size_t)rule->rule.horizon, most);
    }
    if (rule->rule.horizon == 0) {
        rule->rule.horizon = most < HORIZON_INITIAL ? most : HORIZON_INITIAL;
    }
    return STATUS_OK;
}

/* ---- the whole ---- */

/* First those of the kinds, in their order, and then their bounds. */
static const struct field rule_fields[] = {
    [RULE_COVERAGE] = { "coverage", read_true, false, &schema_rule_coverage },
    [RULE_ANOMALY] = { "anomaly", read_true, false, &schema_rule_anomaly },
    [RULE_CROSSING] = { "crossing", read_crossing, false, &codec_rule_crossing_part },
    [RULE_N_KINDS + RULE_COVERAGE] = { "below", read_below, false, &schema_rule_below },
    [RULE_N_KINDS + RULE_ANOMALY] = { "p_value", read_p_value, false, &schema_rule_p_value },
    [RULE_N_KINDS +
        RULE_CROSSING] = { "probability", read_probability, false, &schema_rule_probability },
    { "prefix", read_prefix, false, &schema_rule_prefix },
    { "for", read_for, false, &schema_rule_for },
    { "url", read_url, true, &schema_rule_url },
    { "format", read_format, false, &schema_rule_format },
};

const struct json_schema codec_rule_body = {
    .type = JSON_SCHEMA_OBJECT,
    .name = "RuleWanted",
    JSON_SCHEMA_FIELDS(rule_fields),
    .either = "coverage|anomaly|crossing",
    .example = "{\"prefix\":\"pump-\",\"coverage\":true,\"below\":0.8,\"for\":3,"
               "\"url\":\"https://example.org/hooks/grud\"}"
};

static bool has(unsigned seen, unsigned field)
{
    return seen >> field & 1;
}

/* One kind, with its bound and no other. */
static enum status check_kind(struct reader *r, struct rule *rule, unsigned seen)
{
    unsigned kind = 0;
    while (kind < RULE_N_KINDS && !has(seen, kind)) {
        kind++;
    }
    if (kind == RULE_N_KINDS) {
        return reader_refuse_field(r, STATUS_MISSING_FIELD, "coverage",
                                   "is missing, and so are `anomaly` and `crossing`: a rule looks "
                                   "at one of them");
    }
    for (unsigned k = 0; k < RULE_N_KINDS; k++) {
        if (k != kind && has(seen, k)) {
            return reader_refuse_field(r, STATUS_INVALID_VALUE, rule_kind_word(k),
                                       "does not go with `%s`: make two rules",
                                       rule_kind_word(kind));
        }
        if (k != kind && has(seen, RULE_N_KINDS + k)) {
            return reader_refuse_field(r, STATUS_INVALID_VALUE, rule_bound_word(k),
                                       "does not go with `%s`, whose bound is `%s`",
                                       rule_kind_word(kind), rule_bound_word(kind));
        }
    }
    rule->kind = (enum rule_kind)kind;
    return has(seen, RULE_N_KINDS + kind)
               ? STATUS_OK
               : reader_refuse_field(r, STATUS_MISSING_FIELD, rule_bound_word(kind), "is missing");
}

/* Whether a session of the model ever has what the rule looks at. */
static enum status check_model(struct reader *r, const struct rule_body *body)
{
    const char *kind = rule_kind_word(body->rule.kind);
    if (body->info->n_feeds == 0) {
        return reader_refuse_field(r, STATUS_RULE_NOT_SUPPORTED, kind,
                                   "is of no use here: no output of this model feeds an input, so "
                                   "no reading ever tells what a forecast should have been");
    }
    return body->limits->interval_levels->n > 0
               ? STATUS_OK
               : reader_refuse_field(r, STATUS_RULE_NOT_SUPPORTED, kind,
                                     "is of no use here: grud offers no intervals "
                                     "(--interval-levels is empty)");
}

enum status codec_rule(const struct codec_input *input, const struct model *model, const char *name,
                       struct rule *ret_rule)
{
    struct rule_body body = { .gru = model->active->gru,
                              .info = gru_model_info(model->active->gru),
                              .limits = &input->limits,
                              .rule = { .n_for = 1 } };
    struct reader r;
    unsigned seen;
    reader_init(&r, input);
    enum status status =
        reader_fields(&r, rule_fields, sizeof rule_fields / sizeof *rule_fields, &body, &seen);
    if (status == STATUS_OK) {
        status = check_kind(&r, &body.rule, seen);
    }
    if (status == STATUS_OK) {
        status = check_model(&r, &body);
    }
    status = reader_end(&r, status);
    if (status == STATUS_OK) {
        body.rule.bound = body.bounds[body.rule.kind];
        memcpy(body.rule.model, model->name, strlen(model->name) + 1);
        memcpy(body.rule.name, name, strlen(name) + 1);
        *ret_rule = body.rule;
    }
    return status;
}
