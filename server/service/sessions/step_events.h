/*
 * step_events.h - who listens to a session is told of its steps, and of its end (listeners.h).
 */
#ifndef STEP_EVENTS_H
#define STEP_EVENTS_H

#include "base/arena.h"
#include "service/listeners.h"

struct model;
struct pending_step;
struct pool_key;
struct service_context;
struct step;

/* Prints a step that has succeeded, as listeners read it, into memory of the arena; false: there is
 * not enough. Any thread that steps. */
typedef bool step_event_printer(const struct step *step, struct arena *arena, const char **ret_json,
                                size_t *ret_n);

/* ---- for the rooms' own files: the context's thread ---- */

/* Of a step that was done on its session, which is still claimed. */
void step_events_tell(struct service_context *context, const struct pending_step *pending);
/* Of a session that the context's thread has ended. */
void step_events_tell_end(struct service_context *context, const struct model *model,
                          const struct pool_key *key, enum session_end end);

/* ---- for those that listen: any thread, with a context of its own ---- */

/* To one session; or, is_wide, to those of the model whose ids begin with it. NULL: no memory. */
struct listener *session_listen(struct service_context *context, const char *model,
                                const char *session, bool is_wide);
/* Whether what they took may be told: the model's sessions are whole, and what was to be on disk
 * is. To be asked between taking and telling. */
bool session_events_count(struct service_context *context, const char *model);

#endif
