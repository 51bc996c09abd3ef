/* What a program prints where it has no number, in every place where readings are read. */
#include "codec/reader.h"
#include "codec_support.h"

#include <string.h>

/* ---- the places ---- */

typedef enum status (*decoder)(struct setup *s, const char *body);

static enum status decode_step(struct setup *s, const char *body)
{
    struct step step = { .arena = &s->arena, .model = &s->model };
    return codec_step(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), false, &step);
}

static enum status decode_line(struct setup *s, const char *body)
{
    struct step step = { .arena = &s->arena, .model = &s->model };
    return codec_step(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), true, &step);
}

/* A step that is well-formed fails alone. */
static enum status decode_steps(struct setup *s, const char *body)
{
    struct step *steps;
    size_t n;
    enum status status = codec_steps(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault),
                                     &s->model, &steps, &n);
    if (status == STATUS_OK && steps[n - 1].is_done) {
        s->fault = steps[n - 1].fault;
        status = s->fault.status;
    }
    return status;
}

static enum status decode_forecast(struct setup *s, const char *body)
{
    struct forecast_options options;
    return codec_forecast_options(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault),
                                  &s->model, &options);
}

static enum status decode_prediction(struct setup *s, const char *body)
{
    struct prediction prediction;
    return codec_prediction(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), &s->model,
                            &prediction);
}

static enum status decode_session(struct setup *s, const char *body)
{
    struct session_restore restore;
    return codec_session_restore(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault),
                                 &s->model, &restore);
}

static enum status decode_job(struct setup *s, const char *body)
{
    struct job_target target;
    struct job_request request;
    enum status status =
        codec_job_target(INPUT(body, strlen(body), s->limits, NULL, &s->fault), &target);
    return status == STATUS_OK
               ? codec_job(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), false,
                           &target, gru_model_info(s->model.active->gru), &request)
               : status;
}

static enum status decode_job_line(struct setup *s, const char *body)
{
    const struct job_target target = { .model = "weather", .loss = GRU_MSE };
    struct job_lines *lines =
        codec_job_lines(gru_model_info(s->model.active->gru), &s->limits, &target, &s->arena);
    ck_assert_ptr_nonnull(lines);
    return codec_job_line(lines, 2, body, strlen(body), &s->fault);
}

