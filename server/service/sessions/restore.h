/*
 * restore.h - the state that a restored session's readings lead to, worked out before anything is
 * written: a prediction of which only the last state is wanted. So it may take many turns, and
 * nobody is kept from the session meanwhile. Any thread; memory comes from the arena given.
 */
#ifndef RESTORE_H
#define RESTORE_H

#include "service/sessions/predict.h"
#include "service/sessions/sessions.h"

struct restore_replay {
    struct prediction prediction; /* begun: gone on with and ended like any other */
    struct sequence sequence;     /* its only one */
    struct digest digest;         /* of the version */
};

/* Whether it has readings and no state. */
static inline bool restore_is_due(const struct session_restore *restore)
{
    return !restore->state && restore->n_readings > 0;
}

/* Through the model's active version. */
enum status restore_begin(const struct model *model, const struct session_restore *restore,
                          struct arena *arena, struct restore_replay *ret_replay,
                          struct fault *fault);
/* With all rows done: the state is the restore's own. session_put refuses it with digest_mismatch
 * if another version has become active. */
void restore_take(const struct restore_replay *replay, struct session_restore *restore);

#endif
