/* The body of predict. */
#include "codec_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status decode(struct setup *s, const char *body, size_t n,
                          struct prediction *prediction)
{
    return codec_prediction(INPUT(body, n, s->limits, &s->arena, &s->fault), &s->model, prediction);
}

static struct prediction accepted(struct setup *s, const char *body)
{
    struct prediction prediction;
    enum status status = decode(s, body, strlen(body), &prediction);
    ck_assert_msg(status == STATUS_OK, "%s: %s", body, s->fault.message);
    return prediction;
}

TEST(one_sequence_is_taken)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct prediction p = accepted(&s, "{\"x\":[[1,2],{\"humidity\":4},[5,null]]}");
    ck_assert(!p.has_instances && !p.last_only && p.n_sequences == 1);
    ck_assert(p.gru == s.model.active->gru && p.version == 3);
    const struct sequence *q = p.sequences;
    ck_assert_uint_eq(q->n_rows, 3);
    ck_assert(q->x[0] == 1 && q->x[1] == 2 && isnan(q->x[2]) && q->x[3] == 4 && q->x[4] == 5 &&
              isnan(q->x[5]));
    ck_assert_uint_eq(q->forecast_options.horizon, 0);
    setup_done(&s);
}

TEST(rows_may_be_asked_for_as_records)
{
    static const struct refusal refusals[] = {
        { "{\"x\":[[1,2]],\"as\":\"rows\"}", STATUS_INVALID_VALUE, "as" },
        { "{\"x\":[[1,2]],\"as\":true}", STATUS_INVALID_TYPE, "as" },
        { "{\"x\":[[1,2]],\"at\":1763668800000}", STATUS_INVALID_VALUE, "at" },
        { "{\"x\":[[1,2]],\"at\":null}", STATUS_INVALID_TYPE, "at" },
        { "{\"instances\":[{\"x\":[[1,2]]}],\"at\":1}", STATUS_INVALID_VALUE, "at" },
        { "{\"instances\":[{\"x\":[[1,2]],\"at\":\"now\"}]}", STATUS_INVALID_VALUE,
          "instances[0].at" },
        { "{\"instances\":[{\"x\":[[1,2]],\"as\":\"records\"}]}", STATUS_UNKNOWN_FIELD,
          "instances[0].as" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    struct prediction p =
        accepted(&s, "{\"as\":\"records\",\"x\":[[1,2]],\"at\":\"1970-01-02T00:00:00Z\"}");
    ck_assert(p.sequences[0].forecast_options.as_records && p.sequences[0].forecast_options.has_at);
    ck_assert(p.sequences[0].forecast_options.at == 86400);
    p = accepted(&s,
                 "{\"instances\":[{\"x\":[[1,2]],\"at\":5},{\"x\":[[1,2]]}],\"as\":\"records\"}");
    ck_assert(p.sequences[0].forecast_options.as_records &&
              p.sequences[1].forecast_options.as_records);
    ck_assert(p.sequences[0].forecast_options.at == 5 && !p.sequences[1].forecast_options.has_at);
    p = accepted(&s, "{\"x\":[[1,2]],\"as\":\"arrays\"}");
    ck_assert(!p.sequences[0].forecast_options.as_records);
    for (size_t k = 0; k < N_OF(refusals); k++) {
        enum status status = decode(&s, refusals[k].body, strlen(refusals[k].body), &p);
        ASSERT_REFUSED(status, &s.fault, &refusals[k]);
    }
    setup_done(&s);
}

TEST(every_field_of_a_prediction_is_taken)
{
    struct setup s;
    setup_init(&s, model_weather());
    setup_add_version(&s, model_weather());
    struct prediction p = accepted(
        &s, "{\"version\":4,\"return\":\"last\",\"future\":[[9]],\"x\":[[1,2]],\"horizon\":2}");
    ck_assert(p.gru == s.versions[1].gru && p.version == 4);
    ck_assert(p.last_only && p.sequences[0].forecast_options.horizon == 2 &&
              p.sequences[0].forecast_options.n_future_rows == 1);
    ck_assert(p.sequences[0].forecast_options.future[0] == 9);
    p = accepted(&s, "{\"x\":[[1,2]],\"return\":\"all\"}");
    ck_assert(!p.last_only);
    setup_done(&s);
}

TEST(levels_are_taken_once_each_and_in_order)
{
    struct setup s;
    setup_init(&s, model_closed());
    struct prediction p = accepted(&s, "{\"x\":[[1]],\"level\":0.9}");
    const struct interval_levels *levels = p.sequences[0].forecast_options.levels;
    ck_assert(levels->n == 1 && levels->level[0] == 0.9);
    p = accepted(&s, "{\"level\":[0.95,0.8,0.95],\"horizon\":24,"
                     "\"instances\":[{\"x\":[[1]]},{\"x\":[[2]]}]}");
    levels = p.sequences[1].forecast_options.levels;
    ck_assert(levels->n == 2 && levels->level[0] == 0.8 && levels->level[1] == 0.95);
    p = accepted(&s, "{\"x\":[[1]]}");
    ck_assert_ptr_null(p.sequences[0].forecast_options.levels);
    setup_done(&s);
}

/* Roll-outs from rows inside are rows, too. */
TEST(levels_count_in_the_rows_of_a_request)
{
    struct setup s;
    setup_init(&s, model_closed());
    s.limits.rows_max = 1000;
    struct prediction p = accepted(&s, "{\"x\":[[1]],\"horizon\":24}");
    ck_assert_ptr_nonnull(p.sequences);
    const char body[] = "{\"x\":[[1]],\"horizon\":24,\"level\":0.9}";
    ck_assert_int_eq(decode(&s, body, sizeof body - 1, &p), STATUS_REQUEST_TOO_LARGE);
    ck_assert_str_eq(s.fault.param, "horizon");
    setup_done(&s);
}

TEST(instances_have_their_own_rows_and_share_the_horizon)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct prediction p =
        accepted(&s, "{\"instances\":[{\"x\":[[1,2]],\"future\":[{\"humidity\":7}]},"
                     "{\"future\":[[8],[9]],\"x\":[{\"temp\":3},{\"temp\":4}]}],\"horizon\":2}");
    ck_assert(p.has_instances && p.n_sequences == 2);
    ck_assert(p.sequences[0].n_rows == 1 && p.sequences[1].n_rows == 2);
    ck_assert(p.sequences[1].x[2] == 4 && isnan(p.sequences[1].x[3]));
    ck_assert(p.sequences[0].forecast_options.horizon == 2 &&
              p.sequences[1].forecast_options.horizon == 2);
    ck_assert(p.sequences[0].forecast_options.future[0] == 7 &&
              p.sequences[1].forecast_options.future[1] == 9);
    setup_done(&s);
}

static const struct refusal refused[] = {
    { "[]", STATUS_INVALID_TYPE, "" },
    { "{}", STATUS_MISSING_FIELD, "x" },
    { "{\"x\":[[1,2]],\"instances\":[{\"x\":[[1,2]]}]}", STATUS_INVALID_VALUE, "instances" },
    { "{\"x\":[]}", STATUS_WRONG_LENGTH, "x" },
    { "{\"x\":[1,2]}", STATUS_INVALID_TYPE, "x[0]" },
    { "{\"x\":null}", STATUS_INVALID_TYPE, "x" },
    { "{\"x\":[[1,2],null]}", STATUS_INVALID_TYPE, "x[1]" },
    { "{\"x\":[[1,2],[1]]}", STATUS_WRONG_LENGTH, "x[1]" },
    { "{\"x\":[[1,2],[1,\"2\"]]}", STATUS_INVALID_TYPE, "x[1][1]" },
    { "{\"x\":[[1,2],{\"wind\":3}]}", STATUS_UNKNOWN_FIELD, "x[1].wind" },
    { "{\"x\":[[1,1e39]]}", STATUS_INVALID_VALUE, "x[0][1]" },
    { "{\"x\":[[1,2]],\"seq\":1}", STATUS_UNKNOWN_FIELD, "seq" },
    { "{\"x\":[[1,2]],\"level\":0.85}", STATUS_INVALID_VALUE, "level" },
    { "{\"x\":[[1,2]],\"level\":0}", STATUS_INVALID_VALUE, "level" },
    { "{\"x\":[[1,2]],\"level\":1}", STATUS_INVALID_VALUE, "level" },
    { "{\"x\":[[1,2]],\"level\":-0.9}", STATUS_INVALID_VALUE, "level" },
    { "{\"x\":[[1,2]],\"level\":90}", STATUS_INVALID_VALUE, "level" },
    { "{\"x\":[[1,2]],\"level\":[]}", STATUS_INVALID_VALUE, "level" },
    { "{\"x\":[[1,2]],\"level\":null}", STATUS_INVALID_TYPE, "level" },
    { "{\"x\":[[1,2]],\"level\":\"0.9\"}", STATUS_INVALID_TYPE, "level" },
    { "{\"x\":[[1,2]],\"level\":[0.9,0.91]}", STATUS_INVALID_VALUE, "level[1]" },
    { "{\"x\":[[1,2]],\"level\":[0.9,null]}", STATUS_INVALID_TYPE, "level[1]" },
    { "{\"x\":[[1,2]],\"horizon\":25,\"level\":0.9}", STATUS_INVALID_VALUE, "horizon" },
    { "{\"instances\":[{\"x\":[[1,2]]}],\"horizon\":25,\"level\":0.9}", STATUS_INVALID_VALUE,
      "horizon" },
    { "{\"instances\":[{\"x\":[[1,2]],\"level\":0.9}]}", STATUS_UNKNOWN_FIELD,
      "instances[0].level" },
    { "{\"x\":[[1,2]],\"return\":\"first\"}", STATUS_INVALID_VALUE, "return" },
    { "{\"x\":[[1,2]],\"return\":\"everything\"}", STATUS_INVALID_VALUE, "return" },
    { "{\"x\":[[1,2]],\"return\":1}", STATUS_INVALID_TYPE, "return" },
    { "{\"x\":[[1,2]],\"version\":0}", STATUS_INVALID_VALUE, "version" },
    { "{\"x\":[[1,2]],\"version\":4294967299}", STATUS_INVALID_VALUE, "version" },
    { "{\"x\":[[1,2]],\"version\":\"3\"}", STATUS_INVALID_TYPE, "version" },
    { "{\"x\":[[1,2]],\"version\":8}", STATUS_VERSION_NOT_FOUND, "version" },
    { "{\"x\":[[1,2]],\"horizon\":101}", STATUS_INVALID_VALUE, "horizon" },
    { "{\"x\":[[1,2]],\"horizon\":2}", STATUS_MISSING_FIELD, "future" },
    { "{\"x\":[[1,2]],\"future\":[[1]]}", STATUS_INVALID_VALUE, "future" },
    { "{\"instances\":[]}", STATUS_WRONG_LENGTH, "instances" },
    { "{\"instances\":{}}", STATUS_INVALID_TYPE, "instances" },
    { "{\"instances\":[1]}", STATUS_INVALID_TYPE, "instances[0]" },
    { "{\"instances\":[{}]}", STATUS_MISSING_FIELD, "instances[0].x" },
    { "{\"instances\":[{\"x\":[]}]}", STATUS_WRONG_LENGTH, "instances[0].x" },
    { "{\"instances\":[{\"x\":[[1,2]]},{\"x\":[[1,2],[1,2,3]]}]}", STATUS_WRONG_LENGTH,
      "instances[1].x[1]" },
    { "{\"instances\":[{\"x\":[[1,2]]},{\"x\":[[1,2],[1,\"\"]]}]}", STATUS_INVALID_TYPE,
      "instances[1].x[1][1]" },
    { "{\"instances\":[{\"x\":[[1,2]],\"x\":[[1,2]]}]}", STATUS_DUPLICATE_FIELD, "instances[0].x" },
    { "{\"instances\":[{\"x\":[[1,2]],\"horizon\":1}]}", STATUS_UNKNOWN_FIELD,
      "instances[0].horizon" },
    { "{\"instances\":[{\"x\":[[1,2]],\"future\":[[1]]}]}", STATUS_INVALID_VALUE,
      "instances[0].future" },
    { "{\"instances\":[{\"x\":[[1,2]],\"future\":[[1]]},{\"x\":[[1,2]]}],\"horizon\":2}",
      STATUS_MISSING_FIELD, "instances[1].future" },
    { "{\"instances\":[{\"x\":[[1,2]],\"future\":[[1],[\"\"]]}],\"horizon\":3}",
      STATUS_INVALID_TYPE, "instances[0].future[1][0]" },
    { "{\"instances\":[{\"x\":[[1,2]]}],\"future\":[[1]],\"horizon\":2}", STATUS_INVALID_VALUE,
      "future" },
    { "{\"x\":[[1,2]]}]", STATUS_INVALID_JSON, "" },
    { "{\"x\":[[1,2]}", STATUS_INVALID_JSON, "" },
    { "{\"x\":[[1,2],[1,01]]}", STATUS_INVALID_JSON, "" },
};

TEST(an_ill_formed_prediction_is_refused_by_its_path)
{
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t i = 0; i < N_OF(refused); i++) {
        struct prediction p = { .n_sequences = 99 };
        enum status status = decode(&s, refused[i].body, strlen(refused[i].body), &p);
        ASSERT_REFUSED(status, &s.fault, &refused[i]);
        ck_assert_uint_eq(p.n_sequences, 99);
    }
    setup_done(&s);
}