static const struct {
    decoder decode;
    const char *before, *behind; /* of the value */
    const char *param;
    const char *param_of_step; /* where a step of many has a fault of its own; else NULL */
} places[] = {
    { decode_step, "{\"x\":[1,", "]}", "x[1]", NULL },
    { decode_step, "{\"x\":{\"humidity\":", ",\"temp\":1}}", "x.humidity", NULL },
    { decode_step, "{\"x\":[1,2],\"horizon\":2,\"future\":[[", "]]}", "future[0][0]", NULL },
    { decode_step, "{\"x\":[1,2],\"horizon\":2,\"future\":[{\"humidity\":", "}]}",
      "future[0].humidity", NULL },
    { decode_line, "{\"session\":\"a\",\"x\":[", " ,2]}", "x[0]", NULL },
    { decode_line, "{\"session\":\"a\",\"x\":{\"temp\":", "}}", "x.temp", NULL },
    { decode_steps, "{\"steps\":[{\"session\":\"a\",\"x\":[1,2]},{\"session\":\"b\",\"x\":[1,",
      "]}]}", "steps[1].x[1]", "x[1]" },
    { decode_steps, "{\"steps\":[{\"session\":\"b\",\"x\":{\"temp\":", "}}]}", "steps[0].x.temp",
      "x.temp" },
    { decode_forecast, "{\"horizon\":1,\"future\":[[", "]]}", "future[0][0]", NULL },
    { decode_prediction, "{\"x\":[[1,2],[1, ", "]]}", "x[1][1]", NULL },
    { decode_prediction, "{\"x\":[[1,2],{\"temp\":", "}]}", "x[1].temp", NULL },
    { decode_prediction, "{\"instances\":[{\"x\":[[1,2]]},{\"x\":[[", ",2]]}]}",
      "instances[1].x[0][0]", NULL },
    { decode_prediction, "{\"horizon\":2,\"x\":[[1,2]],\"future\":[[", "]]}", "future[0][0]",
      NULL },
    { decode_session, "{\"rewarm\":[[1,2],[3,", "]]}", "rewarm[1][1]", NULL },
    { decode_session, "{\"rewarm\":[{\"temp\":", "}]}", "rewarm[0].temp", NULL },
    { decode_session, "{\"readings\":[[1,", "]]}", "readings[0][1]", NULL },
    { decode_job, "{\"model\":\"weather\",\"training\":{\"series\":[{\"x\":[[1,", "],[3,4]]}]}}",
      "training.series[0].x[0][1]", NULL },
    { decode_job, "{\"model\":\"weather\",\"training\":{\"series\":[{\"x\":[{\"humidity\":",
      "},[3,4]]}]}}", "training.series[0].x[0].humidity", NULL },
    { decode_job, "{\"model\":\"weather\",\"training\":{\"series\":[{\"x\":[[1,2]],\"y\":[[",
      "]]}]}}", "training.series[0].y[0][0]", NULL },
    { decode_job,
      "{\"model\":\"weather\",\"hyperparameters\":{\"loss\":\"cross_entropy\"},"
      "\"training\":{\"series\":[{\"x\":[[1,2]],\"y\":[",
      "]}]}}", "training.series[0].y[0]", NULL },
    { decode_job,
      "{\"model\":\"weather\",\"training\":{\"series\":[{\"x\":[[1,2]]}]},"
      "\"validation\":{\"series\":[{\"x\":[[1,",
      "]]}]}}", "validation.series[0].x[0][1]", NULL },
    { decode_job_line, "{\"x\":[[1,2],[", ",4]]}", "training.series[0].x[1][0]", NULL },
    { decode_job_line, "{\"x\":[[1,2]],\"y\":[{\"temp\":", "}]}", "training.series[0].y[0].temp",
      NULL },
};

/* ---- what stands there ---- */

static const struct {
    const char *value;
    enum status status;
    const char *said, *advised;
} values[] = {
    { "NaN", STATUS_INVALID_JSON, "is NaN, which is not JSON", "send null" },
    { "nan", STATUS_INVALID_JSON, "is nan, which is not JSON", "send null" },
    { "-nan", STATUS_INVALID_JSON, "is -nan, which is not JSON", "send null" },
    { "NAN", STATUS_INVALID_JSON, "is NAN, which is not JSON", "send null" },
    { "None", STATUS_INVALID_JSON, "is None, which is not JSON", "send null" },
    { "nil", STATUS_INVALID_JSON, "is nil, which is not JSON", "send null" },
    { "NULL", STATUS_INVALID_JSON, "is NULL, which is not JSON", "send null" },
    { "undefined", STATUS_INVALID_JSON, "is undefined, which is not JSON", "send null" },
    { "unavailable", STATUS_INVALID_JSON, "is unavailable, which is not JSON", "send null" },
    { "N/A", STATUS_INVALID_JSON, "is N/A, which is not JSON", "send null" },
    { "#N/A", STATUS_INVALID_JSON, "is #N/A, which is not JSON", "send null" },
    { "Infinity", STATUS_INVALID_JSON, "is Infinity, which is not JSON", "send null" },
    { "-Infinity", STATUS_INVALID_JSON, "is -Infinity, which is not JSON", "send null" },
    { "+inf", STATUS_INVALID_JSON, "is +inf, which is not JSON", "send null" },
    { "-inf", STATUS_INVALID_JSON, "is -inf, which is not JSON", "send null" },
    { "", STATUS_INVALID_JSON, "is left empty", "send null" },
    { "\"\"", STATUS_INVALID_TYPE, "not a string", "send null" },
    { "\"NaN\"", STATUS_INVALID_TYPE, "not a string", "send null" },
    { "\"unavailable\"", STATUS_INVALID_TYPE, "not a string", "send null" },
    { "\"-\"", STATUS_INVALID_TYPE, "not a string", "send null" },
    { "\"null\"", STATUS_INVALID_TYPE, "not a string", "send null" },
    { "\"3\"", STATUS_INVALID_TYPE, "not a string", "send it without quotes" },
    { "\" -21.5 \\u00b0C\"", STATUS_INVALID_TYPE, "not a string", "send it without quotes" },
    { "true", STATUS_INVALID_TYPE, "not a boolean", "must be a number or null" },
    { "[1]", STATUS_INVALID_TYPE, "not an array", "must be a number or null" },
    { "1e39", STATUS_INVALID_VALUE, "is out of range", "32-bit float" },
    { "-1e99", STATUS_INVALID_VALUE, "is out of range", "32-bit float" },
};

