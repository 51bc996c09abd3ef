/*
 * forecast_errors.h - how well a session's outputs forecast the inputs that they feed, one step
 * ahead: running means of the session, and the tallies of its model. Pure; any thread.
 */
#ifndef FORECAST_ERRORS_H
#define FORECAST_ERRORS_H

#include "gru.h"

struct error_tally;
struct record_error;

/* Compares what was forecast with the reading that came ([I], NaN: missing), and takes that into
 * errors[O] and, unless it is NULL, into the thread's tallies (error_totals_of). state: before the
 * reading. */
void forecast_errors_note(const struct gru_model *gru, const float *state, const float *x,
                          struct record_error *errors, struct error_tally *tallies);

#endif
