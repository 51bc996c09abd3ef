/* The bodies of step and forecast: what is taken, and every way to be refused. */
#include "codec_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status decode(struct setup *s, const char *body, size_t n, struct step *step)
{
    *step = (struct step){ .arena = &s->arena, .model = &s->model, .session = "pump-7" };
    return codec_step(INPUT(body, n, s->limits, step->arena, &s->fault), false, step);
}

static struct step accepted(struct setup *s, const char *body)
{
    struct step step;
    enum status status = decode(s, body, strlen(body), &step);
    ck_assert_msg(status == STATUS_OK, "%s: %s", body, s->fault.message);
    return step;
}

static void assert_all_refused(struct setup *s, const struct refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct step step;
        enum status status = decode(s, refusals[i].body, strlen(refusals[i].body), &step);
        ASSERT_REFUSED(status, &s->fault, &refusals[i]);
    }
}

/* ---- what is taken ---- */

TEST(a_reading_is_taken_in_input_order)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step step = accepted(&s, " {\"x\" : [21.4, -0.0]}\n");
    ck_assert(step.x[0] == 21.4F && step.x[1] == 0 && signbit(step.x[1]));
    ck_assert(!step.has_seq && !step.is_done && step.forecast_options.horizon == 0);
    ck_assert_int_eq(step.fault.status, STATUS_OK);
    ck_assert_str_eq(step.session, "pump-7");
    ck_assert_str_eq(step.model_name, "weather");
    setup_done(&s);
}

TEST(a_reading_is_taken_by_names_in_any_order_and_spelling)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step step = accepted(&s, "{\"\\u0078\":{\"humidity\":0.5,\"t\\u0065mp\":21.5}}");
    ck_assert(step.x[0] == 21.5F && step.x[1] == 0.5F);
    setup_done(&s);
}

TEST(null_and_a_name_left_out_are_missing_values)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step step = accepted(&s, "{\"x\":[null,1]}");
    ck_assert(isnan(step.x[0]) && step.x[1] == 1);
    step = accepted(&s, "{\"x\":{\"humidity\":null,\"temp\":1}}");
    ck_assert(step.x[0] == 1 && isnan(step.x[1]));
    step = accepted(&s, "{\"x\":{\"humidity\":2}}");
    ck_assert(isnan(step.x[0]) && step.x[1] == 2);
    step = accepted(&s, "{\"x\":{}}");
    ck_assert(isnan(step.x[0]) && isnan(step.x[1]));
    setup_done(&s);
}

TEST(every_field_of_a_step_is_taken)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step step = accepted(&s, "{\"future\":[[0.5],{\"humidity\":0.25},{}],\"horizon\":4,"
                                    "\"at\":1763668800.25,\"seq\":1042,\"x\":[1,2]}");
    ck_assert(step.has_seq && step.seq == 1042);
    ck_assert_uint_eq(step.forecast_options.horizon, 4);
    ck_assert_uint_eq(step.forecast_options.n_future_rows, 3);
    ck_assert(step.forecast_options.future[0] == 0.5F && step.forecast_options.future[1] == 0.25F);
    ck_assert(isnan(step.forecast_options.future[2]));
    setup_done(&s);
}

