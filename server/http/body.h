/* body.h - the body of a request: what may come, and what has come. The worker's thread. */
#ifndef BODY_H
#define BODY_H

#include "http/exchange.h"

struct guard;

/* Whether the body that was announced may come. */
enum status body_check(struct exchange *exchange, const struct guard *guard);
/* Takes a piece of it. */
enum status body_add(struct exchange *exchange, const char *bytes, size_t n);
/* It has come, or never will: its memory is the arena's, or nobody's. */
void body_settle(struct exchange *exchange);
size_t body_limit(const struct request *request); /* in bytes; the route is known */

#endif
