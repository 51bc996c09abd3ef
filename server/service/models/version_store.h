/*
 * version_store.h - where a new version is kept: as a file below --data, or in memory where there
 * is none. In the copy of a catalogue that a change works on (change.h). No locks.
 */
#ifndef VERSION_STORE_H
#define VERSION_STORE_H

#include "store/files_scan.h"

struct gru_model;
struct model;
struct service;
struct version;

/* A version of the bytes of a file, checked against the model's others and numbered behind them,
 * becomes one of the model. STATUS_INVALID_MODEL, STATUS_INCOMPATIBLE_MODEL,
 * STATUS_STORAGE_FAILED, STATUS_NO_MEMORY: nothing of it is kept. */
enum status version_store(const struct service *service, struct model *model, const void *bytes,
                          size_t n, struct fault *fault);

#endif
