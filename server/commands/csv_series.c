#include "commands/csv_series.h"

#include "commands/csv_time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is known while the file is read. */
struct reading {
    struct csv csv;
    struct csv_series *series;
    size_t *places;  /* [n_columns] the file's column of each */
    size_t time;     /* its column, if there are times */
    bool takes_unix; /* the column of times was named, so numbers are Unix seconds */
    size_t n_room;   /* rows */
};

/* ---- the columns ---- */

static enum csv_read refuse_name(struct csv *csv, const char *name)
{
    char quoted[CSV_QUOTE_SIZE], list[200] = "";
    size_t n = 0;
    for (size_t k = 0; k < csv->n_columns; k++) {
        char next[CSV_QUOTE_SIZE];
        csv_quote(csv->names[k], next);
        bool fits = n + strlen(next) + sizeof ", ..." < sizeof list;
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", k > 0 ? ", " : "",
                              fits ? next : "...");
        if (!fits) {
            break;
        }
    }
    return csv_fail(csv, 1, "there is no column '%s'; the first line names %s",
                    csv_quote(name, quoted), list);
}

static enum csv_read find_column(struct csv *csv, const char *name, size_t *ret_column)
{
    size_t column = csv_find_column(csv, name);
    if (column == csv->n_columns) {
        return refuse_name(csv, name);
    }
    for (size_t k = column + 1; k < csv->n_columns; k++) {
        if (strcmp(csv->names[k], name) == 0) {
            char quoted[CSV_QUOTE_SIZE];
            return csv_fail(csv, 1, "columns %zu and %zu are both called '%s'", column + 1, k + 1,
                            csv_quote(name, quoted));
        }
    }
    *ret_column = column;
    return CSV_RECORD;
}

static enum csv_read find_columns(struct reading *reading)
{
    struct csv_series *series = reading->series;
    enum csv_read read = CSV_RECORD;
    reading->places = calloc(series->n_columns, sizeof *reading->places);
    if (!reading->places) {
        return csv_fail(&reading->csv, 0, "out of memory");
    }
    for (size_t k = 0; read == CSV_RECORD && k < series->n_columns; k++) {
        read = find_column(&reading->csv, series->columns[k], &reading->places[k]);
    }
    if (read == CSV_RECORD && series->time) {
        read = find_column(&reading->csv, series->time, &reading->time);
        series->has_times = reading->takes_unix = read == CSV_RECORD;
    }
    return read;
}

/* Of the first row: whether its first column, which nobody asked for, has a date. */
static void look_for_times(struct reading *reading)
{
    struct csv_series *series = reading->series;
    double time;
    bool is_asked_for = series->time != NULL;
    for (size_t k = 0; k < series->n_columns; k++) {
        is_asked_for = is_asked_for || reading->places[k] == 0;
    }
    if (!is_asked_for && csv_time_read(reading->csv.fields[0], &time)) {
        series->has_times = true;
        reading->time = 0;
    }
}

/* ---- a row ---- */

static bool is_missing(const char *text)
{
    static const char *const words[] = { "", "na", "n/a", "nan", "null", "none" };
    size_t k = 0;
    while (k < sizeof words / sizeof *words && strcasecmp(text, words[k]) != 0) {
        k++;
    }
    return k < sizeof words / sizeof *words;
}

/* A decimal number as C and JSON write it; no hexadecimal one, no infinity. */
static bool parse_value(const char *text, double *ret_value)
{
    char *end;
    if (strspn(text, "0123456789+-.eE") != strlen(text)) {
        return false;
    }
    *ret_value = strtod(text, &end);
    return end != text && *end == '\0';
}

static enum csv_read read_value(struct csv *csv, size_t column, double *ret_value)
{
    const char *text = csv->fields[column];
    char name[CSV_QUOTE_SIZE], quoted[CSV_QUOTE_SIZE];
    double value;
    if (is_missing(text)) {
        *ret_value = NAN;
        return CSV_RECORD;
    }
    if (!parse_value(text, &value)) {
        size_t n_whole = strspn(text, "+-0123456789");
        const bool has_comma =
            text[n_whole] == ',' &&
            strspn(text + n_whole + 1, "0123456789eE+-") == strlen(text + n_whole + 1);
        return csv_fail(csv, csv->line, "'%s' of column '%s' is no number%s",
                        csv_quote(text, quoted), csv_quote(csv->names[column], name),
                        has_comma ? "; numbers have a decimal point, not a comma" : "");
    }
    if (!isfinite((float)value)) {
        return csv_fail(csv, csv->line, "%s of column '%s' is beyond the range of a 32-bit float",
                        csv_quote(text, quoted), csv_quote(csv->names[column], name));
    }
    *ret_value = value;
    return CSV_RECORD;
}

static enum csv_read read_time(struct reading *reading)
{
    struct csv *csv = &reading->csv;
    struct csv_series *series = reading->series;
    const char *text = csv->fields[reading->time];
    double *time = &series->times[series->n_read];
    char quoted[CSV_QUOTE_SIZE], name[CSV_QUOTE_SIZE];
    csv_quote(text, quoted);
    csv_quote(csv->names[reading->time], name);
    if (!csv_time_read(text, time) && !(reading->takes_unix && parse_value(text, time))) {
        return csv_fail(csv, csv->line,
                        "'%s' of column '%s' is no time; write it as 2026-11-21T10:00:00Z, "
                        "2026-11-21 10:00 or 2026-11-21",
                        quoted, name);
    }
    if (series->n_read > 0 && !(*time > time[-1])) {
        return csv_fail(csv, csv->line,
                        "'%s' of column '%s' is %s line %zu; sort the rows by time%s", quoted, name,
                        *time < time[-1] ? "before that of" : "the same as that of",
                        series->lines[series->n_read - 1], *time < time[-1] ? "" : ", each once");
    }
    return CSV_RECORD;
}

