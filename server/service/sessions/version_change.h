/*
 * version_change.h - what becomes of a session's tail when another version makes the
 * forecasts.
 *
 * Pure; any thread.
 */
#ifndef VERSION_CHANGE_H
#define VERSION_CHANGE_H

#include "service/models/models.h"
#include "service/scores/tail.h"

/* Forecasts are made by `after` from here on, before by `before` (NULL: not known): errors are as
 * much larger as in the validation of the job that made one of them from the other, else as in
 * their own two (version_errors_rescale). */
void version_change_rescale(const struct version *before, const struct version *after,
                            const struct tail *tail);

#endif
