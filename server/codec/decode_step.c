/* decode_step.c - the bodies of step, steps and forecast. */
#include "codec/crossing_fields.h"
#include "codec/explain_fields.h"
#include "codec/reader_skip.h"
#include "codec/schemas.h"
#include "codec/time_fields.h"

#include <math.h>
#include <string.h>

enum {
    STEP_BYTES = 64,
    STEPS_AT_FIRST_MAX = 1024
}; /* how the number of steps is guessed from the text */

struct step_body {
    struct forecast_fields_body
        forecast_options; /* the first member: its fields are read into it */
    size_t rows_left;     /* that the forecasts of the request may have */
    struct columns x;
    double *values; /* of x */
    bool has_seq, may_begin, may_fill, has_at, may_amend;
    uint64_t seq, amends_step;
    double at;
    char session[SESSION_ID_MAX + 1]; /* in a batch */
};

enum { STEP_SESSION = 15 };

static enum status read_session(struct reader *r, void *body)
{
    struct step_body *step = body;
    return reader_session_id(r, step->session);
}

static enum status read_x(struct reader *r, void *body)
{
    struct step_body *step = body;
    step->values = reader_alloc(r, step->x.n, sizeof *step->values);
    return step->values != NULL ? rows_read_one(r, &step->x, step->values) : r->fault->status;
}

static enum status read_seq(struct reader *r, void *body)
{
    struct step_body *step = body;
    step->has_seq = true;
    return reader_integer(r, 1, UINT64_C(1) << 53, &step->seq);
}

static enum status read_begin(struct reader *r, void *body)
{
    return reader_bool(r, &((struct step_body *)body)->may_begin);
}

static enum status read_fill(struct reader *r, void *body)
{
    return reader_bool(r, &((struct step_body *)body)->may_fill);
}

static enum status read_at(struct reader *r, void *body)
{
    struct step_body *step = body;
    step->has_at = true;
    return time_fields_read_at(r, &step->at);
}

