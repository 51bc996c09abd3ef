/*
 * models_load.h - what the directories hold, at the start and again at each SIGHUP.
 *
 * What is wrong with a file is logged, and the others are served. A file that grud may not read
 * keeps its whole model from being served: with that version left out, another one would be the
 * active one, and the model's sessions would be converted to it. A fault that may be gone at
 * another start, such as a failing disk or too little memory, ends this one.
 *
 * A later load adds what is new: models that were not there or were left out, and versions in the
 * --models directory. It takes nothing away and activates nothing. That a file which is served was
 * changed or removed meanwhile is logged.
 */
#ifndef MODELS_LOAD_H
#define MODELS_LOAD_H

#include "base/status.h"

struct service;

/* Reads the directories, opens the pools of new models, publishes the catalogue. Main thread; takes
 * the lock of the job database, then the writer's lock. On failure nothing has changed. */
enum status models_load(struct service *service, struct fault *fault);

#endif
