/*
 * admission.h - whether a request may go on, judged by its first line and headers: framing, route,
 * limits, key, query parameters, and the body that it announces. The worker's thread.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include "http/exchange.h"
#include "http/guard.h"

/* Whether it is clear where the request ends; if not, its connection cannot be kept. Fills *guard
 * with what the headers say. */
enum status admission_check_framing(struct exchange *exchange, const char *version,
                                    struct guard *guard);
/* The rest. STATUS_OK without a route: the reply to OPTIONS is made. */
enum status admission_check(struct exchange *exchange, const struct guard *guard);

#endif
