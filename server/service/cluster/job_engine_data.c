#include "service/cluster/job_engine_data.h"

#include "base/arena.h"
#include "service/cluster/job_engine_pieces.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char series_list[] = "series", state_list[] = "state";

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL,
                     "there is not enough memory for the job's data");
}

/* ---- series: how many there are, and of each this and its values ---- */

struct series_header {
    int64_t is_validation, is_continuation, x_width, y_width, n_rows, n_targets;
};

static enum status upload_one(struct job_upload *upload, const struct job_series *series,
                              struct fault *fault)
{
    const struct gru_series *values = &series->series;
    const struct series_header header = { .is_validation = series->is_validation,
                                          .is_continuation = values->is_continuation,
                                          .x_width = (int64_t)series->x_width,
                                          .y_width = values->y ? (int64_t)series->y_width : 0,
                                          .n_rows = (int64_t)values->n_rows,
                                          .n_targets = (int64_t)values->n_targets };
    size_t x_bytes, y_bytes;
    if (__builtin_mul_overflow(values->n_rows, series->x_width * sizeof(double), &x_bytes) ||
        __builtin_mul_overflow(values->n_targets, series->y_width * sizeof(double), &y_bytes)) {
        return fault_set(fault, STATUS_REQUEST_TOO_LARGE, NULL, "a series is too large");
    }
    enum status status = job_upload_add(upload, &header, sizeof header, fault);
    if (status == STATUS_OK) {
        status = job_upload_add(upload, values->x, values->x ? x_bytes : 0, fault);
    }
    if (status == STATUS_OK) {
        status = job_upload_add(upload, values->y, values->y ? y_bytes : 0, fault);
    }
    return status;
}

enum status job_engine_upload_series(struct job_engine *jobs, const struct job_series *series,
                                     size_t n, char name[JOB_UPLOAD_NAME_MAX], struct fault *fault)
{
    struct job_upload upload;
    const int64_t n_series = (int64_t)n;
    name[0] = '\0';
    if (n == 0) {
        return STATUS_OK;
    }
    if (!job_upload_init(&upload, jobs)) {
        return no_memory(fault);
    }
    enum status status = job_upload_add(&upload, &n_series, sizeof n_series, fault);
    for (size_t k = 0; k < n && status == STATUS_OK; k++) {
        status = upload_one(&upload, &series[k], fault);
    }
    if (status == STATUS_OK) {
        status = job_upload_end(&upload, fault);
    }
    memcpy(name, upload.name, JOB_UPLOAD_NAME_MAX);
    job_upload_done(&upload);
    return status;
}

/* 1: done, 0: it is another node's or over. */
static enum status settle(int64_t answer, struct fault *fault)
{
    return answer == JOB_ENGINE_GONE        ? job_engine_gone(fault)
           : answer == JOB_ENGINE_NO_UPLOAD ? job_engine_no_upload(fault)
                                            : STATUS_OK;
}

enum status job_engine_put_series(struct job_store *store, int64_t number,
                                  const struct job_series *series, size_t n, struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    char name[JOB_UPLOAD_NAME_MAX];
    int64_t answer = 0;
    enum status status = job_engine_upload_series(jobs, series, n, name, fault);
    if (status == STATUS_OK) {
        status = job_engine_begin(jobs, CLUSTER_JOB_PUT_SERIES, fault);
    }
    if (status == STATUS_OK) {
        job_engine_put_node(jobs, number);
        job_engine_put_word(jobs, name);
        status = job_engine_call_number(jobs, &answer, fault);
    }
    return status == STATUS_OK ? settle(answer, fault) : status;
}

