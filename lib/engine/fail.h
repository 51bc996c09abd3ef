/* fail.h - fills a gru_error: the one way to report a failure. Private to lib/engine; any thread.
 */
#ifndef FAIL_H
#define FAIL_H

#include "gru.h"

/* Writes the parameter and the formatted sentence into *error (if any); returns status. */
__attribute__((format(printf, 4, 5))) enum gru_status gru_fail(struct gru_error *error,
                                                               enum gru_status status,
                                                               const char *param,
                                                               const char *format, ...);

#endif
