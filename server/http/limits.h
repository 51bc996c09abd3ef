/* limits.h - refuses what is beyond a limit (head, connections, load, streams), and counts it. The
 * worker's thread. */
#ifndef LIMITS_H
#define LIMITS_H

#include "http/exchange.h"

/* The memory that libmicrohttpd is given for a connection: for a request's head, its own records of
 * the values in it, and the head of the reply. libmicrohttpd zeroes it for each request, so that
 * twice the default costs a fiftieth of a step. */
size_t limit_memory(const struct config *config);
/* What a head takes of that. */
size_t limit_head_memory(size_t n_head, size_t n_values, size_t n_cookie);
enum status limit_head(struct exchange *exchange);
/* A target, before libmicrohttpd makes records of its query parameters. */
enum status limit_target(const struct config *config, const char *target, size_t n,
                         struct fault *fault);
enum status limit_connections(struct exchange *exchange);
/* Whether the request can be served in time; the route is known. To be asked only while nothing of
 * the request has been done. The time in which its own body arrived and was parsed does not count
 * as waiting. */
enum status limit_load(struct exchange *exchange);
/* A prediction that is long, before its first slice. */
enum status limit_prediction(struct exchange *exchange);
enum status limit_streams(struct exchange *exchange);

#endif
