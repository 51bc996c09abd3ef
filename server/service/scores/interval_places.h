/*
 * interval_places.h - where in a tracker's bytes what is. For interval_tracker.c, which makes
 * steps, interval_tracker_begin.c, and the parts behind a tracker (tail.h); pure.
 */
#ifndef INTERVAL_PLACES_H
#define INTERVAL_PLACES_H

#include "base/running_means.h"
#include "base/two_floats.h"
#include "service/scores/interval_tracker.h"

enum { SLOW, FAST, N_SCALES };
/* Of the intervals one step ahead that had bounds. */
struct told_means {
    struct running_means width, score;
};
enum { SEEN_MOST = UINT8_MAX };

static inline float *tracker_floats(const struct interval_tracker *tracker, size_t offset)
{
    return (float *)(void *)(tracker->bytes + offset);
}

static inline uint32_t *tracker_counts(const struct interval_tracker *tracker, size_t offset)
{
    return (uint32_t *)(void *)(tracker->bytes + offset);
}

/* What is kept of an output at a number of steps ahead, and of its levels. */
struct tracked {
    float *means;            /* [N_SCALES] */
    float *factors;          /* [L][N_SCALES] */
    float *recent;           /* [L] */
    struct told_means *told; /* [L]; NULL: none of so many steps ahead */
    uint32_t *scored;
    uint32_t *covered; /* [L] */
    uint8_t *seen;
    size_t ahead; /* from 1 */
};

static inline struct tracked tracked_at(const struct interval_tracker *tracker, size_t place,
                                        size_t ahead)
{
    const struct interval_layout *layout = tracker->layout;
    const size_t at = place * layout->n_horizons + ahead - 1;
    struct told_means *told = (struct told_means *)(void *)(tracker->bytes + layout->told);
    return (struct tracked){
        .means = tracker_floats(tracker, 0) + at * N_SCALES,
        .factors = tracker_floats(tracker, layout->factors) + at * layout->n_levels * N_SCALES,
        .recent = tracker_floats(tracker, layout->recent) + at * layout->n_levels,
        .told = ahead == 1 && layout->n_told > 0 ? told + place * layout->n_told : NULL,
        .scored = tracker_counts(tracker, layout->scored) + at,
        .covered = tracker_counts(tracker, layout->covered) + at * layout->n_levels,
        .seen = tracker->bytes + layout->seen + at,
        .ahead = ahead,
    };
}

static inline bool is_tracked(const struct interval_layout *layout, size_t output)
{
    return output >= INTERVAL_UNTRACKED_MAX ||
           !(layout->untracked.bits[output / 32] >> output % 32 & 1);
}

/* Of an output that is tracked: which of those it is. */
static inline size_t place_of(const struct interval_layout *layout, size_t output)
{
    size_t place = output;
    for (size_t i = 0; layout->untracked.n > 0 && i < output; i++) {
        place -= !is_tracked(layout, i);
    }
    return place;
}

/* One step further ahead. */
static inline void tracked_move_on(const struct interval_layout *layout, struct tracked *of)
{
    of->means += N_SCALES;
    of->factors += layout->n_levels * N_SCALES;
    of->recent += layout->n_levels;
    of->told = NULL;
    of->scored++;
    of->covered += layout->n_levels;
    of->seen++;
    of->ahead++;
}

/* Which of the places of that many steps ahead it is the turn of. Numbers of 32 bits are divided in
 * half the time. */
static inline size_t turn_of(uint64_t step, size_t ahead)
{
    return step <= UINT32_MAX ? (uint32_t)step % (uint32_t)ahead : (size_t)(step % ahead);
}

/* A forecast that waits, with its half-widths. Those of h steps ahead have h places, taken in
 * turn: what was forecast h steps ago is where what is forecast now will be. */
struct waiting {
    float *forecast;  /* NaN: none */
    float *rest;      /* of the forecast, beyond a float; NULL: values are not wide */
    uint16_t *widths; /* [L] */
};

static inline struct waiting waiting_at(const struct interval_tracker *tracker, size_t at)
{
    const struct interval_layout *layout = tracker->layout;
    uint16_t *widths = (uint16_t *)(void *)(tracker->bytes + layout->widths);
    return (struct waiting){ .forecast = tracker_floats(tracker, layout->forecasts) + at,
                             .rest = layout->is_wide ? tracker_floats(tracker, layout->rests) + at
                                                     : NULL,
                             .widths = widths + at * layout->n_levels };
}

static inline double waiting_forecast(const struct waiting *waiting)
{
    return waiting->rest ? two_floats_sum(*waiting->forecast, *waiting->rest)
                         : (double)*waiting->forecast;
}

static inline void waiting_set(const struct waiting *waiting, double forecast)
{
    *waiting->forecast = (float)forecast;
    if (waiting->rest) {
        *waiting->rest = two_floats_of(forecast).rest;
    }
}

#endif