TEST(every_truncation_of_a_prediction_is_refused)
{
    static const char body[] =
        "{\"instances\":[{\"x\":[[1.5,2],{\"temp\":null}],\"future\":[[0.5]]}],"
        "\"return\":\"last\",\"horizon\":2,\"version\":3}";
    struct setup s;
    setup_init(&s, model_weather());
    accepted(&s, body);
    for (size_t n = 0; n < strlen(body); n++) {
        char *cut = malloc(n + 1);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut + 1, body, n);
        struct prediction p;
        ck_assert_int_eq(decode(&s, cut + 1, n, &p), STATUS_INVALID_JSON);
        free(cut);
    }
    setup_done(&s);
}

TEST(the_horizon_is_checked_against_the_version_asked_for)
{
    static const char metadata[] =
        "{\"inputs\":[{\"name\":\"a\"}],\"outputs\":[{\"name\":\"b\"}],\"steps\":%d}";
    char three[100], one[100];
    snprintf(three, sizeof three, metadata, 3);
    snprintf(one, sizeof one, metadata, 1);
    struct setup s;
    setup_init(&s, model_described(1, 1, one));
    setup_add_version(&s, model_described(1, 3, three));
    static const struct refusal refusal = { "{\"x\":[[1]],\"horizon\":3}",
                                            STATUS_HORIZON_NOT_SUPPORTED, "horizon" };
    struct prediction p;
    enum status status = decode(&s, refusal.body, strlen(refusal.body), &p);
    ASSERT_REFUSED(status, &s.fault, &refusal);
    accepted(&s, "{\"x\":[[1]],\"horizon\":3,\"version\":4}");
    accepted(&s, "{\"instances\":[{\"x\":[[1]]}],\"horizon\":3,\"version\":4}");
    setup_done(&s);
}

