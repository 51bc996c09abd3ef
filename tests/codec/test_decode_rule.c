/* Rules as they are put: what is taken, and every way to be refused. */
#include "codec_support.h"

#include <string.h>

static enum status decode(struct setup *s, const char *body, struct rule *ret_rule)
{
    return codec_rule(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), &s->model, "late",
                      ret_rule);
}

static struct rule taken(struct setup *s, const char *body)
{
    struct rule rule;
    ck_assert_msg(decode(s, body, &rule) == STATUS_OK, "%s: %s", body, s->fault.message);
    ck_assert_str_eq(rule.model, "weather");
    ck_assert_str_eq(rule.name, "late");
    return rule;
}

#define URL      "\"url\":\"https://example.org/\""
#define COVERAGE "{\"coverage\":true,\"below\":0.8," URL
#define ANOMALY  "{\"anomaly\":true,\"p_value\":0.01," URL
/* CROSSING "...}}": its own members come last. */
#define CROSSING "{\"probability\":0.8," URL ",\"crossing\":{\"output\":\"temp\","

TEST(a_rule_is_taken_with_what_it_leaves_out)
{
    struct setup s;
    setup_init(&s, model_closed());
    const struct rule rule = taken(&s, COVERAGE "}");
    ck_assert(rule.kind == RULE_COVERAGE && rule.bound == 0.8 && rule.n_for == 1);
    ck_assert(rule.format == RULE_JSON && rule.number == 0 && rule.created_at_ms == 0);
    ck_assert_str_eq(rule.prefix, "");
    ck_assert_str_eq(rule.url, "https://example.org/");
    setup_done(&s);
}

TEST(a_rule_is_taken_with_all_it_says)
{
    struct setup s;
    setup_init(&s, model_closed());
    struct rule rule =
        taken(&s, ANOMALY ",\"for\":1000000,\"prefix\":\"pump-\",\"format\":\"alertmanager\"}");
    ck_assert(rule.kind == RULE_ANOMALY && rule.bound == 0.01 && rule.n_for == RULE_FOR_MAX);
    ck_assert_int_eq(rule.format, RULE_ALERTMANAGER);
    ck_assert_str_eq(rule.prefix, "pump-");
    rule = taken(&s, CROSSING "\"above\":-80.5,\"horizon\":24}}");
    ck_assert(rule.kind == RULE_CROSSING && rule.bound == 0.8 && rule.horizon == 24);
    ck_assert(!rule.is_below && rule.threshold == -80.5);
    ck_assert_str_eq(rule.output, "temp");
    rule = taken(&s, CROSSING "\"below\":0,\"horizon\":1}}");
    ck_assert(rule.is_below && rule.threshold == 0 && rule.horizon == 1);
    ck_assert(taken(&s, "{\"coverage\":true,\"below\":1," URL "}").bound == 1);
    ck_assert(taken(&s, "{\"probability\":1," URL
                        ",\"crossing\":{\"above\":1,\"output\":\"te\\u006dp\"}}")
                  .bound == 1);
    setup_done(&s);
}

/* As far as is usual, as intervals reach, and as the model forecasts by itself. */
TEST(a_crossing_that_does_not_say_so_looks_as_far_as_it_can)
{
    static const struct refusal beyond = { CROSSING "\"above\":1,\"horizon\":2}}",
                                           STATUS_HORIZON_NOT_SUPPORTED, "crossing.horizon" };
    struct setup s;
    struct rule rule;
    setup_init(&s, model_closed());
    ck_assert_uint_eq(taken(&s, CROSSING "\"above\":1}}").horizon, 12);
    s.limits.interval_horizon_max = 5;
    ck_assert_uint_eq(taken(&s, CROSSING "\"above\":1}}").horizon, 5);
    setup_done(&s);
    setup_init(&s, model_weather()); /* which must be told the humidity */
    ck_assert_uint_eq(taken(&s, CROSSING "\"above\":1}}").horizon, 1);
    enum status status = decode(&s, beyond.body, &rule);
    ASSERT_REFUSED(status, &s.fault, &beyond);
    setup_done(&s);
}