/* Of a job's list of pieces. ret_rows: the checkpoint of a state; valid until the next call. */
static enum status open_list(struct job_engine *jobs, int64_t number, const char *what,
                             struct job_download *ret_download,
                             const struct cluster_reply **ret_rows, struct fault *fault)
{
    const struct cluster_reply *reply;
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_DATA, fault);
    if (status != STATUS_OK) {
        return status;
    }
    engine_put_number(jobs->engine, number);
    job_engine_put_word(jobs, what);
    status = job_engine_call_list(jobs, &reply, fault);
    if (status == STATUS_OK &&
        (reply->n != 2 || reply->list[0].type != CLUSTER_NUMBER || reply->list[0].number < 0 ||
         reply->list[0].number > INT_MAX || reply->list[1].type != CLUSTER_LIST)) {
        status = job_engine_damaged(fault);
    }
    if (status == STATUS_OK) {
        *ret_download = (struct job_download){
            .jobs = jobs, .number = number, .what = what, .n_pieces = reply->list[0].number
        };
        *ret_rows = &reply->list[1];
    }
    return status;
}

static enum status read_values(struct job_download *download, int64_t n_rows, int64_t width,
                               struct arena *arena, const double **ret_values, struct fault *fault)
{
    size_t n;
    if (n_rows < 0 || width < 0 || width > INT_MAX ||
        __builtin_mul_overflow((size_t)n_rows, (size_t)width, &n) ||
        n > job_download_left(download) / sizeof(double)) {
        return job_engine_damaged(fault);
    }
    double *values = arena_array(arena, n, sizeof *values);
    if (!values) {
        return no_memory(fault);
    }
    *ret_values = values;
    return job_download_get(download, values, n * sizeof *values, fault);
}

static enum status read_one(struct job_download *download, struct arena *arena,
                            struct job_series *series, struct fault *fault)
{
    struct series_header header;
    enum status status = job_download_get(download, &header, sizeof header, fault);
    if (status != STATUS_OK) {
        return status;
    }
    *series = (struct job_series){ .is_validation = header.is_validation != 0 };
    series->series.is_continuation = header.is_continuation != 0;
    status = read_values(download, header.n_rows, header.x_width, arena, &series->series.x, fault);
    if (status == STATUS_OK && header.y_width != 0) {
        status = read_values(download, header.n_targets, header.y_width, arena, &series->series.y,
                             fault);
    }
    if (status == STATUS_OK) {
        series->x_width = (size_t)header.x_width;
        series->y_width = (size_t)header.y_width;
        series->series.n_rows = (size_t)header.n_rows;
        series->series.n_targets = header.y_width != 0 ? (size_t)header.n_targets : 0;
    }
    return status;
}

enum status job_engine_read_series(struct job_store *store, int64_t number, struct arena *arena,
                                   struct job_series **ret_series, size_t *ret_n,
                                   struct fault *fault)
{
    struct job_download download;
    const struct cluster_reply *rows;
    int64_t n = 0;
    enum status status =
        open_list(job_engine_of(store), number, series_list, &download, &rows, fault);
    if (status == STATUS_OK && download.n_pieces > 0) {
        status = job_download_get(&download, &n, sizeof n, fault);
    }
    if (status == STATUS_OK &&
        (n < 0 || (size_t)n > job_download_left(&download) / sizeof(struct series_header))) {
        status = job_engine_damaged(fault);
    }
    struct job_series *series =
        status == STATUS_OK ? arena_array(arena, (size_t)n, sizeof *series) : NULL;
    if (status == STATUS_OK && !series) {
        status = no_memory(fault);
    }
    for (int64_t k = 0; k < n && status == STATUS_OK; k++) {
        status = read_one(&download, arena, &series[k], fault);
    }
    if (status == STATUS_OK) {
        *ret_series = series;
        *ret_n = (size_t)n;
    }
    return status;
}

enum status job_engine_forget_data(struct job_store *store, int64_t number, struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    int64_t done;
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_FORGET, fault);
    if (status != STATUS_OK) {
        return status;
    }
    engine_put_number(jobs->engine, number);
    return job_engine_call_number(jobs, &done, fault);
}

/* ---- sessions ---- */

