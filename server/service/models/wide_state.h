/*
 * wide_state.h - states that former builds kept of a model whose values are wide (gru.h), a float
 * for each raw value. Pure; any thread.
 */
#ifndef WIDE_STATE_H
#define WIDE_STATE_H

#include "gru.h"

#include <stdbool.h>
#include <stddef.h>

/* A pool_translate_state (pool.h). */
bool wide_state_translate(const struct gru_model *gru, const float *former, size_t n_floats,
                          float *ret_state);

#endif
