/* encode_step.c - the replies that are mostly numbers: steps, forecasts, whole sequences; and
 * errors. */
#include "codec/put.h"
#include "codec/put_anomaly.h"
#include "codec/put_blend.h"
#include "codec/put_crossing.h"
#include "codec/put_explanation.h"
#include "codec/put_intervals.h"

#include <math.h>

enum { ERROR_BYTES = 1024 }; /* hardly one has more */

/* ---- steps ---- */

/* Bytes of the names of missing inputs, as put_missing prints them. */
static size_t missing_max(const struct gru_info *info, const double *x)
{
    size_t n = 0;
    for (size_t i = 0; i < info->n_inputs; i++) {
        if (isnan(x[i])) {
            n += PUT_STRING_MAX(strlen(info->inputs[i].name));
        }
    }
    return n;
}

static char *put_missing(char *p, const struct gru_info *info, const double *x)
{
    p = PUT_LITERAL(p, ",\"missing\":[");
    for (size_t i = 0; i < info->n_inputs; i++) {
        if (isnan(x[i])) {
            p = put_string(p, info->inputs[i].name);
            *p++ = ',';
        }
    }
    p[-1] = ']';
    return p;
}

static void put_repeated(struct text *text, const struct step *step)
{
    static const char frame[] = "{\"session\":,\"step\":,\"repeated\":true}";
    char *p = text_reserve(text, sizeof frame + PUT_STRING_MAX(SESSION_ID_MAX) + JSON_INT_MAX);
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, "{\"session\":");
    p = put_string(p, step->session);
    p = PUT_LITERAL(p, ",\"step\":");
    p = put_unsigned(p, step->number);
    p = PUT_LITERAL(p, ",\"repeated\":true}");
    put_end(text, p);
}

static const char step_frame[] =
    "{\"session\":,\"step\":,\"version\":,\"y\":,\"forecast\":,\"missing\":[],\"filled\":,"
    "\"restarted\":true,\"amended\":}";

static size_t step_max(const struct forecast_rows *rows, size_t n_forecast, size_t n_missing)
{
    return sizeof step_frame + PUT_STRING_MAX(SESSION_ID_MAX) + 4 * JSON_INT_MAX +
           PUT_ROW_MAX(rows->info->n_outputs) + n_missing +
           (n_forecast > 0 ? n_forecast * put_forecast_row_max(rows) + 3 : 0);
}

size_t codec_step_bytes_max(const struct step *step)
{
    if (step->is_done) {
        return ERROR_BYTES;
    }
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    size_t horizon = step->forecast_options.horizon,
           n_rows = horizon > info->steps ? horizon : info->steps;
    const struct forecast_rows rows = { info, step->forecast_options.as_records, 0 };
    size_t n = step_max(&rows, n_rows, missing_max(info, step->x));
    if (step->forecast_options.levels != NULL) {
        n += put_intervals_max(step->forecast_options.levels->n, n_rows, &rows);
    }
    n += step->forecast_options.parts != 0 ? put_anomaly_max(info) : 0;
    n += step->forecast_options.parts & TAIL_BLEND ? put_blend_max : 0;
    if (step->forecast_options.crossing != NULL) {
        n += put_crossing_max(n_rows);
    }
    if (step->forecast_options.explain != NULL) {
        n += put_explanation_max(info);
    }
    return n > ERROR_BYTES ? n : ERROR_BYTES;
}

static struct forecast_rows rows_of(const struct gru_info *info, const struct step *step)
{
    if (!step->forecast_options.as_records) {
        return (struct forecast_rows){ .info = info };
    }
    return forecast_rows_of(info, &step->forecast_options,
                            step->amended > 0 ? step->last_at
                            : step->has_at    ? step->at
                                              : NAN);
}