static enum status copy_sessions(const struct cluster_reply *reply, struct arena *arena,
                                 const char **sessions, struct fault *fault)
{
    for (size_t k = 0; k < reply->n; k++) {
        const struct cluster_text *text = &reply->list[k].text;
        char *session =
            reply->list[k].type == CLUSTER_TEXT ? arena_alloc(arena, text->n + 1) : NULL;
        if (!session) {
            return reply->list[k].type == CLUSTER_TEXT ? no_memory(fault)
                                                       : job_engine_damaged(fault);
        }
        memcpy(session, text->bytes, text->n);
        session[text->n] = '\0';
        sessions[k] = session;
    }
    return STATUS_OK;
}

enum status job_engine_read_sessions(struct job_store *store, int64_t number, struct arena *arena,
                                     const char *const **ret_sessions, size_t *ret_n,
                                     struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    const struct cluster_reply *reply;
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_SESSIONS, fault);
    if (status != STATUS_OK) {
        return status;
    }
    engine_put_number(jobs->engine, number);
    status = job_engine_call_list(jobs, &reply, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const char **sessions = arena_array(arena, reply->n, sizeof *sessions);
    if (!sessions) {
        return no_memory(fault);
    }
    status = copy_sessions(reply, arena, sessions, fault);
    if (status == STATUS_OK) {
        *ret_sessions = sessions;
        *ret_n = reply->n;
    }
    return status;
}

/* ---- events ---- */

enum status job_engine_add_event(struct job_store *store, int64_t number, struct job_event *event,
                                 struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    int64_t answer = 0;
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_EVENT, fault);
    if (status != STATUS_OK) {
        return status;
    }
    job_engine_put_node(jobs, number);
    job_engine_put_row(jobs, &event_columns, event);
    status = job_engine_call_number(jobs, &answer, fault);
    if (status == STATUS_OK) {
        status = settle(answer, fault);
    }
    if (status == STATUS_OK) {
        event->id = answer;
    }
    return status;
}

/* Rows of a stream, one more than fit says whether there are more. */
static enum status list_rows(struct job_engine *jobs, const char *function, int64_t number,
                             const char *from, size_t limit, const struct cluster_reply **ret_rows,
                             struct fault *fault)
{
    enum status status = job_engine_begin(jobs, function, fault);
    if (status != STATUS_OK) {
        return status;
    }
    engine_put_number(jobs->engine, number);
    job_engine_put_word(jobs, from);
    engine_put_number(jobs->engine, limit < INT32_MAX ? (int64_t)limit + 1 : INT32_MAX);
    return job_engine_call_list(jobs, ret_rows, fault);
}

enum status job_engine_list_events(struct job_store *store, int64_t number, int64_t after,
                                   size_t limit, struct job_event *ret_events, size_t *ret_n,
                                   bool *ret_has_more, struct fault *fault)
{
    const struct cluster_reply *rows;
    char from[24];
    size_t n = 0;
    snprintf(from, sizeof from, "%lld",
             after < 0 ? 0 : (long long)after + (after < INT64_MAX ? 1 : 0));
    enum status status =
        list_rows(job_engine_of(store), CLUSTER_JOB_EVENTS, number, from, limit, &rows, fault);
    for (; status == STATUS_OK && n < rows->n && n < limit; n++) {
        struct job_event *event = &ret_events[n];
        *event = (struct job_event){ .id = 0 };
        if (!job_engine_get_row(&rows->list[n], &event_columns, &event->id, event)) {
            status = job_engine_damaged(fault);
        }
    }
    if (status == STATUS_OK) {
        *ret_n = n;
        *ret_has_more = rows->n > limit;
    }
    return status;
}

/* ---- checkpoints ---- */

static enum status upload_state(struct job_engine *jobs, const void *state, size_t n,
                                char name[JOB_UPLOAD_NAME_MAX], struct fault *fault)
{
    struct job_upload upload;
    if (!job_upload_init(&upload, jobs)) {
        return no_memory(fault);
    }
    enum status status = job_upload_add(&upload, state, n, fault);
    if (status == STATUS_OK) {
        status = job_upload_end(&upload, fault);
    }
    memcpy(name, upload.name, JOB_UPLOAD_NAME_MAX);
    job_upload_done(&upload);
    return status;
}

