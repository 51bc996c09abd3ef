/*
 * scaler_tensors.h - means and standard deviations that a module keeps as tensors beside its
 * weights: in a model file they are numbers of the metadata. Private to lib/engine/file; pure
 * functions.
 */
#ifndef SCALER_TENSORS_H
#define SCALER_TENSORS_H

#include "engine/file/safetensors.h"

/* Whether there are such tensors, by their names; then *error names them, and has the lines of the
 * metadata with their numbers. */
bool gru_scaler_diagnose(const struct safetensors *file, struct gru_error *error);

#endif
