/*
 * admission.h - whether a request may go on, judged by its first line and headers: framing, route,
 * limits, host and origin, key, query parameters, and the body that it announces. The worker's
 * thread.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include "http/exchange.h"
#include "http/guard.h"

/* Fills *ret_guard with what the headers say; its `problem` is not NULL if it is not clear where
 * the request ends, so that its connection cannot be kept. STATUS_OK without a route: the reply to
 * OPTIONS is made. */
enum status admission_check(struct exchange *exchange, const char *version,
                            struct guard *ret_guard);

#endif
