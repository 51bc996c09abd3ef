/* Where a job's data come from: one source, sessions that are named once, and a fraction. */
#include "codec/sources.h"
#include "codec_support.h"

#include <stdlib.h>
#include <string.h>

static enum status training(struct setup *s, const char *body, struct job_sources *ret_sources)
{
    struct reader r;
    reader_init(&r, INPUT(body, strlen(body), s->limits, &s->arena, &s->fault));
    sources_init(ret_sources, gru_model_info(s->model.active->gru), GRU_MSE);
    return reader_end(&r, sources_read_training(&r, ret_sources));
}

static void training_refused(struct setup *s, const struct refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct job_sources sources;
        enum status status = training(s, refusals[i].body, &sources);
        ASSERT_REFUSED(status, &s->fault, &refusals[i]);
    }
}

static enum status validation(struct setup *s, const char *body, struct job_sources *ret_sources,
                              double *ret_fraction)
{
    struct reader r;
    reader_init(&r, INPUT(body, strlen(body), s->limits, &s->arena, &s->fault));
    sources_init(ret_sources, gru_model_info(s->model.active->gru), GRU_MSE);
    return reader_end(&r, sources_read_validation(&r, ret_sources, ret_fraction));
}

TEST(each_source_is_taken_by_itself)
{
    struct setup s;
    struct job_sources sources;
    setup_init(&s, model_weather());
    ck_assert_int_eq(training(&s, "{\"series\":[{\"x\":[[1,2]]},{\"x\":[[3,4]]}]}", &sources),
                     STATUS_OK);
    ck_assert(sources.source == JOB_SERIES && sources.list.n == 2 && sources.n_sessions == 0);
    ck_assert(sources.list.series[1].x[1] == 4);
    ck_assert_int_eq(training(&s, "{\"sessions\":[\"b\",\"a\"]}", &sources), STATUS_OK);
    ck_assert(sources.source == JOB_SESSIONS && sources.n_sessions == 2 && sources.list.n == 0);
    ck_assert_str_eq(sources.sessions[0], "b"); /* in the order in which they are named */
    ck_assert_str_eq(sources.sessions[1], "a");
    ck_assert_int_eq(training(&s, "{\"sessions_prefix\":\"\"}", &sources), STATUS_OK);
    ck_assert(sources.source == JOB_SESSIONS_PREFIX && sources.n_sessions == 1);
    ck_assert_str_eq(sources.sessions[0], ""); /* of all sessions */
    setup_done(&s);
}

