/*
 * history.h - what a session took in, and what had been forecast for it then: from its recordings
 * (recorder.h) where there are any, and from the readings that its record keeps.
 *
 * The kept readings are the session's own: one that was amended shows as it was put in its place.
 * What had been forecast is in the recordings. Where there are none, the kept readings are replayed
 * from where that can be (a session's beginning, or its base), and what comes out counts if the
 * replay ends in the session's state and in its errors, bit for bit: then the same forecasts were
 * made. Else it is not known, and nothing is made up.
 *
 * A thread that may wait for the disk, with a context of its own. As other verbs on a session it
 * may have to be called again (sessions.h); changes nothing.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "base/arena.h"
#include "base/status.h"
#include "gru.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct service_context;

struct session_reading {
    uint64_t step;
    double at;       /* NaN: it has no time, or it is not known */
    const double *x; /* [I] NaN: missing */
    const double *y; /* [O] made one step before; NULL: nothing, or it is not known */
};

struct session_history {
    const struct gru_model *gru;      /* valid until the context's next turn */
    uint64_t step;                    /* the session's last */
    const double *y;                  /* [O] what is forecast for the next; NULL: nothing */
    struct session_reading *readings; /* [n], oldest first */
    size_t n;
    bool has_more;        /* there are older ones */
    bool is_acknowledged; /* the last one may be: it is on disk, or need not be (commit.h) */
};

/* The last `limit` readings before step `before` (UINT64_MAX: of all). Memory from the arena. */
enum status session_history_read(struct service_context *context, const struct model *model,
                                 const char *id, uint64_t before, size_t limit, struct arena *arena,
                                 struct session_history *ret_history, struct fault *fault);

#endif
