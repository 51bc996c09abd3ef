/*
 * transform_text.h - the key `transform` of an input: as a file has it, and whether it fits its
 * model (docs/MODELS.md, "Transforms"). Private to lib/engine/file.
 */
#ifndef TRANSFORM_TEXT_H
#define TRANSFORM_TEXT_H

#include "engine/buffer.h"
#include "engine/file/metadata_fields.h"

/* A seasonal difference that names no season has 0 for it. */
GRU_CHECK enum gru_status gru_field_transform(struct fields *r, const char *path,
                                              struct gru_transform *ret_transform);

/* The inputs' transforms, once it is known which input an output feeds; seasons that were not named
 * become the model's. `root` stands before "inputs" in paths, and `failure` is the status of a
 * refusal. */
GRU_CHECK enum gru_status gru_transforms_settle(struct gru_info *info, const char *root,
                                                enum gru_status failure, struct gru_error *error);

/* The value of the key. */
void gru_transform_write(const struct gru_transform *transform, struct file_text *out);

#endif
