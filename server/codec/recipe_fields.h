/*
 * recipe_fields.h - the field `recipe` of a job, read and written. Private to the codec.
 */
#ifndef RECIPE_FIELDS_H
#define RECIPE_FIELDS_H

#include "codec/reader.h"
#include "codec/tree.h"

/* The word, or an object; null: none. */
enum status recipe_read(struct reader *r, struct job_request *request);
/* With what was tried; null: the job has none. */
void recipe_add(struct tree *tree, cJSON *parent, const struct job *job);

#endif
