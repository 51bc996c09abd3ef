/*
 * put_session_errors.h - the `errors` of a session. Private to the codec.
 */
#ifndef PUT_SESSION_ERRORS_H
#define PUT_SESSION_ERRORS_H

#include "codec/codec.h"

/* Bytes that they take at most. */
size_t put_session_errors_max(const struct session *session);
/* {"n","mae","rmse"}; where the session has its figures also the other measures, "recent",
 * "recent_mae" and "intervals"; and its "means". */
char *put_session_errors(char *p, const struct session *session);

#endif