TEST(of_two_sources_the_later_one_of_the_table_is_refused)
{
    static const struct refusal refusals[] = {
        { "{}", STATUS_MISSING_FIELD, "series" },
        { "{\"sessions\":[\"a\"],\"series\":[{\"x\":[[1,2]]}]}", STATUS_INVALID_VALUE, "sessions" },
        { "{\"sessions_prefix\":\"a\",\"series\":[{\"x\":[[1,2]]}]}", STATUS_INVALID_VALUE,
          "sessions_prefix" },
        { "{\"sessions_prefix\":\"a\",\"sessions\":[\"b\"],\"series\":[{\"x\":[[1,2]]}]}",
          STATUS_INVALID_VALUE, "sessions_prefix" },
        { "{\"sessions\":[\"a\"],\"sessions_prefix\":\"a\"}", STATUS_INVALID_VALUE,
          "sessions_prefix" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    training_refused(&s, refusals, N_OF(refusals));
    setup_done(&s);
}

TEST(sessions_and_prefixes_are_what_ids_are_made_of)
{
    static const struct refusal refusals[] = {
        { "{\"sessions\":[]}", STATUS_WRONG_LENGTH, "sessions" },
        { "{\"sessions\":\"a\"}", STATUS_INVALID_TYPE, "sessions" },
        { "{\"sessions\":[\"a\",\"b/c\"]}", STATUS_INVALID_VALUE, "sessions[1]" },
        { "{\"sessions\":[\"a\",\"\"]}", STATUS_INVALID_VALUE, "sessions[1]" },
        { "{\"sessions_prefix\":\"a b\"}", STATUS_INVALID_VALUE, "sessions_prefix" },
        { "{\"sessions_prefix\":7}", STATUS_INVALID_TYPE, "sessions_prefix" },
        { "{\"fraction\":0.5}", STATUS_UNKNOWN_FIELD, "fraction" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    training_refused(&s, refusals, N_OF(refusals));
    setup_done(&s);
}

/* ---- names that come twice ---- */

enum { N_MAX = 12 };

/* The first element that stands somewhere before it; n: there is none. */
static size_t first_repeated(const char *letters, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (memchr(letters, letters[i], i) != NULL) {
            return i;
        }
    }
    return n;
}

static void print_sessions(const char *letters, size_t n, char *body)
{
    char *p = body + sprintf(body, "{\"sessions\":[");
    for (size_t i = 0; i < n; i++) {
        p += sprintf(p, "%s\"%c\"", i > 0 ? "," : "", letters[i]);
    }
    sprintf(p, "]}");
}

TEST(a_session_that_was_named_before_is_refused_where_it_stands)
{
    struct setup s;
    setup_init(&s, model_weather());
    size_t n_refused = 0, n_rounds = 500;
    unsigned random = 1;
    for (size_t round = 0; round < n_rounds; round++) {
        char letters[N_MAX], body[100 + 4 * N_MAX], param[32];
        size_t n = 1 + round % N_MAX;
        for (size_t i = 0; i < n; i++) {
            random = random * 1664525U + 1013904223U;
            letters[i] = (char)('a' + (random >> 16) % 26);
        }
        print_sessions(letters, n, body);
        struct job_sources sources;
        enum status status = training(&s, body, &sources);
        size_t repeated = first_repeated(letters, n);
        if (repeated == n) {
            ck_assert_msg(status == STATUS_OK, "%s", body);
            continue;
        }
        snprintf(param, sizeof param, "sessions[%zu]", repeated);
        const struct refusal refusal = { body, STATUS_INVALID_VALUE, param };
        ASSERT_REFUSED(status, &s.fault, &refusal);
        n_refused++;
    }
    ck_assert(n_refused > n_rounds / 10 && n_refused < n_rounds);
    setup_done(&s);
}

/* ---- limits ---- */

static char *many_sessions(size_t n)
{
    char *body = malloc(100 + 10 * n), *p = body;
    ck_assert_ptr_nonnull(body);
    p += sprintf(p, "{\"sessions\":[");
    for (size_t i = 0; i < n; i++) {
        p += sprintf(p, "\"%zu\",", i);
    }
    sprintf(p - 1, "]}");
    return body;
}

TEST(as_many_sessions_as_allowed_are_taken_and_no_more)
{
    for (size_t surplus = 0; surplus < 2; surplus++) {
        struct setup s;
        struct job_sources sources;
        setup_init(&s, model_weather());
        char *body = many_sessions(JOB_SESSIONS_MAX + surplus);
        enum status status = training(&s, body, &sources);
        if (surplus == 0) {
            ck_assert_int_eq(status, STATUS_OK);
            ck_assert_uint_eq(sources.n_sessions, JOB_SESSIONS_MAX);
            ck_assert_str_eq(sources.sessions[99999], "99999");
        } else {
            ck_assert_int_eq(status, STATUS_WRONG_LENGTH);
            ck_assert_str_eq(s.fault.param, "sessions[100000]");
        }
        free(body);
        setup_done(&s);
    }
}

TEST(a_prefix_is_as_long_as_an_id_may_be)
{
    struct setup s;
    struct job_sources sources;
    char body[SESSION_ID_MAX + 64], prefix[SESSION_ID_MAX + 2];
    setup_init(&s, model_weather());
    memset(prefix, 'p', SESSION_ID_MAX + 1);
    prefix[SESSION_ID_MAX + 1] = '\0';
    for (int surplus = 0; surplus < 2; surplus++) {
        snprintf(body, sizeof body, "{\"sessions_prefix\":\"%s\"}", prefix + 1 - surplus);
        ck_assert_int_eq(training(&s, body, &sources),
                         surplus == 0 ? STATUS_OK : STATUS_INVALID_VALUE);
    }
    ck_assert_str_eq(s.fault.param, "sessions_prefix");
    setup_done(&s);
}

/* ---- validation ---- */

TEST(validation_is_a_fraction_or_series)
{
    struct setup s;
    struct job_sources sources;
    double fraction = 77;
    setup_init(&s, model_weather());
    ck_assert_int_eq(validation(&s, "{\"fraction\":0.25}", &sources, &fraction), STATUS_OK);
    ck_assert(fraction == 0.25 && sources.list.n == 0);
    ck_assert_int_eq(validation(&s, "{\"series\":[{\"x\":[[1,2]]}]}", &sources, &fraction),
                     STATUS_OK);
    ck_assert(fraction == 0 && sources.list.n == 1);
    static const struct refusal refusals[] = {
        { "{}", STATUS_MISSING_FIELD, "fraction" },
        { "{\"fraction\":0}", STATUS_INVALID_VALUE, "fraction" },
        { "{\"fraction\":1}", STATUS_INVALID_VALUE, "fraction" },
        { "{\"fraction\":-0.1}", STATUS_INVALID_VALUE, "fraction" },
        { "{\"fraction\":1e999}", STATUS_INVALID_VALUE, "fraction" },
        { "{\"fraction\":null}", STATUS_INVALID_TYPE, "fraction" },
        { "{\"series\":[{\"x\":[[1,2]]}],\"fraction\":0.5}", STATUS_INVALID_VALUE, "series" },
        { "{\"sessions\":[\"a\"]}", STATUS_UNKNOWN_FIELD, "sessions" },
    };
    for (size_t i = 0; i < N_OF(refusals); i++) {
        fraction = 77;
        enum status status = validation(&s, refusals[i].body, &sources, &fraction);
        ASSERT_REFUSED(status, &s.fault, &refusals[i]);
        ck_assert(fraction == 77);
    }
    setup_done(&s);
}
