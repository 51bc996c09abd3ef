/*
 * Places in the list are counted from its newest reading, and grow while other nodes record. So
 * each window begins with the last reading of the one before it, at the place that it had then: by
 * the steps of both windows it is found again, however many were recorded in between.
 */
#include "service/sessions/recorded_list.h"

#include "cluster/cluster_library.h"

#include <stdlib.h>

enum {
    WINDOW_MIN = 2,
    WINDOW_MAX = 4096,
    WINDOW_BYTES = 1 << 20 /* or so: more would hold the engine up */
};

struct window_reader {
    const struct recorded_list *list;
    recorded_take *take;
    void *arg;
    uint64_t *known; /* [n_known] steps of the last window, from its newest reading on */
    size_t n_known;
    uint64_t *steps;     /* of the window that is being read */
    size_t n_window, at; /* how many readings it has, and the place of the first */
    size_t n_read;
    bool is_wanted, is_start; /* the reading before; the list begins with the window */
};

static size_t window_max(const struct recorded_list *list)
{
    const size_t n = WINDOW_BYTES / (READING_WIRE_HEAD + 2 * sizeof(double) * list->n_inputs);
    return n < WINDOW_MIN ? WINDOW_MIN : n < WINDOW_MAX ? n : WINDOW_MAX;
}

static enum status ask(const struct window_reader *reader, const struct cluster_reply **ret_reply,
                       struct fault *fault)
{
    const struct recorded_list *list = reader->list;
    if (engine_wait(list->trips.engine, fault) != STATUS_OK &&
        engine_check(list->trips.engine, fault) != STATUS_OK) {
        return fault_status(fault);
    }
    engine_begin(list->trips.engine, CLUSTER_RECORDED);
    engine_recorded(list->trips.engine, list->model, &list->key, reader->at,
                    reader->at + reader->n_window - 1);
    const enum status status = engine_call(list->trips.engine, ret_reply, fault);
    return status == STATUS_OK &&
                   ((*ret_reply)->type != CLUSTER_LIST || (*ret_reply)->n > reader->n_window)
               ? engine_refuse(*ret_reply, fault)
               : status;
}

/* The k-th of the window, from its newest reading on. */
static const struct cluster_reply *entry_of(const struct cluster_reply *reply, size_t k)
{
    return &reply->list[reply->n - 1 - k];
}

static enum status read_head(const struct window_reader *reader, const struct cluster_reply *reply,
                             size_t k, struct reading_head *ret_head, struct fault *fault)
{
    const struct cluster_reply *entry = entry_of(reply, k);
    const enum reading_wire found =
        entry->type == CLUSTER_TEXT ? reading_wire_read(entry->text.bytes, entry->text.n, ret_head)
                                    : READING_WIRE_DAMAGED;
    return found == READING_WIRE_WHOLE
               ? STATUS_OK
               : fault_set(fault, STATUS_STORAGE_FAILED, "session",
                           "what session '%s' has recorded in the cluster's engine %s",
                           reader->list->key.id,
                           found == READING_WIRE_NEWER
                               ? "was written by another version of grud: update this node"
                               : "is damaged; DELETE the session to begin anew");
}

/* How many of the window's newest readings are not to be read: to the last that was, which is known
 * by itself and by those behind it. 0: that is not in the window. */
static size_t count_known(const struct window_reader *reader, size_t n_steps)
{
    const uint64_t *last = &reader->known[reader->n_known - 1];
    for (size_t n = 1; n <= n_steps; n++) {
        const size_t most = n < reader->n_known ? n : reader->n_known;
        size_t k = 0;
        while (k < most && reader->steps[n - 1 - k] == *(last - k)) {
            k++;
        }
        if (k == most) {
            return n;
        }
    }
    return 0;
}

static enum status take_new(struct window_reader *reader, const struct cluster_reply *reply,
                            size_t n_known, struct fault *fault)
{
    enum status status = STATUS_OK;
    for (size_t k = n_known; status == STATUS_OK && reader->is_wanted && k < reply->n; k++) {
        struct reading_head head;
        status = read_head(reader, reply, k, &head, fault);
        if (status == STATUS_OK) {
            status = reader->take(reader->arg, &head, entry_of(reply, k)->text.bytes,
                                  &reader->is_wanted, fault);
        }
        reader->n_read++;
        reader->is_wanted = reader->is_wanted && reader->n_read < reader->list->rows_max;
    }
    return status;
}

static enum status read_steps(struct window_reader *reader, const struct cluster_reply *reply,
                              struct fault *fault)
{
    enum status status = STATUS_OK;
    for (size_t k = 0; status == STATUS_OK && k < reply->n; k++) {
        struct reading_head head;
        status = read_head(reader, reply, k, &head, fault);
        reader->steps[k] = status == STATUS_OK ? head.step : 0;
    }
    return status;
}

static enum status take_window(struct window_reader *reader, const struct cluster_reply *reply,
                               struct fault *fault)
{
    enum status status = read_steps(reader, reply, fault);
    const size_t n_known = reader->n_known > 0 ? count_known(reader, reply->n) : 0;
    reader->is_start = reply->n < reader->n_window;
    reader->at += reply->n > 0 ? reply->n - 1 : 0;
    /* Where none of it is known, more were recorded meanwhile than a window has: go further back.
     */
    if (status == STATUS_OK && reply->n > 0 && (n_known > 0 || reader->n_known == 0)) {
        uint64_t *known = reader->known;
        status = take_new(reader, reply, n_known, fault);
        reader->known = reader->steps;
        reader->n_known = reply->n;
        reader->steps = known;
    }
    return status;
}

enum status recorded_list_read(const struct recorded_list *list, recorded_take *take, void *arg,
                               struct fault *fault)
{
    const size_t most = window_max(list);
    struct window_reader reader = {
        .list = list, .take = take, .arg = arg, .at = 1, .is_wanted = true
    };
    reader.known = calloc(most, sizeof *reader.known);
    reader.steps = calloc(most, sizeof *reader.steps);
    enum status status = reader.known && reader.steps
                             ? STATUS_OK
                             : fault_set(fault, STATUS_NO_MEMORY, NULL,
                                         "there is not enough memory to read the recordings");
    for (size_t n = list->n_window; status == STATUS_OK && reader.is_wanted && !reader.is_start;
         n = 2 * n) {
        const struct cluster_reply *reply;
        n = n < most ? n : most;
        reader.n_window = n > WINDOW_MIN ? n : WINDOW_MIN;
        status = ask(&reader, &reply, fault);
        status = status == STATUS_OK ? take_window(&reader, reply, fault) : status;
        if (list->trips.between) {
            list->trips.between(list->trips.arg);
        }
    }
    free(reader.known);
    free(reader.steps);
    return status;
}
