/*
 * step_cluster.h - with --cluster, steps wait for the engine, and their thread does not. For
 * steps.c; the context's thread.
 *
 * The pool is a cache. A step is worked out on what that has, and its session then stays claimed,
 * for the engine, until the engine has taken the write or refused it: all sessions that one call of
 * service_steps has written go in one trip. An engine that has another record than the pool had
 * refuses, and says what it has; the step is then done again on that.
 *
 * What the cache has may be out of date. It can be trusted as far as a write goes, which the engine
 * would refuse. So a session that is not there is asked for, and before a step is answered in any
 * other way, whether by a refusal or by what was answered before, the engine is asked whether the
 * cache is right.
 *
 * Steps that wait are `is_out`. A thread that is not to wait for anything else polls for what
 * service_steps_poll says.
 */
#ifndef STEP_CLUSTER_H
#define STEP_CLUSTER_H

#include "service/pool/pool.h"

struct pending_step;
struct service_context;
struct step_cluster;

__attribute__((warn_unused_result)) enum status
step_cluster_create(struct service_context *context, struct step_cluster **ret_cluster);
void step_cluster_free(struct step_cluster *cluster); /* takes NULL */

/* Room for the sessions of n steps. */
__attribute__((warn_unused_result)) bool step_cluster_begin(struct step_cluster *cluster, size_t n);
/* Why no step can be made now; STATUS_OK: they can. */
enum status step_cluster_check(const struct step_cluster *cluster, struct fault *fault);
/* Asks for the step's session. The step is out, and is to be handed in again when it is back. */
void step_cluster_ask(struct step_cluster *cluster, const struct pending_step *pending);
/* Whether a step of that session, or rarely of another one, is out to ask for it: those that came
 * later wait, or they could be back sooner. */
bool step_cluster_is_asking(struct step_cluster *cluster, const struct pending_step *pending);
/* Whether the cache is to be confirmed before the step is answered with anything but a write. */
bool step_cluster_must_ask(const struct step_cluster *cluster, const struct pending_step *pending);
/* Goes on with a session that this call has written already; false: it is in this round. */
bool step_cluster_claim(struct step_cluster *cluster, struct pending_step *pending);
/* Lets go of such a session, which stays claimed. */
void step_cluster_release(const struct pending_step *pending);
/* The step has written its claimed session, or is answered by what this call has written of it: it
 * is out until the engine has that. */
void step_cluster_write(struct step_cluster *cluster, struct pending_step *pending);
/* At the end of a call: what was asked for and written goes on its way. */
void step_cluster_send(struct step_cluster *cluster);

#endif
