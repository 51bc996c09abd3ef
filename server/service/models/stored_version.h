/*
 * stored_version.h - what the data directory says of its versions when they are loaded: whether a
 * file is what was stored, and which version is active. Notes of earlier releases become those of
 * this one.
 *
 * For models_load.c, under the writer's lock.
 */
#ifndef STORED_VERSION_H
#define STORED_VERSION_H

#include "base/digest.h"
#include "base/status.h"
#include "store/files.h"

struct model;
struct service;

/* `digest` is that of the file as it was read. STATUS_INVALID_MODEL: it is damaged. */
enum status stored_version_check(const struct file_version *file, struct digest digest,
                                 struct fault *fault);
/* Sets model->active, of a model with all its versions: the one that was activated last, if any
 * was. STATUS_VERSION_UNAVAILABLE: that one cannot be served, or is not known. */
enum status stored_version_choose_active(const struct service *service, struct model *model,
                                         struct fault *fault);

#endif