TEST(a_stream_may_begin_elsewhere_and_fill_what_was_lost)
{
    static const struct refusal refused[] = {
        { "{\"x\":[1,2],\"begin\":true}", STATUS_MISSING_FIELD, "seq" },
        { "{\"fill\":true,\"x\":[1,2]}", STATUS_MISSING_FIELD, "seq" },
        { "{\"x\":[1,2],\"seq\":2,\"begin\":1}", STATUS_INVALID_TYPE, "begin" },
        { "{\"x\":[1,2],\"seq\":2,\"fill\":\"yes\"}", STATUS_INVALID_TYPE, "fill" },
        { "{\"x\":[1,2],\"seq\":2,\"fill\":null}", STATUS_INVALID_TYPE, "fill" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    struct step step = accepted(&s, "{\"x\":[1,2],\"seq\":7}");
    ck_assert(!step.may_begin && !step.may_fill);
    step = accepted(&s, "{\"begin\":true,\"x\":[1,2],\"seq\":7}");
    ck_assert(step.may_begin && !step.may_fill);
    step = accepted(&s, "{\"fill\":true,\"begin\":false,\"x\":[1,2],\"seq\":7}");
    ck_assert(!step.may_begin && step.may_fill);
    step = accepted(&s, "{\"x\":[1,2],\"fill\":false,\"begin\":false}");
    ck_assert(!step.has_seq);
    assert_all_refused(&s, refused, N_OF(refused));
    setup_done(&s);
}

TEST(the_rows_of_forecasts_of_one_request_are_counted)
{
    static const char body[] = "{\"x\":[1,2],\"horizon\":3,\"future\":[[1],[1]]}";
    struct setup s;
    setup_init(&s, model_weather());
    struct step step;
    s.limits.rows_max = 3;
    ck_assert_int_eq(decode(&s, body, strlen(body), &step), STATUS_OK);
    s.limits.rows_max = 2;
    ck_assert_int_eq(decode(&s, body, strlen(body), &step), STATUS_REQUEST_TOO_LARGE);
    ck_assert_str_eq(s.fault.param, "horizon");
    setup_done(&s);
}

TEST(a_sequence_number_is_exact)
{
    static const struct {
        const char *body;
        uint64_t seq;
    } taken[] = { { "{\"x\":[1,2],\"seq\":1}", 1 },
                  { "{\"x\":[1,2],\"seq\": 1042.00 }", 1042 },
                  { "{\"x\":[1,2],\"seq\":1e3}", 1000 },
                  { "{\"x\":[1,2],\"seq\":9007199254740991}", 9007199254740991 },
                  { "{\"x\":[1,2],\"seq\":9007199254740992}", 9007199254740992 } };
    static const struct refusal refused[] = {
        { "{\"x\":[1,2],\"seq\":0}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":-1}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":-0}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":1.5}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":1.00000000000000000001}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":15e-1}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":9007199254740993}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":9007199254740993.0}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":1e16}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":184467440737095516170}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":1e999}", STATUS_INVALID_VALUE, "seq" },
        { "{\"x\":[1,2],\"seq\":\"1\"}", STATUS_INVALID_TYPE, "seq" },
        { "{\"x\":[1,2],\"seq\":null}", STATUS_INVALID_TYPE, "seq" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t i = 0; i < N_OF(taken); i++) {
        ck_assert_uint_eq(accepted(&s, taken[i].body).seq, taken[i].seq);
    }
    assert_all_refused(&s, refused, N_OF(refused));
    setup_done(&s);
}

/* ---- what is refused ---- */