/* The inputs of model_weather, but the other one is fed. */
static struct gru_model *model_humid(void)
{
    return model_described(2, 1,
                           "{\"inputs\":[{\"name\":\"temp\"},{\"name\":\"humidity\"}],"
                           "\"outputs\":[{\"name\":\"humidity\"}]}");
}

TEST(a_version_with_other_inputs_is_refused)
{
    static const struct refusal refusal = { "{\"x\":[[1,2]],\"version\":4}",
                                            STATUS_INCOMPATIBLE_MODEL, "version" };
    struct gru_model *(*const others[])(void) = { model_closed, model_classes, model_humid };
    for (size_t i = 0; i < N_OF(others); i++) {
        struct setup s;
        setup_init(&s, model_weather());
        setup_add_version(&s, others[i]());
        struct prediction p;
        enum status status = decode(&s, refusal.body, strlen(refusal.body), &p);
        ASSERT_REFUSED(status, &s.fault, &refusal);
        setup_done(&s);
    }
}

enum { LONG_ROWS = 25000 };

/* 25,000 rows of 4 numbers, as arrays or as objects. */
static char *long_body(bool by_names, size_t *ret_n)
{
    enum { ROW_TEXT = 80 };
    char *body = malloc(LONG_ROWS * ROW_TEXT), *p = body;
    ck_assert_ptr_nonnull(body);
    p += sprintf(p, "{\"x\":[");
    for (int i = 0; i < LONG_ROWS; i++) {
        p += by_names ? sprintf(p, "{\"a\":%d,\"b\":0.25,\"d\":-%d.5},", i, i)
                      : sprintf(p, "[%d,0.25,null,-%d.5],", i, i);
    }
    sprintf(p - 1, "]}");
    *ret_n = strlen(body);
    return body;
}

