/*
 * client_errors.h - requests that their clients got wrong (4xx), as the log tells of them: at most
 * one line a minute, with the number of each status and the last request as an example.
 *
 * A worker notes its own last one, which takes no lock: it writes into a slot of its own and
 * exchanges that for the newest one. The numbers are those of metrics.h. Main's thread prints.
 */
#ifndef CLIENT_ERRORS_H
#define CLIENT_ERRORS_H

#include "http/metrics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct http;

struct client_error {
    int64_t at_ns; /* of the monotonic clock */
    int code;
    char method[16], path[128], reason[192]; /* cut to fit */
};

/* A worker's. */
struct client_errors {
    struct client_error slots[3]; /* the worker's, the newest, main's */
    unsigned char worker_slot, main_slot;
    _Atomic unsigned char newest_slot; /* with a bit that says that main has not seen it */
};

/* What main has printed already. */
struct client_errors_told {
    int64_t next_ms; /* no line before */
    uint64_t n[METRICS_CODES];
};

void client_errors_init(struct client_errors *errors);
/* The worker. reason: the sentence of its reply. */
void client_errors_note(struct client_errors *errors, int64_t at_ns, int code, const char *method,
                        const char *path, const char *reason);
/* Main's thread: the last one noted; false: none since the last look. */
bool client_errors_take(struct client_errors *errors, struct client_error *ret_error);
/* Main's thread, once a tick. INT64_MAX: at the end, whatever is left. */
void client_errors_report(struct http *http, int64_t now_ms);

#endif
