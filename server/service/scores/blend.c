#include "service/scores/blend.h"

#include <string.h>

struct blend blend_of(const struct interval_tracker *tracker, void *bytes)
{
    const struct interval_layout *layout = tracker->layout;
    return (struct blend){ .mixture = { .layout = layout, .bytes = bytes },
                           .tracker = { .layout = layout,
                                        .levels = tracker->levels,
                                        .bytes = (unsigned char *)bytes + mixture_bytes(layout) } };
}

/* That is only looked at. */
static struct blend look_at(const struct interval_tracker *tracker, const void *bytes)
{
    void *at;
    memcpy(&at, &bytes, sizeof at);
    return blend_of(tracker, at);
}

size_t blend_bytes(const struct interval_layout *layout)
{
    return mixture_bytes(layout) + layout->n_bytes;
}

void blend_begin(const struct interval_tracker *tracker, void *bytes)
{
    const struct blend blend = blend_of(tracker, bytes);
    mixture_begin(&blend.mixture);
    interval_tracker_begin(&blend.tracker);
}

void blend_take(const struct interval_tracker *tracker, void *bytes,
                const struct interval_tracker *from_tracker, const void *from)
{
    const struct blend blend = blend_of(tracker, bytes), was = look_at(from_tracker, from);
    mixture_begin(&blend.mixture);
    mixture_take(&blend.mixture, &was.mixture);
    interval_tracker_take(&blend.tracker, &was.tracker);
}

void blend_change_version(const struct interval_tracker *tracker, void *bytes)
{
    const struct blend blend = blend_of(tracker, bytes);
    mixture_restart_model(&blend.mixture);
    interval_tracker_drop_waiting(&blend.tracker);
}

void blend_drop_waiting(const struct interval_tracker *tracker, void *bytes)
{
    const struct blend blend = blend_of(tracker, bytes);
    mixture_drop_waiting(&blend.mixture);
    interval_tracker_drop_waiting(&blend.tracker);
}

void blend_restart(const struct interval_tracker *tracker, void *bytes)
{
    const struct blend blend = blend_of(tracker, bytes);
    mixture_restart_model(&blend.mixture);
    interval_tracker_restart(&blend.tracker);
}

bool blend_is_valid(const struct interval_tracker *tracker, const void *bytes)
{
    const struct blend blend = look_at(tracker, bytes);
    return mixture_is_valid(&blend.mixture) && interval_tracker_is_valid(&blend.tracker);
}

struct blend_reply blend_tell(const struct mixture *mixture, const double *forecast, size_t n_rows,
                              double *ret_mixed)
{
    struct blend_reply reply = { .is_told = true, .has_seasonal = mixture_has_season(mixture) };
    mixture_forecast(mixture, forecast, n_rows, ret_mixed, reply.weights);
    return reply;
}

struct blend_reply blend_step(const struct blend *blend, const struct mixture_reading *reading,
                              double *ret_mixed)
{
    mixture_step(&blend->mixture, reading);
    const struct blend_reply reply =
        blend_tell(&blend->mixture, reading->forecasts, reading->n_horizons, ret_mixed);
    interval_tracker_step(&blend->tracker, reading->step, reading->truths, ret_mixed,
                          reading->n_horizons);
    return reply;
}
