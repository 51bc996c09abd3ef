/*
 * residual_text.h - the JSON objects __metadata__["grud_residuals"] and ["grud_base_residuals"]: a
 * model's validation residuals, and those of the model that it was trained from (docs/MODELS.md,
 * "Validation residuals"). Private to lib/engine.
 */
#ifndef RESIDUAL_TEXT_H
#define RESIDUAL_TEXT_H

#include "engine/buffer.h"
#include "engine/model.h"

/* Into the model. Refused, with the path of what is wrong: what no validation can have found of a
 * model with these outputs. */
GRU_CHECK enum gru_status gru_residual_text_read(const char *text, bool is_of_base,
                                                 struct gru_model *model, struct gru_error *error);

/* base: whose they are; NULL: the model's own. */
void gru_residual_text_write(const struct gru_residuals *residuals, const char *base,
                             struct file_text *out);

#endif
