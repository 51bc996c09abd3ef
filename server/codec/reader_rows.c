/* reader_rows.c - see reader_rows.h. */
#include "codec/reader_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_SHOWN = 120 }; /* bytes of the list of names in a message */

void columns_init(struct columns *columns, const struct gru_info *info, bool is_future)
{
    *columns = (struct columns){ .info = info,
                                 .variables = info->inputs,
                                 .n_variables = info->n_inputs,
                                 .is_future = is_future,
                                 .noun = "an input",
                                 .n_steps = 1 };
    columns->n = is_future ? info->n_future : info->n_inputs;
}

void columns_init_targets(struct columns *columns, const struct gru_info *info)
{
    *columns = (struct columns){ .info = info,
                                 .variables = info->outputs,
                                 .n_variables = info->n_outputs,
                                 .noun = "an output",
                                 .n_steps = info->steps,
                                 .n = info->y_floats };
}

void columns_init_outputs(struct columns *columns, const struct gru_info *info)
{
    columns_init_targets(columns, info);
    columns->n_steps = 1;
    columns->n = info->n_outputs;
}

/* The next variable from `number` on that is a column; n_variables if none is left. */
static size_t next_variable(const struct columns *columns, size_t number)
{
    while (number < columns->n_variables && columns->is_future &&
           columns->variables[number].feeds >= 0) {
        number++;
    }
    return number;
}

enum status rows_refuse_length(struct reader *r, const struct columns *columns, size_t n)
{
    char names[NAMES_SHOWN];
    size_t used = 0;
    for (size_t i = next_variable(columns, 0); i < columns->n_variables;
         i = next_variable(columns, i + 1)) {
        const char *name = columns->variables[i].name;
        const char *comma = used > 0 ? ", " : "";
        if (used + strlen(comma) + strlen(name) + sizeof ", ..." > sizeof names) {
            used += (size_t)snprintf(names + used, sizeof names - used, "%s...", comma);
            break;
        }
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", comma, name);
    }
    const char *s = n == 1 ? "" : "s", *are = columns->n == 1 ? "is" : "are";
    if (columns->n_steps > 1) {
        return reader_refuse(r, STATUS_WRONG_LENGTH,
                             "has %zu value%s where %zu %s expected: %zu steps, each with %.*s", n,
                             s, columns->n, are, columns->n_steps, (int)used, names);
    }
    return reader_refuse(r, STATUS_WRONG_LENGTH, "has %zu value%s where %zu %s expected: %.*s", n,
                         s, columns->n, are, (int)used, names);
}

/* ---- rows that are objects ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct column *)a)->name, ((const struct column *)b)->name);
}

/* columns->by_name remains NULL if there is no memory. */
static void prepare_names(struct reader *r, struct columns *columns)
{
    struct column *by_number = reader_alloc(r, columns->n, sizeof *by_number);
    struct column *by_name = by_number ? reader_alloc(r, columns->n, sizeof *by_name) : NULL;
    size_t *seen_in = by_name ? reader_alloc(r, columns->n, sizeof *seen_in) : NULL;
    if (seen_in == NULL) {
        return;
    }
    size_t number = 0;
    for (size_t i = 0; i < columns->n; i++) {
        number = next_variable(columns, number);
        by_number[i] = (struct column){ columns->variables[number++].name, i };
        seen_in[i] = 0;
    }
    memcpy(by_name, by_number, columns->n * sizeof *by_name);
    columns->by_number = by_number;
    columns->by_name = by_name;
    columns->seen_in = seen_in;
}

/* `expected` is the column that comes next if the client keeps the inputs' order. */
static const struct column *find_column(struct columns *columns, struct json_text text,
                                        size_t expected)
{
    if (expected < columns->n && json_text_is(text, columns->by_number[expected].name)) {
        return &columns->by_number[expected];
    }
    char name[GRU_NAME_MAX + 1];
    struct column wanted = { name, 0 };
    if (!json_unescape(text, name, sizeof name)) {
        return NULL;
    }
    if (!columns->is_sorted) {
        qsort(columns->by_name, columns->n, sizeof wanted, compare_names);
        columns->is_sorted = true;
    }
    return bsearch(&wanted, columns->by_name, columns->n, sizeof wanted, compare_names);
}

static enum status refuse_unknown(struct reader *r, const struct columns *columns,
                                  struct json_text name)
{
    for (size_t i = 0; columns->is_future && i < columns->n_variables; i++) {
        if (json_text_is(name, columns->variables[i].name)) {
            return reader_refuse_name(
                r, STATUS_UNKNOWN_FIELD, name,
                "is an input that an output feeds: the forecast itself supplies it");
        }
    }
    char sentence[sizeof "is not the name of an output"];
    snprintf(sentence, sizeof sentence, "is not the name of %s", columns->noun);
    return reader_refuse_name(r, STATUS_UNKNOWN_FIELD, name, sentence);
}

/* Numbers are read as floats where no more of them counts: from text to float there is one
 * rounding. */
static bool is_double(const struct columns *columns)
{
    return columns->has_all_digits || columns->info->is_wide;
}

static enum status read_named_value(struct reader *r, const struct columns *columns,
                                    const char *name, double *ret_value)
{
    struct place place = { r->place, name, 0 };
    r->place = &place;
    enum status status = reader_reading(r, is_double(columns), ret_value);
    r->place = place.up;
    return status;
}

