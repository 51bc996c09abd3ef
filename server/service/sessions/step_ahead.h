/*
 * step_ahead.h - a step that is worked out before its session is touched: one that fills a gap, one
 * whose forecast is long, one for which another session is to be evicted.
 *
 * The session's state is copied. The step's readings run from the copy, then its forecast, and
 * nobody is kept from the session meanwhile. Once all of it has succeeded the step is done on the
 * session, if that is still where it was; else it is worked out anew. So a step that fails changes
 * nothing, however long it takes.
 *
 * The context's thread; memory comes from the step's arena. Never waits, and works no longer than
 * context->n_work_left allows; a long forecast is left to the caller, as a prediction that is done
 * in slices.
 */
#ifndef STEP_AHEAD_H
#define STEP_AHEAD_H

#include "base/status.h"
#include "gru.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service_context;
struct step;
struct step_ahead;
struct step_place;

/* Whether a step of that many readings has to be worked out ahead. */
bool step_ahead_is_needed(const struct step *step, size_t n_rows);
/* Goes on from there, or begins anew if that is not where it began. *ret_is_ready: all of it has
 * succeeded. STATUS_OK and not ready: to be called again in another turn, once step->slices, if
 * there are any, are done. */
enum status step_ahead_go_on(struct service_context *context, struct step *step,
                             const struct step_place *place, bool *ret_is_ready);
/* Of one that is ready: the reading at `row`, from 0, and the state after it. */
const double *step_ahead_x(const struct step *step, size_t row);
const float *step_ahead_state(const struct step *step, size_t row);
const float *step_ahead_before(const struct step *step, size_t row);
/* [O] what is forecast after it, until this is called again. */
const double *step_ahead_y(struct step *step, size_t row);
/* The state of the session's base then (session_base.h); NULL: it has none, or a reading that once
 * ran runs no more. */
const float *step_ahead_base(const struct step *step, size_t row);
/* The results, for a step that is done on its session now. Returns how many readings it takes. */
size_t step_ahead_answer(struct step *step);

/* A lane of a step that failed, in the terms of the request. */
enum status step_lane_fault(struct step *step, const struct gru_lane *lane);

#endif