static const struct refusal refusals[] = {
    /* the whole */
    { "", STATUS_INVALID_JSON, "" },
    { "[]", STATUS_INVALID_TYPE, "" },
    { "null", STATUS_INVALID_TYPE, "" },
    { COVERAGE "}x", STATUS_INVALID_JSON, "" },
    { COVERAGE ",\"x\":1}", STATUS_UNKNOWN_FIELD, "x" },
    { COVERAGE ",\"below\":0.8}", STATUS_DUPLICATE_FIELD, "below" },
    /* kinds and their bounds */
    { "{" URL "}", STATUS_MISSING_FIELD, "coverage" },
    { "{" URL ",\"below\":0.8}", STATUS_MISSING_FIELD, "coverage" },
    { "{\"coverage\":true," URL "}", STATUS_MISSING_FIELD, "below" },
    { "{\"anomaly\":true," URL "}", STATUS_MISSING_FIELD, "p_value" },
    { "{\"crossing\":{\"output\":\"temp\",\"above\":1}," URL "}", STATUS_MISSING_FIELD,
      "probability" },
    { "{\"coverage\":false,\"below\":0.8," URL "}", STATUS_INVALID_VALUE, "coverage" },
    { "{\"coverage\":1,\"below\":0.8," URL "}", STATUS_INVALID_TYPE, "coverage" },
    { "{\"anomaly\":null,\"p_value\":0.01," URL "}", STATUS_INVALID_TYPE, "anomaly" },
    { "{\"anomaly\":false,\"p_value\":0.01," URL "}", STATUS_INVALID_VALUE, "anomaly" },
    { COVERAGE ",\"anomaly\":true}", STATUS_INVALID_VALUE, "anomaly" },
    { COVERAGE ",\"crossing\":{\"output\":\"temp\",\"above\":1}}", STATUS_INVALID_VALUE,
      "crossing" },
    { COVERAGE ",\"p_value\":0.01}", STATUS_INVALID_VALUE, "p_value" },
    { ANOMALY ",\"below\":0.8}", STATUS_INVALID_VALUE, "below" },
    { ANOMALY ",\"probability\":0.8}", STATUS_INVALID_VALUE, "probability" },
    /* bounds */
    { "{\"coverage\":true,\"below\":0," URL "}", STATUS_INVALID_VALUE, "below" },
    { "{\"coverage\":true,\"below\":-0.5," URL "}", STATUS_INVALID_VALUE, "below" },
    { "{\"coverage\":true,\"below\":1.0000001," URL "}", STATUS_INVALID_VALUE, "below" },
    { "{\"coverage\":true,\"below\":NaN," URL "}", STATUS_INVALID_JSON, "below" },
    { "{\"coverage\":true,\"below\":null," URL "}", STATUS_INVALID_TYPE, "below" },
    { "{\"coverage\":true,\"below\":\"0.8\"," URL "}", STATUS_INVALID_TYPE, "below" },
    { "{\"anomaly\":true,\"p_value\":0," URL "}", STATUS_INVALID_VALUE, "p_value" },
    { "{\"anomaly\":true,\"p_value\":1," URL "}", STATUS_INVALID_VALUE, "p_value" },
    { "{\"anomaly\":true,\"p_value\":-0.001," URL "}", STATUS_INVALID_VALUE, "p_value" },
    { "{\"anomaly\":true,\"p_value\":-Infinity," URL "}", STATUS_INVALID_JSON, "p_value" },
    { "{\"anomaly\":true,\"p_value\":[0.01]," URL "}", STATUS_INVALID_TYPE, "p_value" },
    { "{\"probability\":0," URL ",\"crossing\":{\"output\":\"temp\",\"above\":1}}",
      STATUS_INVALID_VALUE, "probability" },
    { "{\"probability\":1.5," URL ",\"crossing\":{\"output\":\"temp\",\"above\":1}}",
      STATUS_INVALID_VALUE, "probability" },
    { "{\"probability\":Infinity," URL ",\"crossing\":{\"output\":\"temp\",\"above\":1}}",
      STATUS_INVALID_JSON, "probability" },
    { "{\"probability\":1e999," URL ",\"crossing\":{\"output\":\"temp\",\"above\":1}}",
      STATUS_INVALID_VALUE, "probability" },
    /* crossings */
    { "{\"probability\":0.8," URL ",\"crossing\":true}", STATUS_INVALID_TYPE, "crossing" },
    { "{\"probability\":0.8," URL ",\"crossing\":null}", STATUS_INVALID_TYPE, "crossing" },
    { "{\"probability\":0.8," URL ",\"crossing\":{}}", STATUS_MISSING_FIELD, "crossing.output" },
    { "{\"probability\":0.8," URL ",\"crossing\":{\"output\":\"temp\"}}", STATUS_MISSING_FIELD,
      "crossing.above" },
    { "{\"probability\":0.8," URL ",\"crossing\":{\"output\":\"wind\",\"above\":1}}",
      STATUS_INVALID_VALUE, "crossing.output" },
    { "{\"probability\":0.8," URL ",\"crossing\":{\"output\":\"\",\"above\":1}}",
      STATUS_INVALID_VALUE, "crossing.output" },
    { "{\"probability\":0.8," URL ",\"crossing\":{\"output\":\"temp\\u0000\",\"above\":1}}",
      STATUS_INVALID_VALUE, "crossing.output" },
    { "{\"probability\":0.8," URL ",\"crossing\":{\"output\":0,\"above\":1}}", STATUS_INVALID_TYPE,
      "crossing.output" },
    { CROSSING "\"above\":1,\"below\":0}}", STATUS_INVALID_VALUE, "crossing.above" },
    { CROSSING "\"above\":null}}", STATUS_INVALID_TYPE, "crossing.above" },
    { CROSSING "\"above\":NaN}}", STATUS_INVALID_JSON, "crossing.above" },
    { CROSSING "\"above\":1e999}}", STATUS_INVALID_VALUE, "crossing.above" },
    { CROSSING "\"below\":\"1\"}}", STATUS_INVALID_TYPE, "crossing.below" },
    { CROSSING "\"above\":1,\"at\":1}}", STATUS_UNKNOWN_FIELD, "crossing.at" },
    { CROSSING "\"above\":1,\"above\":1}}", STATUS_DUPLICATE_FIELD, "crossing.above" },
    { CROSSING "\"above\":1,\"horizon\":0}}", STATUS_INVALID_VALUE, "crossing.horizon" },
    { CROSSING "\"above\":1,\"horizon\":25}}", STATUS_INVALID_VALUE, "crossing.horizon" },
    { CROSSING "\"above\":1,\"horizon\":1.5}}", STATUS_INVALID_VALUE, "crossing.horizon" },
    { CROSSING "\"above\":1,\"horizon\":null}}", STATUS_INVALID_TYPE, "crossing.horizon" },
    /* the others */
    { COVERAGE ",\"prefix\":\"a/b\"}", STATUS_INVALID_VALUE, "prefix" },
    { COVERAGE ",\"prefix\":\"a\\u0000\"}", STATUS_INVALID_VALUE, "prefix" },
    { COVERAGE ",\"prefix\":null}", STATUS_INVALID_TYPE, "prefix" },
    { COVERAGE ",\"for\":0}", STATUS_INVALID_VALUE, "for" },
    { COVERAGE ",\"for\":-1}", STATUS_INVALID_VALUE, "for" },
    { COVERAGE ",\"for\":1000001}", STATUS_INVALID_VALUE, "for" },
    { COVERAGE ",\"for\":1.5}", STATUS_INVALID_VALUE, "for" },
    { COVERAGE ",\"for\":18446744073709551616}", STATUS_INVALID_VALUE, "for" },
    { COVERAGE ",\"for\":\"3\"}", STATUS_INVALID_TYPE, "for" },
    { COVERAGE ",\"format\":\"xml\"}", STATUS_INVALID_VALUE, "format" },
    { COVERAGE ",\"format\":\"alertmanagers\"}", STATUS_INVALID_VALUE, "format" },
    { COVERAGE ",\"format\":0}", STATUS_INVALID_TYPE, "format" },
    { "{\"coverage\":true,\"below\":0.8}", STATUS_MISSING_FIELD, "url" },
    { "{\"coverage\":true,\"below\":0.8,\"url\":null}", STATUS_INVALID_TYPE, "url" },
    { "{\"coverage\":true,\"below\":0.8,\"url\":\"https://example.org/\\u0000\"}",
      STATUS_INVALID_VALUE, "url" },
};

