/*
 * service_context.h - what a thread needs to call the verbs: its reference to the catalogue, its
 * scratch memory, its outbox for what its steps record.
 *
 * A context belongs to one thread: each HTTP worker has one, and the job thread. Only its creation
 * and its end may happen on another one.
 */
#ifndef SERVICE_CONTEXT_H
#define SERVICE_CONTEXT_H

#include "base/status.h"

struct service;
struct service_context;

__attribute__((warn_unused_result)) enum status
service_context_create(struct service *service, struct service_context **ret_context);
void service_context_free(struct service_context *context); /* takes NULL */
struct service *service_context_service(const struct service_context *context);
/* The beginning of a turn of the thread's loop: models found earlier are no longer valid. */
void service_context_turn(struct service_context *context);
/* The end of a turn of a thread that may then wait for long: models found are no longer valid, and
 * what has been replaced meanwhile need not wait for the next turn to be freed. */
void service_context_rest(struct service_context *context);

#endif
