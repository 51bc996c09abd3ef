#include "service/sessions/recordings_cluster.h"

#include "cluster/cluster_library.h"

#include <stdlib.h>
#include <string.h>

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL,
                     "there is not enough memory to read the recordings");
}

/* ---- sequences, for training ---- */

enum { WINDOW_FIRST = 1024, IDS_AT_ONCE = 1000 };

struct sequence_reader {
    struct recorded_list list;
    size_t bytes_max;
    struct arena *arena;
    /* All so far: */
    struct recording *recordings;
    size_t n_recordings, recordings_room;
    size_t n_bytes;
    /* Of the session that is being read, the newest first: */
    uint64_t *steps; /* [room] */
    double *x;       /* [room][n_inputs] */
    size_t n_rows, room;
};

static bool grow(struct sequence_reader *reader)
{
    const size_t room = reader->room > 0 ? 2 * reader->room : WINDOW_FIRST;
    uint64_t *steps = reallocarray(reader->steps, room, sizeof *steps);
    reader->steps = steps ? steps : reader->steps;
    double *x = reallocarray(reader->x, room, reader->list.n_inputs * sizeof *x);
    reader->x = x ? x : reader->x;
    reader->room = steps && x ? room : reader->room;
    return steps && x;
}

static enum status take_row(void *arg, const struct reading_head *head, const char *bytes,
                            bool *ret_goes_on, struct fault *fault)
{
    struct sequence_reader *reader = arg;
    const size_t n_inputs = reader->list.n_inputs, n_bytes = n_inputs * sizeof(double);
    *ret_goes_on = true;
    if (head->n_inputs != n_inputs) {
        return STATUS_OK;
    }
    if (n_bytes > reader->bytes_max - reader->n_bytes) {
        return fault_set(fault, STATUS_REQUEST_TOO_LARGE, NULL,
                         "the recordings are more than the %zu bytes that they may be",
                         reader->bytes_max);
    }
    if (reader->n_rows == reader->room && !grow(reader)) {
        return no_memory(fault);
    }
    reader->steps[reader->n_rows] = head->step;
    reading_wire_read_x(bytes, head, reader->x + reader->n_rows * n_inputs);
    reader->n_rows++;
    reader->n_bytes += n_bytes;
    return STATUS_OK;
}

static bool begin_sequence(struct sequence_reader *reader, const char *name, const double *x)
{
    if (reader->n_recordings == reader->recordings_room) {
        const size_t n = sizeof *reader->recordings, room = 2 * reader->recordings_room + 16;
        struct recording *larger =
            arena_grow(reader->arena, reader->recordings, reader->recordings_room * n, room * n);
        if (!larger) {
            return false;
        }
        reader->recordings = larger;
        reader->recordings_room = room;
    }
    reader->recordings[reader->n_recordings++] = (struct recording){ .session = name, .x = x };
    return true;
}

/* Puts what was read of the session into sequences, from its oldest reading on. */
static bool put_sequences(struct sequence_reader *reader)
{
    const size_t n_inputs = reader->list.n_inputs, n_id = reader->list.key.n + 1;
    char *name = arena_alloc(reader->arena, n_id);
    double *x = arena_array(reader->arena, reader->n_rows, n_inputs * sizeof *x);
    if (!name || !x) {
        return false;
    }
    memcpy(name, reader->list.key.id, n_id);
    for (size_t row = 0; row < reader->n_rows; row++) {
        const size_t from = reader->n_rows - 1 - row;
        double *here = x + row * n_inputs;
        memcpy(here, reader->x + from * n_inputs, n_inputs * sizeof *x);
        const bool begins = row == 0 || reader->steps[from] - reader->steps[from + 1] != 1;
        if (begins && !begin_sequence(reader, name, here)) {
            return false;
        }
        reader->recordings[reader->n_recordings - 1].n_rows++;
    }
    return true;
}

static enum status read_session(struct sequence_reader *reader, const char *session,
                                struct fault *fault)
{
    reader->list.key = pool_key_of(session);
    reader->n_rows = 0;
    enum status status = recorded_list_read(&reader->list, take_row, reader, fault);
    if (status == STATUS_OK && reader->n_rows > 0 && !put_sequences(reader)) {
        status = no_memory(fault);
    }
    return status;
}

