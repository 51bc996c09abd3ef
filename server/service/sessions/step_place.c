#include "service/sessions/step_place.h"

#include "service/models/models.h"
#include "service/sessions/step_seq.h"

/* A fresh state; NULL: no memory for it. */
static const float *make_fresh_state(const struct step *step)
{
    const struct gru_model *gru = step->model->active->gru;
    float *state = arena_array(step->arena, gru_model_info(gru)->state_floats, sizeof *state);
    if (state) {
        gru_state_init(gru, state);
    }
    return state;
}

enum status step_place_judge(struct step *step, const struct record_layout *layout, char *record,
                             size_t gap_max, struct step_place *ret_place)
{
    struct record_copy *now = record_newest(layout, record);
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    const struct step_time time = step_seq_time(step, now, info, gap_max);
    struct step_place place = { .made = step_seq_made(step, &time, layout, record, now),
                                .layout = layout,
                                .record = record };
    place.is_amend =
        place.made == 0 && step->may_amend && (step->amends_step > 0 || time.order != STEP_IS_NEXT);
    if (place.is_amend) {
        *ret_place = place;
        return STATUS_OK;
    }
    if (place.made == 0 &&
        (step_seq_is_late(step, &time, now) || step_seq_is_wrong(step, &time, now, gap_max))) {
        return fault_status(&step->fault);
    }
    if (place.made == 0) {
        place.last = step_seq_last(step, now);
        place.n_rows = step_seq_rows(step, &time, place.last);
        place.state = time.is_restart ? make_fresh_state(step) : record_state(layout, now);
        if (!place.state) {
            return fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for this step");
        }
        step->is_restarted = time.is_restart;
        step->n_filled = step->has_at ? place.n_rows - 1 : 0;
    }
    *ret_place = place;
    return STATUS_OK;
}

enum status step_place_find_first(struct step *step, size_t gap_max, struct step_place *ret_place)
{
    if (step->amends_step > 0) {
        return fault_set(&step->fault, STATUS_SESSION_NOT_FOUND, "session",
                         "model '%s' has no session '%s', of which a step could be amended",
                         step->model->name, step->session);
    }
    const struct step_time time = { .order = STEP_IS_NEXT };
    if (step_seq_is_wrong(step, &time, NULL, gap_max)) {
        return fault_status(&step->fault);
    }
    const uint64_t last = step_seq_last(step, NULL);
    *ret_place = (struct step_place){ .last = last, .n_rows = step_seq_rows(step, &time, last) };
    return STATUS_OK;
}

void step_place_note_time(const struct step *step, size_t n_left, struct record_copy *copy)
{
    if (!step->has_at) {
        copy->gap = RECORD_GAP_UNTIMED;
        return;
    }
    copy->last_at =
        n_left == 0 ? step->at : copy->last_at + (step->at - copy->last_at) / (double)(n_left + 1);
    copy->gap = n_left > 0 ? 0 : step->is_restarted ? RECORD_GAP_RESTARTED : step->n_filled;
}
