/*
 * error_fields.h - the `errors` in the body of PUT session: what GET gave of how well the session
 * has forecast. Private to the codec.
 */
#ifndef ERROR_FIELDS_H
#define ERROR_FIELDS_H

#include "codec/reader.h"

/* The counts and means that clients read, or with them all that a session knows. */
enum status error_fields_read(struct reader *r, size_t n_outputs,
                              struct session_errors *ret_errors);

#endif