TEST(what_is_no_rule_is_refused_by_its_path)
{
    struct setup s;
    setup_init(&s, model_closed());
    for (size_t k = 0; k < N_OF(refusals); k++) {
        struct rule rule = { .number = 7 };
        enum status status = decode(&s, refusals[k].body, &rule);
        ASSERT_REFUSED(status, &s.fault, &refusals[k]);
        ck_assert_int_eq(rule.number, 7); /* untouched */
    }
    setup_done(&s);
}

/* Names and URLs of the greatest length, and of one more. */
TEST(texts_have_their_limits)
{
    static const struct {
        const char *field;
        size_t most;
    } texts[] = { { "prefix", RULE_PREFIX_MAX }, { "url", RULE_URL_MAX } };
    struct setup s;
    setup_init(&s, model_closed());
    for (size_t k = 0; k < N_OF(texts); k++) {
        for (size_t more = 0; more <= 1; more++) {
            char text[RULE_URL_MAX + 2], body[RULE_URL_MAX + 128];
            const size_t n = texts[k].most + more;
            memset(text, 'a', n);
            text[n] = '\0';
            snprintf(body, sizeof body, "{\"coverage\":true,\"below\":0.8,%s\"%s\":\"%s\"}",
                     strcmp(texts[k].field, "url") == 0 ? "" : URL ",", texts[k].field, text);
            const struct refusal refusal = { body, STATUS_INVALID_VALUE, texts[k].field };
            struct rule rule;
            enum status status = decode(&s, body, &rule);
            if (more == 0) {
                ck_assert_msg(status == STATUS_OK, "%s", s.fault.message);
            } else {
                ASSERT_REFUSED(status, &s.fault, &refusal);
            }
        }
    }
    setup_done(&s);
}

