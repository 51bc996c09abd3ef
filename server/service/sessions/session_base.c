#include "service/sessions/session_base.h"

#include "service/pool/record_ring.h"
#include "service/sessions/forecast_errors.h"

#include <string.h>

void session_base_restart(const struct record_layout *layout, struct record_copy *next,
                          const float *fresh)
{
    if (record_has_base(layout)) {
        record_rebase(layout, next, next);
        memcpy(record_base_state(layout, record_base_of(layout, next)), fresh,
               layout->state_floats * sizeof *fresh);
    }
}

/* The step of the oldest reading behind the base. */
static uint64_t oldest(const struct record_copy *copy, const struct record_base *base)
{
    return copy->step - base->n_since + 1;
}

void session_base_make_lane(const struct record_layout *layout, char *record,
                            struct record_copy *next, double *x, double *y, struct gru_lane *lane)
{
    struct record_copy *now = record_newest(layout, record);
    struct record_base *base = record_base_of(layout, now);
    record_read_reading(layout, record, oldest(now, base), x);
    *lane = (struct gru_lane){ .state_in = record_base_state(layout, base),
                               .state_out = record_base_state(layout, record_base_of(layout, next)),
                               .x = x,
                               .n_rows = 1,
                               .y = y };
}

void session_base_let_go(const struct gru_model *gru, const struct record_layout *layout,
                         char *record, struct record_copy *next, const float *state)
{
    struct record_copy *now = record_newest(layout, record);
    struct record_base *before = record_base_of(layout, now), *base = record_base_of(layout, next);
    const uint64_t step = oldest(now, before);
    const struct record_stamp stamp = record_read_stamp(layout, record, step);
    if (stamp.gap != RECORD_GAP_RESTARTED) {
        forecast_errors_note_kept(gru, record_base_state(layout, before), layout,
                                  record_reading(layout, record, step), base->errors);
    }
    if (state) {
        memcpy(record_base_state(layout, base), state, layout->state_floats * sizeof *state);
    }
    base->gap = stamp.gap;
    base->last_at = stamp.last_at;
    base->n_since--;
}

void session_base_lose(const struct record_layout *layout, char *record, struct record_copy *next)
{
    record_rebase(layout, next, record_newest(layout, record));
}
