#include "commands/prediction_print.h"

#include "commands/csv.h"
#include "commands/csv_time.h"
#include "json/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- rows of cells: the table, and CSV ---- */

struct sheet {
    const struct prediction_print *print;
    FILE *out;
    bool is_csv, is_heading;
    bool has_cells; /* in this line */
};

/* What is forecast from a row of the file. */
struct forecast_row {
    size_t origin; /* from 0 */
    size_t step;   /* from 0 */
    const double *values;
    bool has_intervals;
};

static void put_csv(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        fputs(*text == '"' ? "\"\"" : (char[]){ *text, '\0' }, out);
    }
    fputc('"', out);
}

/* A cell below its heading, or the heading itself. */
static void put_cell(struct sheet *sheet, const char *heading, size_t width, const char *text)
{
    char shown[CSV_QUOTE_SIZE];
    if (sheet->is_csv) {
        fputs(sheet->has_cells ? "," : "", sheet->out);
        put_csv(sheet->out, sheet->is_heading ? heading : text);
    } else {
        const size_t n = strlen(csv_quote(heading, shown));
        fprintf(sheet->out, "%s%*s", sheet->has_cells ? "  " : "", (int)(n > width ? n : width),
                sheet->is_heading ? shown : text);
    }
    sheet->has_cells = true;
}

static void put_count(struct sheet *sheet, const char *heading, size_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", count);
    put_cell(sheet, heading, 5, text);
}

/* For a person: 6 digits, or 12 where 6 would not tell forecasts apart. */
static void put_number(struct sheet *sheet, const char *heading, double value)
{
    const bool is_wide = sheet->print->info->is_wide;
    char text[JSON_DOUBLE_MAX + 1];
    if (isnan(value)) {
        snprintf(text, sizeof text, "%s", sheet->is_csv ? "" : "-");
    } else if (sheet->is_csv) {
        *json_print_real(text, is_wide, value) = '\0';
    } else {
        snprintf(text, sizeof text, "%.*g", is_wide ? 12 : 6, value);
    }
    put_cell(sheet, heading, is_wide ? 16 : 10, text);
}

static void put_bound(struct sheet *sheet, const char *output, const char *bound,
                      const struct interval_reply *reply, double value)
{
    char heading[GRU_NAME_MAX + 40];
    snprintf(heading, sizeof heading, "%s_%s_%g", output, bound, reply->level);
    put_number(sheet, heading, value);
}

/* An output that feeds an input forecasts the next reading; others are of the row itself. */
static size_t steps_ahead(const struct gru_info *info, size_t step)
{
    return step + (info->n_feeds > 0 ? 1 : 0);
}

/* Of the row that is forecast: its own, or, behind the last one, by the interval. */
static void put_time(struct sheet *sheet, size_t row)
{
    const struct csv_series *series = sheet->print->series;
    const size_t last = series->n_rows - 1, known = row < last ? row : last;
    const bool is_known = row == known || series->interval_seconds > 0;
    char time[CSV_TIME_SIZE] = "";
    if (is_known) {
        csv_time_print(series->times[known] + (double)(row - known) * series->interval_seconds,
                       time);
    }
    put_cell(sheet, "time", sizeof "2026-11-21T10:00:00Z" - 1, time);
}

static void put_row(struct sheet *sheet, const struct forecast_row *row)
{
    const struct prediction_print *print = sheet->print;
    const struct interval_replies *intervals = print->intervals;
    const struct gru_info *info = print->info;
    const size_t ahead = steps_ahead(info, row->step);
    sheet->has_cells = false;
    put_count(sheet, "row", row->origin + 1);
    if (print->series->has_times) {
        put_time(sheet, row->origin + ahead);
    }
    put_count(sheet, "ahead", ahead);
    for (size_t o = 0; o < info->n_outputs; o++) {
        put_number(sheet, info->outputs[o].name, row->values[o]);
        for (size_t k = 0; k < intervals->n; k++) {
            const struct interval_reply *reply = &intervals->of[k];
            const size_t at = row->step * info->n_outputs + o;
            put_bound(sheet, info->outputs[o].name, "lower", reply,
                      row->has_intervals ? reply->lower[at] : (double)NAN);
            put_bound(sheet, info->outputs[o].name, "upper", reply,
                      row->has_intervals ? reply->upper[at] : (double)NAN);
        }
    }
    fputc('\n', sheet->out);
}

