/* decode_evaluate.c - the body of evaluate: a series, and how to judge forecasts of it. */
#include "codec/forecast_fields.h"
#include "codec/schemas.h"

#include <limits.h>

static const double LEVEL_INITIAL = 0.9;

struct evaluate_body {
    struct forecast_fields_body forecast_options;
    const struct model *model;
    const struct version *version;
    struct columns x, y;
    size_t n_y_rows;
    struct evaluation evaluation;
};

static enum status read_x(struct reader *r, void *body)
{
    struct evaluate_body *evaluate = body;
    return rows_read(r, &evaluate->x, &evaluate->evaluation.x, &evaluate->evaluation.n_rows);
}

static enum status read_y(struct reader *r, void *body)
{
    struct evaluate_body *evaluate = body;
    return rows_read(r, &evaluate->y, &evaluate->evaluation.y, &evaluate->n_y_rows);
}

/* Any level, offered or not: a back-test drops its calibration at its end. */
static enum status read_level(struct reader *r, void *body)
{
    struct evaluate_body *evaluate = body;
    double level;
    enum status status = reader_number(r, &level);
    if (status == STATUS_OK && !(level > 0.0 && level < 1.0)) {
        status = reader_refuse(r, STATUS_INVALID_VALUE,
                               "must be more than 0 and less than 1, as in 0.9");
    }
    evaluate->evaluation.level = level;
    return status;
}

static enum status read_season(struct reader *r, void *body)
{
    struct evaluate_body *evaluate = body;
    uint64_t season;
    enum status status = reader_integer(r, 1, GRU_SEASON_MAX, &season);
    if (status == STATUS_OK) {
        evaluate->evaluation.season = (size_t)season;
    }
    return status;
}

static enum status read_version(struct reader *r, void *body)
{
    struct evaluate_body *evaluate = body;
    uint64_t number;
    enum status status = reader_integer(r, 1, UINT_MAX, &number);
    return status == STATUS_OK
               ? version_find(evaluate->model, (unsigned)number, &evaluate->version, r->fault)
               : status;
}

enum evaluate_field { EVALUATE_X, EVALUATE_Y, EVALUATE_LEVEL };

static const struct field evaluate_fields[] = {
    [EVALUATE_X] = { "x", read_x, true, &schema_readings },
    [EVALUATE_Y] = { "y", read_y, false, &schema_truth },
    [EVALUATE_LEVEL] = { "level", read_level, false, &schema_any_level },
    { "horizon", forecast_fields_read_horizon, false, &schema_horizon },
    { "season", read_season, false, &schema_season },
    { "version", read_version, false, &schema_version_wanted },
};

const struct json_schema codec_evaluate_body = {
    .type = JSON_SCHEMA_OBJECT,
    .name = "Evaluate",
    JSON_SCHEMA_FIELDS(evaluate_fields),
    .example = "{\"x\":[[21.4,0.55],[21.5,0.54],[21.7,0.52],[21.6,0.53],[21.8,0.5]],\"level\":0.9}"
};

/* Intervals are tracked up to so many steps ahead. */
static enum status check_level(struct reader *r, struct evaluate_body *evaluate, bool has_level,
                               size_t most)
{
    struct evaluation *evaluation = &evaluate->evaluation;
    if (evaluation->horizon <= most) {
        evaluation->level = has_level ? evaluation->level : LEVEL_INITIAL;
        return STATUS_OK;
    }
    return !has_level ? STATUS_OK
                      : reader_refuse_field(r, STATUS_INVALID_VALUE, "level",
                                            "is for horizons of at most %zu "
                                            "(--interval-horizon-max); leave it out for one of %zu",
                                            most, evaluation->horizon);
}

static enum status check_rows(struct reader *r, const struct evaluate_body *evaluate,
                              size_t rows_max)
{
    const struct evaluation *evaluation = &evaluate->evaluation;
    size_t n = evaluation_rows(evaluate->version->gru, evaluation->n_rows, evaluation->horizon);
    return n <= rows_max ? STATUS_OK
                         : reader_refuse_field(
                               r, STATUS_REQUEST_TOO_LARGE, "horizon",
                               "is %zu, which from each of %zu rows goes beyond the %zu rows that "
                               "an evaluation may run through",
                               evaluation->horizon, evaluation->n_rows, rows_max);
}

/* What no field alone can tell. */
static enum status check_whole(struct reader *r, struct evaluate_body *evaluate, unsigned seen,
                               const struct codec_limits *limits)
{
    struct evaluation *evaluation = &evaluate->evaluation;
    const struct gru_model *gru = evaluate->version->gru;
    size_t horizon = evaluate->forecast_options.forecast_options.horizon;
    evaluation->horizon = horizon > 0 ? horizon : gru_model_info(gru)->steps;
    if ((seen & 1U << EVALUATE_Y) != 0 && evaluate->n_y_rows != evaluation->n_rows) {
        return reader_refuse_field(r, STATUS_WRONG_LENGTH, "y",
                                   "has %zu row%s, and x has %zu: y has one for each row of x",
                                   evaluate->n_y_rows, evaluate->n_y_rows == 1 ? "" : "s",
                                   evaluation->n_rows);
    }
    enum status status =
        forecast_fields_check_version(r, evaluate->model->active, evaluate->version);
    if (status == STATUS_OK) {
        status = forecast_fields_check_horizon(r, gru, evaluation->horizon);
    }
    if (status == STATUS_OK) {
        status = check_level(r, evaluate, (seen & 1U << EVALUATE_LEVEL) != 0,
                             limits->interval_horizon_max);
    }
    return status == STATUS_OK ? check_rows(r, evaluate, limits->evaluation_rows_max) : status;
}

enum status codec_evaluation(const struct codec_input *input, const struct model *model,
                             struct evaluation *ret_evaluation)
{
    const struct gru_info *info = gru_model_info(model->active->gru);
    struct reader r;
    unsigned seen;
    reader_init(&r, input);
    struct evaluate_body body = { .model = model, .version = model->active };
    forecast_fields_init(&body.forecast_options, &input->limits, info);
    columns_init(&body.x, info, false);
    columns_init_outputs(&body.y, info);
    body.x.rows_max = body.y.rows_max = input->limits.rows_max;
    body.x.has_all_digits = body.y.has_all_digits = forecast_fields_digits_vary(model);
    enum status status = reader_fields(
        &r, evaluate_fields, sizeof evaluate_fields / sizeof *evaluate_fields, &body, &seen);
    if (status == STATUS_OK) {
        status = check_whole(&r, &body, seen, &input->limits);
    }
    status = reader_end(&r, status);
    if (status == STATUS_OK) {
        const struct gru_info *asked = gru_model_info(body.version->gru);
        rows_round(&body.x, asked, body.evaluation.x, body.evaluation.n_rows);
        rows_round(&body.y, asked, body.evaluation.y, body.n_y_rows);
        *ret_evaluation = body.evaluation;
        ret_evaluation->prediction =
            (struct prediction){ .gru = body.version->gru, .version = body.version->number };
    }
    return status;
}
