/*
 * models_support.h - what the tests of models in their folders share.
 */
#ifndef MODELS_SUPPORT_H
#define MODELS_SUPPORT_H

#include "service/service_support.h"

/* What is no model file. */
struct bytes network_junk(void);
/* In --models: for files named by their versions. */
void world_make_model_folder(const struct world *world, const char *name);
/* A file that is there. */
void folder_remove_file(const char *folder, const char *name);
/* That these are served, in this order, and no others. */
void world_expect_models(struct world *world, const char *const *names, size_t n_names);

#endif