static enum status read_late(struct reader *r, void *body)
{
    static const char expected[] = "\"amend\", or left out";
    char text[sizeof "amend"];
    enum status status = reader_string(r, expected, text, sizeof text);
    if (status == STATUS_OK && strcmp(text, "amend") != 0) {
        status = reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    ((struct step_body *)body)->may_amend = true;
    return status;
}

static enum status read_amends_step(struct reader *r, void *body)
{
    return reader_integer(r, 1, UINT64_C(1) << 53, &((struct step_body *)body)->amends_step);
}

static enum status read_anomaly(struct reader *r, void *body)
{
    struct forecast_options *options =
        &((struct step_body *)body)->forecast_options.forecast_options;
    bool is_asked = false;
    enum status status = reader_bool(r, &is_asked);
    options->parts |= is_asked ? TAIL_ANOMALY : 0;
    return status;
}

static const struct field step_fields[] = {
    { "x", read_x, true, &schema_reading },
    { "seq", read_seq, false, &schema_seq },
    { "begin", read_begin, false, &schema_begin },
    { "fill", read_fill, false, &schema_fill },
    { "at", read_at, false, &schema_at },
    { "late", read_late, false, &schema_late },
    { "step", read_amends_step, false, &schema_amends_step },
    { "horizon", forecast_fields_read_horizon, false, &schema_horizon },
    { "future", forecast_fields_read_future, false, &schema_future },
    { "level", forecast_fields_read_level, false, &schema_level },
    { "blend", forecast_fields_read_blend, false, &schema_blend },
    { "as", forecast_fields_read_as, false, &schema_as },
    { "anomaly", read_anomaly, false, &schema_anomaly },
    { "crossing", crossing_fields_read, false, &codec_crossing_part },
    { "explain", explain_fields_read, false, &codec_explain_field },
    [STEP_SESSION] = { "session", read_session, true,
                       &schema_session_id }, /* last: only in a batch */
};

const struct json_schema codec_step_body = {
    .type = JSON_SCHEMA_OBJECT,
    .name = "Step",
    .fields = step_fields,
    .n_fields = STEP_SESSION,
    .example = "{\"x\":[21.4,0.55],\"horizon\":1,\"level\":0.9}"
};
const struct json_schema codec_batch_step_body = {
    .type = JSON_SCHEMA_OBJECT,
    .name = "BatchStep",
    .fields = step_fields,
    .n_fields = STEP_SESSION + 1,
};

static void step_init(struct step_body *body, const struct codec_limits *limits,
                      const struct model *model)
{
    const struct gru_info *info = gru_model_info(model->active->gru);
    body->rows_left = limits->rows_max;
    forecast_fields_init(&body->forecast_options, limits, info);
    columns_init(&body->x, info, false);
}

/* A step's forecast counts as rows of its request. */
static enum status count_rows(struct reader *r, struct step_body *body)
{
    size_t horizon = body->forecast_options.forecast_options.horizon;
    if (horizon > body->rows_left) {
        return reader_refuse_field(r, STATUS_REQUEST_TOO_LARGE, "horizon",
                                   "is %zu, but only %zu rows are left of those that the forecasts "
                                   "of one request may have (--row-max)",
                                   horizon, body->rows_left);
    }
    body->rows_left -= horizon;
    return STATUS_OK;
}

/* A late reading is named by its time or by its step. */
static enum status check_late(struct reader *r, const struct step_body *body)
{
    if (body->amends_step > 0 && !body->may_amend) {
        return reader_refuse_field(r, STATUS_MISSING_FIELD, "late",
                                   "is missing: `step` names the reading that is amended, with "
                                   "\"late\":\"amend\"");
    }
    if (body->amends_step > 0 && (body->has_at || body->has_seq)) {
        return reader_refuse_field(r, STATUS_INVALID_VALUE, "step",
                                   "names the reading by itself: leave `at` and `seq` out");
    }
    if (body->may_amend && !body->has_at && body->amends_step == 0) {
        return reader_refuse_field(r, STATUS_MISSING_FIELD, "at",
                                   "is missing: `late` says what to do about it; or name a `step`");
    }
    return STATUS_OK;
}

/* Reads one step at the reader's place. The body may have served for another step before. */
static enum status read_step(struct reader *r, bool in_batch, const struct model *model,
                             struct step_body *body)
{
    unsigned seen;
    body->forecast_options.forecast_options = (struct forecast_options){ 0 };
    body->has_seq = body->may_begin = body->may_fill = false;
    body->has_at = body->may_amend = false;
    body->seq = body->amends_step = 0;
    body->at = 0;
    enum status status =
        reader_fields(r, step_fields, in_batch ? STEP_SESSION + 1 : STEP_SESSION, body, &seen);
    if (status == STATUS_OK && (body->may_begin || body->may_fill) && !body->has_seq) {
        status = reader_refuse_field(r, STATUS_MISSING_FIELD, "seq",
                                     "is missing: `begin` and `fill` say what it may be");
    }
    if (status == STATUS_OK) {
        status = check_late(r, body);
    }
    if (status == STATUS_OK) {
        status =
            forecast_fields_check(r, model->active->gru, &body->forecast_options.forecast_options);
    }
    if (status == STATUS_OK) {
        status = forecast_fields_check_level(r, &body->forecast_options, model->active->gru);
    }
    if (status == STATUS_OK) {
        status = forecast_fields_check_blend(r, &body->forecast_options, model->active->gru);
    }
    if (status == STATUS_OK) {
        status = forecast_fields_check_as(r, &body->forecast_options);
    }
    if (status == STATUS_OK) {
        status = crossing_fields_check(r, &body->forecast_options);
    }
    if (status == STATUS_OK && body->forecast_options.forecast_options.explain != NULL) {
        status = explain_fields_check(r, &body->forecast_options);
    }
    return status == STATUS_OK ? count_rows(r, body) : status;
}

/* The step as it was read, and no results yet. Field by field: a whole struct step is large. */
static void fill_step(const struct step_body *body, bool in_batch, struct step *step)
{
    memcpy(step->model_name, step->model->name, sizeof step->model_name);
    if (in_batch) {
        memcpy(step->session, body->session, sizeof step->session);
    }
    step->x = body->values;
    step->has_seq = body->has_seq;
    step->seq = body->seq;
    step->may_begin = body->may_begin;
    step->may_fill = body->may_fill;
    step->has_at = body->has_at;
    step->at = body->at;
    step->may_amend = body->may_amend;
    step->amends_step = body->amends_step;
    step->forecast_options = body->forecast_options.forecast_options;
    step->may_slice = false;
    step->is_done = step->is_out = step->is_checked = step->is_absent = false;
    step->n_refused = 0;
    step->slices = NULL;
    step->ahead = NULL;
    step->amend = NULL;
    step->explaining = NULL;
    step->rule_wants = NULL;
    step->fault.status = STATUS_OK;
    step->number = 0;
    step->is_repeated = step->is_restarted = false;
    step->n_filled = 0;
    step->amended = 0;
    step->version = 0;
    step->y = NULL;
    step->forecast = NULL;
    step->n_forecast = 0;
    step->intervals.n = 0;
    step->blend.is_told = false;
    step->anomaly_p = NAN;
    step->anomaly_by_output = NULL;
    step->crossing.by_horizon = NULL;
    step->explanation = NULL;
}

enum status codec_step(const struct codec_input *input, bool in_batch, struct step *ret_step)
{
    struct reader r;
    struct step_body body;
    reader_init(&r, input);
    r.whole = in_batch ? "the step" : r.whole;
    step_init(&body, &input->limits, ret_step->model);
    enum status status = reader_end(&r, read_step(&r, in_batch, ret_step->model, &body));
    if (status == STATUS_OK) {
        fill_step(&body, in_batch, ret_step);
    }
    return status;
}

/* ---- many steps ---- */

struct steps_body {
    const struct model *model;
    struct step_body element; /* one for all, so that input names are sorted once */
    struct step *steps;
    size_t n, size;
};

/* An element of `steps`. A fault that is its own stays with it, and the reader goes on behind it.
 */
static enum status read_element(struct reader *r, void *body)
{
    struct steps_body *steps = body;
    struct step *grown = reader_grow(r, steps->steps, r->place->index, sizeof *grown, &steps->size);
    if (grown == NULL) {
        return r->fault->status;
    }
    steps->steps = grown;
    struct step *step = &grown[r->place->index];
    *step = (struct step){ .arena = r->arena, .model = steps->model };