static void put_heading(struct sheet *sheet)
{
    const struct forecast_row row = { .values = sheet->print->y };
    sheet->is_heading = true;
    put_row(sheet, &row);
    sheet->is_heading = false;
}

/* All that is forecast from a row: the forecast is that from the last one. */
static void put_origin(struct sheet *sheet, size_t origin)
{
    const struct prediction_print *print = sheet->print;
    const size_t n_outputs = print->info->n_outputs;
    const bool is_last = origin + 1 == print->series->n_rows,
               is_forecast = is_last && print->forecast;
    const size_t n = is_forecast ? print->n_ahead : print->info->steps;
    struct forecast_row row = { .origin = origin,
                                .values = is_forecast ? print->forecast
                                                      : print->y + origin * print->info->y_floats };
    for (; row.step < n; row.step++, row.values += n_outputs) {
        row.has_intervals = is_last && row.step < print->intervals->n_rows;
        put_row(sheet, &row);
    }
}

static void put_origins(struct sheet *sheet, size_t first)
{
    put_heading(sheet);
    for (size_t row = first; row < sheet->print->series->n_rows; row++) {
        put_origin(sheet, row);
    }
}

void prediction_print_table(const struct prediction_print *print, FILE *out)
{
    struct sheet sheet = { .print = print, .out = out };
    put_origins(&sheet, print->series->n_rows - 1);
}

void prediction_print_csv(const struct prediction_print *print, FILE *out)
{
    struct sheet sheet = { .print = print, .out = out, .is_csv = true };
    put_origins(&sheet, 0);
}

/* ---- JSON ---- */

static void put_json_number(bool is_double, double value, FILE *out)
{
    char text[JSON_DOUBLE_MAX + 1];
    *json_print_real(text, is_double, value) = '\0';
    fputs(text, out);
}

static void put_json_rows(const struct prediction_print *print, const char *name,
                          const double *values, size_t n_rows, size_t n_columns, FILE *out)
{
    fprintf(out, "\"%s\":[", name);
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t k = 0; k < n_columns; k++) {
            fputs(k > 0 ? "," : row > 0 ? ",[" : "[", out);
            put_json_number(print->info->is_wide, values[row * n_columns + k], out);
        }
        fputc(']', out);
    }
    fputc(']', out);
}

static void put_json_interval(const struct prediction_print *print,
                              const struct interval_reply *reply, FILE *out)
{
    const struct interval_replies *intervals = print->intervals;
    const size_t n_rows = intervals->n_rows, n_outputs = intervals->n_outputs;
    fputs("{\"level\":", out);
    put_json_number(false, reply->level, out);
    fputc(',', out);
    put_json_rows(print, "lower", reply->lower, n_rows, n_outputs, out);
    fputc(',', out);
    put_json_rows(print, "upper", reply->upper, n_rows, n_outputs, out);
    for (size_t row = 0; row < n_rows; row++) {
        fputs(row == 0 ? ",\"coverage\":[" : ",", out);
        put_json_number(false, reply->coverage[row], out);
    }
    for (size_t row = 0; row < n_rows; row++) {
        fprintf(out, "%s%" PRIu64, row == 0 ? "],\"observed\":[" : ",", reply->observed[row]);
    }
    fprintf(out, "],\"saturated\":%s}", reply->is_saturated ? "true" : "false");
}

void prediction_print_json(const struct prediction_print *print, FILE *out)
{
    const struct gru_info *info = print->info;
    fputc('{', out);
    put_json_rows(print, "y", print->y, print->series->n_rows, info->y_floats, out);
    if (print->forecast) {
        fputc(',', out);
        put_json_rows(print, "forecast", print->forecast, print->n_ahead, info->n_outputs, out);
    }
    for (size_t k = 0; k < print->intervals->n; k++) {
        fputs(k == 0 ? ",\"intervals\":[" : ",", out);
        put_json_interval(print, &print->intervals->of[k], out);
    }
    fputs(print->intervals->n > 0 ? "]}\n" : "}\n", out);
}
