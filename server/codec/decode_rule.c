/* decode_rule.c - the body of a rule: which sessions, what is looked at, and where it is told. */
#include "codec/codec.h"
#include "codec/reader.h"
#include "codec/schemas.h"

#include <string.h>

struct rule_body {
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

static enum status read_below(struct reader *r, void *body)
{
    double *below = &((struct rule_body *)body)->rule.bound;
    enum status status = reader_number(r, below);
    return status != STATUS_OK || (*below > 0 && *below <= 1)
               ? status
               : reader_refuse(r, STATUS_INVALID_VALUE,
                               "must be more than 0 and at most 1, as 0.8 is for 8 of 10 readings");
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

enum rule_field { RULE_FIELD_COVERAGE, RULE_FIELD_BELOW };

static const struct field rule_fields[] = {
    [RULE_FIELD_COVERAGE] = { "coverage", read_true, true, &schema_rule_coverage },
    [RULE_FIELD_BELOW] = { "below", read_below, true, &schema_rule_below },
    { "prefix", read_prefix, false, &schema_rule_prefix },
    { "for", read_for, false, &schema_rule_for },
    { "url", read_url, true, &schema_rule_url },
    { "format", read_format, false, &schema_rule_format },
};

const struct json_schema codec_rule_body = {
    .type = JSON_SCHEMA_OBJECT,
    .name = "RuleWanted",
    JSON_SCHEMA_FIELDS(rule_fields),
    .example = "{\"prefix\":\"pump-\",\"coverage\":true,\"below\":0.8,\"for\":3,"
               "\"url\":\"https://example.org/hooks/grud\"}"
};

/* Whether a session of the model ever has what the rule looks at. */
static enum status check_model(struct reader *r, const struct model *model,
                               const struct codec_limits *limits)
{
    if (gru_model_info(model->active->gru)->n_feeds == 0) {
        return reader_refuse_field(r, STATUS_RULE_NOT_SUPPORTED, "coverage",
                                   "is of no use here: no output of this model feeds an input, so "
                                   "no reading ever tells whether an interval held");
    }
    return limits->interval_levels->n > 0
               ? STATUS_OK
               : reader_refuse_field(r, STATUS_RULE_NOT_SUPPORTED, "coverage",
                                     "is of no use here: grud offers no intervals "
                                     "(--interval-levels is empty)");
}

enum status codec_rule(const struct codec_input *input, const struct model *model, const char *name,
                       struct rule *ret_rule)
{
    struct rule_body body = { .rule = { .kind = RULE_COVERAGE, .n_for = 1 } };
    struct reader r;
    unsigned seen;
    reader_init(&r, input);
    enum status status =
        reader_fields(&r, rule_fields, sizeof rule_fields / sizeof *rule_fields, &body, &seen);
    if (status == STATUS_OK) {
        status = check_model(&r, model, &input->limits);
    }
    status = reader_end(&r, status);
    if (status == STATUS_OK) {
        memcpy(body.rule.model, model->name, strlen(model->name) + 1);
        memcpy(body.rule.name, name, strlen(name) + 1);
        *ret_rule = body.rule;
    }
    return status;
}
