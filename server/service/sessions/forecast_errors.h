/*
 * forecast_errors.h - how well a session's outputs forecast the inputs that they feed, one step
 * ahead: running means. Pure; any thread.
 */
#ifndef FORECAST_ERRORS_H
#define FORECAST_ERRORS_H

#include "gru.h"

struct record_error;

/* Compares what was forecast ([O]) with the reading that came ([I], NaN: missing), and takes that
 * into errors[O]. */
void forecast_errors_note(const struct gru_info *info, const float *forecast, const float *x,
                          struct record_error *errors);

#endif
