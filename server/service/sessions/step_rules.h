/*
 * step_rules.h - what steps do for rules (rules/rules.h): a session that a rule is for keeps what
 * the rule looks at, whatever its own steps ask for, and each reading is judged once it is written.
 * A step's reply is not touched by it. Nothing but a look at one pointer where there are no rules.
 *
 * A reading that was taken in already is judged no second time, and one that is put in its place
 * later (`late`) not at all.
 *
 * The context's thread.
 */
#ifndef STEP_RULES_H
#define STEP_RULES_H

#include "base/status.h"

struct model;
struct pending_step;
struct pool_key;
struct service_context;

/* Finds the rules of the step's session, and what is to be kept for them. */
enum status step_rules_find(struct service_context *context, struct pending_step *pending);
/* The next two are for a step that has rules. */

/* Forecasts from the state after the step's reading as far as its rules look, where the step does
 * not. Where that fails those rules do not know of this reading. */
void step_rules_look(struct service_context *context, struct pending_step *pending,
                     const float *state);
/* With the session claimed, and the step's reading written. In a cluster the engine has it not yet:
 * what the rules see is kept for step_cluster_write. */
void step_rules_note(struct service_context *context, const struct pending_step *pending);
/* A client ends the session, which is still claimed, or puts another one in its place. */
void step_rules_end(struct service_context *context, const struct model *model,
                    const struct pool_key *key);

#endif
