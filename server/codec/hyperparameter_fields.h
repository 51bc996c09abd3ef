/*
 * hyperparameter_fields.h - the fields of `hyperparameters`, read and written by the library's
 * table of them. Private to the codec.
 */
#ifndef HYPERPARAMETER_FIELDS_H
#define HYPERPARAMETER_FIELDS_H

#include "codec/reader.h"
#include "codec/tree.h"

/* The object; fields that it does not have stay as they are. */
enum status hyperparameters_read(struct reader *r, struct gru_hyperparameters *ret_hyperparameters);
/* One field, named by the reader's place. body: a struct gru_hyperparameters. */
enum status hyperparameters_read_field(struct reader *r, void *body);

void hyperparameters_add(struct tree *tree, cJSON *parent, const char *name,
                         const struct gru_hyperparameters *hyperparameters);

#endif
