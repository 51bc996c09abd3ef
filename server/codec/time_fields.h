/*
 * time_fields.h - readings' own times: the field `at` of a step, and what a session knows of them.
 * Private to the codec.
 */
#ifndef TIME_FIELDS_H
#define TIME_FIELDS_H

#include "codec/reader.h"

/* Unix seconds as a number, or RFC 3339 text. A number that counts smaller units is refused by
 * their name. */
enum status time_fields_read_at(struct reader *r, double *ret_at);
/* What GET gave of a session's time, or null. */
enum status time_fields_read_session(struct reader *r, struct session_time *ret_time);

#endif
