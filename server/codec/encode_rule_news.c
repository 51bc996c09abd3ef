/* encode_rule_news.c - what receivers of webhooks are told: plain JSON, and what Alertmanager takes
 * at /api/v2/alerts. */
#include "codec/json_text.h"
#include "codec/put.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { NEWS_BYTES = 1024, SUMMARY_MAX = 160, TIME_MAX = 40 };

/* Alertmanager ends by itself what has no end, minutes later, unless it is told again: a firing has
 * one that is so far away. */
static const int64_t NEVER_MS = INT64_C(366) * 24 * 3600 * 1000;

/* ---- plain ---- */

static void put_number(struct text *text, const char *name, double value)
{
    isnan(value) ? json_text_raw(text, name, "null") : json_text_number(text, name, value);
}

static void put_time(struct text *text, const char *name, int64_t steady_ms)
{
    json_text_number(text, name, (double)clock_wall_of(steady_ms) / 1000);
}

static void put_plain(struct text *text, const struct rule_news *news)
{
    const struct rule *rule = news->rule;
    const struct firing *firing = news->firing;
    const uint64_t step = news->is_firing ? firing->since_step : firing->ended_step;
    json_text_begin_object(text, NULL);
    json_text_string(text, "id", news->key);
    json_text_string(text, "rule", rule->name);
    json_text_string(text, "model", rule->model);
    json_text_string(text, "session", firing->session);
    json_text_string(text, "state", news->is_firing ? "firing" : "resolved");
    put_time(text, "since", firing->since_ms);
    put_time(text, "at", news->is_firing ? firing->since_ms : firing->ended_ms);
    put_number(text, "step", step > 0 ? (double)step : NAN);
    json_text_begin_object(text, "value");
    put_number(text, rule_value_word(rule->kind),
               news->is_firing ? firing->since_value : firing->ended_value);
    json_text_end_object(text);
    json_text_begin_object(text, "threshold");
    put_number(text, rule_bound_word(rule->kind), rule->bound);
    json_text_end_object(text);
    if (!news->is_firing) {
        json_text_string(text, "reason", rule_end_word(firing->end));
    }
    json_text_end_object(text);
}

/* ---- Alertmanager ---- */

static void put_rfc3339(struct text *text, const char *name, int64_t steady_ms)
{
    const int64_t ms = clock_wall_of(steady_ms);
    const time_t seconds = (time_t)(ms / 1000);
    char printed[TIME_MAX], with_ms[TIME_MAX + 8];
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(printed, sizeof printed, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(with_ms, sizeof with_ms, "%s.%03dZ", printed, (int)(ms % 1000));
    json_text_string(text, name, with_ms);
}

static void put_annotations(struct text *text, const struct rule_news *news)
{
    const struct rule *rule = news->rule;
    char summary[SUMMARY_MAX];
    snprintf(summary, sizeof summary, "%s of session %.40s: %s %.6g, bound: %s %.6g",
             rule_kind_word(rule->kind), news->firing->session, rule_value_word(rule->kind),
             news->firing->since_value, rule_bound_word(rule->kind), rule->bound);
    json_text_begin_object(text, "annotations");
    json_text_string(text, "summary", summary);
    json_text_string(text, "id", news->key);
    json_text_end_object(text);
}

static void put_alert(struct text *text, const struct rule_news *news)
{
    const struct firing *firing = news->firing;
    const int64_t ended_ms =
        firing->ended_ms > firing->since_ms ? firing->ended_ms : firing->since_ms;
    json_text_begin_array(text, NULL);
    json_text_begin_object(text, NULL);
    json_text_begin_object(text, "labels");
    json_text_string(text, "alertname", news->rule->name);
    json_text_string(text, "model", news->rule->model);
    json_text_string(text, "session", firing->session);
    json_text_end_object(text);
    put_annotations(text, news);
    put_rfc3339(text, "startsAt", firing->since_ms);
    put_rfc3339(text, "endsAt", news->is_firing ? firing->since_ms + NEVER_MS : ended_ms);
    json_text_end_object(text);
    json_text_end_array(text);
}

bool codec_print_rule_news(const struct rule_news *news, struct arena *arena, const char **ret_json,
                           size_t *ret_n)
{
    struct text text;
    text_init(&text, arena, NEWS_BYTES);
    if (news->rule->format == RULE_ALERTMANAGER) {
        put_alert(&text, news);
    } else {
        put_plain(&text, news);
    }
    *ret_json = text.p;
    *ret_n = text.n;
    return !text.failed;
}
