/*
 * step_place.h - where a step stands in its session, by its seq and its time (step_seq.h), and what
 * the session knows of time after it. Called by the holder of the session's claim; memory comes
 * from the step's arena.
 */
#ifndef STEP_PLACE_H
#define STEP_PLACE_H

#include "base/status.h"
#include "service/pool/record.h"
#include "service/sessions/steps.h"

#include <stddef.h>
#include <stdint.h>

struct step_place {
    uint64_t made;      /* the number by which the session has made it already; 0: it has not */
    bool is_amend;      /* it goes among those that the session has made (amend.h); of the rest
                           only layout and record are set */
    uint64_t last;      /* the step before it */
    const float *state; /* from which it runs; NULL: the session is not there */
    const struct record_layout *layout; /* of the session's record, if it is there */
    char *record;
    size_t n_rows; /* readings that it brings: those that are filled, and its own */
};

/* Of a step that has a seq or a time. */
enum status step_place_judge(struct step *step, const struct record_layout *layout, char *record,
                             size_t gap_max, struct step_place *ret_place);
/* Sets the step's n_filled and is_restarted, too. Fails for a step that is late or out of place,
 * and then its fault says so. Inline, as most have neither seq nor time: such a step is the next.
 */
static inline enum status step_place_find(struct step *step, const struct record_layout *layout,
                                          char *record, size_t gap_max,
                                          struct step_place *ret_place)
{
    step->is_restarted = false;
    step->n_filled = 0;
    if (step->has_seq || step->has_at || step->may_amend) {
        return step_place_judge(step, layout, record, gap_max, ret_place);
    }
    struct record_copy *now = record_newest(layout, record);
    ret_place->made = 0;
    ret_place->is_amend = false;
    ret_place->last = now->step;
    ret_place->state = record_state(layout, now);
    ret_place->layout = layout;
    ret_place->record = record;
    ret_place->n_rows = 1;
    return STATUS_OK;
}
/* The same for a session that is not there. */
enum status step_place_find_first(struct step *step, size_t gap_max, struct step_place *ret_place);
/* Notes in the copy that a reading leads to when that was, if the step or the session has a time;
 * n_left more of the step's follow. Readings that are filled have times evenly between, so that the
 * same step completes what a kill in between has left. */
void step_place_note_time(const struct step *step, size_t n_left, struct record_copy *copy);

#endif
