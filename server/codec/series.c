/* series.c - see series.h. */
#include "codec/series.h"

#include "codec/reader_skip.h"
#include "codec/schemas.h"

#include <math.h>

struct series_body {
    struct series_list *list;
    struct gru_series series;
};

void series_init(struct series_list *list, const struct gru_info *info, int loss)
{
    *list = (struct series_list){ .has_classes = loss == GRU_CROSS_ENTROPY,
                                  .n_classes = info->n_outputs,
                                  .n_steps = info->steps };
    columns_init(&list->x, info, false);
    columns_init_targets(&list->y, info);
    list->x.has_all_digits = list->y.has_all_digits = true;
}

static enum status refuse_empty(struct reader *r, const char *sentence)
{
    return reader_refuse(r, STATUS_WRONG_LENGTH, "%s", sentence);
}

static enum status read_x(struct reader *r, void *body)
{
    struct series_body *one = body;
    enum status status = rows_read_counted(r, &one->list->x, &one->series.x, &one->series.n_rows);
    return status == STATUS_OK && one->series.n_rows == 0
               ? refuse_empty(r, "must hold at least one row")
               : status;
}

/* ---- classes ---- */

/* Of n numbers that were read at the reader's place, all that are not missing must be classes. */
static enum status check_classes(struct reader *r, const struct series_list *list,
                                 const double *values, size_t n)
{
    struct place place = { r->place, NULL, 0 };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        double value = values[i];
        if (!isnan(value) &&
            !(value >= 0 && value < (double)list->n_classes && value == floor(value))) {
            place.index = i;
            r->place = &place;
            status = reader_refuse(r, STATUS_INVALID_VALUE,
                                   "must be a class from 0 to %zu, or null", list->n_classes - 1);
            r->place = place.up;
        }
    }
    return status;
}

struct class_rows {
    const struct series_list *list;
    double *values;
    size_t n; /* rows that there is room for */
};

/* Several steps: a row is an array. */
static enum status read_class_row(struct reader *r, void *body)
{
    struct class_rows *rows = body;
    size_t n, n_steps = rows->list->n_steps;
    if (r->place->index >= rows->n) { /* the count had stopped at a fault in this row */
        return reader_skip(r);
    }
    double *values = rows->values + r->place->index * n_steps;
    enum status status = reader_readings(r, true, values, n_steps, &n);
    if (status == STATUS_OK && n != n_steps) {
        status = reader_refuse(r, STATUS_WRONG_LENGTH,
                               "has %zu value%s where %zu are expected: a class a step", n,
                               n == 1 ? "" : "s", n_steps);
    }
    return status == STATUS_OK ? check_classes(r, rows->list, values, n) : status;
}

static enum status read_classes(struct reader *r, struct series_body *one)
{
    const struct series_list *list = one->list;
    if (json_peek(&r->json) != JSON_ARRAY) {
        return reader_refuse_type(r, "an array of classes");
    }
    struct class_rows rows = { .list = list, .n = rows_count(r) };
    /* Each number has two bytes of text at least, as in rows_read_counted. */
    size_t n_most = (size_t)(r->json.end - r->json.p) / (2 * list->n_steps) + 1;
    rows.n = rows.n < n_most ? rows.n : n_most;
    rows.values = reader_alloc(r, rows.n, list->n_steps * sizeof *rows.values);
    if (rows.values == NULL) {
        return r->fault->status;
    }
    size_t n = 0;
    enum status status;
    if (list->n_steps == 1) {
        status = reader_readings(r, true, rows.values, rows.n, &n);
        status = status == STATUS_OK ? check_classes(r, list, rows.values, n) : status;
    } else {
        status = reader_elements(r, "an array of classes", read_class_row, &rows, &n);
    }
    if (status == STATUS_OK) {
        one->series.y = rows.values;
        one->series.n_targets = n;
    }
    return status;
}

/* ---- a series ---- */

static enum status read_y(struct reader *r, void *body)
{
    struct series_body *one = body;
    enum status status =
        one->list->has_classes
            ? read_classes(r, one)
            : rows_read_counted(r, &one->list->y, &one->series.y, &one->series.n_targets);
    return status == STATUS_OK && one->series.n_targets == 0
               ? refuse_empty(
                     r,
                     "must hold a row for each of x, or exactly one; without it the outputs' own "
                     "inputs are the targets")
               : status;
}

static const struct field series_fields[] = {
    { "x", read_x, true, &schema_sequence },
    { "y", read_y, false, &schema_targets },
};

const struct json_schema codec_series_part = { .type = JSON_SCHEMA_OBJECT,
                                               .name = "Series",
                                               JSON_SCHEMA_FIELDS(series_fields),
                                               .help = "what one stream brought, in its order" };

enum status series_read_one(struct reader *r, struct series_list *list)
{
    struct series_body one = { .list = list };
    unsigned seen;
    enum status status =
        reader_fields(r, series_fields, sizeof series_fields / sizeof *series_fields, &one, &seen);
    if (status != STATUS_OK) {
        return status;
    }
    size_t n_rows = one.series.n_rows, n_targets = one.series.n_targets;
    if (n_targets != 0 && n_targets != 1 && n_targets != n_rows) {
        return reader_refuse_field(
            r, STATUS_WRONG_LENGTH, "y",
            "has %zu rows where x has %zu: as many are expected, or exactly one", n_targets,
            n_rows);
    }
    struct gru_series *grown = reader_grow(r, list->series, list->n, sizeof *grown, &list->size);
    if (grown == NULL) {
        return r->fault->status;
    }
    list->series = grown;
    list->series[list->n++] = one.series;
    return STATUS_OK;
}

static enum status read_element(struct reader *r, void *body)
{
    return series_read_one(r, body);
}

enum status series_read(struct reader *r, struct series_list *list)
{
    size_t n;
    enum status status = reader_elements(r, "an array of series", read_element, list, &n);
    return status == STATUS_OK && n == 0 ? refuse_empty(r, "must hold at least one series")
                                         : status;
}
