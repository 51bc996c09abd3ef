/*
 * models_follow.h - the thread of a node that follows the models of its cluster: a few times a
 * second it asks the engine what has changed, and takes that over (shared_models.h). What the
 * engine lost, or never had, it gives back: an engine that is another one than before, or is behind
 * what it was, is gone through as at the start.
 *
 * A poll and no channel: a message that was missed would need the poll all the same, and a poll
 * alone is in time.
 *
 * Life: from the main thread. Without a cluster there is none, and all of these do nothing.
 */
#ifndef MODELS_FOLLOW_H
#define MODELS_FOLLOW_H

#include "base/status.h"

#include <stdbool.h>

struct service;

/* Takes over what the engine has, if it is there, and starts the thread. */
__attribute__((warn_unused_result)) enum status models_follow_start(struct service *service,
                                                                    struct fault *fault);
/* The directories were read again: all models are gone through. */
void models_follow_anew(struct service *service);
/* Begins nothing more. Returns at once. */
void models_follow_halt(struct service *service);
bool models_follow_is_halted(const struct service *service);
/* Waits for what it is at, and frees it. */
void models_follow_stop(struct service *service);

#endif
