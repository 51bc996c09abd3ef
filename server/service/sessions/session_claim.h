/*
 * session_claim.h - how verbs on one session get its claim: they wait for as long as a step holds
 * it, and no longer (sessions.h). Any thread, with a context of its own.
 */
#ifndef SESSION_CLAIM_H
#define SESSION_CLAIM_H

#include "service/pool/pool.h"

struct model;
struct service_context;

/* Claims the session, waiting for another claim to end if that is a matter of microseconds, as that
 * of a step is; sessions that are being moved to another pool may take seconds. *model follows a
 * switch-over. CLAIM_OK, CLAIM_ABSENT, CLAIM_ENDED, or CLAIM_BUSY: not in this turn (*fault). */
enum claim session_claim_wait(struct service_context *context, const struct model **model,
                              const struct pool_key *key, uint32_t *ret_slot, struct fault *fault);
/* The same for a session that must be there, brought to the active version. */
enum status session_claim_live(struct service_context *context, const struct model **model,
                               const char *id, uint32_t *ret_slot, struct fault *fault);

#endif