/* A page of ids, behind `after`. */
static enum status read_ids(const struct sequence_reader *reader, const char *prefix,
                            const char *after, char (*ids)[SESSION_ID_MAX + 1], size_t *ret_n,
                            struct fault *fault)
{
    struct engine *engine = reader->list.trips.engine;
    const struct cluster_reply *reply;
    if (engine_wait(engine, fault) != STATUS_OK && engine_check(engine, fault) != STATUS_OK) {
        return fault_status(fault);
    }
    engine_begin(engine, CLUSTER_LIST_IDS);
    engine_list_ids(engine, reader->list.model, prefix, after, IDS_AT_ONCE);
    const enum status status = engine_call(engine, &reply, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (reply->type != CLUSTER_LIST || reply->n > IDS_AT_ONCE) {
        return engine_refuse(reply, fault);
    }
    for (size_t k = 0; k < reply->n; k++) {
        const struct cluster_reply *id = &reply->list[k];
        if (id->type != CLUSTER_TEXT || !session_id_is_valid(id->text.bytes, id->text.n)) {
            return engine_refuse(id, fault);
        }
        memcpy(ids[k], id->text.bytes, id->text.n + 1);
    }
    *ret_n = reply->n;
    return STATUS_OK;
}

static enum status read_prefix(struct sequence_reader *reader, const char *prefix,
                               struct fault *fault)
{
    char(*ids)[SESSION_ID_MAX + 1] = calloc(IDS_AT_ONCE, sizeof *ids);
    char after[SESSION_ID_MAX + 1] = "";
    enum status status = ids ? STATUS_OK : no_memory(fault);
    for (size_t n = IDS_AT_ONCE; status == STATUS_OK && n == IDS_AT_ONCE;) {
        status = read_ids(reader, prefix, after, ids, &n, fault);
        for (size_t k = 0; status == STATUS_OK && k < n; k++) {
            status = read_session(reader, ids[k], fault);
            memcpy(after, ids[k], sizeof after);
        }
    }
    free(ids);
    return status;
}

enum status recordings_cluster_read(const struct recorded_trips *trips, size_t rows_max,
                                    const char *model, const char *session, bool is_prefix,
                                    size_t n_inputs, size_t bytes_max, struct arena *arena,
                                    struct recording **ret_recordings, size_t *ret_n,
                                    struct fault *fault)
{
    struct sequence_reader reader = { .list = { .trips = *trips,
                                                .model = model,
                                                .n_inputs = n_inputs,
                                                .rows_max = rows_max,
                                                .n_window = WINDOW_FIRST },
                                      .bytes_max = bytes_max,
                                      .arena = arena };
    const enum status status =
        is_prefix ? read_prefix(&reader, session, fault) : read_session(&reader, session, fault);
    free(reader.steps);
    free(reader.x);
    if (status == STATUS_OK) {
        *ret_recordings = reader.recordings;
        *ret_n = reader.n_recordings;
    }
    return status;
}

/* ---- pages ---- */

/* They come newest first, and are put in from the end. */
struct shared_page_reader {
    const struct recordings_page *page;
    struct arena *arena;
    struct recorded_reading *readings; /* [page->limit], of which the last n are filled */
    size_t n;
};

static bool is_of_page(const struct shared_page_reader *reader, const struct reading_head *head)
{
    const struct recordings_page *page = reader->page;
    const bool is_known =
        reader->n > 0 && head->step >= reader->readings[page->limit - reader->n].step;
    return !is_known && head->step >= page->first && head->step < page->before &&
           head->n_inputs == page->n_inputs;
}

static enum status take_reading(void *arg, const struct reading_head *head, const char *bytes,
                                bool *ret_goes_on, struct fault *fault)
{
    struct shared_page_reader *reader = arg;
    const size_t n_outputs = reader->page->n_outputs;
    *ret_goes_on = reader->n < reader->page->limit;
    if (!*ret_goes_on || !is_of_page(reader, head)) {
        return STATUS_OK;
    }
    const bool has_y = head->n_outputs > 0 && head->n_outputs == n_outputs;
    double *x = arena_array(reader->arena, head->n_inputs, sizeof *x);
    double *y = has_y ? arena_array(reader->arena, n_outputs, sizeof *y) : NULL;
    if (!x || (has_y && !y)) {
        return no_memory(fault);
    }
    reading_wire_read_x(bytes, head, x);
    if (has_y) {
        reading_wire_read_y(bytes, head, y);
    }
    reader->readings[reader->page->limit - ++reader->n] =
        (struct recorded_reading){ .step = head->step, .at = head->at, .x = x, .y = y };
    *ret_goes_on = reader->n < reader->page->limit;
    return STATUS_OK;
}

enum status recordings_cluster_read_page(const struct recorded_trips *trips, size_t rows_max,
                                         const struct recordings_page *page, struct arena *arena,
                                         struct recorded_reading **ret_readings, size_t *ret_n,
                                         struct fault *fault)
{
    const struct recorded_list list = { .trips = *trips,
                                        .model = page->model,
                                        .key = pool_key_of(page->session),
                                        .n_inputs = page->n_inputs,
                                        .rows_max = rows_max,
                                        .n_window = page->limit };
    struct shared_page_reader reader = { .page = page, .arena = arena };
    reader.readings = arena_array(arena, page->limit, sizeof *reader.readings);
    if (!reader.readings) {
        return no_memory(fault);
    }
    const enum status status = recorded_list_read(&list, take_reading, &reader, fault);
    if (status == STATUS_OK) {
        *ret_readings = reader.readings + page->limit - reader.n;
        *ret_n = reader.n;
    }
    return status;
}
