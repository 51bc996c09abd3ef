/* long_support.h - a daemon of one worker, and whether others are served while it works long. */
#ifndef LONG_SUPPORT_H
#define LONG_SUPPORT_H

#include "daemon.h"

#define LONG_MODEL "/v1/models/wide"

/* A prediction of some slices. */
extern const char long_one[];

struct daemon long_start(void);
/* Once this returns the worker has what was sent before: it finds all that has come at once. */
void long_ask_others(const struct daemon *daemon);
bool long_has_answer(int fd);
/* Until the prediction in hand is given up, another long one is refused; then it is served. */
void long_wait_until_given_up(const struct daemon *daemon);

#endif
