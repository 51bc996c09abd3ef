/*
 * diagnosis.h - what a file holds whose tensors make no model by their names alone: it is called by
 * its name, with the line or the command that leads to a model. Private to lib/engine/file; pure
 * functions.
 */
#ifndef DIAGNOSIS_H
#define DIAGNOSIS_H

#include "engine/file/safetensors.h"

/* Of a file that was refused with *error: puts what is known of it in place of that, and gives the
 * status back. has_network: its metadata says the layers, so only what no layer can have is looked
 * for. */
enum gru_status gru_diagnose(const struct safetensors *file, bool has_network,
                             enum gru_status status, struct gru_error *error);

#endif
