/* residuals.h - the validation residuals that a model carries (gru_validation.h): the check, and
 * the copy. Private to lib/engine. */
#ifndef RESIDUALS_H
#define RESIDUALS_H

#include "engine/model.h"

/* Whether they may be those of a model with that many outputs: numbers in order, and not
 * negative. */
bool gru_residuals_are_valid(const struct gru_residuals *residuals, size_t n_outputs);

#endif
