#include "service/cluster/job_engine_call.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AWAY_MS = 100, KEPT_MS = 1000, VALUE_MAX = 40 };

static const char key[] = "j";

/* ---- a call ---- */

enum status job_engine_begin(struct job_engine *jobs, const char *function, struct fault *fault)
{
    enum status status = engine_wait_ms(jobs->engine, AWAY_MS, fault);
    if (status == STATUS_OK) {
        engine_begin(jobs->engine, function);
        engine_put_key(jobs->engine, key);
    }
    return status;
}

enum status job_engine_keep(struct job_engine *jobs, struct fault *fault)
{
    const struct cluster_reply *reply;
    const int64_t now_ms = clock_monotonic_ms();
    if (jobs->at_work == 0 || now_ms - jobs->looked_at_ms < KEPT_MS) {
        return STATUS_OK;
    }
    enum status status = job_engine_begin(jobs, CLUSTER_JOB_LOOK, fault);
    if (status == STATUS_OK) {
        jobs->looked_at_ms = now_ms;
        job_engine_put_node(jobs, jobs->at_work);
        status = job_engine_call(jobs, &reply, fault);
    }
    return status;
}

void job_engine_put_word(struct job_engine *jobs, const char *word)
{
    engine_put_text(jobs->engine, word, strlen(word));
}

void job_engine_put_node(struct job_engine *jobs, int64_t number)
{
    job_engine_put_word(jobs, jobs->node);
    engine_put_number(jobs->engine, number);
}

enum status job_engine_call(struct job_engine *jobs, const struct cluster_reply **ret_reply,
                            struct fault *fault)
{
    return engine_call(jobs->engine, ret_reply, fault);
}

enum status job_engine_call_list(struct job_engine *jobs, const struct cluster_reply **ret_reply,
                                 struct fault *fault)
{
    enum status status = engine_call(jobs->engine, ret_reply, fault);
    return status == STATUS_OK && (*ret_reply)->type != CLUSTER_LIST ? job_engine_damaged(fault)
                                                                     : status;
}

enum status job_engine_call_number(struct job_engine *jobs, int64_t *ret_number,
                                   struct fault *fault)
{
    const struct cluster_reply *reply;
    enum status status = engine_call(jobs->engine, &reply, fault);
    if (status == STATUS_OK && reply->type != CLUSTER_NUMBER) {
        return job_engine_damaged(fault);
    }
    if (status == STATUS_OK) {
        *ret_number = reply->number;
    }
    return status;
}

enum status job_engine_damaged(struct fault *fault)
{
    return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                     "the cluster's engine has a job that is damaged, or of another grud: see keys "
                     "that begin with --cluster-prefix and %s",
                     key);
}

enum status job_engine_gone(struct fault *fault)
{
    return fault_set(fault, STATUS_JOB_NOT_FOUND, NULL, "the job is gone");
}

enum status job_engine_no_upload(struct fault *fault)
{
    return fault_set(
        fault, STATUS_STORAGE_FAILED, NULL,
        "the cluster's engine has lost what was sent to it for the job: send it again");
}

/* ---- values ---- */

int64_t job_engine_time(int64_t steady_ms)
{
    static const int64_t most = INT64_MAX / 2;
    return steady_ms == 0 || steady_ms > most || steady_ms < -most ? steady_ms
                                                                   : clock_wall_of(steady_ms);
}

static int64_t time_here(int64_t wall_ms)
{
    static const int64_t most = INT64_MAX / 2;
    return wall_ms == 0 || wall_ms > most || wall_ms < -most ? wall_ms : clock_steady_of(wall_ms);
}

/* Without the zeros at the end. */
static size_t n_used(const unsigned char *bytes, size_t n)
{
    while (n > 0 && bytes[n - 1] == 0) {
        n--;
    }
    return n;
}

static void put_value(struct job_engine *jobs, const struct query_column *column, const void *field)
{
    struct engine *engine = jobs->engine;
    char text[VALUE_MAX] = "";
    switch (column->type) {
    case COLUMN_INTEGER:
        engine_put_number(engine, job_engine_time(*(const int64_t *)field));
        return;
    case COLUMN_COUNT:
    case COLUMN_SIZE:
        snprintf(text, sizeof text, "%" PRIu64, *(const uint64_t *)field);
        break;
    case COLUMN_NUMBER:
        engine_put_number(engine, *(const unsigned *)field);
        return;
    case COLUMN_CHOICE:
        engine_put_number(engine, *(const int *)field);
        return;
    case COLUMN_FLAG:
        engine_put_number(engine, *(const bool *)field);
        return;
    case COLUMN_REAL:
        snprintf(text, sizeof text, "%.17g", *(const double *)field);
        break;
    case COLUMN_TEXT:
        job_engine_put_word(jobs, field);
        return;
    case COLUMN_BYTES:
        engine_put_text(engine, field, n_used(field, column->n_bytes));
        return;
    case COLUMN_STATUS:
        job_engine_put_word(jobs, status_code(*(const enum status *)field));
        return;
    }
    job_engine_put_word(jobs, text);
}

void job_engine_put_columns(struct job_engine *jobs, const struct query_columns *columns,
                            const void *record)
{
    for (size_t k = 0; k < columns->n; k++) {
        job_engine_put_word(jobs, columns->columns[k].name);
        put_value(jobs, &columns->columns[k], (const char *)record + columns->columns[k].offset);
    }
}