enum status job_engine_add_checkpoint(struct job_store *store, int64_t number,
                                      struct job_checkpoint *checkpoint, const void *state,
                                      size_t n, struct fault *fault)
{
    struct job_engine *jobs = job_engine_of(store);
    char name[JOB_UPLOAD_NAME_MAX];
    int64_t answer = 0;
    enum status status = upload_state(jobs, state, n, name, fault);
    if (status == STATUS_OK) {
        status = job_engine_begin(jobs, CLUSTER_JOB_CHECKPOINT, fault);
    }
    if (status == STATUS_OK) {
        job_engine_put_node(jobs, number);
        job_engine_put_word(jobs, name);
        job_engine_put_row(jobs, &checkpoint_columns, checkpoint);
        status = job_engine_call_number(jobs, &answer, fault);
    }
    if (status == STATUS_OK) {
        status = settle(answer, fault);
    }
    if (status == STATUS_OK) {
        checkpoint->id = answer;
    }
    return status;
}

/* All pieces in one. */
static enum status read_whole(struct job_download *download, char **ret_bytes, size_t *ret_n,
                              struct fault *fault)
{
    char *bytes = NULL;
    size_t n = 0;
    struct cluster_text text = { 0 };
    enum status status = STATUS_OK;
    do {
        status = job_download_next(download, &text, fault);
        char *larger = status == STATUS_OK && text.n > 0 ? realloc(bytes, n + text.n) : bytes;
        if (status == STATUS_OK && text.n > 0 && !larger) {
            status = no_memory(fault);
        } else if (status == STATUS_OK && text.n > 0) {
            bytes = larger;
            memcpy(bytes + n, text.bytes, text.n);
            n += text.n;
        }
    } while (status == STATUS_OK && text.n > 0);
    if (status != STATUS_OK) {
        free(bytes);
        return status;
    }
    *ret_bytes = bytes;
    *ret_n = n;
    return STATUS_OK;
}

enum status job_engine_read_state(struct job_store *store, int64_t number, void **ret_state,
                                  size_t *ret_n, struct job_checkpoint *ret_checkpoint,
                                  struct fault *fault)
{
    struct job_download download;
    const struct cluster_reply *rows;
    struct job_checkpoint checkpoint = { .id = 0 };
    char *state = NULL;
    size_t n = 0;
    enum status status =
        open_list(job_engine_of(store), number, state_list, &download, &rows, fault);
    if (status == STATUS_OK && download.n_pieces > 0 &&
        (rows->n != 1 ||
         !job_engine_get_row(&rows->list[0], &checkpoint_columns, &checkpoint.id, &checkpoint))) {
        status = job_engine_damaged(fault);
    }
    if (status == STATUS_OK) {
        status = read_whole(&download, &state, &n, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    *ret_state = state;
    *ret_n = n;
    if (download.n_pieces > 0) {
        *ret_checkpoint = checkpoint;
    }
    return STATUS_OK;
}

enum status job_engine_list_checkpoints(struct job_store *store, int64_t number, int64_t after,
                                        size_t limit, struct job_checkpoint *ret_checkpoints,
                                        size_t *ret_n, bool *ret_has_more, struct fault *fault)
{
    const struct cluster_reply *rows;
    char from[24] = "+";
    size_t n = 0;
    if (after != 0) {
        snprintf(from, sizeof from, "%lld", after > 0 ? (long long)after - 1 : 0);
    }
    enum status status =
        list_rows(job_engine_of(store), CLUSTER_JOB_CHECKPOINTS, number, from, limit, &rows, fault);
    for (; status == STATUS_OK && n < rows->n && n < limit; n++) {
        struct job_checkpoint *checkpoint = &ret_checkpoints[n];
        *checkpoint = (struct job_checkpoint){ .id = 0 };
        if (!job_engine_get_row(&rows->list[n], &checkpoint_columns, &checkpoint->id, checkpoint)) {
            status = job_engine_damaged(fault);
        }
    }
    if (status == STATUS_OK) {
        *ret_n = n;
        *ret_has_more = rows->n > limit;
    }
    return status;
}