/* ---- the model ---- */

static void expect_unsupported(struct gru_model *gru, const struct interval_levels *levels,
                               const char *body, const char *param)
{
    const struct refusal refusal = { body, STATUS_RULE_NOT_SUPPORTED, param };
    struct setup s;
    struct rule rule;
    setup_init(&s, gru);
    s.limits.interval_levels = levels ? levels : s.limits.interval_levels;
    enum status status = decode(&s, body, &rule);
    ASSERT_REFUSED(status, &s.fault, &refusal);
    setup_done(&s);
}

TEST(what_a_model_never_has_is_refused)
{
    static const char half[] = "{\"inputs\":[{\"name\":\"t\"}],"
                               "\"outputs\":[{\"name\":\"t\"},{\"name\":\"u\"}]}";
    static const struct interval_levels none = { .n = 0 };
    expect_unsupported(model_classes(), NULL, COVERAGE "}", "coverage");
    expect_unsupported(model_classes(), NULL, ANOMALY "}", "anomaly");
    expect_unsupported(model_closed(), &none, COVERAGE "}", "coverage");
    expect_unsupported(model_closed(), &none, ANOMALY "}", "anomaly");
    expect_unsupported(model_closed(), &none, CROSSING "\"above\":1}}", "crossing");
    expect_unsupported(model_described(1, 2, half), NULL,
                       "{\"probability\":0.8," URL ",\"crossing\":{\"output\":\"u\",\"above\":1}}",
                       "crossing.output");
}