void job_engine_put_row(struct job_engine *jobs, const struct query_columns *columns,
                        const void *record)
{
    engine_put_number(jobs->engine, (int64_t)(2 * columns->n));
    job_engine_put_columns(jobs, columns, record);
}

/* ---- and back ---- */

static bool get_integer(const struct cluster_text *text, int64_t least, int64_t most,
                        int64_t *ret_value)
{
    char *end;
    errno = 0;
    const long long value = strtoll(text->bytes, &end, 10);
    *ret_value = value;
    return text->n > 0 && errno == 0 && end == text->bytes + text->n && value >= least &&
           value <= most;
}

static bool get_count(const struct cluster_text *text, uint64_t *ret_value)
{
    char *end;
    errno = 0;
    *ret_value = strtoull(text->bytes, &end, 10);
    return text->n > 0 && text->bytes[0] != '-' && errno == 0 && end == text->bytes + text->n;
}

static bool get_real(const struct cluster_text *text, double *ret_value)
{
    char *end;
    *ret_value = strtod(text->bytes, &end);
    return text->n > 0 && end == text->bytes + text->n;
}

static bool get_bytes(const struct cluster_text *text, const struct query_column *column,
                      void *field)
{
    const bool is_text = column->type == COLUMN_TEXT;
    if (text->n + is_text > column->n_bytes || (is_text && memchr(text->bytes, '\0', text->n))) {
        return false;
    }
    memset(field, 0, column->n_bytes);
    memcpy(field, text->bytes, text->n);
    return true;
}

static bool get_status(const struct cluster_text *text, enum status *ret_status)
{
    for (enum status status = STATUS_OK; status < STATUS_COUNT; status++) {
        if (strcmp(status_code(status), text->bytes) == 0) {
            *ret_status = status;
            return true;
        }
    }
    return false;
}

static bool get_value(const struct cluster_text *text, const struct query_column *column,
                      void *field)
{
    int64_t value = 0;
    bool fits = true;
    switch (column->type) {
    case COLUMN_INTEGER:
        fits = get_integer(text, INT64_MIN, INT64_MAX, &value);
        *(int64_t *)field = time_here(value);
        break;
    case COLUMN_COUNT:
    case COLUMN_SIZE:
        fits = get_count(text, field);
        break;
    case COLUMN_NUMBER:
        fits = get_integer(text, 0, UINT_MAX, &value);
        *(unsigned *)field = fits ? (unsigned)value : 0;
        break;
    case COLUMN_CHOICE:
        fits = get_integer(text, 0, column->most, &value);
        *(int *)field = fits ? (int)value : 0;
        break;
    case COLUMN_FLAG:
        fits = get_integer(text, 0, 1, &value);
        *(bool *)field = fits && value != 0;
        break;
    case COLUMN_REAL:
        fits = get_real(text, field);
        break;
    case COLUMN_TEXT:
    case COLUMN_BYTES:
        fits = get_bytes(text, column, field);
        break;
    case COLUMN_STATUS:
        fits = get_status(text, field);
        break;
    }
    return fits;
}

static bool are_pairs(const struct cluster_reply *pairs)
{
    bool are = pairs->type == CLUSTER_LIST && pairs->n % 2 == 0;
    for (size_t k = 0; are && k < pairs->n; k++) {
        are = pairs->list[k].type == CLUSTER_TEXT;
    }
    return are;
}

static const struct cluster_reply *find_value(const struct cluster_reply *pairs, const char *name)
{
    for (size_t k = 0; k < pairs->n; k += 2) {
        if (strcmp(pairs->list[k].text.bytes, name) == 0) {
            return &pairs->list[k + 1];
        }
    }
    return NULL;
}

const struct cluster_reply *job_engine_find_value(const struct cluster_reply *pairs,
                                                  const char *name)
{
    return are_pairs(pairs) ? find_value(pairs, name) : NULL;
}

bool job_engine_get_columns(const struct cluster_reply *pairs, const struct query_columns *columns,
                            void *record)
{
    bool fits = are_pairs(pairs);
    for (size_t k = 0; fits && k < columns->n; k++) {
        const struct query_column *column = &columns->columns[k];
        const struct cluster_reply *value = find_value(pairs, column->name);
        fits = !value || get_value(&value->text, column, (char *)record + column->offset);
    }
    return fits;
}

bool job_engine_get_number(const struct cluster_reply *reply, int64_t *ret_number)
{
    if (reply->type == CLUSTER_NUMBER) {
        *ret_number = reply->number;
        return true;
    }
    return reply->type == CLUSTER_TEXT &&
           get_integer(&reply->text, INT64_MIN, INT64_MAX, ret_number);
}

bool job_engine_get_row(const struct cluster_reply *entry, const struct query_columns *columns,
                        int64_t *ret_id, void *record)
{
    if (entry->type != CLUSTER_LIST || entry->n != 2 || entry->list[0].type != CLUSTER_TEXT) {
        return false;
    }
    char *end;
    errno = 0;
    *ret_id = strtoll(entry->list[0].text.bytes, &end, 10); /* "17-0" */
    return errno == 0 && *end == '-' && job_engine_get_columns(&entry->list[1], columns, record);
}
