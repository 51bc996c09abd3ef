/* decode_predict.c - the body of predict: one sequence, or many instances. */
#include "codec/forecast_fields.h"
#include "codec/schemas.h"
#include "codec/time_fields.h"

#include <limits.h>
#include <string.h>

/* The whole body, and each of `instances`: the same readers serve both. */
struct predict_body {
    struct forecast_fields_body forecast_options;
    struct columns *x;
    struct sequence *sequence; /* what `x` goes to */
    /* of the whole only: */
    const struct model *model;
    const struct version *version;
    size_t rows_max;
    bool last_only;
    struct sequence *sequences;
    size_t n_sequences, size;
};

static enum status read_x(struct reader *r, void *body)
{
    struct predict_body *predict = body;
    enum status status =
        rows_read(r, predict->x, &predict->sequence->x, &predict->sequence->n_rows);
    if (status == STATUS_OK && predict->sequence->n_rows == 0) {
        status = reader_refuse(r, STATUS_WRONG_LENGTH, "must hold at least one row");
    }
    return status;
}

static enum status read_at(struct reader *r, void *body)
{
    struct forecast_options *options =
        &((struct predict_body *)body)->forecast_options.forecast_options;
    options->has_at = true;
    return time_fields_read_at(r, &options->at);
}

/* ---- instances ---- */

static const struct field instance_fields[] = {
    { "x", read_x, true, &schema_sequence },
    { "future", forecast_fields_read_future, false, &schema_future },
    { "at", read_at, false, &schema_last_row_at },
};

static const struct json_schema instance_part = { .type = JSON_SCHEMA_OBJECT,
                                                  JSON_SCHEMA_FIELDS(instance_fields) };
static const struct json_schema schema_instances = {
    .type = JSON_SCHEMA_ARRAY,
    .items = &instance_part,
    .least = 1,
    .help = "many sequences, whose lengths may differ"
};

static enum status read_instance(struct reader *r, void *body)
{
    struct predict_body *predict = body;
    struct sequence *grown =
        reader_grow(r, predict->sequences, r->place->index, sizeof *grown, &predict->size);
    if (grown == NULL) {
        return r->fault->status;
    }
    predict->sequences = grown;
    struct sequence *sequence = &grown[r->place->index];
    *sequence = (struct sequence){ 0 };
    /* The columns of `future` are lent, so that its names are sorted once and not per instance. */
    struct predict_body instance = { .forecast_options.future = predict->forecast_options.future,
                                     .forecast_options.info = predict->forecast_options.info,
                                     .x = predict->x,
                                     .sequence = sequence };
    unsigned seen;
    enum status status = reader_fields(
        r, instance_fields, sizeof instance_fields / sizeof *instance_fields, &instance, &seen);
    predict->forecast_options.future = instance.forecast_options.future;
    sequence->forecast_options = instance.forecast_options.forecast_options;
    return status;
}

static enum status read_instances(struct reader *r, void *body)
{
    struct predict_body *predict = body;
    enum status status =
        reader_elements(r, "an array of instances", read_instance, body, &predict->n_sequences);
    if (status == STATUS_OK && predict->n_sequences == 0) {
        status = reader_refuse(r, STATUS_WRONG_LENGTH, "must hold at least one instance");
    }
    return status;
}

/* ---- the whole ---- */

static enum status read_return(struct reader *r, void *body)
{
    static const char expected[] = "\"all\" or \"last\"";
    struct predict_body *predict = body;
    char word[sizeof "last"];
    enum status status = reader_string(r, expected, word, sizeof word);
    if (status != STATUS_OK) {
        return status;
    }
    predict->last_only = strcmp(word, "last") == 0;
    return predict->last_only || strcmp(word, "all") == 0
               ? STATUS_OK
               : reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
}

static enum status read_version(struct reader *r, void *body)
{
    struct predict_body *predict = body;
    uint64_t number;
    enum status status = reader_integer(r, 1, UINT_MAX, &number);
    return status == STATUS_OK
               ? version_find(predict->model, (unsigned)number, &predict->version, r->fault)
               : status;
}

enum predict_field { PREDICT_X, PREDICT_INSTANCES, PREDICT_FUTURE, PREDICT_AT };

static const struct field predict_fields[] = {
    [PREDICT_X] = { "x", read_x, false, &schema_sequence },
    [PREDICT_INSTANCES] = { "instances", read_instances, false, &schema_instances },
    [PREDICT_FUTURE] = { "future", forecast_fields_read_future, false, &schema_future },
    [PREDICT_AT] = { "at", read_at, false, &schema_last_row_at },
    { "horizon", forecast_fields_read_horizon, false, &schema_horizon },
    { "level", forecast_fields_read_level, false, &schema_level },
    { "as", forecast_fields_read_as, false, &schema_as },
    { "return", read_return, false, &schema_return },
    { "version", read_version, false, &schema_version_wanted },
};

const struct json_schema codec_predict_body = {
    .type = JSON_SCHEMA_OBJECT,
    .name = "Predict",
    JSON_SCHEMA_FIELDS(predict_fields),
    .either = "x|instances",
    .example = "{\"x\":[[21.4,0.55],[21.5,0.54],[21.7,0.52]],\"return\":\"last\"}"
};

