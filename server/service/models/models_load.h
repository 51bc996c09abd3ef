/*
 * models_load.h - the models at the start: what the directories hold.
 *
 * What is wrong with a file is logged, and the others are served. A file that grud may not read
 * keeps its whole model from being served: with that version left out, another one would be the
 * active one, and the model's sessions would be converted to it. A fault that may be gone at
 * another start, such as a failing disk or too little memory, ends this one.
 */
#ifndef MODELS_LOAD_H
#define MODELS_LOAD_H

#include "base/status.h"

struct service;

/* Reads the directories into a first catalogue, opens the pools. Before any other thread runs. */
enum status models_load(struct service *service, struct fault *fault);

#endif
