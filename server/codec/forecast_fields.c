/* forecast_fields.c - see forecast_fields.h. */
#include "codec/forecast_fields.h"

#include <string.h>

void forecast_fields_init(struct forecast_fields_body *body, const struct codec_limits *limits,
                          const struct gru_info *info)
{
    *body = (struct forecast_fields_body){ .horizon_max = limits->horizon_max,
                                           .interval_horizon_max = limits->interval_horizon_max,
                                           .interval_levels = limits->interval_levels,
                                           .info = info };
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

/* ---- level ---- */

struct level_body {
    const struct interval_levels *offered;
    struct interval_levels *levels;
};

static enum status read_level(struct reader *r, void *body)
{
    struct level_body *level_body = body;
    const struct interval_levels *offered = level_body->offered;
    double level;
    enum status status = reader_number(r, &level);
    if (status != STATUS_OK) {
        return status;
    }
    if (!(level > 0 && level < 1)) {
        return reader_refuse(r, STATUS_INVALID_VALUE,
                             "must be between 0 and 1, as 0.9 is for 9 of 10 readings, not %g",
                             level);
    }
    if (interval_levels_find(offered, level) == offered->n) {
        char text[INTERVAL_LEVELS_TEXT];
        interval_levels_print(offered, text);
        return reader_refuse(r, STATUS_INVALID_VALUE,
                             "is %.15g, which is not offered (--interval-levels): %s", level, text);
    }
    interval_levels_add(level_body->levels, level);
    return STATUS_OK;
}

enum status forecast_fields_read_level(struct reader *r, void *body)
{
    struct forecast_fields_body *forecast_options = body;
    struct level_body level_body = { forecast_options->interval_levels,
                                     reader_alloc(r, 1, sizeof *level_body.levels) };
    if (level_body.levels == NULL) {
        return r->fault->status;
    }
    level_body.levels->n = 0;
    size_t n = 1;
    enum status status =
        json_peek(&r->json) == JSON_ARRAY
            ? reader_elements(r, "a number, or an array of numbers", read_level, &level_body, &n)
            : read_level(r, &level_body);
    if (status == STATUS_OK && n == 0) {
        status = reader_refuse(r, STATUS_INVALID_VALUE, "must name at least one level");
    }
    forecast_options->forecast_options.levels = level_body.levels;
    return status;
}

/* ---- blend ---- */

enum status forecast_fields_read_blend(struct reader *r, void *body)
{
    struct forecast_options *options = &((struct forecast_fields_body *)body)->forecast_options;
    bool is_asked = false;
    enum status status = reader_bool(r, &is_asked);
    options->parts |= is_asked ? TAIL_BLEND : 0;
    return status;
}

enum status forecast_fields_check_blend(struct reader *r, const struct forecast_fields_body *body,
                                        const struct gru_model *gru)
{
    const struct forecast_options *options = &body->forecast_options;
    if (!(options->parts & TAIL_BLEND)) {
        return STATUS_OK;
    }
    const size_t n_steps = gru_model_info(gru)->steps;
    const size_t n_rows = options->horizon > 0 ? options->horizon : n_steps;
    if (body->interval_levels->n == 0) {
        return reader_refuse_field(r, STATUS_INVALID_VALUE, "blend",
                                   "needs a session that keeps how well it forecasts, and this "
                                   "grud offers no levels: start it with --interval-levels");
    }
    if (n_rows <= body->interval_horizon_max) {
        return STATUS_OK;
    }
    return reader_refuse_field(
        r, STATUS_INVALID_VALUE, options->horizon > 0 ? "horizon" : "blend",
        "%s %zu, but mixtures reach 1 to %zu steps ahead (--interval-horizon-max)",
        options->horizon > 0 ? "is" : "asks for a mixture of the model's steps, which are", n_rows,
        body->interval_horizon_max);
}

/* ---- as ---- */

enum status forecast_fields_read_as(struct reader *r, void *body)
{
    static const char expected[] = "\"arrays\" or \"records\"";
    struct forecast_options *options = &((struct forecast_fields_body *)body)->forecast_options;
    char word[sizeof "records"];
    enum status status = reader_string(r, expected, word, sizeof word);
    if (status != STATUS_OK) {
        return status;
    }
    options->as_records = strcmp(word, "records") == 0;
    return options->as_records || strcmp(word, "arrays") == 0
               ? STATUS_OK
               : reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
}

static enum status check_names(struct reader *r, const struct gru_info *info)
{
    for (size_t k = 0; k < info->n_outputs; k++) {
        const char *name = info->outputs[k].name;
        if (strcmp(name, "time") == 0 || strcmp(name, "ahead") == 0) {
            return reader_refuse_field(r, STATUS_RECORDS_NOT_SUPPORTED, "as",
                                       "cannot be \"records\": the model has an output '%s', and "
                                       "a record has a `%s` of its own; ask for arrays",
                                       name, name);
        }
    }
    return STATUS_OK;
}

enum status forecast_fields_check_as(struct reader *r, const struct forecast_fields_body *body)
{
    return body->forecast_options.as_records ? check_names(r, body->info) : STATUS_OK;
}

enum status forecast_fields_check_level(struct reader *r, const struct forecast_fields_body *body,
                                        const struct gru_model *gru)
{
    const bool has_levels = body->forecast_options.levels != NULL;
    if (!has_levels && body->forecast_options.crossing == NULL) {
        return STATUS_OK;
    }
    const struct gru_info *info = gru_model_info(gru);
    size_t horizon = body->forecast_options.horizon;
    size_t n_rows = horizon > 0 ? horizon : info->steps;
    if (n_rows <= body->interval_horizon_max) {
        return STATUS_OK;
    }
    const char *field = has_levels ? "level" : "crossing";
    return reader_refuse_field(
        r, STATUS_INVALID_VALUE, horizon > 0 ? "horizon" : field,
        "%s %zu, but prediction intervals reach 1 to %zu steps ahead (--interval-horizon-max)",
        horizon > 0 ? "is" : "asks for intervals of the model's steps, which are", n_rows,
        body->interval_horizon_max);
}

/* ---- an output ---- */

enum status forecast_fields_read_output(struct reader *r, const struct gru_info *info,
                                        size_t *ret_output)
{
    char name[GRU_NAME_MAX + 1];
    enum status status = reader_string(r, "the name of an output", name, sizeof name);
    if (status != STATUS_OK) {
        return status;
    }
    size_t output = 0;
    while (output < info->n_outputs && strcmp(info->outputs[output].name, name) != 0) {
        output++;
    }
    *ret_output = output;
    return output < info->n_outputs
               ? STATUS_OK
               : reader_refuse(r, STATUS_INVALID_VALUE,
                               "is '%s', but no output has that name; the first is '%s'", name,
                               info->outputs[0].name);
}

/* ---- what no field alone can tell ---- */

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
    if (horizon > info->steps && info->is_bidirectional) {
        return reader_refuse_field(
            r, STATUS_NOT_CAUSAL, "horizon",
            "is %zu, but the model is bidirectional: it reads whole sequences, from both ends, and "
            "cannot go on beyond the %zu step%s that it forecasts at once",
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

bool forecast_fields_digits_vary(const struct model *model)
{
    const bool is_wide = gru_model_info(model->active->gru)->is_wide;
    size_t k = 0;
    while (k < model->n_versions && gru_model_info(model->versions[k].gru)->is_wide == is_wide) {
        k++;
    }
    return k < model->n_versions;
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
