/*
 * http.h - the HTTP server: binds the port, starts its workers and stops them. Hides microhttpd.h.
 * For main's thread, except where a function says otherwise.
 *
 * Each worker is a thread with a libmicrohttpd daemon of its own on a shared port and an epoll loop
 * of its own. One turn: MHD_run takes in what has arrived and calls handlers; steps that were
 * handed in are worked on as one batch; a second MHD_run sends their answers. Every few turns a
 * slice of the oldest long prediction follows.
 */
#ifndef HTTP_H
#define HTTP_H

#include "base/status.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;
struct service;

/* What http_bind refuses by the options alone: no file is read, and no port is bound. */
__attribute__((warn_unused_result)) enum status http_check(const struct config *config,
                                                           struct fault *fault);
/* Binds the port; clients that connect already wait. The rest of what only root may do or read
 * belongs here, too: main may drop its rights before it calls http_start. */
__attribute__((warn_unused_result)) enum status
http_bind(const struct config *config, struct http **ret_http, struct fault *fault);
/* Starts the workers: from here on the port answers. */
__attribute__((warn_unused_result)) enum status
http_start(struct http *http, struct service *service, struct fault *fault);
unsigned http_port(const struct http *http);
size_t http_n_workers(const struct http *http);
/* Several times a second, from http_start on: says in the log, once a minute, which requests
 * clients got wrong. now_ms: of the monotonic clock; INT64_MAX: at the end, what is left to say. */
void http_tick(struct http *http, int64_t now_ms);
/* Reads keys and certificate again, both or neither. */
__attribute__((warn_unused_result)) enum status http_reload(struct http *http, struct fault *fault);
/* Not ready from here on: refuses new connections, ends streams, and answers what was accepted
 * within that time. Called again it only sets the time that is left. */
void http_drain(struct http *http, int64_t ms);
/* Whether the workers have come to their end. */
bool http_is_drained(const struct http *http);
/* Instead of http_stop, right before the process ends: the workers are not waited for. */
void http_abandon(struct http *http);
/* Ends what is still going on, and frees everything. Takes one that was never started, and NULL. */
void http_stop(struct http *http);

#endif
