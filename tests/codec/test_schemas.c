/* The schemas of bodies are what the decoders take: field by field, and by their examples. */
#include "codec/schemas.h"
#include "codec_support.h"

#include <stdio.h>
#include <string.h>

/* ---- the decoders ---- */

static enum status take_step(struct setup *s, const char *body)
{
    struct step step = { .arena = &s->arena, .model = &s->model, .session = "pump-7" };
    return codec_step(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), false, &step);
}

/* An element that is wrong has the fault for itself. */
static enum status take_steps(struct setup *s, const char *body)
{
    struct step *steps;
    size_t n;
    enum status status = codec_steps(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault),
                                     &s->model, &steps, &n);
    if (status == STATUS_OK && steps[0].fault.status != STATUS_OK) {
        s->fault = steps[0].fault;
        status = s->fault.status;
    }
    return status;
}

static enum status take_forecast(struct setup *s, const char *body)
{
    struct forecast_options options;
    return codec_forecast_options(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault),
                                  &s->model, &options);
}

static enum status take_predict(struct setup *s, const char *body)
{
    struct prediction prediction;
    return codec_prediction(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), &s->model,
                            &prediction);
}

static enum status take_evaluate(struct setup *s, const char *body)
{
    struct evaluation evaluation;
    return codec_evaluation(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), &s->model,
                            &evaluation);
}

static enum status take_session(struct setup *s, const char *body)
{
    struct session_restore restore;
    return codec_session_restore(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault),
                                 &s->model, &restore);
}

static enum status take_fork(struct setup *s, const char *body)
{
    char to[SESSION_ID_MAX + 1];
    return codec_fork(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), to);
}

static enum status take_job(struct setup *s, const char *body)
{
    const struct job_target target = { .model = "weather", .version = 3 };
    struct job_request request;
    return codec_job(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), false, &target,
                     gru_model_info(s->model.active->gru), &request);
}

static enum status take_nothing(struct setup *s, const char *body)
{
    return codec_no_fields(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault));
}

static const struct body {
    const struct json_schema *schema;
    enum status (*take)(struct setup *s, const char *body);
} bodies[] = {
    { &codec_step_body, take_step },         { &codec_steps_body, take_steps },
    { &codec_forecast_body, take_forecast }, { &codec_predict_body, take_predict },
    { &codec_evaluate_body, take_evaluate }, { &codec_session_body, take_session },
    { &codec_fork_body, take_fork },         { &codec_job_body, take_job },
    { &codec_no_body, take_nothing },
};

/* ---- walking ---- */

enum { TEXT_SIZE = 512 };

/* An object at some depth of a body: what stands before it and behind it. */
struct spot {
    const struct body *body;
    char before[TEXT_SIZE], after[TEXT_SIZE];
};

static enum status take(struct setup *s, const struct spot *spot, const char *object)
{
    char text[3 * TEXT_SIZE];
    snprintf(text, sizeof text, "%s%s%s", spot->before, object, spot->after);
    return spot->body->take(s, text);
}

static void walk(struct setup *s, const struct spot *spot, const struct json_schema *schema,
                 size_t *n_walked);

static void walk_into(struct setup *s, const struct spot *spot, const struct field *field,
                      size_t *n_walked)
{
    const bool is_array = field->schema->type == JSON_SCHEMA_ARRAY;
    const struct json_schema *inner = is_array ? field->schema->items : field->schema;
    struct spot deeper = { .body = spot->body };
    int n = snprintf(deeper.before, TEXT_SIZE, "%s{\"%s\":%s", spot->before, field->name,
                     is_array ? "[" : "");
    ck_assert_int_lt(n, TEXT_SIZE);
    snprintf(deeper.after, TEXT_SIZE, "%s}%.256s", is_array ? "]" : "", spot->after);
    if (inner->n_fields > 0) {
        walk(s, &deeper, inner, n_walked);
    }
}

static void walk(struct setup *s, const struct spot *spot, const struct json_schema *schema,
                 size_t *n_walked)
{
    ck_assert_int_eq(take(s, spot, "{\"no_such_field\":1}"), STATUS_UNKNOWN_FIELD);
    for (size_t k = 0; k < schema->n_fields; k++) {
        const struct field *field = &schema->fields[k];
        char object[TEXT_SIZE];
        ck_assert_msg(field->schema != NULL, "%s has no schema", field->name);
        snprintf(object, sizeof object, "{\"%s\":{}}", field->name);
        enum status status = take(s, spot, object);
        ck_assert_msg(status != STATUS_UNKNOWN_FIELD, "%s: %s", object, s->fault.message);
        (*n_walked)++;
        walk_into(s, spot, field, n_walked);
    }
}

TEST(decoders_know_the_fields_of_their_schemas_and_no_others)
{
    size_t n_walked = 0;
    for (size_t k = 0; k < N_OF(bodies); k++) {
        struct setup s;
        const struct spot whole = { .body = &bodies[k] };
        setup_init(&s, model_weather());
        walk(&s, &whole, bodies[k].schema, &n_walked);
        setup_done(&s);
    }
    ck_assert_uint_ge(n_walked, 80);
}

TEST(what_a_schema_requires_is_missing_from_an_empty_body)
{
    for (size_t k = 0; k < N_OF(bodies); k++) {
        const struct json_schema *schema = bodies[k].schema;
        struct setup s;
        bool requires = schema->either != NULL;
        for (size_t i = 0; i < schema->n_fields; i++) {
            requires |= schema->fields[i].is_required;
        }
        setup_init(&s, model_weather());
        ck_assert_int_eq(bodies[k].take(&s, "{}"), requires ? STATUS_MISSING_FIELD : STATUS_OK);
        setup_done(&s);
    }
}

TEST(the_examples_of_bodies_are_taken)
{
    for (size_t k = 0; k < N_OF(bodies); k++) {
        struct setup s;
        setup_init(&s, model_weather());
        ck_assert_ptr_nonnull(bodies[k].schema->example);
        enum status status = bodies[k].take(&s, bodies[k].schema->example);
        ck_assert_msg(status == STATUS_OK, "%s: %s", bodies[k].schema->example, s.fault.message);
        setup_done(&s);
    }
}
