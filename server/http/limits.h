/* limits.h - refuses what is beyond a limit (head, connections, load, streams), and counts it. The
 * worker's thread. */
#ifndef LIMITS_H
#define LIMITS_H

#include "http/exchange.h"

enum status limit_head(struct exchange *exchange);
enum status limit_connections(struct exchange *exchange);
/* Whether the request can be served in time; the route is known. To be asked only while nothing of
 * the request has been done. The time in which its own body arrived and was parsed does not count
 * as waiting. */
enum status limit_load(struct exchange *exchange);
/* A prediction that is long, before its first slice. */
enum status limit_prediction(struct exchange *exchange);
enum status limit_streams(struct exchange *exchange);

#endif