TEST(an_ill_formed_field_is_refused_by_its_path)
{
    static const struct refusal refusals[] = {
        { "[]", STATUS_INVALID_TYPE, "" },
        { "null", STATUS_INVALID_TYPE, "" },
        { "{}", STATUS_MISSING_FIELD, "x" },
        { "{\"seq\":1}", STATUS_MISSING_FIELD, "x" },
        { "{\"x\":1}", STATUS_INVALID_TYPE, "x" },
        { "{\"x\":null}", STATUS_INVALID_TYPE, "x" },
        { "{\"x\":\"1\"}", STATUS_INVALID_TYPE, "x" },
        { "{\"x\":[1,\"2\"]}", STATUS_INVALID_TYPE, "x[1]" },
        { "{\"x\":[true,2]}", STATUS_INVALID_TYPE, "x[0]" },
        { "{\"x\":[1,[2]]}", STATUS_INVALID_TYPE, "x[1]" },
        { "{\"x\":[1,{}]}", STATUS_INVALID_TYPE, "x[1]" },
        { "{\"x\":[]}", STATUS_WRONG_LENGTH, "x" },
        { "{\"x\":[1]}", STATUS_WRONG_LENGTH, "x" },
        { "{\"x\":[1,2,3]}", STATUS_WRONG_LENGTH, "x" },
        { "{\"x\":[1,1e39]}", STATUS_INVALID_VALUE, "x[1]" },
        { "{\"x\":[-1e39,1]}", STATUS_INVALID_VALUE, "x[0]" },
        { "{\"x\":[1,1e999]}", STATUS_INVALID_VALUE, "x[1]" },
        { "{\"x\":{\"temp\":1e39}}", STATUS_INVALID_VALUE, "x.temp" },
        { "{\"x\":{\"temp\":\"1\"}}", STATUS_INVALID_TYPE, "x.temp" },
        { "{\"x\":{\"wind\":1}}", STATUS_UNKNOWN_FIELD, "x.wind" },
        { "{\"x\":{\"\":1}}", STATUS_UNKNOWN_FIELD, "x." },
        { "{\"x\":{\"temp\\u0000\":1}}", STATUS_UNKNOWN_FIELD, "x.temp\\u0000" },
        { "{\"x\":{\"temp\":1,\"humidity\":2,\"temp\":1}}", STATUS_DUPLICATE_FIELD, "x.temp" },
        { "{\"x\":{\"temp\":1,\"t\\u0065mp\":1}}", STATUS_DUPLICATE_FIELD, "x.temp" },
        { "{\"x\":[1,2],\"x\":[1,2]}", STATUS_DUPLICATE_FIELD, "x" },
        { "{\"x\":[1,2],\"\\u0078\":[1,2]}", STATUS_DUPLICATE_FIELD, "x" },
        { "{\"x\":[1,2],\"X\":1}", STATUS_UNKNOWN_FIELD, "X" },
        { "{\"x\":[1,2],\"x\\u0000\":1}", STATUS_UNKNOWN_FIELD, "x\\u0000" },
        { "{\"x\":[1,2],\"level\":0.91}", STATUS_INVALID_VALUE, "level" },
        { "{\"x\":[1,2],\"blend\":1}", STATUS_INVALID_TYPE, "blend" },
        { "{\"x\":[1,2],\"blend\":null}", STATUS_INVALID_TYPE, "blend" },
        { "{\"x\":[1,2],\"anomaly\":1}", STATUS_INVALID_TYPE, "anomaly" },
        { "{\"x\":[1,2],\"anomaly\":null}", STATUS_INVALID_TYPE, "anomaly" },
        { "{\"x\":[1,2],\"session\":\"a\"}", STATUS_UNKNOWN_FIELD, "session" },
        { "{\"x\":[1,2],\"at\":\"now\"}", STATUS_INVALID_VALUE, "at" },
        { "{\"x\":[1,2],\"at\":null}", STATUS_INVALID_TYPE, "at" },
        { "{\"x\":[1,2],\"at\":1e999}", STATUS_INVALID_VALUE, "at" },
        { "{\"x\":[1,2],\"at\":-1e39}", STATUS_INVALID_VALUE, "at" },
        { "{\"x\":[1,2],\"horizon\":0}", STATUS_INVALID_VALUE, "horizon" },
        { "{\"x\":[1,2],\"horizon\":101}", STATUS_INVALID_VALUE, "horizon" },
        { "{\"x\":[1,2],\"horizon\":1.5}", STATUS_INVALID_VALUE, "horizon" },
        { "{\"x\":[1,2],\"horizon\":[1]}", STATUS_INVALID_TYPE, "horizon" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    assert_all_refused(&s, refusals, N_OF(refusals));
    setup_done(&s);
}

TEST(text_that_is_not_json_is_refused_with_its_place)
{
    static const struct refusal refusals[] = {
        { "", STATUS_INVALID_JSON, "" },
        { " ", STATUS_INVALID_JSON, "" },
        { "\xef\xbb\xbf{\"x\":[1,2]}", STATUS_INVALID_JSON, "" },
        { "{\"x\":[1,2]}x", STATUS_INVALID_JSON, "" },
        { "{\"x\":[1,2]}{}", STATUS_INVALID_JSON, "" },
        { "{\"x\":[1,2],}", STATUS_INVALID_JSON, "" },
        { "{\"x\":[1,2,]}", STATUS_INVALID_JSON, "" },
        { "{\"x\":[1 2]}", STATUS_INVALID_JSON, "" },
        { "{\"x\":[01,2]}", STATUS_INVALID_JSON, "" },
        { "{\"x\":[1.,2]}", STATUS_INVALID_JSON, "" },
        { "{\"x\":[+1,2]}", STATUS_INVALID_JSON, "" },
        { "{\"x\":[NaN,2]}", STATUS_INVALID_JSON, "x[0]" },
        { "{\"x\":[1,Infinity]}", STATUS_INVALID_JSON, "x[1]" },
        { "{\"x\":[-Infinity,2]}", STATUS_INVALID_JSON, "x[0]" },
        { "{\"x\":[nul,2]}", STATUS_INVALID_JSON, "x[0]" },
        { "{\"x\":NaN}", STATUS_INVALID_JSON, "x" },
        { "{\"x\":{\"temp\":NaN}}", STATUS_INVALID_JSON, "x.temp" },
        { "{x:[1,2]}", STATUS_INVALID_JSON, "" },
        { "{'x':[1,2]}", STATUS_INVALID_JSON, "" },
        { "{\"x\\ud800\":1}", STATUS_INVALID_JSON, "" },
        { "{\"\xc3\x28\":1}", STATUS_INVALID_JSON, "" },
        { "{\"\xff\":1}", STATUS_INVALID_JSON, "" },
        { "{\"x\":[1,2]/**/}", STATUS_INVALID_JSON, "" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    assert_all_refused(&s, refusals, N_OF(refusals));
    struct step step;
    ck_assert_int_eq(decode(&s, "{\"x\":[1 2]}", 11, &step), STATUS_INVALID_JSON);
    ck_assert_ptr_nonnull(strstr(s.fault.message, "at byte 8"));
    setup_done(&s);
}

TEST(every_truncation_of_a_step_is_refused)
{
    static const char body[] = "{\"x\":{\"temp\":21.5,\"humidity\":null},\"seq\":12,\"at\":17.5,"
                               "\"horizon\":2,\"future\":[[0.5]]}";
    struct setup s;
    setup_init(&s, model_weather());
    accepted(&s, body);
    for (size_t n = 0; n < strlen(body); n++) {
        char *cut = malloc(n + 1); /* at the end of an allocation: nothing behind it may be read */
        ck_assert_ptr_nonnull(cut);
        memcpy(cut + 1, body, n);
        struct step step;
        ck_assert_int_eq(decode(&s, cut + 1, n, &step), STATUS_INVALID_JSON);
        free(cut);
    }
    setup_done(&s);
}

TEST(deep_nesting_is_refused)
{
    static const struct refusal refusals[] = {
        { "{\"x\":", STATUS_INVALID_JSON, "x[0]" },
        { "{\"at\":1,\"future\":", STATUS_INVALID_JSON, "future[0][0]" },
        { "", STATUS_INVALID_JSON, "" },
    };
    char body[5000];
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct step step;
        int n = snprintf(body, sizeof body, "%s", refusals[i].body);
        memset(body + n, '[', sizeof body - (size_t)n);
        enum status status = decode(&s, body, sizeof body, &step);
        ASSERT_REFUSED(status, &s.fault, &refusals[i]);
    }
    setup_done(&s);
}

TEST(a_wrong_number_of_values_names_the_inputs)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step step;
    ck_assert_int_eq(decode(&s, "{\"x\":[1,2,3]}", 13, &step), STATUS_WRONG_LENGTH);
    ck_assert_str_eq(s.fault.message, "x has 3 values where 2 are expected: temp, humidity");
    setup_done(&s);
}

TEST(a_long_list_of_names_is_cut)
{
    const char *inputs[300];
    char names[300][64];
    for (size_t i = 0; i < N_OF(inputs); i++) {
        snprintf(names[i], sizeof names[i], "quantity-%zu-\xc3\xa9", i);
        inputs[i] = names[i];
    }
    struct gru_plan plan = { .n_inputs = N_OF(inputs),
                             .inputs = inputs,
                             .n_outputs = 1,
                             .outputs = (const char *const[]){ "y" },
                             .n_layers = 1,
                             .hidden_sizes = (const size_t[]){ 1 } };
    struct gru_model *gru;
    struct setup s;
    ck_assert_int_eq(gru_model_create(&plan, &gru, NULL), GRU_OK);
    setup_init(&s, gru);
    struct step step;
    ck_assert_int_eq(decode(&s, "{\"x\":[1]}", 9, &step), STATUS_WRONG_LENGTH);
    ck_assert_ptr_nonnull(
        strstr(s.fault.message, "x has 1 value where 300 are expected: quantity-0-\xc3\xa9, "));
    ck_assert_ptr_nonnull(strstr(s.fault.message, ", ..."));
    step = accepted(&s, "{\"x\":{\"quantity-299-\xc3\xa9\":1,\"quantity-7-\\u00e9\":2}}");
    ck_assert(step.x[299] == 1 && step.x[7] == 2 && isnan(step.x[8]));
    setup_done(&s);
}

TEST(a_type_is_named_as_it_came)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step step;
    ck_assert_int_eq(decode(&s, "{\"x\":[1,\"2\"]}", 13, &step), STATUS_INVALID_TYPE);
    ck_assert_str_eq(s.fault.message,
                     "x[1] must be a number or null, not a string: send it without quotes");
    ck_assert_int_eq(decode(&s, "[]", 2, &step), STATUS_INVALID_TYPE);
    ck_assert_str_eq(s.fault.message, "the body must be an object, not an array");
    setup_done(&s);
}

TEST(a_time_in_another_unit_than_seconds_is_refused_by_name)
{
    static const struct {
        const char *at, *unit; /* NULL: taken */
    } times[] = {
        { "1763668800", NULL },
        { "1763668800.25", NULL },
        { "-86400", NULL },
        { "1e11", NULL },
        { "-1e11", NULL },
        { "100000000001", "milliseconds" },
        { "-1763668800000", "milliseconds" },
        { "1763668800000", "milliseconds" },
        { "1763668800000000", "microseconds" },
        { "1.7636688e18", "nanoseconds" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t k = 0; k < N_OF(times); k++) {
        char body[100], said[100];
        snprintf(body, sizeof body, "{\"x\":[1,2],\"at\":%s}", times[k].at);
        snprintf(said, sizeof said, "at is in %s: send Unix seconds", times[k].unit);
        const struct refusal refusal = { body, STATUS_INVALID_VALUE, "at" };
        struct step step;
        if (times[k].unit == NULL) {
            accepted(&s, body);
            continue;
        }
        enum status status = decode(&s, body, strlen(body), &step);
        ASSERT_REFUSED(status, &s.fault, &refusal);
        ck_assert_str_eq(s.fault.message, said);
    }
    setup_done(&s);
}

TEST(a_time_may_be_text_with_an_offset)
{
    static const struct refusal refusals[] = {
        { "{\"x\":[1,2],\"at\":\"\"}", STATUS_INVALID_VALUE, "at" },
        { "{\"x\":[1,2],\"at\":\"1763668800\"}", STATUS_INVALID_VALUE, "at" },
        { "{\"x\":[1,2],\"at\":\"2025-11-20T20:00:00\"}", STATUS_INVALID_VALUE, "at" },
        { "{\"x\":[1,2],\"at\":\"2025-11-31T20:00:00Z\"}", STATUS_INVALID_VALUE, "at" },
        { "{\"x\":[1,2],\"at\":\"2025-11-20T20:00:00Z\\u0000\"}", STATUS_INVALID_VALUE, "at" },
        { "{\"x\":[1,2],\"at\":\"2025-11-20T20:00:00.000000000000000000000000000000000000000000"
          "000000000000000000Z\"}",
          STATUS_INVALID_VALUE, "at" },
        { "{\"x\":[1,2],\"at\":true}", STATUS_INVALID_TYPE, "at" },
        { "{\"x\":[1,2],\"at\":1,\"late\":\"drop\"}", STATUS_INVALID_VALUE, "late" },
        { "{\"x\":[1,2],\"at\":1,\"late\":\"amended\"}", STATUS_INVALID_VALUE, "late" },
        { "{\"x\":[1,2],\"at\":1,\"late\":true}", STATUS_INVALID_TYPE, "late" },
        { "{\"x\":[1,2],\"late\":\"amend\"}", STATUS_MISSING_FIELD, "at" },
        { "{\"x\":[1,2],\"step\":3}", STATUS_MISSING_FIELD, "late" },
        { "{\"x\":[1,2],\"at\":1,\"step\":3}", STATUS_MISSING_FIELD, "late" },
        { "{\"x\":[1,2],\"late\":\"amend\",\"step\":0}", STATUS_INVALID_VALUE, "step" },
        { "{\"x\":[1,2],\"late\":\"amend\",\"step\":-1}", STATUS_INVALID_VALUE, "step" },
        { "{\"x\":[1,2],\"late\":\"amend\",\"step\":1.5}", STATUS_INVALID_VALUE, "step" },
        { "{\"x\":[1,2],\"late\":\"amend\",\"step\":1e300}", STATUS_INVALID_VALUE, "step" },
        { "{\"x\":[1,2],\"late\":\"amend\",\"step\":\"3\"}", STATUS_INVALID_TYPE, "step" },
        { "{\"x\":[1,2],\"late\":\"amend\",\"step\":3,\"at\":1}", STATUS_INVALID_VALUE, "step" },
        { "{\"x\":[1,2],\"late\":\"amend\",\"step\":3,\"seq\":3}", STATUS_INVALID_VALUE, "step" },
        { "{\"x\":[1,2],\"late\":\"amend\",\"at\":1764100000000}", STATUS_INVALID_VALUE, "at" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    assert_all_refused(&s, refusals, N_OF(refusals));
    struct step step = accepted(&s, "{\"x\":[1,2],\"at\":\"2025-11-20t21:00:00.5+01:00\"}");
    ck_assert(step.has_at && !step.may_amend);
    ck_assert_double_eq(step.at, 1763668800.5);
    step = accepted(&s, "{\"x\":[1,2],\"at\":-0.0,\"late\":\"amend\"}");
    ck_assert(step.has_at && step.at == 0 && !signbit(step.at) && step.may_amend);
    ck_assert_uint_eq(step.amends_step, 0);
    step = accepted(&s, "{\"x\":[1,2],\"step\":7,\"late\":\"amend\"}");
    ck_assert(!step.has_at && step.may_amend && step.amends_step == 7);
    ck_assert(!accepted(&s, "{\"x\":[1,2]}").has_at);
    setup_done(&s);
}

TEST(an_overlong_name_is_shown_by_whole_characters)
{
    char body[3000];
    struct setup s;
    setup_init(&s, model_weather());
    for (int lead = 0; lead < 3; lead++) {
        char *p = body + sprintf(body, "{\"%.*s", lead, "aaa");
        for (int i = 0; i < 600; i++) {
            p += sprintf(p, "\xe2\x82\xac");
        }
        sprintf(p, "\":1}");
        struct step step;
        ck_assert_int_eq(decode(&s, body, strlen(body), &step), STATUS_UNKNOWN_FIELD);
        codec_put_error(&s.text, &s.fault);
        const char *reply = setup_text(&s);
        struct step unused = { .arena = &s.arena, .model = &s.model };
        struct fault fault; /* "error" is no field of a step, but the reply must scan as valid UTF-8
                               up to it */
        ck_assert_int_eq(
            codec_step(INPUT(reply, strlen(reply), s.limits, unused.arena, &fault), false, &unused),
            STATUS_UNKNOWN_FIELD);
        ck_assert_uint_le(strlen(s.fault.param), 80);
        ck_assert_uint_eq((strlen(s.fault.param) - (size_t)lead) % 3, 0);
    }
    setup_done(&s);
}

TEST(a_refused_step_leaves_the_result_alone)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step step = { .arena = &s.arena, .model = &s.model, .session = "pump-7", .seq = 99 },
                before = step;
    static const char body[] = "{\"x\":[1,2],\"seq\":5,\"horizon\":0}";
    ck_assert_int_eq(
        codec_step(INPUT(body, strlen(body), s.limits, step.arena, &s.fault), false, &step),
        STATUS_INVALID_VALUE);
    ck_assert_mem_eq(&step, &before, sizeof step);
    setup_done(&s);
}

TEST(the_working_memory_is_bounded)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct arena none;
    arena_init(&none, 8);
    struct step step = { .arena = &none, .model = &s.model };
    ck_assert_int_eq(
        codec_step(INPUT("{\"x\":[1,2]}", 11, s.limits, step.arena, &s.fault), false, &step),
        STATUS_REQUEST_TOO_LARGE);
    ck_assert_int_eq(
        codec_step(INPUT("{\"x\":{}}", 8, s.limits, step.arena, &s.fault), false, &step),
        STATUS_REQUEST_TOO_LARGE);
    arena_done(&none);
    setup_done(&s);
}

/* ---- forecast ---- */

TEST(a_forecast_needs_its_horizon)
{
    static const struct refusal refusals[] = {
        { "{}", STATUS_MISSING_FIELD, "horizon" },
        { "{\"future\":[[1]]}", STATUS_MISSING_FIELD, "horizon" },
        { "{\"horizon\":2}", STATUS_MISSING_FIELD, "future" },
        { "{\"horizon\":2,\"future\":[[1],[1],[1]]}", STATUS_WRONG_LENGTH, "future" },
        { "{\"horizon\":1,\"x\":[1,2]}", STATUS_UNKNOWN_FIELD, "x" },
        { "{\"horizon\":1,\"level\":0.91}", STATUS_INVALID_VALUE, "level" },
        { "{\"horizon\":1,\"blend\":\"yes\"}", STATUS_INVALID_TYPE, "blend" },
        { "{\"horizon\":1}1", STATUS_INVALID_JSON, "" },
        { "", STATUS_INVALID_JSON, "" },
        { "3", STATUS_INVALID_TYPE, "" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    struct forecast_options forecast_options = { .horizon = 77, .n_future_rows = 78 };
    for (size_t i = 0; i < N_OF(refusals); i++) {
        enum status status = codec_forecast_options(
            INPUT(refusals[i].body, strlen(refusals[i].body), s.limits, &s.arena, &s.fault),
            &s.model, &forecast_options);
        ASSERT_REFUSED(status, &s.fault, &refusals[i]);
        ck_assert(forecast_options.horizon == 77 && forecast_options.n_future_rows == 78);
    }
    static const char body[] = "{\"horizon\":3,\"future\":[[0.5],[null]]}";
    ck_assert_int_eq(codec_forecast_options(INPUT(body, strlen(body), s.limits, &s.arena, &s.fault),
                                            &s.model, &forecast_options),
                     STATUS_OK);
    ck_assert(forecast_options.horizon == 3 && forecast_options.n_future_rows == 2 &&
              forecast_options.future[0] == 0.5F && isnan(forecast_options.future[1]));
    setup_done(&s);
}
