/*
 * session_time.h - what a session knows of its readings' own times, in its record and outside of
 * it. Pure; any thread.
 */
#ifndef SESSION_TIME_H
#define SESSION_TIME_H

#include "service/sessions/sessions.h"

struct record_copy;

struct session_time session_time_read(const struct record_copy *copy);
/* Of its last reading, NaN: that came without one. */
double session_time_last_at(const struct session_time *time);
void session_time_write(const struct session_time *time, struct record_copy *copy);

#endif
