/*
 * models_behind.h - whether a node of a cluster has yet to see what models there are, so that it
 * may lack some, or have another version active than its cluster has. It is so from its start until
 * it has met the engine. Any thread; set by models_follow.h.
 */
#ifndef MODELS_BEHIND_H
#define MODELS_BEHIND_H

#include "base/status.h"

#include <stdbool.h>

struct service;

void models_set_behind(struct service *service, bool is_behind);
bool models_are_behind(const struct service *service);
/* STATUS_STORAGE_FAILED: they are. */
enum status models_check_behind(const struct service *service, struct fault *fault);

#endif
