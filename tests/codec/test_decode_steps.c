/* Many steps in one body: the body's faults, and those that are a step's own. */
#include "codec_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status decode(struct setup *s, const char *body, struct step **ret_steps, size_t *ret_n)
{
    return codec_steps(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), &s->model,
                       ret_steps, ret_n);
}

static size_t accepted(struct setup *s, const char *body, struct step **ret_steps)
{
    size_t n = 0;
    enum status status = decode(s, body, ret_steps, &n);
    ck_assert_msg(status == STATUS_OK, "%s: %s", body, s->fault.message);
    return n;
}

static const char three_steps[] =
    "{\"steps\":[{\"session\":\"a\",\"x\":[1,2]},"
    "{\"x\":{\"temp\":3},\"session\":\"b\\u002d1\",\"seq\":9},"
    "{\"session\":\"a\",\"x\":[5,6],\"horizon\":2,\"future\":[[7]]}]}";

TEST(steps_are_taken_in_order)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step *steps;
    ck_assert_uint_eq(accepted(&s, three_steps, &steps), 3);
    ck_assert_str_eq(steps[0].session, "a");
    ck_assert(steps[0].x[0] == 1 && steps[0].x[1] == 2 && !steps[0].has_seq && !steps[0].is_done);
    ck_assert_str_eq(steps[1].session, "b-1");
    ck_assert(steps[1].x[0] == 3 && isnan(steps[1].x[1]) && steps[1].has_seq && steps[1].seq == 9);
    ck_assert(steps[2].x[0] == 5 && steps[2].forecast_options.horizon == 2 &&
              steps[2].forecast_options.future[0] == 7);
    setup_done(&s);
}

TEST(every_step_knows_its_model_and_memory)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step *steps;
    size_t n = accepted(&s, three_steps, &steps);
    for (size_t i = 0; i < n; i++) {
        ck_assert_ptr_eq(steps[i].arena, &s.arena);
        ck_assert_ptr_eq(steps[i].model, &s.model);
        ck_assert_str_eq(steps[i].model_name, "weather");
        ck_assert_int_eq(steps[i].fault.status, STATUS_OK);
    }
    setup_done(&s);
}

