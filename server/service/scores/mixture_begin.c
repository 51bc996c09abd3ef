/* mixture_begin.c - how a mixture begins, and what happens to its session. */
#include "service/scores/mixture_places.h"

#include <math.h>
#include <string.h>

/* Beyond what steps lead to. */
static const float learnt_most = 1 << 14;

size_t mixture_bytes(const struct interval_layout *layout)
{
    const size_t n_floats = (layout->is_wide ? 2 : 1) * value_places_of(layout).n;
    return sizeof(struct head) + layout->n_tracked * (layout->n_horizons * sizeof(struct cell) +
                                                      n_floats * sizeof(float));
}

void mixture_begin(const struct mixture *mixture)
{
    memset(mixture->bytes, 0, mixture_bytes(mixture->layout));
    for (size_t place = 0; place < mixture->layout->n_tracked; place++) {
        const struct view view = view_of(mixture, place);
        for (size_t i = 0; i < view.at.n; i++) {
            value_set(&view, i, (double)NAN);
        }
        for (size_t i = 0; i < view.n_ahead; i++) {
            view.cells[i].n_tried[MIXTURE_PERSISTENCE] = MIXTURE_TRIAL;
        }
    }
}

void mixture_know(const struct mixture *mixture, size_t output, double last)
{
    const struct interval_layout *layout = mixture->layout;
    if (!is_tracked(layout, output)) {
        return;
    }
    const struct view view = view_of(mixture, place_of(layout, output));
    const size_t ring = last_step(mixture) % layout->n_horizons;
    if (isnan(value_at(&view, view.at.last))) {
        value_set(&view, view.at.last, last);
        value_set(&view, view.at.level, last);
        value_set(&view, view.at.persistence + ring, last);
        value_set(&view, view.at.levels + ring, last);
    }
}

/* The values of steps [first, first + n), from one ring to another. */
struct ring {
    const struct view *view;
    size_t at, n;
};

static void take_ring(struct ring to, struct ring from, uint64_t first, size_t n)
{
    for (uint64_t step = first; step < first + n; step++) {
        value_set(to.view, to.at + step % to.n, value_at(from.view, from.at + step % from.n));
    }
}

/* `next`: the first step that has not come. */
static void take_output(const struct view *to, const struct view *from, uint64_t next)
{
    const size_t n = to->n_ahead < from->n_ahead ? to->n_ahead : from->n_ahead;
    const size_t n_known = next < n ? next : n; /* steps before it, with one 0 */
    const uint64_t first = next - n_known;
    memcpy(to->cells, from->cells, n * sizeof *to->cells);
    value_set(to, to->at.last, value_at(from, from->at.last));
    value_set(to, to->at.level, value_at(from, from->at.level));
    take_ring((struct ring){ to, to->at.persistence, to->n_ahead },
              (struct ring){ from, from->at.persistence, from->n_ahead }, first, n_known);
    take_ring((struct ring){ to, to->at.levels, to->n_ahead },
              (struct ring){ from, from->at.levels, from->n_ahead }, first, n_known);
    take_ring((struct ring){ to, to->at.seasonal, 2 * to->n_ahead },
              (struct ring){ from, from->at.seasonal, 2 * from->n_ahead }, first, n_known + n);
    for (size_t i = 0; i < n * (n + 1) / 2; i++) {
        value_set(to, to->at.waiting + i, value_at(from, from->at.waiting + i));
    }
}

void mixture_take(const struct mixture *mixture, const struct mixture *from)
{
    const struct interval_layout *to_layout = mixture->layout, *from_layout = from->layout;
    *head_of(mixture) = *head_of(from);
    for (size_t output = 0; output < to_layout->n_outputs; output++) {
        if (is_tracked(to_layout, output) && is_tracked(from_layout, output)) {
            const struct view to = view_of(mixture, place_of(to_layout, output));
            const struct view of = view_of(from, place_of(from_layout, output));
            take_output(&to, &of, last_step(from) + 1);
        }
    }
}

void mixture_drop_waiting(const struct mixture *mixture)
{
    for (size_t place = 0; place < mixture->layout->n_tracked; place++) {
        const struct view view = view_of(mixture, place);
        for (size_t i = view.at.waiting; i < view.at.n; i++) {
            value_set(&view, i, (double)NAN);
        }
    }
}

void mixture_restart_model(const struct mixture *mixture)
{
    mixture_drop_waiting(mixture);
    for (size_t place = 0; place < mixture->layout->n_tracked; place++) {
        const struct view view = view_of(mixture, place);
        for (size_t i = 0; i < view.n_ahead; i++) {
            view.cells[i].experts[MIXTURE_MODEL] = (struct expert){ 0 };
            view.cells[i].n_tried[MIXTURE_MODEL] = 0;
        }
    }
}

/* ---- from outside ---- */

static bool expert_is_valid(const struct expert *expert, uint8_t n_tried)
{
    return n_tried <= MIXTURE_TRIAL && fabsf(expert->log_weight) <= learnt_most &&
           fabsf(expert->sum) <= learnt_most && expert->squares >= 0 &&
           expert->squares <= learnt_most;
}

bool mixture_is_valid(const struct mixture *mixture)
{
    bool is_valid = true;
    for (size_t place = 0; place < mixture->layout->n_tracked; place++) {
        const struct view view = view_of(mixture, place);
        for (size_t i = 0; i < view.n_ahead; i++) {
            const struct cell *cell = &view.cells[i];
            is_valid &=
                cell->range >= 0 && isfinite(cell->range) && has_joined(cell, MIXTURE_PERSISTENCE);
            for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
                is_valid &= expert_is_valid(&cell->experts[k], cell->n_tried[k]);
            }
        }
        for (size_t i = 0; i < view.at.n; i++) {
            is_valid &= !isinf(value_at(&view, i));
        }
    }
    return is_valid;
}
