/*
 * amend.h - a session becomes what it would be had a late or corrected reading come in time
 * (`"late":"amend"`): its readings are replayed from its base (record.h) as amend_plan.h has them,
 * and the session is written anew, so that it is the one or the other whatever happens.
 *
 * What was promised stays: the calibration of its intervals is kept, of which forecasts that wait
 * for their truths are dropped if the number of steps is another one; the figures of the model and
 * what was recorded are left alone.
 *
 * The context's thread, with the session claimed; memory comes from the step's arena. Never waits,
 * and works no longer than context->n_work_left allows. Until the session is written nothing has
 * changed, and what was replayed of a session that has moved on is replayed again.
 */
#ifndef AMEND_H
#define AMEND_H

#include "service/pool/pool.h"

struct pending_step;
struct service_context;
struct step_place;

/* Goes on, with pending->next for scratch. CLAIM_OK: done, and the step has its results.
 * CLAIM_BUSY: to be called again in another turn; CLAIM_MOVED: likewise. CLAIM_ENDED: it has
 * failed. The session stays claimed. */
enum claim amend_go_on(struct service_context *context, struct pending_step *pending,
                       struct step_place *place);

#endif