TEST(a_step_that_is_ill_formed_fails_alone)
{
    static const struct refusal refusals[] = {
        { "{\"session\":\"a\",\"x\":[1,\"2\"]}", STATUS_INVALID_TYPE, "x[1]" },
        { "{\"session\":\"a\",\"x\":[1]}", STATUS_WRONG_LENGTH, "x" },
        { "{\"session\":\"a\",\"x\":{\"wind\":1}}", STATUS_UNKNOWN_FIELD, "x.wind" },
        { "{\"session\":\"a\",\"x\":[1,1e39]}", STATUS_INVALID_VALUE, "x[1]" },
        { "{\"session\":\"a\"}", STATUS_MISSING_FIELD, "x" },
        { "{\"x\":[1,2]}", STATUS_MISSING_FIELD, "session" },
        { "{\"x\":[1,2],\"session\":7}", STATUS_INVALID_TYPE, "session" },
        { "{\"x\":[1,2],\"session\":null}", STATUS_INVALID_TYPE, "session" },
        { "{\"x\":[1,2],\"session\":\"\"}", STATUS_INVALID_VALUE, "session" },
        { "{\"x\":[1,2],\"session\":\"a b\"}", STATUS_INVALID_VALUE, "session" },
        { "{\"x\":[1,2],\"session\":\"a\\u0000\"}", STATUS_INVALID_VALUE, "session" },
        { "{\"x\":[1,2],\"session\":\"\xc3\xa9\"}", STATUS_INVALID_VALUE, "session" },
        { "{\"x\":[1,2],\"session\":\"a\",\"session\":\"a\"}", STATUS_DUPLICATE_FIELD, "session" },
        { "{\"session\":\"a\",\"x\":[1,2],\"horizon\":2}", STATUS_MISSING_FIELD, "future" },
        { "{\"session\":\"a\",\"x\":[1,2],\"horizon\":2,\"future\":[[1,2]]}", STATUS_WRONG_LENGTH,
          "future[0]" },
        { "{\"session\":\"a\",\"x\":[1,2],\"level\":{\"deep\":[[[]]]}}", STATUS_INVALID_TYPE,
          "level" },
        { "[1,[2]]", STATUS_INVALID_TYPE, "" },
        { "null", STATUS_INVALID_TYPE, "" },
        { "1", STATUS_INVALID_TYPE, "" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t i = 0; i < N_OF(refusals); i++) {
        char body[300];
        struct step *steps;
        snprintf(
            body, sizeof body,
            "{\"steps\":[{\"session\":\"b\",\"x\":[1,2]}, %s ,{\"session\":\"c\",\"x\":[3,4]}]}",
            refusals[i].body);
        ck_assert_uint_eq(accepted(&s, body, &steps), 3);
        ASSERT_REFUSED(steps[1].fault.status, &steps[1].fault, &refusals[i]);
        ck_assert(!steps[0].is_done && steps[1].is_done && !steps[2].is_done);
        ck_assert(steps[2].x[1] == 4 && steps[0].fault.status == STATUS_OK);
    }
    setup_done(&s);
}

TEST(a_body_of_steps_that_is_malformed_fails_whole)
{
    static const struct refusal refusals[] = {
        { "{}", STATUS_MISSING_FIELD, "steps" },
        { "[]", STATUS_INVALID_TYPE, "" },
        { "{\"steps\":{}}", STATUS_INVALID_TYPE, "steps" },
        { "{\"steps\":[]}", STATUS_WRONG_LENGTH, "steps" },
        { "{\"steps\":[{\"session\":\"a\",\"x\":[1,2]}],\"more\":1}", STATUS_UNKNOWN_FIELD,
          "more" },
        { "{\"steps\":[{\"session\":\"a\",\"x\":[1,2]}],\"steps\":[]}", STATUS_DUPLICATE_FIELD,
          "steps" },
        { "{\"steps\":[{\"session\":\"a\",\"x\":[1,2]},]}", STATUS_INVALID_JSON, "" },
        { "{\"steps\":[{\"session\":\"a\",\"x\":[1,2]}", STATUS_INVALID_JSON, "" },
        { "{\"steps\":[{\"session\":\"a\",\"x\":[1,2]}]}]", STATUS_INVALID_JSON, "" },
        { "{\"steps\":[{\"session\":\"a\",\"x\":[1,NaN]}]}", STATUS_INVALID_JSON, "steps[0].x[1]" },
        { "{\"steps\":[{\"nope\":tru}]}", STATUS_INVALID_JSON, "" },
        { "{\"steps\":[{\"nope\":\"\\ud800\"}]}", STATUS_INVALID_JSON, "" },
        { "{\"steps\":[{\"x\":[\"1\"],\"session\":\"\xff\"}]}", STATUS_INVALID_JSON, "" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct step *steps = NULL;
        size_t n = 99;
        enum status status = decode(&s, refusals[i].body, &steps, &n);
        ASSERT_REFUSED(status, &s.fault, &refusals[i]);
        ck_assert(steps == NULL && n == 99);
    }
    setup_done(&s);
}

TEST(every_truncation_of_a_body_of_steps_is_refused)
{
    static const char body[] =
        "{\"steps\":[{\"session\":\"a\",\"x\":[1,2]},{\"session\":\"b\",\"x\":["
        "\"ill\"]},5,{\"session\":\"c\",\"x\":{}}]}";
    struct setup s;
    setup_init(&s, model_weather());
    struct step *steps;
    size_t n_steps;
    ck_assert_uint_eq(accepted(&s, body, &steps), 4);
    for (size_t n = 0; n < strlen(body); n++) {
        char *cut = malloc(n + 1);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut + 1, body, n);
        ck_assert_int_eq(codec_steps(INPUT(cut + 1, n, s.limits, &s.arena, &s.fault), &s.model,
                                     &steps, &n_steps),
                         STATUS_INVALID_JSON);
        free(cut);
    }
    setup_done(&s);
}

TEST(thousands_of_steps_keep_their_order)
{
    enum { N = 5000, STEP_TEXT = 64 };
    struct setup s;
    setup_init(&s, model_weather());
    char *body = malloc(N * STEP_TEXT), *p = body;
    ck_assert_ptr_nonnull(body);
    p += sprintf(p, "{\"steps\":[");
    for (int i = 0; i < N; i++) {
        p += sprintf(p, i % 100 == 7 ? "{\"x\":%d}," : "{\"session\":\"s%d\",\"x\":[%d,0]},", i, i);
    }
    sprintf(p - 1, "]}");
    struct step *steps;
    ck_assert_uint_eq(accepted(&s, body, &steps), N);
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(steps[i].is_done, i % 100 == 7);
        ck_assert(steps[i].is_done || steps[i].x[0] == (float)i);
    }
    free(body);
    setup_done(&s);
}

TEST(steps_beyond_the_working_memory_are_too_large)
{
    struct setup s;
    setup_init(&s, model_weather());
    char body[20000] = "{\"steps\":[{}", *p = body + strlen(body);
    for (int i = 0; i < 5000; i++) {
        p += sprintf(p, ",{}");
    }
    sprintf(p, "]}");
    struct arena small;
    arena_init(&small, 1 << 20);
    struct step *steps;
    size_t n;
    ck_assert_int_eq(
        codec_steps(INPUT(body, strlen(body), s.limits, &small, &s.fault), &s.model, &steps, &n),
        STATUS_REQUEST_TOO_LARGE);
    arena_done(&small);
    setup_done(&s);
}

TEST(a_line_of_a_stream_is_one_step_that_names_its_session)
{
    static const char body[] = "{\"session\":\"pump-7\",\"x\":[1,2]}";
    struct setup s;
    setup_init(&s, model_weather());
    struct step step = { .arena = &s.arena, .model = &s.model };
    ck_assert_int_eq(
        codec_step(INPUT(body, strlen(body), s.limits, step.arena, &s.fault), true, &step),
        STATUS_OK);
    ck_assert_str_eq(step.session, "pump-7");
    static const struct refusal missing = { "{\"x\":[1,2]}", STATUS_MISSING_FIELD, "session" };
    enum status status = codec_step(
        INPUT(missing.body, strlen(missing.body), s.limits, step.arena, &s.fault), true, &step);
    ASSERT_REFUSED(status, &s.fault, &missing);
    setup_done(&s);
}
