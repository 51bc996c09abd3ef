/*
 * access.h - which client may do what: API keys, and the certificate.
 *
 * Keys and certificate are read at start and again on SIGHUP, by main's thread. Each worker has a
 * reference to the keys that it uses; new ones are left in a mailbox of its own (worker.new_keys),
 * which it looks into before it uses them. So no request takes a lock, and old keys live no longer
 * than they are used.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "http/exchange.h"
#include "http/workers.h"

/* Refuses options that cannot work together. */
__attribute__((warn_unused_result)) enum status
access_check_options(const struct config *config, const struct endpoint *endpoint,
                     struct fault *fault);
/* Reads what the options name, and refuses what cannot work. Before the workers are started; main's
 * thread.
 */
__attribute__((warn_unused_result)) enum status access_open(struct http *http, struct fault *fault);
/* Reads keys and certificate again; on failure the old ones stay. Main's thread. */
__attribute__((warn_unused_result)) enum status access_reload(struct http *http,
                                                              struct fault *fault);
/* After the workers have ended. */
void access_close(struct http *http);

/* A worker's share. */
void access_join(struct worker *worker);
void access_leave(struct worker *worker);

/* Takes the new keys, if there are any, and notes that. The worker's thread. */
void access_renew(struct worker *worker);
/* Whether a client that was let in may still go on. */
bool access_allows(const struct worker *worker, enum scope scope, const char *authorization);
/* Whether the client may make this request, whose route is known; the worker's thread.
 * `authorization` is the header's value or NULL. */
enum status access_check(struct exchange *exchange, const char *authorization);
/* The header that a reply has for clients without the right key. */
bool access_add_headers(struct MHD_Response *response, const struct exchange *exchange);

#endif
