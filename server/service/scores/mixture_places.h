/*
 * mixture_places.h - where in a mixture's bytes what is. Private to mixture.c, which makes steps,
 * and mixture_begin.c; pure.
 */
#ifndef MIXTURE_PLACES_H
#define MIXTURE_PLACES_H

#include "service/scores/interval_places.h"
#include "service/scores/mixture.h"

/* Of an expert, in units of the range B; V and S are 0 until it joins. */
struct expert {
    float log_weight;   /* ln w; while it is on trial, the sum of s */
    float sum, squares; /* S / B, V / B^2 */
};
/* Of an output at a number of steps ahead. */
struct cell {
    float range; /* sqrt(B): of the values' own unit */
    struct expert experts[MIXTURE_EXPERTS];
    uint8_t n_tried[MIXTURE_EXPERTS]; /* MIXTURE_TRIAL: it has joined */
};

/* ---- where what is ----
 *
 *     struct head | struct cell [T][H] | values: float [T][n] | where they are wide, their rests:
 *     likewise
 */

struct head {
    uint32_t step_low, step_high; /* the last one */
    uint32_t season;              /* then */
};

/* Of an output's values: where what begins. All but the first two are rings. */
struct value_places {
    size_t last, level; /* the last known value, and the level; NaN: none */
    size_t persistence; /* [H]: `last`, as it was at each step */
    size_t levels;      /* [H]: likewise */
    size_t seasonal;    /* [2 H]: of each step what came one season before */
    size_t waiting;     /* [H (H + 1) / 2]: the model's forecasts, as in a tracker; NaN: none */
    size_t n;
};

static inline struct value_places value_places_of(const struct interval_layout *layout)
{
    const size_t n_ahead = layout->n_horizons;
    return (struct value_places){ .last = 0,
                                  .level = 1,
                                  .persistence = 2,
                                  .levels = 2 + n_ahead,
                                  .seasonal = 2 + 2 * n_ahead,
                                  .waiting = 2 + 4 * n_ahead,
                                  .n = 2 + 4 * n_ahead + layout->n_waiting };
}

static inline struct head *head_of(const struct mixture *mixture)
{
    return (struct head *)(void *)mixture->bytes;
}

static inline uint64_t last_step(const struct mixture *mixture)
{
    const struct head *head = head_of(mixture);
    return (uint64_t)head->step_high << 32 | head->step_low;
}

/* One output that is tracked. */
struct view {
    struct value_places at;
    size_t n_ahead;
    struct cell *cells; /* [H] */
    float *values;      /* [at.n] */
    bool is_wide;
    size_t to_rest; /* from a value to what its float leaves of it, where values are wide */
};

static inline struct view view_of(const struct mixture *mixture, size_t place)
{
    const struct interval_layout *layout = mixture->layout;
    const struct value_places at = value_places_of(layout);
    const size_t n_cells = layout->n_tracked * layout->n_horizons;
    struct cell *cells = (struct cell *)(void *)(mixture->bytes + sizeof(struct head));
    float *values = (float *)(void *)(cells + n_cells);
    return (struct view){ .at = at,
                          .n_ahead = layout->n_horizons,
                          .cells = cells + place * layout->n_horizons,
                          .values = values + place * at.n,
                          .is_wide = layout->is_wide,
                          .to_rest = layout->n_tracked * at.n };
}

static inline double value_at(const struct view *view, size_t at)
{
    const float *value = &view->values[at];
    return view->is_wide ? two_floats_sum(*value, value[view->to_rest]) : (double)*value;
}

static inline void value_set(const struct view *view, size_t at, double value)
{
    const struct two_floats kept = two_floats_of(value);
    view->values[at] = kept.high;
    if (view->is_wide) {
        view->values[at + view->to_rest] = kept.rest;
    }
}

static inline bool has_joined(const struct cell *cell, size_t expert)
{
    return cell->n_tried[expert] == MIXTURE_TRIAL;
}

#endif
