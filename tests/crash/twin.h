/*
 * twin.h - a daemon that nothing happens to. It is fed what the daemon under test was fed, and
 * asked the same; whatever the two say about a session must be the same text.
 */
#ifndef TWIN_H
#define TWIN_H

#include "crash.h"

/* What the twin has of a session. */
struct twin_session {
    uint64_t stream, step;
};

struct twin {
    struct daemon daemon;
    int fd;
    struct twin_session sessions[SESSIONS];
};

void twin_start(struct twin *twin);
void twin_stop(struct twin *twin);

/* With no client running: compares all sessions of the models in `models` (a bit each) with the
 * twin: that they are where they may be, their state, readings and next forecast, and every answer
 * since they were last compared. What was unknown of them is known then. */
void twin_compare(struct twin *twin, const struct daemon *daemon, struct subject sessions[SESSIONS],
                  unsigned models);

#endif
