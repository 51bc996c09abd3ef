/* interval_tracker_support.h - trackers, and series of noise that they follow. */
#ifndef INTERVAL_TRACKER_SUPPORT_H
#define INTERVAL_TRACKER_SUPPORT_H

#include "service/scores/interval_tracker.h"

extern const struct interval_levels usual_levels; /* 0.8, 0.9 and 0.95 */

/* Its bytes are to be freed. */
struct interval_tracker tracker_make(const struct interval_layout *layout,
                                     const struct interval_levels *of);
/* The same numbers in each run: uniform in [-1, 1). */
float tracker_noise(uint64_t at);
/* Steps [from, until) of a series of noise, whose forecasts are all 0; with O outputs, at most 4.
 */
void tracker_run(const struct interval_tracker *tracker, uint64_t from, uint64_t until);
/* The half-width that the last output's next forecast is given. */
float tracker_width(const struct interval_tracker *tracker, size_t level, size_t ahead);

#endif