void codec_put_step(struct text *text, const struct step *step)
{
    if (step->fault.status != STATUS_OK) {
        codec_put_error(text, &step->fault);
        return;
    }
    if (step->is_repeated) {
        put_repeated(text, step);
        return;
    }
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    const struct forecast_rows rows = rows_of(info, step);
    size_t n_missing = missing_max(info, step->x);
    char *p = text_reserve(text, step_max(&rows, step->n_forecast, n_missing));
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, "{\"session\":");
    p = put_string(p, step->session);
    p = PUT_LITERAL(p, ",\"step\":");
    p = put_unsigned(p, step->number);
    p = PUT_LITERAL(p, ",\"version\":");
    p = put_unsigned(p, step->version);
    p = PUT_LITERAL(p, ",\"y\":");
    p = put_row(p, info, step->y, info->n_outputs);
    if (step->forecast != NULL) {
        p = PUT_LITERAL(p, ",\"forecast\":");
        p = put_forecast_rows(p, &rows, step->forecast, step->n_forecast);
    }
    if (n_missing > 0) {
        p = put_missing(p, info, step->x);
    }
    if (step->n_filled > 0) {
        p = PUT_LITERAL(p, ",\"filled\":");
        p = put_unsigned(p, step->n_filled);
    }
    if (step->is_restarted) {
        p = PUT_LITERAL(p, ",\"restarted\":true");
    }
    if (step->amended > 0) {
        p = PUT_LITERAL(p, ",\"amended\":");
        p = put_unsigned(p, step->amended);
    }
    put_end(text, p);
    if (step->intervals.n > 0) {
        put_intervals(text, &rows, &step->intervals);
    }
    put_anomaly(text, info, step);
    put_blend(text, &step->blend);
    put_crossing(text, &step->crossing);
    if (step->explanation != NULL) {
        put_explanation(text, info, step->forecast_options.explain, step->explanation);
    }
    text_append(text, "}", 1);
}

/* ---- errors ---- */

void codec_put_error(struct text *text, const struct fault *fault)
{
    static const char frame[] = "{\"error\":{\"code\":,\"message\":,\"param\":null,\"expected\":,"
                                "\"last_at\":}}";
    const char *code = status_code(fault->status);
    const struct fault said = fault_for_clients(fault);
    char *p = text_reserve(
        text, sizeof frame + JSON_INT_MAX + JSON_DOUBLE_MAX + PUT_STRING_MAX(strlen(code)) +
                  PUT_STRING_MAX(sizeof fault->message) + PUT_STRING_MAX(sizeof fault->param));
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, "{\"error\":{\"code\":");
    p = put_string(p, code);
    p = PUT_LITERAL(p, ",\"message\":");
    p = put_string(p, said.message);
    p = PUT_LITERAL(p, ",\"param\":");
    if (fault->param[0] == '\0') {
        p = PUT_LITERAL(p, "null");
    } else {
        p = put_string(p, fault->param);
    }
    if (fault->has_expected) {
        p = PUT_LITERAL(p, ",\"expected\":");
        p = put_unsigned(p, fault->expected);
    }
    if (fault->has_last_at) {
        p = PUT_LITERAL(p, ",\"last_at\":");
        p = json_print_double(p, fault->last_at);
    }
    p = PUT_LITERAL(p, "}}");
    put_end(text, p);
}

/* ---- forecasts and whole sequences, which may be long: reserved row by row ---- */

#define APPEND_LITERAL(text, literal) text_append((text), (literal), sizeof(literal) - 1)

static void append_forecast(struct text *text, const struct forecast_rows *rows,
                            const double *values, size_t n)
{
    APPEND_LITERAL(text, "[");
    for (size_t i = 0; i < n; i++) {
        char *p = text_reserve(text, put_forecast_row_max(rows));
        if (p == NULL) {
            return;
        }
        p = put_forecast_row(p, rows, values + i * rows->info->n_outputs, i + 1);
        *p = ',';
        put_end(text, p + (i + 1 < n));
    }
    APPEND_LITERAL(text, "]");
}

