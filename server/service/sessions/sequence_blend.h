/*
 * sequence_blend.h - the mixture of a session's forecast that is worked out as a prediction: taken
 * from a copy of the session when it begins, and told when the forecast is there. Any thread; all
 * memory is the arena's.
 */
#ifndef SEQUENCE_BLEND_H
#define SEQUENCE_BLEND_H

#include "base/arena.h"
#include "service/scores/blend.h"
#include "service/sessions/predict.h"
#include "service/sessions/session_blend.h"
#include "service/sessions/session_intervals.h"

struct session;

struct sequence_blend {
    struct session_intervals own;     /* of the session, if it has one */
    struct session_blend_first first; /* if it has none */
    struct mixture mixture;
    struct interval_tracker tracker; /* bytes NULL: the session has none */
    double *mixed;                   /* [n_forecast][O] */
};

/* Of a session whose state is not rolled on yet. NULL: no memory. */
struct sequence_blend *sequence_blend_create(const struct session *session, size_t n_forecast,
                                             struct arena *arena);
/* Once the forecast is there: mixes it, and says of what. */
void sequence_blend_tell(struct sequence *sequence);

#endif
