/* body.h - the body of a request: whether it is taken, and its bytes as they arrive. The worker's
 * thread. */
#ifndef BODY_H
#define BODY_H

#include "http/exchange.h"

struct guard;

/* Whether the body that the headers announce is taken. */
enum status body_check(struct exchange *exchange, const struct guard *guard);
/* Takes a piece of it. *ret_n_left of its last bytes are to be given again in a later turn: what
 * they would come to would take too long in this one, or waits for what is read aside. */
enum status body_add(struct exchange *exchange, const char *bytes, size_t n, size_t *ret_n_left);
/* All of it has come: whether it is whole. */
enum status body_end(struct exchange *exchange);
/* The body is complete or given up: what was set aside for it is no longer counted beside the
 * arena. */
void body_settle(struct exchange *exchange);
size_t body_limit(const struct request *request); /* in bytes; the route is known */

#endif
