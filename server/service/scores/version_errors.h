/*
 * version_errors.h - what a model's validation says of the errors of its forecasts, as a tracker of
 * intervals uses it: it begins from them, and is rescaled when another version makes the forecasts.
 * Only outputs that feed an input are told of anything; the truth of the others never arrives.
 *
 * Pure; any thread.
 */
#ifndef VERSION_ERRORS_H
#define VERSION_ERRORS_H

#include "service/models/models.h"
#include "service/scores/interval_tracker.h"

/* Whether the model's file says how far its forecasts are off for so many steps ahead. */
bool version_errors_are_known(const struct gru_model *gru, size_t n_horizons);
/* Makes a tracker begin from them, where they are known and it has seen nothing itself. */
void version_errors_begin(const struct gru_model *gru, const struct interval_tracker *tracker);
/* Forecasts are made by `after` from here on, before by `before` (NULL: not known): errors are as
 * much larger as in the validation of the job that made one of them from the other, else as in
 * their own two, of the output and step ahead; beyond the last step ahead that both know, as there;
 * where either is unknown, as before. */
void version_errors_follow(const struct version *before, const struct version *after,
                           const struct interval_tracker *tracker);

#endif
