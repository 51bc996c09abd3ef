/*
 * step_intervals.h - what steps.c does for the prediction intervals of a pending step; nothing at
 * all for a session without. The context's thread, with the session claimed.
 */
#ifndef STEP_INTERVALS_H
#define STEP_INTERVALS_H

#include "service/sessions/pending_step.h"
#include "service/sessions/steps.h"

/* Whether the step asks for more than the session's record has room for. */
bool step_intervals_need_raise(const struct service_context *context,
                               const struct pending_step *pending);
/* That room, for which other sessions may have to go: once the step has succeeded. As pool_raise.
 */
enum claim step_intervals_raise(struct service_context *context, struct pending_step *pending);
/* Memory for the reply, and to work in: once the step's forecast is made. */
enum status step_intervals_room(struct pending_step *pending);
/* A reading of the step, x ([I]), after which y ([O]) was forecast: scores it in the next copy. Of
 * the step's own reading it also fills the reply. */
void step_intervals_go_on(struct service_context *context, struct pending_step *pending,
                          const double *x, const double *y);
/* Forecasts of the next copy that wait are of steps with other numbers now, and are dropped. */
void step_intervals_drop(struct service_context *context, struct pending_step *pending);
/* Fills the reply from a copy that has made the step already. */
void step_intervals_tell(struct service_context *context, struct pending_step *pending,
                         struct record_copy *copy);

#endif
