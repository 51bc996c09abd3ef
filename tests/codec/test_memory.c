/* Every allocation of every decoder, and of every encoder, fails once. */
#include "codec_support.h"

#include <math.h>
#include <string.h>

/* One of a single level, one step ahead, of an output: begun. */
#define CALIBRATION "AAAAAAAAAAAAAAA/AAAAPwAAAAAAAMB/AAAAAAAAAADAfwAA"

enum { CAP_MAX = 16 << 10, CAP_STEP = 16 };

typedef enum status (*decoder)(struct setup *s, const char *body, struct arena *arena);

static enum status decode_step(struct setup *s, const char *body, struct arena *arena)
{
    struct step step = { .arena = arena, .model = &s->model };
    return codec_step(INPUT(body, strlen(body), s->limits, step.arena, &s->fault), false, &step);
}

static enum status decode_steps(struct setup *s, const char *body, struct arena *arena)
{
    struct step *steps;
    size_t n;
    return codec_steps(INPUT(body, strlen(body), s->limits, arena, &s->fault), &s->model, &steps,
                       &n);
}

static enum status decode_forecast_options(struct setup *s, const char *body, struct arena *arena)
{
    struct forecast_options forecast_options;
    return codec_forecast_options(INPUT(body, strlen(body), s->limits, arena, &s->fault), &s->model,
                                  &forecast_options);
}

static enum status decode_prediction(struct setup *s, const char *body, struct arena *arena)
{
    struct prediction prediction;
    return codec_prediction(INPUT(body, strlen(body), s->limits, arena, &s->fault), &s->model,
                            &prediction);
}

static enum status decode_evaluation(struct setup *s, const char *body, struct arena *arena)
{
    struct evaluation evaluation;
    return codec_evaluation(INPUT(body, strlen(body), s->limits, arena, &s->fault), &s->model,
                            &evaluation);
}

static enum status decode_session(struct setup *s, const char *body, struct arena *arena)
{
    struct session_restore restore;
    return codec_session_restore(INPUT(body, strlen(body), usual_limits, arena, &s->fault),
                                 &s->model, &restore);
}

static enum status decode_job(struct setup *s, const char *body, struct arena *arena)
{
    struct job_target target;
    struct job_request request;
    ck_assert_int_eq(
        codec_job_target(INPUT(body, strlen(body), usual_limits, NULL, &s->fault), &target),
        STATUS_OK);
    return codec_job(INPUT(body, strlen(body), usual_limits, arena, &s->fault), false, &target,
                     gru_model_info(s->model.active->gru), &request);
}

static enum status decode_job_lines(struct setup *s, const char *body, struct arena *arena)
{
    const struct job_target target = { .model = "weather", .loss = GRU_MSE };
    struct job_lines *lines =
        codec_job_lines(gru_model_info(s->model.active->gru), &usual_limits, &target, arena);
    if (lines == NULL) {
        return s->fault.status = STATUS_REQUEST_TOO_LARGE;
    }
    return codec_job_line(lines, 2, body, strlen(body), &s->fault);
}