TEST(a_long_sequence_is_taken_whole)
{
    for (int by_names = 0; by_names < 2; by_names++) {
        struct setup s;
        setup_init(
            &s, model_described(4, 1,
                                "{\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"},"
                                "{\"name\":\"d\"}]}"));
        size_t n;
        char *body = long_body(by_names, &n);
        struct prediction p;
        ck_assert_int_eq(decode(&s, body, n, &p), STATUS_OK);
        ck_assert_uint_eq(p.sequences[0].n_rows, LONG_ROWS);
        for (size_t i = 0; i < LONG_ROWS; i++) {
            const double *x = p.sequences[0].x + 4 * i;
            ck_assert(x[0] == (float)i && x[1] == 0.25F && isnan(x[2]) && x[3] == -(float)i - 0.5F);
        }
        free(body);
        setup_done(&s);
    }
}

TEST(a_prediction_beyond_the_working_memory_is_too_large)
{
    struct setup s;
    setup_init(&s, model_described(4, 1, "{}"));
    size_t n;
    char *body = long_body(false, &n);
    struct arena small;
    struct prediction p;
    arena_init(&small, 100000);
    ck_assert_int_eq(codec_prediction(INPUT(body, n, s.limits, &small, &s.fault), &s.model, &p),
                     STATUS_REQUEST_TOO_LARGE);
    arena_done(&small);
    free(body);
    setup_done(&s);
}