static enum status read_object(struct reader *r, struct columns *columns, double *row)
{
    if (columns->by_name == NULL) {
        prepare_names(r, columns);
    }
    if (columns->by_name == NULL) {
        return r->fault->status;
    }
    for (size_t i = 0; i < columns->n; i++) {
        row[i] = NAN;
    }
    columns->n_objects++;
    size_t expected = 0;
    struct json_text name;
    json_object(&r->json);
    while (json_member(&r->json, &name)) {
        const struct column *column = find_column(columns, name, expected);
        if (column == NULL) {
            return refuse_unknown(r, columns, name);
        }
        if (columns->seen_in[column->number] == columns->n_objects) {
            return reader_refuse_name(r, STATUS_DUPLICATE_FIELD, name, "stands here twice");
        }
        columns->seen_in[column->number] = columns->n_objects;
        enum status status = read_named_value(r, columns, column->name, &row[column->number]);
        if (status != STATUS_OK) {
            return status;
        }
        expected = column->number + 1;
    }
    return r->json.error == JSON_NO_ERROR ? STATUS_OK : reader_refuse_text(r);
}

/* ---- rows ---- */

static enum status read_array(struct reader *r, const struct columns *columns, double *row)
{
    size_t n;
    enum status status = reader_readings(r, is_double(columns), row, columns->n, &n);
    return status == STATUS_OK && n != columns->n ? rows_refuse_length(r, columns, n) : status;
}

static enum status read_one(struct reader *r, struct columns *columns, double *row)
{
    if (columns->n_steps > 1 && json_peek(&r->json) != JSON_ARRAY) {
        return reader_refuse_type(r, "an array of numbers");
    }
    switch (json_peek(&r->json)) {
    case JSON_OBJECT:
        return read_object(r, columns, row);
    case JSON_ARRAY:
        return read_array(r, columns, row);
    default:
        break;
    }
    char expected[sizeof "an array of numbers or an object by output names"];
    snprintf(expected, sizeof expected, "an array of numbers or an object by %s names",
             columns->noun + strlen("an "));
    return reader_refuse_type(r, expected);
}

/* What counts of a reading is decided here, so what is run, kept and shown is one value. */
enum status rows_read_one(struct reader *r, struct columns *columns, double *row)
{
    enum status status = read_one(r, columns, row);
    const bool rounds =
        columns->info->is_wide && !columns->has_all_digits; /* else floats already */
    for (size_t i = 0; status == STATUS_OK && rounds && i < columns->n; i++) {
        row[i] = gru_reading(columns->info, row[i]);
    }
    return status;
}

struct row_list {
    struct columns *columns;
    double *values;
    size_t size; /* rows that there is room for */
};

static enum status read_row(struct reader *r, void *body)
{
    struct row_list *rows = body;
    size_t i = r->place->index, width = rows->columns->n;
    if (rows->columns->n_rows++ == rows->columns->rows_max && rows->columns->rows_max > 0) {
        r->place = r->place->up; /* the array, and not the row, is what is too long */
        return reader_refuse(r, STATUS_REQUEST_TOO_LARGE,
                             "goes beyond the %zu rows that a request may have",
                             rows->columns->rows_max);
    }
    double *values = reader_grow(r, rows->values, i, width * sizeof *values, &rows->size);
    if (values == NULL) {
        return r->fault->status;
    }
    rows->values = values;
    return rows_read_one(r, rows->columns, values + i * width);
}

static enum status read_rows(struct reader *r, struct row_list *rows, const double **ret_rows,
                             size_t *ret_n)
{
    size_t n;
    enum status status = reader_elements(r, "an array of rows", read_row, rows, &n);
    if (status == STATUS_OK) {
        *ret_rows = rows->values;
        *ret_n = n;
    }
    return status;
}

enum status rows_read(struct reader *r, struct columns *columns, const double **ret_rows,
                      size_t *ret_n)
{
    struct row_list rows = { .columns = columns };
    return read_rows(r, &rows, ret_rows, ret_n);
}

void rows_round(const struct columns *columns, const struct gru_info *info, const double *rows,
                size_t n_rows)
{
    double *own = (double *)(uintptr_t)rows; /* the arena's, as they were read */
    for (size_t k = 0; columns->has_all_digits && k < n_rows * columns->n; k++) {
        own[k] = gru_reading(info, own[k]);
    }
}

size_t rows_count(const struct reader *r)
{
    struct json ahead = r->json;
    size_t n = 0;
    if (json_peek(&ahead) == JSON_ARRAY && json_array(&ahead)) {
        while (json_element(&ahead) && json_skip(&ahead)) {
            n++;
        }
    }
    return n;
}

enum status rows_read_counted(struct reader *r, struct columns *columns, const double **ret_rows,
                              size_t *ret_n)
{
    struct row_list rows = { .columns = columns };
    size_t n = rows_count(r);
    /* A row that is an array has at least two bytes for each value, so a text gets no more memory
     * ahead of being read than it has room for values. */
    size_t n_most = (size_t)(r->json.end - r->json.p) / (2 * columns->n) + 1;
    rows.size = n < n_most ? n : n_most;
    if (rows.size > 0) {
        rows.values = reader_alloc(r, rows.size, columns->n * sizeof *rows.values);
        if (rows.values == NULL) {
            return r->fault->status;
        }
    }
    return read_rows(r, &rows, ret_rows, ret_n);
}
