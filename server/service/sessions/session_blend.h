/*
 * session_blend.h - mixed forecasts (scores/mixture.h) of a session: what its record knows that a
 * mixture needs, and what a reply tells. A session that has not asked for them yet has none, and is
 * told those that it would begin with: persistence.
 *
 * Called by the holder of the claim, or with a copy of the session. Takes no lock.
 */
#ifndef SESSION_BLEND_H
#define SESSION_BLEND_H

#include "gru.h"
#include "service/pool/record.h"
#include "service/scores/mixture.h"

#include <stdbool.h>
#include <stddef.h>

/* What a mixture may not know yet: the last known values, which are those of a state. */
void session_blend_know(const struct gru_model *gru, const float *state,
                        const struct mixture *mixture);
/* What came one season before each of the next readings: [n][O], n at most the layout's season. The
 * copy is of the moment before the reading x. */
void session_blend_seasonal(const struct gru_info *info, const struct record_layout *layout,
                            char *record, const struct record_copy *copy, const double *x, size_t n,
                            double *ret_seasonal);

/* The mixture that a session begins with, for a forecast of n_rows. */
struct session_blend_first {
    struct interval_layout layout;
    struct mixture mixture;
};
size_t session_blend_first_bytes(const struct gru_info *info, size_t n_rows);
void session_blend_first(const struct gru_model *gru, const float *state, size_t n_rows,
                         unsigned char *bytes, struct session_blend_first *ret_first);

#endif