TEST(whichever_allocation_of_a_decoder_fails_the_body_is_too_large)
{
    static const struct {
        decoder decode;
        const char *body;
    } bodies[] = {
        { decode_step, "{\"x\":{\"temp\":1},\"horizon\":3,\"future\":[[1],{\"humidity\":2}]}" },
        { decode_steps,
          "{\"steps\":[{\"session\":\"a\",\"x\":[1,2]},{\"session\":\"b\",\"x\":{}}]}" },
        { decode_forecast_options, "{\"horizon\":2,\"future\":[{}]}" },
        { decode_prediction, "{\"x\":[[1,2],{\"temp\":3}]}" },
        { decode_prediction,
          "{\"instances\":[{\"x\":[[1,2]]},{\"x\":[{}],\"future\":[[1]]}],\"horizon\":1}" },
        { decode_evaluation, "{\"x\":[[1,2],{\"temp\":3}],\"y\":[{\"temp\":1},[2]]}" },
        { decode_job, "{\"model\":\"weather\",\"suffix\":\"a\",\"metadata\":{},"
                      "\"validation\":{\"series\":[{\"x\":[{}],\"y\":[{\"temp\":1}]}]},"
                      "\"training\":{\"series\":[{\"x\":[[1,2]]},{\"y\":[[1]],\"x\":[[1,2]]}]}}" },
        { decode_job, "{\"model\":\"weather\",\"training\":{\"sessions\":[\"a\",\"b\"]}}" },
        { decode_job, "{\"model\":\"weather\",\"hyperparameters\":{\"loss\":\"cross_entropy\"},"
                      "\"training\":{\"series\":[{\"x\":[[1,2]],\"y\":[0]}]}}" },
        { decode_job_lines, "{\"x\":[[1,2],{}],\"y\":[{}]}" },
        { decode_session, "{\"state\":[[1,2,3],[4,5]],\"readings\":[[1,2]],\"rewarm\":[{}],"
                          "\"digest\":\"xxh3:0123456789abcdeffedcba9876543210\","
                          "\"errors\":{\"n\":[1],\"mae\":[1],\"rmse\":[1]}}" },
        { decode_session, "{\"calibration\":{\"format\":1,\"step\":0,\"levels\":[0.5],"
                          "\"horizons\":1,\"bytes\":\"" CALIBRATION "\"}}" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t i = 0; i < N_OF(bodies); i++) {
        enum status status = STATUS_REQUEST_TOO_LARGE;
        size_t cap = 0;
        for (; status == STATUS_REQUEST_TOO_LARGE && cap < CAP_MAX; cap += CAP_STEP) {
            struct arena arena;
            arena_init(&arena, cap);
            status = bodies[i].decode(&s, bodies[i].body, &arena);
            ck_assert(status == STATUS_OK || s.fault.status == STATUS_REQUEST_TOO_LARGE);
            arena_done(&arena);
        }
        ck_assert_msg(status == STATUS_OK, "%s: %s", bodies[i].body, status_code(status));
        ck_assert_uint_gt(cap, 2 * CAP_STEP);
    }
    setup_done(&s);
}

static void put_everything(struct setup *s, struct text *text)
{
    static double values[40] = { NAN };
    static float state[40] = { NAN };
    static const uint32_t counts[] = { 1 };
    struct step step = {
        .model = &s->model, .session = "a", .x = values, .y = values, .forecast = values
    };
    struct sequence sequence = { .n_rows = 2, .y = values, .forecast = values, .n_forecast = 2 };
    struct prediction prediction = { .gru = s->model.active->gru,
                                     .version = s->model.active->number,
                                     .n_sequences = 1,
                                     .sequences = &sequence };
    struct error_sums sums = { .n = 1 };
    struct evaluation evaluation = {
        .prediction = prediction,
        .back_test = { .n_outputs = 1, .horizon = 1, .sums = &sums, .scales = (double[]){ 1.0 } }
    };
    struct session_forecast forecast = { .prediction = prediction, .sequence = sequence };
    struct session session = { .gru = s->model.active->gru,
                               .state = state,
                               .readings = values,
                               .n_readings = 2,
                               .errors = { counts, state, state } };
    const struct model *models[] = { &s->model };
    const struct job job = { .id = "a" };
    const struct job_event event = { .id = 1, .is_metrics = true };
    const struct job_checkpoint checkpoint = { .id = 1 };
    step.n_forecast = 4;
    codec_put_step(text, &step);
    codec_put_forecast(text, "a", &forecast);
    codec_put_session_list(text, &(const struct session_query){ .model = &s->model }, &session.row,
                           1, true);
    codec_put_session(text, &session);
    codec_put_prediction(text, s->model.name, &prediction);
    codec_put_evaluation(text, s->model.name, &evaluation);
    codec_put_models(text, models, 1);
    codec_put_job_list(text, &job, 1, true, true);
    codec_put_job_event_list(text, &event, 1, true);
    codec_put_job_checkpoint_list(text, "a", &checkpoint, 1, true);
    fault_set(&step.fault, STATUS_INTERNAL, "x", "x");
    codec_put_step(text, &step);
}

TEST(whichever_allocation_of_an_encoder_fails_the_text_fails)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct text text = { .failed = true };
    size_t cap = 0;
    for (; text.failed && cap < CAP_MAX; cap += CAP_STEP) {
        struct arena arena;
        arena_init(&arena, cap);
        text_init(&text, &arena, 1);
        put_everything(&s, &text);
        arena_done(&arena);
    }
    ck_assert(!text.failed);
    ck_assert_uint_gt(cap, 1000);
    setup_done(&s);
}
