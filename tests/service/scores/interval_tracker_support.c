#include "interval_tracker_support.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

const struct interval_levels usual_levels = { 3, { 0.8, 0.9, 0.95 } };

struct interval_tracker tracker_make(const struct interval_layout *layout,
                                     const struct interval_levels *of)
{
    struct interval_tracker tracker = { layout, of, malloc(layout->n_bytes) };
    ck_assert_ptr_nonnull(tracker.bytes);
    interval_tracker_begin(&tracker);
    return tracker;
}

float tracker_noise(uint64_t at)
{
    uint64_t x = (at + 1) * 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return (float)((double)((x ^ (x >> 31)) >> 11) * 0x1p-52 - 1);
}

void tracker_run(const struct interval_tracker *tracker, uint64_t from, uint64_t until)
{
    double truths[4], forecasts[4 * 24] = { 0 };
    for (uint64_t step = from; step < until; step++) {
        for (size_t output = 0; output < tracker->layout->n_outputs; output++) {
            truths[output] = (float)(output + 1) * tracker_noise(step * 4 + output);
        }
        interval_tracker_step(tracker, step, truths, forecasts, tracker->layout->n_horizons);
    }
}

float tracker_width(const struct interval_tracker *tracker, size_t level, size_t ahead)
{
    const size_t n = ahead * tracker->layout->n_outputs;
    double forecasts[4 * 24] = { 0 }, lower[4 * 24], upper[4 * 24];
    (void)interval_tracker_bounds(tracker, level, forecasts, ahead, lower, upper);
    ck_assert(isnan(lower[n - 1]) || lower[n - 1] == -upper[n - 1]);
    return upper[n - 1];
}
