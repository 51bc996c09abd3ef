/*
 * outlook.h - what a session's forecast is as it stands, without a request that says how far: all
 * at once, so it is for a thread that no step waits behind. Changes nothing. As the verbs of
 * sessions.h it may be blocked (session_was_blocked).
 */
#ifndef OUTLOOK_H
#define OUTLOOK_H

#include "base/arena.h"
#include "base/status.h"
#include "service/scores/interval_reply.h"

#include <stddef.h>

struct gru_info;
struct model;
struct service_context;

struct outlook {
    const struct gru_info *info; /* of the version that it is of */
    size_t n_rows;               /* 0: there is nothing to forecast from */
    const double *forecast;      /* [n_rows][O] */
    struct interval_replies
        intervals; /* of the levels that the session has calibrated; n 0: none */
};

/* As far as the model can look without being told of the future, n_ahead rows at most. The results
 * live in the arena, and in the context's catalogue. */
enum status session_outlook(struct service_context *context, const struct model *model,
                            const char *id, size_t n_ahead, struct arena *arena,
                            struct outlook *ret_outlook, struct fault *fault);

#endif
