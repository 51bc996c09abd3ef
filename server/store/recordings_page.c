/* recordings_page.c - a page of a session's readings. */
#include "store/query.h"
#include "store/recordings.h"
#include "store/recordings_private.h"
#include "store/values.h"

#include <string.h>

/* The rows come newest first, and are put in from the end. */
struct page_reader {
    const struct recordings_page *page;
    struct arena *arena;
    struct recorded_reading *readings; /* [page->limit], of which the last n are filled */
    size_t n;
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL,
                     "there is not enough memory to read the recordings");
}

static const double *keep(struct arena *arena, const void *bytes, size_t n, size_t value_bytes)
{
    double *kept = arena_array(arena, n, sizeof *kept);
    if (kept) {
        values_copy(bytes, n, value_bytes, kept);
    }
    return kept;
}

/* The row that the query is at. */
static enum status read_row(struct page_reader *reader, struct query *query, struct fault *fault)
{
    static const struct query_column at_column = { .type = COLUMN_REAL };
    const struct recordings_page *page = reader->page;
    size_t n_x, n_y;
    double at;
    uint64_t step = (uint64_t)query_get_integer(query, INT64_MIN, INT64_MAX);
    const size_t value_bytes = values_get_bytes(query);
    const void *x = query_get_blob(query, &n_x);
    query_get_columns(query, &at_column, 1, &at);
    const void *y = query_get_blob(query, &n_y);
    enum status status = query_check(query, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const bool is_known = reader->n > 0 && step >= reader->readings[page->limit - reader->n].step;
    if (is_known || !x || n_x != page->n_inputs * value_bytes) {
        return STATUS_OK;
    }
    const bool has_y = y && n_y == page->n_outputs * value_bytes;
    struct recorded_reading reading = { .step = step,
                                        .at = at,
                                        .x = keep(reader->arena, x, page->n_inputs, value_bytes) };
    if (has_y) {
        reading.y = keep(reader->arena, y, page->n_outputs, value_bytes);
    }
    if (!reading.x || (has_y && !reading.y)) {
        return no_memory(fault);
    }
    reader->readings[page->limit - ++reader->n] = reading;
    return STATUS_OK;
}

static enum status read_rows(struct page_reader *reader, struct recordings *recordings,
                             struct fault *fault)
{
    const struct recordings_page *page = reader->page;
    struct query query;
    bool row = false;
    query_start(&query, &recordings->database, RECORDINGS_READ_PAGE);
    query_put_text(&query, page->model);
    query_put_text(&query, page->session);
    query_put_integer(&query, (int64_t)recordings->rows_max);
    query_put_integer(&query, (int64_t)page->first);
    query_put_integer(&query, (int64_t)page->before);
    enum status status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row && reader->n < page->limit) {
        status = read_row(reader, &query, fault);
        if (status == STATUS_OK) {
            status = query_next(&query, &row, fault);
        }
    }
    query_done(&query);
    return status;
}

enum status recordings_read_page(struct recordings *recordings, const struct recordings_page *page,
                                 struct arena *arena, struct recorded_reading **ret_readings,
                                 size_t *ret_n, struct fault *fault)
{
    struct page_reader reader = { .page = page, .arena = arena };
    reader.readings = arena_array(arena, page->limit, sizeof *reader.readings);
    if (!reader.readings) {
        return no_memory(fault);
    }
    enum status status = read_rows(&reader, recordings, fault);
    if (status == STATUS_OK) {
        *ret_readings = reader.readings + page->limit - reader.n;
        *ret_n = reader.n;
    }
    return status;
}
