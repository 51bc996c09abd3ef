/* client_errors.c - see client_errors.h. */
#include "http/client_errors.h"

#include "base/log.h"
#include "http/worker.h"

#include <stdio.h>

enum { SLOT = 3, IS_NEW = 4, MINUTE_MS = 60000 };

void client_errors_init(struct client_errors *errors)
{
    errors->worker_slot = 0;
    errors->main_slot = 1;
    atomic_init(&errors->newest_slot, 2);
}

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
    fault_drop_partial_code_point(out);
}

void client_errors_note(struct client_errors *errors, int64_t at_ns, int code, const char *method,
                        const char *path, const char *reason)
{
    struct client_error *error = &errors->slots[errors->worker_slot];
    error->at_ns = at_ns;
    error->code = code;
    copy_text(error->method, sizeof error->method, method);
    copy_text(error->path, sizeof error->path, path);
    copy_text(error->reason, sizeof error->reason, reason);
    const unsigned char mine = errors->worker_slot | IS_NEW;
    errors->worker_slot =
        atomic_exchange_explicit(&errors->newest_slot, mine, memory_order_acq_rel) & SLOT;
}

bool client_errors_take(struct client_errors *errors, struct client_error *ret_error)
{
    if (!(atomic_load_explicit(&errors->newest_slot, memory_order_relaxed) & IS_NEW)) {
        return false;
    }
    errors->main_slot =
        atomic_exchange_explicit(&errors->newest_slot, errors->main_slot, memory_order_acq_rel) &
        SLOT;
    *ret_error = errors->slots[errors->main_slot];
    return true;
}

/* ---- the line ---- */

struct error_line {
    struct log_field fields[METRICS_CODES + 6]; /* the number, each status, the example, the end */
    size_t n_fields;
    uint64_t n_errors;
};

static void add_field(struct error_line *line, struct log_field field)
{
    line->fields[line->n_fields++] = field;
}

/* How many there were of each status since the last line. */
static void add_counts(const struct http *http, struct client_errors_told *told,
                       struct error_line *line)
{
    for (size_t k = 0; k < METRICS_CODES; k++) {
        if (metrics_code(k)[0] != '4') {
            continue;
        }
        uint64_t n = 0;
        for (size_t route = 0; route <= http->n_routes; route++) {
            n += metrics_sum(http->metrics, http->n_workers, metrics_at_requests(route, k));
        }
        if (n > told->n[k]) {
            add_field(line, LOG_INT(metrics_code(k), (int64_t)(n - told->n[k])));
            line->n_errors += n - told->n[k];
            told->n[k] = n;
        }
    }
}

/* The last of all workers' since the last line. */
static bool take_example(const struct http *http, struct client_error *ret_error)
{
    struct client_error error;
    bool has_one = false;
    for (size_t k = 0; k < http->n_workers; k++) {
        if (client_errors_take(&http->workers[k]->client_errors, &error) &&
            (!has_one || error.at_ns > ret_error->at_ns)) {
            *ret_error = error;
            has_one = true;
        }
    }
    return has_one;
}

void client_errors_report(struct http *http, int64_t now_ms)
{
    struct client_errors_told *told = &http->client_errors_told;
    struct error_line line = { .n_fields = 1 };
    struct client_error error;
    if (now_ms < told->next_ms) {
        return;
    }
    add_counts(http, told, &line);
    if (line.n_errors == 0) {
        return;
    }
    told->next_ms = now_ms < INT64_MAX - MINUTE_MS ? now_ms + MINUTE_MS : INT64_MAX;
    line.fields[0] = LOG_INT("requests", (int64_t)line.n_errors);
    if (take_example(http, &error)) {
        add_field(&line, LOG_STRING("method", error.method));
        add_field(&line, LOG_STRING("path", error.path));
        add_field(&line, LOG_INT("status", error.code));
        add_field(&line, LOG_STRING("reason", error.reason));
    }
    if (log_enabled(LOG_INFO)) {
        log_write(LOG_INFO, "client_errors", line.fields); /* the last is zero */
    }
}