static void check(struct setup *s, size_t place, size_t value)
{
    char body[300];
    const char *param = places[place].param;
    if (values[value].status != STATUS_INVALID_JSON && places[place].param_of_step) {
        param = places[place].param_of_step;
    }
    snprintf(body, sizeof body, "%s%s%s", places[place].before, values[value].value,
             places[place].behind);
    const struct refusal refusal = { body, values[value].status, param };
    arena_reset(&s->arena);
    s->fault = (struct fault){ .status = STATUS_OK };
    enum status status = places[place].decode(s, body);
    ASSERT_REFUSED(status, &s->fault, &refusal);
    const char *in_line = strstr(param, "].") ? strstr(param, "].") + 2 : param;
    ck_assert_msg(strstr(s->fault.message, in_line) &&
                      strstr(s->fault.message, values[value].said) &&
                      strstr(s->fault.message, values[value].advised),
                  "%s: %s", body, s->fault.message);
}

TEST(what_is_no_number_is_named_with_its_place_and_the_way_out)
{
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t place = 0; place < N_OF(places); place++) {
        for (size_t value = 0; value < N_OF(values); value++) {
            /* Nothing before the end of an array is a comma too many, or an empty array. */
            if (values[value].value[0] != '\0' || places[place].behind[0] != ']') {
                check(&s, place, value);
            }
        }
    }
    setup_done(&s);
}

/* ---- what is no reading ---- */

TEST(text_that_is_no_json_at_all_is_said_to_be_none)
{
    static const char *const bodies[] = { "NaN",           "x=1&y=2",
                                          "21.5,0.55",     "",
                                          "temp 21.5",     "{\"x\":[1,01]}",
                                          "{\"x\":[1,-]}", "{\"x\":[1,\0]}" };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t k = 0; k < N_OF(bodies); k++) {
        (void)decode_step(&s, bodies[k]);
        ck_assert_ptr_null(strstr(s.fault.message, "null"));
    }
    setup_done(&s);
}

TEST(a_long_word_is_cut)
{
    struct setup s;
    char body[4096] = "{\"x\":[";
    setup_init(&s, model_weather());
    memset(body + strlen(body), 'N', sizeof body - strlen(body) - 1);
    ck_assert_int_eq(decode_step(&s, body), STATUS_INVALID_JSON);
    ck_assert_ptr_nonnull(strstr(s.fault.message, "NNN, which is not JSON"));
    ck_assert_uint_lt(strlen(s.fault.message), 120);
    setup_done(&s);
}

TEST(an_unknown_field_is_named)
{
    struct setup s;
    setup_init(&s, model_weather());
    ck_assert_int_eq(decode_step(&s, "{\"x\":[1,2],\"levels\":1}"), STATUS_UNKNOWN_FIELD);
    ck_assert_str_eq(s.fault.message, "levels is not a field that is known here");
    setup_done(&s);
}
