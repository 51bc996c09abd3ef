/*
 * residual_text.h - the JSON object __metadata__["grud_residuals"]: a model's validation residuals
 * (docs/MODELS.md, "Validation residuals"). Private to lib/engine.
 */
#ifndef RESIDUAL_TEXT_H
#define RESIDUAL_TEXT_H

#include "engine/buffer.h"
#include "engine/model.h"

/* Into the model. Refused, with the path of what is wrong: what no validation can have found of a
 * model with these outputs. */
GRU_CHECK enum gru_status gru_residual_text_read(const char *text, struct gru_model *model,
                                                 struct gru_error *error);

void gru_residual_text_write(const struct gru_residuals *residuals, struct file_text *out);

#endif
