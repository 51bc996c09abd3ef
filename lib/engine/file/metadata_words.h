/*
 * metadata_words.h - reading the words of the metadata that say something of a layer: those of the
 * file as a whole, and those of the elements of `network`. Private to lib/engine/file.
 */
#ifndef METADATA_WORDS_H
#define METADATA_WORDS_H

#include "engine/file/metadata_fields.h"

GRU_CHECK enum gru_status gru_field_reset(struct fields *r, const char *path,
                                          enum gru_reset *ret_reset);
GRU_CHECK enum gru_status gru_field_activation(struct fields *r, const char *path,
                                               enum gru_activation *ret_activation);
/* A word that some kind of layer knows (gru_layer_kind_order); constant. */
GRU_CHECK enum gru_status gru_field_gate_order(struct fields *r, const char *path,
                                               const char **ret_order);
/* Whether it is `take`. */
GRU_CHECK enum gru_status gru_field_update(struct fields *r, const char *path, bool *ret_takes);

#endif