    struct reader own = *r;
    own.fault = &step->fault;
    own.place = NULL;
    own.whole = "the step";
    enum status status = read_step(&own, true, steps->model, &steps->element);
    if (status == STATUS_OK) {
        fill_step(&steps->element, true, step);
        r->json = own.json;
        return STATUS_OK;
    }
    if (status == STATUS_REQUEST_TOO_LARGE || status == STATUS_NO_MEMORY) {
        *r->fault = step->fault;
        return status;
    }
    step->is_done = true;
    return reader_skip(r);
}

static enum status read_steps(struct reader *r, void *body)
{
    struct steps_body *steps = body;
    enum status status = reader_elements(r, "an array of steps", read_element, body, &steps->n);
    if (status == STATUS_OK && steps->n == 0) {
        status = reader_refuse(r, STATUS_WRONG_LENGTH, "must hold at least one step");
    }
    return status;
}

static const struct json_schema schema_steps = { .type = JSON_SCHEMA_ARRAY,
                                                 .items = &codec_batch_step_body,
                                                 .least = 1 };
static const struct field steps_fields[] = { { "steps", read_steps, true, &schema_steps } };

const struct json_schema codec_steps_body = {
    .type = JSON_SCHEMA_OBJECT,
    .name = "Steps",
    JSON_SCHEMA_FIELDS(steps_fields),
    .as_lines = "a BatchStep a line",
    .example = "{\"steps\":[{\"session\":\"pump-7\",\"x\":[21.4,0.55]},"
               "{\"session\":\"pump-8\",\"x\":{\"temp\":20.9}}]}"
};

enum status codec_steps(const struct codec_input *input, const struct model *model,
                        struct step **ret_steps, size_t *ret_n)
{
    struct reader r;
    struct steps_body body = { .model = model, .size = input->n / STEP_BYTES + 1 };
    unsigned seen;
    reader_init(&r, input);
    step_init(&body.element, &input->limits, model);
    body.size = body.size < STEPS_AT_FIRST_MAX ? body.size : STEPS_AT_FIRST_MAX;
    body.steps = reader_alloc(&r, body.size, sizeof *body.steps);
    if (body.steps == NULL) {
        return r.fault->status;
    }
    enum status status = reader_end(&r, reader_fields(&r, steps_fields, 1, &body, &seen));
    if (status == STATUS_OK) {
        *ret_steps = body.steps;
        *ret_n = body.n;
    }
    return status;
}

/* ---- forecast ---- */

static const struct field forecast_fields[] = {
    { "horizon", forecast_fields_read_horizon, true, &schema_horizon },
    { "future", forecast_fields_read_future, false, &schema_future },
    { "level", forecast_fields_read_level, false, &schema_level },
    { "blend", forecast_fields_read_blend, false, &schema_blend },
    { "as", forecast_fields_read_as, false, &schema_as },
    { "crossing", crossing_fields_read, false, &codec_crossing_part },
    { "explain", explain_fields_read, false, &codec_explain_field },
};

const struct json_schema codec_forecast_body = { .type = JSON_SCHEMA_OBJECT,
                                                 .name = "Forecast",
                                                 JSON_SCHEMA_FIELDS(forecast_fields),
                                                 .example = "{\"horizon\":1}" };

enum status codec_forecast_options(const struct codec_input *input, const struct model *model,
                                   struct forecast_options *ret_forecast_options)
{
    const struct gru_model *gru = model->active->gru;
    struct reader r;
    struct forecast_fields_body body;
    unsigned seen;
    reader_init(&r, input);
    forecast_fields_init(&body, &input->limits, gru_model_info(gru));
    enum status status = reader_fields(
        &r, forecast_fields, sizeof forecast_fields / sizeof *forecast_fields, &body, &seen);
    if (status == STATUS_OK) {
        status = forecast_fields_check(&r, gru, &body.forecast_options);
    }
    if (status == STATUS_OK) {
        status = forecast_fields_check_level(&r, &body, gru);
    }
    if (status == STATUS_OK) {
        status = forecast_fields_check_blend(&r, &body, gru);
    }
    if (status == STATUS_OK) {
        status = forecast_fields_check_as(&r, &body);
    }
    if (status == STATUS_OK) {
        status = crossing_fields_check(&r, &body);
    }
    if (status == STATUS_OK && body.forecast_options.explain != NULL) {
        status = explain_fields_check(&r, &body);
    }
    status = reader_end(&r, status);
    if (status == STATUS_OK) {
        *ret_forecast_options = body.forecast_options;
    }
    return status;
}
