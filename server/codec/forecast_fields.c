/* forecast_fields.c - see forecast_fields.h. */
#include "codec/forecast_fields.h"

#include <string.h>

void forecast_fields_init(struct forecast_fields_body *body, const struct codec_limits *limits,
                          const struct gru_info *info)
{
    *body = (struct forecast_fields_body){ .horizon_max = limits->horizon_max, .info = info };
    columns_init(&body->future, info, true);
}

enum status forecast_fields_read_horizon(struct reader *r, void *body)
{
    struct forecast_fields_body *forecast_options = body;
    uint64_t horizon;
    enum status status = reader_integer(r, 1, forecast_options->horizon_max, &horizon);
    if (status == STATUS_OK) {
        forecast_options->forecast_options.horizon = (size_t)horizon;
    }
    return status;
}

static enum status refuse_row(struct reader *r, void *body)
{
    (void)body;
    return reader_refuse(
        r, STATUS_INVALID_VALUE,
        "is a row too many: every input of this model is fed by an output, so no values are to "
        "be known ahead");
}

enum status forecast_fields_read_future(struct reader *r, void *body)
{
    struct forecast_fields_body *forecast_options = body;
    if (forecast_options->future.n == 0) {
        return reader_elements(r, "an array of rows", refuse_row, NULL,
                               &forecast_options->forecast_options.n_future_rows);
    }
    forecast_options->forecast_options.future_columns =
        forecast_options_columns(forecast_options->info);
    return rows_read(r, &forecast_options->future, &forecast_options->forecast_options.future,
                     &forecast_options->forecast_options.n_future_rows);
}

enum status forecast_fields_check_horizon(struct reader *r, const struct gru_model *gru,
                                          size_t horizon)
{
    const struct gru_info *info = gru_model_info(gru);
    if (horizon > info->steps && info->n_feeds == 0) {
        return reader_refuse_field(
            r, STATUS_HORIZON_NOT_SUPPORTED, "horizon",
            "is %zu, but the model forecasts %zu step%s at once and its outputs feed "
            "none of its inputs, so it cannot go on from there",
            horizon, info->steps, info->steps == 1 ? "" : "s");
    }
    return STATUS_OK;
}

enum status forecast_fields_check_future(struct reader *r, const struct gru_model *gru,
                                         const struct forecast_options *forecast_options)
{
    size_t n = forecast_options->n_future_rows, horizon = forecast_options->horizon;
    if (horizon == 0) {
        return n == 0
                   ? STATUS_OK
                   : reader_refuse_field(r, STATUS_INVALID_VALUE, "future",
                                         "is for a forecast, and without `horizon` there is none");
    }
    if (n > horizon) {
        return reader_refuse_field(r, STATUS_WRONG_LENGTH, "future",
                                   "has %zu rows, more than the horizon of %zu", n, horizon);
    }
    size_t n_needed = gru_future_rows(gru, horizon);
    if (n >= n_needed) {
        return STATUS_OK;
    }
    if (n == 0) {
        return reader_refuse_field(
            r, STATUS_MISSING_FIELD, "future",
            "is missing: a horizon of %zu needs %zu row%s of the inputs that no output "
            "feeds",
            horizon, n_needed, n_needed == 1 ? "" : "s");
    }
    return reader_refuse_field(r, STATUS_WRONG_LENGTH, "future",
                               "has %zu row%s where a horizon of %zu needs %zu", n,
                               n == 1 ? "" : "s", horizon, n_needed);
}

enum status forecast_fields_check(struct reader *r, const struct gru_model *gru,
                                  const struct forecast_options *forecast_options)
{
    enum status status = forecast_fields_check_horizon(r, gru, forecast_options->horizon);
    return status == STATUS_OK ? forecast_fields_check_future(r, gru, forecast_options) : status;
}

static bool has_same_inputs(const struct gru_info *a, const struct gru_info *b)
{
    bool same = a->n_inputs == b->n_inputs && a->n_future == b->n_future;
    for (size_t i = 0; same && i < a->n_inputs; i++) {
        same = strcmp(a->inputs[i].name, b->inputs[i].name) == 0 &&
               (a->inputs[i].feeds >= 0) == (b->inputs[i].feeds >= 0);
    }
    return same;
}

enum status forecast_fields_check_version(struct reader *r, const struct version *active,
                                          const struct version *version)
{
    if (has_same_inputs(gru_model_info(active->gru), gru_model_info(version->gru))) {
        return STATUS_OK;
    }
    return reader_refuse_field(r, STATUS_INCOMPATIBLE_MODEL, "version",
                               "is %u, whose inputs are not those of the active version %u",
                               version->number, active->number);
}
