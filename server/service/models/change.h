/*
 * change.h - the frame of every change of the models: a copy of the catalogue is changed, and then
 * published or dropped.
 *
 * The writer's lock is held from change_begin to change_end, so changes come one after the other.
 * The lock of the job database is taken before or after a change, never within.
 */
#ifndef CHANGE_H
#define CHANGE_H

#include "service/models/catalogue.h"

/* A copy of the catalogue to change; change_end is called in any case. Both renew the context's
 * catalogue; the room for that is reserved here, so that a change that was published can always be
 * seen. */
enum status change_begin(struct service_context *context, struct catalogue **ret_next,
                         struct fault *fault);
/* Publishes the copy, or drops it. Returns `status`. */
enum status change_end(struct service_context *context, struct catalogue *next, bool publish,
                       enum status status);
/* A model of the copy and one of its versions. */
enum status change_find(const struct catalogue *next, const char *name, unsigned number,
                        struct model **ret_model, struct version **ret_version,
                        struct fault *fault);
/* Deletes the files of a version that is not to be. A failure is only logged: the change's own
 * failure is the one to report. */
void change_delete_file(const char *path);
/* For a change that was published all the same. */
enum status change_not_durable(struct fault *fault);

#endif
