/*
 * step_write.h - what makes a reading of a step part of its session: the copy after it is written,
 * and what it says of earlier forecasts is counted. For steps.c; the context's thread, with the
 * session claimed.
 */
#ifndef STEP_WRITE_H
#define STEP_WRITE_H

#include <stddef.h>
#include <stdint.h>

struct pending_step;
struct service_context;

/* The next copy, whose state is that after the reading x, becomes the newest; n_left more follow.
 * Where the hidden state began anew nothing had been forecast for this reading, and it is not
 * recorded, so that the sequence before it ends. */
void step_write_reading(struct service_context *context, struct pending_step *pending,
                        uint64_t section, const double *x, size_t n_left);

#endif
