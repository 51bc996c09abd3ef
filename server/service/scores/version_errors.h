/*
 * version_errors.h - what a model's validation says of the errors of its forecasts, as a tracker of
 * intervals uses it: it begins from them, and is rescaled when another version makes the forecasts.
 * Only outputs that feed an input are told of anything; the truth of the others never arrives.
 *
 * Pure; any thread.
 */
#ifndef VERSION_ERRORS_H
#define VERSION_ERRORS_H

#include "gru.h"
#include "service/scores/tail.h"

/* Whether the model's file says how far its forecasts are off for so many steps ahead. */
bool version_errors_are_known(const struct gru_model *gru, size_t n_horizons);
/* Makes a tracker begin from them, where they are known and it has seen nothing itself. */
void version_errors_begin(const struct gru_model *gru, const struct interval_tracker *tracker);
/* Errors are as much larger from here on as `present` are than `former`, of the output and step
 * ahead; beyond the last step ahead that both know, as there. Either may be NULL: not known; then
 * they are as before. */
void version_errors_rescale(const struct gru_residuals *former, const struct gru_residuals *present,
                            const struct tail *tail);

#endif