static enum status check_instances(struct reader *r, struct predict_body *predict)
{
    struct place instances = { r->place, "instances", 0 }, element = { &instances, NULL, 0 };
    const struct gru_model *gru = predict->version->gru;
    const struct forecast_options *whole = &predict->forecast_options.forecast_options;
    enum status status = forecast_fields_check_horizon(r, gru, whole->horizon);
    r->place = &element;
    for (size_t i = 0; status == STATUS_OK && i < predict->n_sequences; i++) {
        element.index = i;
        predict->sequences[i].forecast_options.horizon = whole->horizon;
        predict->sequences[i].forecast_options.levels = whole->levels;
        predict->sequences[i].forecast_options.as_records = whole->as_records;
        status = forecast_fields_check_future(r, gru, &predict->sequences[i].forecast_options);
    }
    r->place = instances.up;
    return status;
}

/* The rows of x were counted as they came: those of the forecasts join them. */
static enum status check_rows(struct reader *r, const struct predict_body *predict,
                              size_t n_sequences)
{
    const struct forecast_options *options = &predict->forecast_options.forecast_options;
    size_t n, n_origins = options->levels ? SEQUENCE_ORIGINS_MAX + 1 : 1,
              horizon = options->horizon;
    if (__builtin_mul_overflow(n_sequences, horizon * n_origins, &n) ||
        n > predict->rows_max - predict->x->n_rows) {
        return reader_refuse_field(
            r, STATUS_REQUEST_TOO_LARGE, "horizon",
            "is %zu, which for %zu sequence%s of together %zu rows%s goes beyond the %zu "
            "rows that a request may have",
            horizon, n_sequences, n_sequences == 1 ? "" : "s", predict->x->n_rows,
            options->levels ? ", rolled out from up to 200 rows of each for `level`," : "",
            predict->rows_max);
    }
    return STATUS_OK;
}

/* What no field alone can tell. */
static enum status check_whole(struct reader *r, struct predict_body *predict, unsigned seen)
{
    bool has_x = (seen & 1U << PREDICT_X) != 0,
         has_instances = (seen & 1U << PREDICT_INSTANCES) != 0;
    if (!has_x && !has_instances) {
        return reader_refuse_field(r, STATUS_MISSING_FIELD, "x", "is missing (or `instances`)");
    }
    if (has_x && has_instances) {
        return reader_refuse_field(r, STATUS_INVALID_VALUE, "instances",
                                   "and `x` exclude each other");
    }
    const unsigned of_one = seen & (1U << PREDICT_FUTURE | 1U << PREDICT_AT);
    if (has_instances && of_one != 0) {
        return reader_refuse_field(r, STATUS_INVALID_VALUE,
                                   of_one & 1U << PREDICT_FUTURE ? "future" : "at",
                                   "belongs into each of the instances, not beside them");
    }
    enum status status = forecast_fields_check_as(r, &predict->forecast_options);
    if (status != STATUS_OK) {
        return status;
    }
    status = forecast_fields_check_version(r, predict->model->active, predict->version);
    if (status == STATUS_OK) {
        status = check_rows(r, predict, has_instances ? predict->n_sequences : 1);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = forecast_fields_check_level(r, &predict->forecast_options, predict->version->gru);
    if (status != STATUS_OK) {
        return status;
    }
    if (has_instances) {
        return check_instances(r, predict);
    }
    predict->sequence->forecast_options = predict->forecast_options.forecast_options;
    return forecast_fields_check(r, predict->version->gru, &predict->sequence->forecast_options);
}

/* Once it is known which version is asked. */
static void round_rows(const struct predict_body *predict, const struct sequence *sequences,
                       size_t n_sequences)
{
    const struct gru_info *info = gru_model_info(predict->version->gru);
    for (size_t k = 0; k < n_sequences; k++) {
        const struct forecast_options *options = &sequences[k].forecast_options;
        rows_round(predict->x, info, sequences[k].x, sequences[k].n_rows);
        rows_round(&predict->forecast_options.future, info, options->future,
                   options->n_future_rows);
    }
}

enum status codec_prediction(const struct codec_input *input, const struct model *model,
                             struct prediction *ret_prediction)
{
    const struct gru_info *info = gru_model_info(model->active->gru);
    struct reader r;
    struct columns x;
    unsigned seen;
    reader_init(&r, input);
    columns_init(&x, info, false);
    x.rows_max = input->limits.rows_max;
    struct predict_body body = {
        .x = &x, .model = model, .version = model->active, .rows_max = input->limits.rows_max
    };
    forecast_fields_init(&body.forecast_options, &input->limits, info);
    x.has_all_digits = forecast_fields_digits_vary(model);
    body.forecast_options.future.has_all_digits = x.has_all_digits;
    body.sequence = reader_alloc(&r, 1, sizeof *body.sequence);
    if (body.sequence == NULL) {
        return r.fault->status;
    }
    *body.sequence = (struct sequence){ 0 };
    enum status status = reader_fields(
        &r, predict_fields, sizeof predict_fields / sizeof *predict_fields, &body, &seen);
    if (status == STATUS_OK) {
        status = check_whole(&r, &body, seen);
    }
    status = reader_end(&r, status);
    if (status == STATUS_OK) {
        bool has_instances = (seen & 1U << PREDICT_INSTANCES) != 0;
        *ret_prediction =
            (struct prediction){ .gru = body.version->gru,
                                 .version = body.version->number,
                                 .last_only = body.last_only,
                                 .has_instances = has_instances,
                                 .n_sequences = has_instances ? body.n_sequences : 1,
                                 .sequences = has_instances ? body.sequences : body.sequence };
        round_rows(&body, ret_prediction->sequences, ret_prediction->n_sequences);
    }
    return status;
}