static void append_rows(struct text *text, const struct gru_info *info, const double *values,
                        size_t n_rows, size_t n_columns)
{
    text_append(text, "[", 1);
    for (size_t i = 0; i < n_rows; i++) {
        char *p = text_reserve(text, PUT_ROW_MAX(n_columns));
        if (p == NULL) {
            return;
        }
        p = put_row(p, info, values + i * n_columns, n_columns);
        *p = ',';
        put_end(text, p + (i + 1 < n_rows));
    }
    text_append(text, "]", 1);
}

/* {"name":"value" */
static void append_first(struct text *text, const char *name, const char *value)
{
    char *p = text_reserve(text, 2 + PUT_STRING_MAX(strlen(name)) + PUT_STRING_MAX(strlen(value)));
    if (p != NULL) {
        *p++ = '{';
        p = put_string(p, name);
        *p++ = ':';
        p = put_string(p, value);
        put_end(text, p);
    }
}

/* ,"name":value */
static void append_count(struct text *text, const char *name, uint64_t value)
{
    char *p = text_reserve(text, 2 + PUT_STRING_MAX(strlen(name)) + JSON_INT_MAX);
    if (p != NULL) {
        *p++ = ',';
        p = put_string(p, name);
        *p++ = ':';
        p = put_unsigned(p, value);
        put_end(text, p);
    }
}

void codec_put_forecast(struct text *text, const char *id, const struct session_forecast *forecast)
{
    const struct sequence *sequence = &forecast->sequence;
    const struct gru_info *info = gru_model_info(forecast->prediction.gru);
    const struct forecast_rows rows =
        forecast_rows_of(info, &sequence->forecast_options, forecast->last_at);
    append_first(text, "session", id);
    append_count(text, "step", forecast->step);
    append_count(text, "version", forecast->prediction.version);
    APPEND_LITERAL(text, ",\"forecast\":");
    append_forecast(text, &rows, sequence->forecast, sequence->n_forecast);
    put_intervals(text, &rows, &sequence->intervals);
    put_blend(text, &sequence->blend);
    put_crossing(text, &sequence->crossing);
    if (forecast->explanation.is_ready) {
        put_explanation(text, info, sequence->forecast_options.explain,
                        &forecast->explanation.result);
    }
    APPEND_LITERAL(text, "}");
}

/* "y":...,"forecast":... */
static void append_sequence(struct text *text, const struct gru_info *info, bool last_only,
                            const struct sequence *sequence)
{
    const struct forecast_options *options = &sequence->forecast_options;
    const struct forecast_rows rows =
        forecast_rows_of(info, options, options->has_at ? options->at : NAN);
    APPEND_LITERAL(text, "\"y\":");
    append_rows(text, info, sequence->y, last_only ? 1 : sequence->n_rows, info->y_floats);
    if (sequence->forecast != NULL) {
        APPEND_LITERAL(text, ",\"forecast\":");
        append_forecast(text, &rows, sequence->forecast, sequence->n_forecast);
    }
    put_intervals(text, &rows, &sequence->intervals);
}

void codec_put_prediction(struct text *text, const char *model, const struct prediction *prediction)
{
    const struct gru_info *info = gru_model_info(prediction->gru);
    append_first(text, "model", model);
    append_count(text, "version", prediction->version);
    APPEND_LITERAL(text, ",");
    if (!prediction->has_instances) {
        append_sequence(text, info, prediction->last_only, &prediction->sequences[0]);
        APPEND_LITERAL(text, "}");
        return;
    }
    APPEND_LITERAL(text, "\"results\":[");
    for (size_t i = 0; i < prediction->n_sequences; i++) {
        APPEND_LITERAL(text, "{");
        append_sequence(text, info, prediction->last_only, &prediction->sequences[i]);
        text_append(text, "},", i + 1 < prediction->n_sequences ? 2 : 1);
    }
    APPEND_LITERAL(text, "]}");
}
