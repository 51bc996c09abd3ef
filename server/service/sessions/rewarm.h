/*
 * rewarm.h - the state that follows from the readings of a session whose model has another active
 * version now. The context's thread, in its scratch memory; nothing waits.
 */
#ifndef REWARM_H
#define REWARM_H

#include "base/status.h"
#include "service/sessions/rewarm_slices.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct record_copy;
struct service_context;

/* Brings a claimed session to the model's active version: replays its readings if its state belongs
 * to another. scratch: room for a copy (session_copy.h). It may have another slot afterwards.
 * REWARM_LATER: this turn has done enough, or it takes several. REWARM_FAILED: *fault says why. */
enum rewarm rewarm_session(struct service_context *context, const struct model *model,
                           uint32_t *slot, struct record_copy *scratch, struct fault *fault);
/* Makes context->rewarm at least that large. */
__attribute__((warn_unused_result)) bool rewarm_grow(struct service_context *context,
                                                     size_t n_bytes);

#endif
