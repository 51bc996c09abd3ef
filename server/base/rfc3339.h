/*
 * rfc3339.h - reads a time as RFC 3339 writes it: "2026-11-21T10:00:00.25+02:00". A leaf; pure, any
 * thread. Never looks at the clock or at a time zone: a time without an offset is refused.
 *
 * T and Z may be small, and a space may stand for the T (section 5.6). The offset -00:00 is UTC. A
 * leap second, 23:59:60 UTC at the end of a month, is the first second of the next day, as in Unix
 * time. Of the fraction 18 digits count.
 */
#ifndef RFC3339_H
#define RFC3339_H

#include <stddef.h>

enum rfc3339 {
    RFC3339_TIME,
    RFC3339_MALFORMED,
    RFC3339_NO_OFFSET,
    RFC3339_IMPOSSIBLE, /* well written, but there is no such date, time or offset */
};

/* *ret_s: Unix seconds, for RFC3339_TIME only. */
enum rfc3339 rfc3339_read(const char *text, size_t n, double *ret_s);

#endif