static bool make_room(struct reading *reading)
{
    struct csv_series *series = reading->series;
    if (series->n_read < reading->n_room) {
        return true;
    }
    const size_t n_room = 2 * reading->n_room + 1024;
    double *values = reallocarray(series->values, n_room, series->n_columns * sizeof *values);
    series->values = values ? values : series->values;
    size_t *lines = reallocarray(series->lines, n_room, sizeof *lines);
    series->lines = lines ? lines : series->lines;
    double *times = reallocarray(series->times, n_room, sizeof *times);
    series->times = times ? times : series->times;
    reading->n_room = values && lines && times ? n_room : reading->n_room;
    return values && lines && times;
}

static enum csv_read read_row(struct reading *reading)
{
    struct csv_series *series = reading->series;
    enum csv_read read = csv_next(&reading->csv);
    if (read != CSV_RECORD) {
        return read;
    }
    if (!make_room(reading)) {
        return csv_fail(&reading->csv, 0, "out of memory");
    }
    if (series->n_read == 0) {
        look_for_times(reading);
    }
    for (size_t k = 0; read == CSV_RECORD && k < series->n_columns; k++) {
        double *value = &series->values[series->n_read * series->n_columns + k];
        read = read_value(&reading->csv, reading->places[k], value);
        series->n_missing += read == CSV_RECORD && isnan(*value);
    }
    if (read == CSV_RECORD && series->has_times) {
        read = read_time(reading);
    }
    series->lines[series->n_read] = reading->csv.line;
    series->n_read += read == CSV_RECORD;
    return read;
}

/* ---- the gaps ---- */

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median time from one row to the next. */
static bool find_interval(struct csv_series *series)
{
    const size_t n = series->n_read - 1;
    double *steps = calloc(n, sizeof *steps);
    if (!steps) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        steps[k] = series->times[k + 1] - series->times[k];
    }
    qsort(steps, n, sizeof *steps, compare_doubles);
    series->interval_seconds = steps[n / 2];
    free(steps);
    return true;
}

/* How many readings are missing before that row. */
static size_t gap_before(const struct csv_series *series, size_t row)
{
    if (row == 0) {
        return 0;
    }
    double n = round((series->times[row] - series->times[row - 1]) / series->interval_seconds) - 1;
    return n > CSV_GAP_MAX ? CSV_GAP_MAX : n > 0 ? (size_t)n : 0;
}

static bool fill_gaps(struct csv_series *series)
{
    for (size_t row = 0; row < series->n_read; row++) {
        size_t n = gap_before(series, row);
        series->n_gaps += n > 0;
        series->n_inserted += n;
    }
    const size_t n_rows = series->n_read + series->n_inserted, n_columns = series->n_columns;
    double *values = reallocarray(NULL, n_rows, n_columns * sizeof *values);
    size_t *lines = calloc(n_rows, sizeof *lines), at = 0;
    double *times = calloc(n_rows, sizeof *times);
    if (!values || !lines || !times) {
        free(values);
        free(lines);
        free(times);
        return false;
    }
    for (size_t row = 0; row < series->n_read; row++) {
        for (size_t n = gap_before(series, row); n > 0; n--, at++) {
            times[at] = times[at - 1] + series->interval_seconds;
            for (size_t k = 0; k < n_columns; k++) {
                values[at * n_columns + k] = NAN;
            }
        }
        times[at] = series->times[row];
        lines[at] = series->lines[row];
        memcpy(values + at++ * n_columns, series->values + row * n_columns,
               n_columns * sizeof *values);
    }
    free(series->values);
    free(series->lines);
    free(series->times);
    series->values = values;
    series->lines = lines;
    series->times = times;
    series->n_rows = n_rows;
    return true;
}

static enum csv_read place_rows(struct reading *reading)
{
    struct csv_series *series = reading->series;
    series->n_rows = series->n_read;
    if (series->n_read == 0) {
        return csv_fail(&reading->csv, 0, "has no rows below the line that names the columns");
    }
    if (!series->has_times || series->n_read < 2) {
        return CSV_END;
    }
    csv_quote(reading->csv.names[reading->time], series->time_name);
    if ((series->interval_seconds <= 0 && !find_interval(series)) || !fill_gaps(series)) {
        return csv_fail(&reading->csv, 0, "out of memory");
    }
    return CSV_END;
}

bool csv_series_read(struct csv_series *series, const char *path)
{
    struct reading reading = { .series = series };
    enum csv_read read = csv_open(&reading.csv, path) ? find_columns(&reading) : CSV_BAD;
    while (read == CSV_RECORD) {
        read = read_row(&reading);
    }
    if (read == CSV_END) {
        read = place_rows(&reading);
    }
    memcpy(series->error, reading.csv.error, sizeof series->error);
    csv_close(&reading.csv);
    free(reading.places);
    return read == CSV_END;
}

void csv_series_tell_times(const struct csv_series *series, FILE *out)
{
    if (series->has_times) {
        fprintf(out, "times are in '%s', %.10g seconds apart; %zu rows stand for %zu gap%s\n",
                series->time_name, series->interval_seconds, series->n_inserted, series->n_gaps,
                series->n_gaps == 1 ? "" : "s");
    }
}

void csv_series_round(struct csv_series *series, const struct gru_info *info)
{
    for (size_t k = 0; k < series->n_rows * series->n_columns; k++) {
        series->values[k] = gru_reading(info, series->values[k]);
    }
}

void csv_series_done(struct csv_series *series)
{
    free(series->values);
    free(series->lines);
    free(series->times);
}
