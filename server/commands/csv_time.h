/*
 * csv_time.h - the times of a file of readings: RFC 3339, which may lack its offset (UTC is meant),
 * its seconds, its time or its day: "2026-11-21T10:00:00+02:00", "2026-11-21 10:00", "2026-11-21",
 * "2026-11". A leaf; pure.
 */
#ifndef CSV_TIME_H
#define CSV_TIME_H

#include <stdbool.h>

/* Unix seconds. */
bool csv_time_read(const char *text, double *ret_s);

#endif
