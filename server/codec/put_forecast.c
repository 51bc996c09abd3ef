#include "codec/put_forecast.h"

#include "base/clock.h"
#include "codec/put.h"

#include <math.h>

static const char frame[] = "{\"time\":,\"ahead\":},";

struct forecast_rows forecast_rows_of(const struct gru_info *info,
                                      const struct forecast_options *options, double last_at)
{
    struct forecast_rows rows = { .info = info, .are_records = options->as_records };
    if (rows.are_records) {
        rows.from = isnan(last_at) ? (double)clock_wall_ms() / 1e3 : last_at;
    }
    return rows;
}

size_t put_forecast_row_max(const struct forecast_rows *rows)
{
    const struct gru_info *info = rows->info;
    if (!rows->are_records) {
        return PUT_ROW_MAX(info->n_outputs);
    }
    size_t n = sizeof frame + JSON_DOUBLE_MAX + JSON_INT_MAX + PUT_VALUES_MAX(info->n_outputs);
    for (size_t k = 0; k < info->n_outputs; k++) {
        n += PUT_STRING_MAX(strlen(info->outputs[k].name)) + 1;
    }
    return n;
}

static char *put_record(char *p, const struct forecast_rows *rows, const double *values,
                        size_t ahead)
{
    const struct gru_info *info = rows->info;
    const double interval = info->interval_seconds;
    p = PUT_LITERAL(p, "{\"time\":");
    p = json_print_double(p, interval > 0 ? rows->from + (double)ahead * interval : NAN);
    p = PUT_LITERAL(p, ",\"ahead\":");
    p = put_unsigned(p, ahead);
    for (size_t k = 0; k < info->n_outputs; k++) {
        *p++ = ',';
        p = put_string(p, info->outputs[k].name);
        *p++ = ':';
        p = json_print_real(p, info->is_wide, values[k]);
    }
    *p++ = '}';
    return p;
}

char *put_forecast_row(char *p, const struct forecast_rows *rows, const double *values,
                       size_t ahead)
{
    return rows->are_records ? put_record(p, rows, values, ahead)
                             : put_row(p, rows->info, values, rows->info->n_outputs);
}

char *put_forecast_rows(char *p, const struct forecast_rows *rows, const double *values, size_t n)
{
    const size_t n_outputs = rows->info->n_outputs;
    if (!rows->are_records) {
        return put_rows(p, rows->info, values, n, n_outputs);
    }
    *p++ = '[';
    for (size_t k = 0; k < n; k++) {
        p = put_record(p, rows, values + k * n_outputs, k + 1);
        *p++ = ',';
    }
    p -= n > 0;
    *p++ = ']';
    return p;
}
