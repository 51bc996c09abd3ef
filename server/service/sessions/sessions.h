/*
 * sessions.h - the verbs on one session but the step.
 *
 * Any thread, with a context of its own. A session is claimed for as long as it is worked on. A
 * verb waits for another claim, but only as long as a step takes: where a session is held for
 * longer, as while sessions move to another layout, the verb fails, has changed nothing, and is to
 * be called again (session_was_blocked). Results are copies in the arena given.
 */
#ifndef SESSIONS_H
#define SESSIONS_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/status.h"
#include "gru.h"
#include "service/names.h"
#include "service/sessions/session_calibration.h"
#include "service/sessions/session_errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct service_context;
struct session_figures;

struct session_row {
    char session[SESSION_ID_MAX + 1];
    uint64_t step;
    unsigned version;
    int64_t created_at_ms, last_seen_at_ms; /* by the steady clock */
    int64_t expires_at_ms;                  /* the same; 0: never */
    const char *model; /* its name, as long as the context's catalogue; of rows of a list */
};

enum { SESSION_FILLED_MAX = 100000 };

/* What it knows of its readings' own times. Of the lower three only one can be. */
struct session_time {
    bool is_known;     /* of one reading at least */
    double last_at;    /* of the last one that came with a time, Unix seconds */
    size_t n_filled;   /* missing readings before its last one that count, by its time */
    bool is_restarted; /* more than are filled: the hidden state began anew with its last reading */
    bool is_untimed;   /* its last reading came without a time */
};

struct session {
    struct session_row row;
    struct gru_model *gru; /* the version that the state belongs to */
    int64_t ttl_s;         /* its own time to live; -1: the configured one */
    struct digest digest;
    float *state;           /* [state_floats] (gru.h): a copy */
    const double *readings; /* [n_readings][I], oldest first */
    size_t n_readings;
    struct session_errors errors;
    const struct session_figures *figures; /* NULL, until session_figures_read */
    struct session_calibration calibration;
    struct session_time time;
};

/* Whether a verb of this context has failed for that reason since this was last asked. */
bool session_was_blocked(struct service_context *context);
/* Whether the model's sessions are being moved: until they are not, no verb need be called again.
 * `model` may be NULL, of a verb on several models: not known. */
bool sessions_are_moving(struct service_context *context, const char *model);

/* The engine of a cluster has them: verbs on one session wait for it, and their thread with them.
 */
bool sessions_are_shared(const struct service_context *context);

/* That it is there, and its last step. */
enum status session_find(struct service_context *context, const struct model *model, const char *id,
                         uint64_t *ret_step, struct fault *fault);
enum status session_read(struct service_context *context, const struct model *model, const char *id,
                         struct arena *arena, struct session *ret_session, struct fault *fault);

/* The rest of a row that has its model and its id. false: the session has ended. */
enum status session_read_row(struct service_context *context, struct session_row *row,
                             bool *ret_is_there, struct fault *fault);

/* PUT: creates the session, or replaces it. With `state` NULL it begins anew, and has no readings:
 * from readings alone restore.h makes the state. With a state, its digest must be the active
 * version's. */
struct session_restore {
    int64_t ttl_s; /* -1: the configured one */
    uint64_t step;
    bool has_digest;
    struct digest digest;
    const float *state;     /* [state_floats] or NULL */
    const double *readings; /* [n_readings][I]; kept as the session's last inputs */
    size_t n_readings;
    int64_t created_at_ms; /* by the steady clock; 0: now */
    struct session_errors errors;
    const struct session_calibration *calibration; /* NULL: a session that is there keeps its own,
                                                      but for what waits */
    struct session_time time;
};
enum status session_put(struct service_context *context, const struct model *model, const char *id,
                        const struct session_restore *restore, bool *ret_created,
                        struct fault *fault);
enum status session_delete(struct service_context *context, const struct model *model,
                           const char *id, struct fault *fault);
enum status session_fork(struct service_context *context, const struct model *model, const char *id,
                         const char *to, struct arena *arena, struct fault *fault);

#endif
