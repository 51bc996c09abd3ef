/*
 * blend.h - what a session keeps for forecasts that are mixed (mixture.h): the mixture, and a
 * tracker of its intervals. The model's own tracker goes on beside it as if there were none, so a
 * session that no longer asks for mixed forecasts is bit for bit what it would be without.
 *
 * A new version's forecasts are on trial, as are those of a hidden state that began anew. Its
 * errors say nothing of the mixture's, whose widths go on.
 *
 * One block of bytes, behind the model's tracker, which gives it outputs, reach and levels. Pure
 * functions of the bytes: any thread, one at a time. Aligned to 4.
 */
#ifndef BLEND_H
#define BLEND_H

#include "service/scores/blend_reply.h"

struct blend {
    struct mixture mixture;
    struct interval_tracker tracker;
};
/* Of those bytes behind such a tracker. */
struct blend blend_of(const struct interval_tracker *tracker, void *bytes);
size_t blend_bytes(const struct interval_layout *layout);

/* Both with nothing learnt: what the model's tracker knows says nothing of mixtures. */
void blend_begin(const struct interval_tracker *tracker, void *bytes);
/* From one of the same session, behind a tracker of another layout, with as many outputs. */
void blend_take(const struct interval_tracker *tracker, void *bytes,
                const struct interval_tracker *from_tracker, const void *from);
void blend_change_version(const struct interval_tracker *tracker, void *bytes);
void blend_drop_waiting(const struct interval_tracker *tracker, void *bytes);
void blend_restart(const struct interval_tracker *tracker, void *bytes);
bool blend_is_valid(const struct interval_tracker *tracker, const void *bytes);

/* The mixture of forecast[n_rows][O], and what it is made of. */
struct blend_reply blend_tell(const struct mixture *mixture, const double *forecast, size_t n_rows,
                              double *ret_mixed);
/* As mixture_step, with what the tracker needs: the mixture of the forecasts is told. */
struct blend_reply blend_step(const struct blend *blend, const struct mixture_reading *reading,
                              double *ret_mixed);

#endif
