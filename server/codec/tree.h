/*
 * tree.h - irregular documents, built with cJSON. Its trees come from malloc, not from the arena,
 * and are freed by tree_finish. Private to the codec.
 */
#ifndef TREE_H
#define TREE_H

#include "codec/codec.h"

#include <cjson/cJSON.h>

/* A document under construction. Once an allocation has failed the rest is built as far as it goes,
 * and the text fails. */
struct tree {
    cJSON *root;
    bool failed;
};

void tree_init(struct tree *tree);
/* Appends the document to the text and frees it. */
void tree_finish(struct tree *tree, struct text *text);

/* Each adds to an object, by a name that must outlive the tree (a literal), or, with name NULL, to
 * an array. A parent that could not be made may be NULL. */
cJSON *tree_add_object(struct tree *tree, cJSON *parent, const char *name);
cJSON *tree_add_array(struct tree *tree, cJSON *parent, const char *name);
void tree_add_string(struct tree *tree, cJSON *parent, const char *name, const char *value);
void tree_add_bool(struct tree *tree, cJSON *parent, const char *name, bool value);
void tree_add_null(struct tree *tree, cJSON *parent, const char *name);
void tree_add_number(struct tree *tree, cJSON *parent, const char *name,
                     double value); /* null for NaN */
void tree_add_count(struct tree *tree, cJSON *parent, const char *name, uint64_t value);
void tree_add_json(struct tree *tree, cJSON *parent, const char *name,
                   const char *json); /* as it stands */
/* Unix seconds, with the milliseconds. */
void tree_add_time(struct tree *tree, cJSON *parent, const char *name, int64_t time_ms);

/* As a model's file has it. */
void tree_add_transform(struct tree *tree, cJSON *parent, const struct gru_transform *transform);

/* The losses of a job or of the version that it made; accuracies where there are some, or always.
 */
void tree_add_metrics(struct tree *tree, cJSON *parent, const struct job_metrics *metrics,
                      bool with_accuracy);

#endif
