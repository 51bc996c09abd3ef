#include "service/sessions/restore.h"

#include "service/models/models.h"

enum status restore_begin(const struct model *model, const struct session_restore *restore,
                          struct arena *arena, struct restore_replay *ret_replay,
                          struct fault *fault)
{
    const struct version *active = model->active;
    *ret_replay = (struct restore_replay){
        .sequence = { .x = restore->readings, .n_rows = restore->n_readings },
        .prediction = { .gru = active->gru,
                        .version = active->number,
                        .last_only = true,
                        .rows_field = "rewarm",
                        .n_sequences = 1,
                        .sequences = &ret_replay->sequence },
        .digest = active->digest,
    };
    return predict_begin(&ret_replay->prediction, arena, fault);
}

void restore_take(const struct restore_replay *replay, struct session_restore *restore)
{
    restore->state = replay->prediction.lanes[0].state_out;
    restore->has_digest = true;
    restore->digest = replay->digest;
}
