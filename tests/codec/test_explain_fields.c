/* `explain` in the bodies of steps and forecasts: what is taken, and every way to be refused. */
#include "codec_support.h"

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

TEST(an_explanation_is_of_the_first_output_one_step_ahead_unless_it_says_more)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step step = accepted(&s, "{\"x\":[1,2],\"explain\":true}");
    ck_assert(step.forecast_options.explain && step.forecast_options.explain->output == 0 &&
              step.forecast_options.explain->ahead == 1);
    step = accepted(&s, "{\"x\":[1,2],\"explain\":{}}");
    ck_assert(step.forecast_options.explain && step.forecast_options.explain->output == 0 &&
              step.forecast_options.explain->ahead == 1);
    step = accepted(&s, "{\"explain\":{\"ahead\":2,\"output\":\"temp\"},\"x\":[1,2],"
                        "\"horizon\":2,\"future\":[[1]]}");
    ck_assert(step.forecast_options.explain && step.forecast_options.explain->output == 0 &&
              step.forecast_options.explain->ahead == 2);
    step = accepted(&s, "{\"x\":[1,2],\"explain\":false}");
    ck_assert_ptr_null(step.forecast_options.explain);
    step = accepted(&s, "{\"x\":[1,2]}");
    ck_assert(!step.forecast_options.explain && !step.explanation);
    setup_done(&s);
}

TEST(what_cannot_be_explained_is_refused_by_its_path)
{
    static const struct refusal refusals[] = {
        { "{\"x\":[1,2],\"explain\":1}", STATUS_INVALID_TYPE, "explain" },
        { "{\"x\":[1,2],\"explain\":null}", STATUS_INVALID_TYPE, "explain" },
        { "{\"x\":[1,2],\"explain\":\"temp\"}", STATUS_INVALID_TYPE, "explain" },
        { "{\"x\":[1,2],\"explain\":[\"temp\"]}", STATUS_INVALID_TYPE, "explain" },
        { "{\"x\":[1,2],\"explain\":{\"output\":1}}", STATUS_INVALID_TYPE, "explain.output" },
        { "{\"x\":[1,2],\"explain\":{\"output\":\"humidity\"}}", STATUS_INVALID_VALUE,
          "explain.output" },
        { "{\"x\":[1,2],\"explain\":{\"ahead\":0}}", STATUS_INVALID_VALUE, "explain.ahead" },
        { "{\"x\":[1,2],\"explain\":{\"ahead\":1.5}}", STATUS_INVALID_VALUE, "explain.ahead" },
        { "{\"x\":[1,2],\"explain\":{\"ahead\":2}}", STATUS_INVALID_VALUE, "explain.ahead" },
        { "{\"x\":[1,2],\"horizon\":2,\"future\":[[1]],\"explain\":{\"ahead\":3}}",
          STATUS_INVALID_VALUE, "explain.ahead" },
        { "{\"x\":[1,2],\"explain\":{\"temp\":1}}", STATUS_UNKNOWN_FIELD, "explain.temp" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    assert_all_refused(&s, refusals, N_OF(refusals));
    setup_done(&s);
}

static enum status decode_forecast(struct setup *s, const char *body,
                                   struct forecast_options *ret_options)
{
    return codec_forecast_options(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault),
                                  &s->model, ret_options);
}

TEST(a_forecast_is_explained_as_far_as_it_reaches)
{
    struct setup s;
    struct forecast_options options;
    setup_init(&s, model_weather());
    ck_assert_int_eq(
        decode_forecast(&s, "{\"horizon\":2,\"future\":[[1]],\"explain\":true}", &options),
        STATUS_OK);
    ck_assert(options.explain->output == 0 && options.explain->ahead == 1);
    ck_assert_int_eq(decode_forecast(&s,
                                     "{\"explain\":{\"output\":\"temp\",\"ahead\":2},"
                                     "\"horizon\":2,\"future\":[[1]]}",
                                     &options),
                     STATUS_OK);
    ck_assert(options.explain->output == 0 && options.explain->ahead == 2);
    ck_assert_int_eq(decode_forecast(&s, "{\"horizon\":1,\"explain\":false}", &options), STATUS_OK);
    ck_assert_ptr_null(options.explain);
    ck_assert_int_eq(decode_forecast(&s, "{\"horizon\":1}", &options), STATUS_OK);
    ck_assert_ptr_null(options.explain);
    setup_done(&s);
}

TEST(what_a_forecast_cannot_explain_is_refused_by_its_path)
{
    static const struct refusal refusals[] = {
        { "{\"horizon\":1,\"explain\":1}", STATUS_INVALID_TYPE, "explain" },
        { "{\"horizon\":1,\"explain\":{\"output\":\"humidity\"}}", STATUS_INVALID_VALUE,
          "explain.output" },
        { "{\"horizon\":1,\"explain\":{\"ahead\":2}}", STATUS_INVALID_VALUE, "explain.ahead" },
        { "{\"horizon\":1,\"explain\":{\"temp\":1}}", STATUS_UNKNOWN_FIELD, "explain.temp" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct forecast_options options;
        const enum status status = decode_forecast(&s, refusals[i].body, &options);
        ASSERT_REFUSED(status, &s.fault, &refusals[i]);
    }
    setup_done(&s);
}