/* One row too many, in one array or over all instances, and with the rows that a forecast adds. */
TEST(the_rows_of_a_request_are_limited)
{
    static const struct refusal refusals[] = {
        { "{\"x\":[[1],[2],[3],[4],[5]]}", STATUS_REQUEST_TOO_LARGE, "x" },
        { "{\"instances\":[{\"x\":[[1],[2]]},{\"x\":[[3],[4],[5]]}]}", STATUS_REQUEST_TOO_LARGE,
          "instances[1].x" },
        { "{\"x\":[[1],[2],[3]],\"horizon\":2}", STATUS_REQUEST_TOO_LARGE, "horizon" },
        { "{\"horizon\":2,\"instances\":[{\"x\":[[1]]},{\"x\":[[3]]}]}", STATUS_REQUEST_TOO_LARGE,
          "horizon" },
    };
    struct setup s;
    setup_init(&s, model_closed());
    s.limits.rows_max = 4;
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct prediction p;
        enum status status = decode(&s, refusals[i].body, strlen(refusals[i].body), &p);
        ASSERT_REFUSED(status, &s.fault, &refusals[i]);
    }
    (void)accepted(&s, "{\"x\":[[1],[2],[3],[4]]}");
    (void)accepted(&s, "{\"x\":[[1],[2]],\"horizon\":2}");
    (void)accepted(&s, "{\"horizon\":1,\"instances\":[{\"x\":[[1]]},{\"x\":[[3]]}]}");
    setup_done(&s);
}

/* Which digits count is said by the version that is asked, wherever it is named. */
TEST(readings_have_the_digits_of_the_version_asked_for)
{
    static const char narrow[] = "{\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
                                 "\"outputs\":[{\"name\":\"a\"}]}",
                      wide[] = "{\"inputs\":[{\"name\":\"a\",\"mean\":1e8},{\"name\":\"b\"}],"
                               "\"outputs\":[{\"name\":\"a\"}]}";
    static const char body[] = "{\"x\":[[100000003,1]],\"horizon\":2,\"future\":[[100000003]]";
    for (int is_active = 0; is_active < 2; is_active++) {
        struct setup s;
        setup_init(&s, model_described(2, 1, is_active ? wide : narrow));
        setup_add_version(&s, model_described(2, 1, is_active ? narrow : wide));
        for (int version = 3; version <= 4; version++) {
            char text[128];
            snprintf(text, sizeof text, "%s,\"version\":%d}", body, version);
            const struct prediction p = accepted(&s, text);
            const bool is_wide = (version == 3) == is_active;
            const double due = is_wide ? 100000003 : 100000000;
            ck_assert(gru_model_info(p.gru)->is_wide == is_wide);
            ck_assert(p.sequences->x[0] == due);
            ck_assert(p.sequences->forecast_options.future[0] == due);
        }
        setup_done(&s);
    }
}
