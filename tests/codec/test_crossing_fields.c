/* `crossing`: what is taken, every way to be refused, and how it is answered. */
#include "codec_support.h"
#include "service/scores/crossing.h"

#include <math.h>
#include <string.h>

static enum status decode(struct setup *s, const char *body, struct step *step)
{
    *step = (struct step){ .arena = &s->arena, .model = &s->model, .session = "pump-7" };
    return codec_step(INPUT(body, strlen(body), s->limits, step->arena, &s->fault), false, step);
}

static enum status decode_forecast(struct setup *s, const char *body,
                                   struct forecast_options *ret_options)
{
    return codec_forecast_options(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault),
                                  &s->model, ret_options);
}

TEST(a_threshold_is_taken_with_its_output)
{
    struct setup s;
    struct step step;
    struct forecast_options options;
    setup_init(&s, model_closed());
    ck_assert_int_eq(
        decode(&s, "{\"crossing\":{\"above\":80.5,\"output\":\"temp\"},\"horizon\":24,\"x\":[1]}",
               &step),
        STATUS_OK);
    const struct crossing *crossing = step.forecast_options.crossing;
    ck_assert(crossing->output == 0 && crossing->is_above && crossing->threshold == 80.5);
    ck_assert_ptr_null(step.forecast_options.levels);
    ck_assert_int_eq(
        decode_forecast(&s, "{\"horizon\":2,\"crossing\":{\"output\":\"te\\u006dp\",\"below\":-1}}",
                        &options),
        STATUS_OK);
    ck_assert(!options.crossing->is_above && options.crossing->threshold == -1);
    ck_assert_int_eq(decode(&s, "{\"x\":[1],\"horizon\":25}", &step), STATUS_OK);
    ck_assert_ptr_null(step.forecast_options.crossing);
    setup_done(&s);
}

#define AHEAD "{\"horizon\":3,\"crossing\":"

TEST(what_is_no_threshold_is_refused_by_its_path)
{
    static const struct refusal refusals[] = {
        { AHEAD "{\"output\":\"temp\",\"above\":1,\"below\":0}}", STATUS_INVALID_VALUE,
          "crossing.below" },
        { AHEAD "{\"output\":\"temp\"}}", STATUS_MISSING_FIELD, "crossing.above" },
        { AHEAD "{\"above\":1}}", STATUS_MISSING_FIELD, "crossing.output" },
        { AHEAD "{\"output\":\"wind\",\"above\":1}}", STATUS_INVALID_VALUE, "crossing.output" },
        { AHEAD "{\"output\":\"\",\"above\":1}}", STATUS_INVALID_VALUE, "crossing.output" },
        { AHEAD "{\"output\":0,\"above\":1}}", STATUS_INVALID_TYPE, "crossing.output" },
        { AHEAD "{\"output\":\"temp\",\"above\":1e39}}", STATUS_INVALID_VALUE, "crossing.above" },
        { AHEAD "{\"output\":\"temp\",\"above\":1e999}}", STATUS_INVALID_VALUE, "crossing.above" },
        { AHEAD "{\"output\":\"temp\",\"below\":null}}", STATUS_INVALID_TYPE, "crossing.below" },
        { AHEAD "{\"output\":\"temp\",\"below\":\"1\"}}", STATUS_INVALID_TYPE, "crossing.below" },
        { AHEAD "{\"output\":\"temp\",\"above\":1,\"above\":1}}", STATUS_DUPLICATE_FIELD,
          "crossing.above" },
        { AHEAD "{\"output\":\"temp\",\"at\":1}}", STATUS_UNKNOWN_FIELD, "crossing.at" },
        { AHEAD "{\"output\":\"temp\",\"above\":NaN}}", STATUS_INVALID_JSON, "crossing.above" },
        { AHEAD "80}", STATUS_INVALID_TYPE, "crossing" },
        { AHEAD "true}", STATUS_INVALID_TYPE, "crossing" },
        { AHEAD "[]}", STATUS_INVALID_TYPE, "crossing" },
        { "{\"horizon\":25,\"crossing\":{\"output\":\"temp\",\"above\":1}}", STATUS_INVALID_VALUE,
          "horizon" },
    };
    struct setup s;
    setup_init(&s, model_closed());
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct forecast_options options;
        enum status status = decode_forecast(&s, refusals[i].body, &options);
        ASSERT_REFUSED(status, &s.fault, &refusals[i]);
    }
    setup_done(&s);
}

