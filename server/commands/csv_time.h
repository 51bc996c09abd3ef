/*
 * csv_time.h - the times of files of readings, read and printed. They are RFC 3339, which may lack
 * its offset (UTC is meant), its seconds, its time or its day: "2026-11-21T10:00:00+02:00",
 * "2026-11-21 10:00", "2026-11-21", "2026-11". A leaf; pure.
 */
#ifndef CSV_TIME_H
#define CSV_TIME_H

#include <stdbool.h>

/* Unix seconds. */
bool csv_time_read(const char *text, double *ret_s);

enum { CSV_TIME_SIZE = 40 };
/* "2026-11-21T10:00:00Z", with milliseconds where there are any; "" beyond the calendar. */
void csv_time_print(double s, char ret_text[CSV_TIME_SIZE]);

#endif