TEST(a_threshold_needs_a_forecast_and_intervals)
{
    static const struct interval_levels none = { .n = 0 };
    static const struct refusal alone = {
        "{\"x\":[1],\"crossing\":{\"output\":\"temp\",\"above\":1}}", STATUS_MISSING_FIELD,
        "horizon"
    };
    static const struct refusal bare = {
        "{\"x\":[1],\"horizon\":2,\"crossing\":{\"output\":\"temp\",\"above\":1}}",
        STATUS_INVALID_VALUE, "crossing"
    };
    struct setup s;
    struct step step;
    setup_init(&s, model_closed());
    enum status status = decode(&s, alone.body, &step);
    ASSERT_REFUSED(status, &s.fault, &alone);
    ck_assert_int_eq(decode(&s, bare.body, &step), STATUS_OK);
    s.limits.interval_levels = &none;
    status = decode(&s, bare.body, &step);
    ASSERT_REFUSED(status, &s.fault, &bare);
    ck_assert_ptr_nonnull(strstr(s.fault.message, "--interval-levels"));
    setup_done(&s);
}

/* ---- how it is answered ---- */

static const char *told(struct setup *s, size_t ahead, double *by_horizon, size_t n_rows)
{
    double forecast[] = { 1, 2, 3 };
    const struct session_forecast reply = {
        .prediction = { .gru = s->model.active->gru, .version = 3 },
        .sequence = { .forecast = forecast,
                      .n_forecast = n_rows,
                      .crossing = { ahead, n_rows, by_horizon } },
        .step = 7,
        .last_at = NAN,
    };
    codec_put_forecast(&s->text, "pump-7", &reply);
    const char *text = setup_text(s), *crossing = strstr(text, ",\"crossing\":");
    ck_assert_msg(crossing != NULL, "%s", text);
    return crossing;
}

TEST(a_crossing_is_answered_as_documented)
{
    struct setup s;
    setup_init(&s, model_closed());
    double known[] = { 0, 0.25, 1 }, some[] = { 0.5, NAN, NAN }, none[] = { NAN, NAN };
    ck_assert_str_eq(told(&s, 3, known, 3),
                     ",\"crossing\":{\"ahead\":3,\"probability\":1,\"by_horizon\":[0,0.25,1]}}");
    ck_assert_str_eq(told(&s, 0, some, 3), ",\"crossing\":{\"ahead\":null,\"probability\":null,"
                                           "\"by_horizon\":[0.5,null,null]}}");
    ck_assert_str_eq(told(&s, 1, none, 2),
                     ",\"crossing\":{\"ahead\":1,\"probability\":null,\"by_horizon\":null}}");
    setup_done(&s);
}

TEST(a_step_with_a_crossing_has_the_room_that_it_takes)
{
    struct setup s;
    struct step step;
    setup_init(&s, model_closed());
    ck_assert_int_eq(
        decode(&s, "{\"x\":[1],\"horizon\":24,\"crossing\":{\"output\":\"temp\",\"above\":1}}",
               &step),
        STATUS_OK);
    const size_t most = codec_step_bytes_max(&step);
    double y[24], by_horizon[24];
    for (size_t i = 0; i < 24; i++) {
        y[i] = -1.2345678e-30;
        by_horizon[i] = (double)1.2345678e-30F;
    }
    step.y = step.forecast = y;
    step.n_forecast = 24;
    step.number = UINT64_MAX;
    step.crossing = (struct crossing_reply){ 0, 24, by_horizon };
    codec_put_step(&s.text, &step);
    ck_assert_uint_le(strlen(setup_text(&s)), most);
    setup_done(&s);
}
