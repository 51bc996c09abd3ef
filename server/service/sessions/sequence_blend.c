#include "service/sessions/sequence_blend.h"

#include "service/scores/blend.h"
#include "service/sessions/session_calibration.h"
#include "service/sessions/sessions.h"

/* False: no memory. */
static bool begin(const struct session *session, size_t n_forecast, struct arena *arena,
                  struct sequence_blend *mixing)
{
    const struct gru_info *info = gru_model_info(session->gru);
    unsigned char *bytes = arena_array(arena, session_blend_first_bytes(info, n_forecast), 1);
    if (bytes) {
        session_blend_first(session->gru, session->state, n_forecast, bytes, &mixing->first);
        mixing->mixture = mixing->first.mixture;
        mixing->tracker = (struct interval_tracker){ .bytes = NULL };
    }
    return bytes;
}

struct sequence_blend *sequence_blend_create(const struct session *session, size_t n_forecast,
                                             struct arena *arena)
{
    const struct gru_info *info = gru_model_info(session->gru);
    struct sequence_blend *mixing = arena_alloc(arena, sizeof *mixing);
    if (!mixing) {
        return NULL;
    }
    mixing->mixed = arena_array(arena, n_forecast * info->n_outputs, sizeof *mixing->mixed);
    if (!mixing->mixed) {
        return NULL;
    }
    if (session->calibration.levels.n == 0 || !(session->calibration.parts & TAIL_BLEND)) {
        return begin(session, n_forecast, arena, mixing) ? mixing : NULL;
    }
    session_calibration_view(info, &session->calibration, &mixing->own);
    const struct tail *tail = &mixing->own.tail;
    const struct blend blend = blend_of(&tail->tracker, tail_part(tail, TAIL_BLEND));
    mixing->mixture = blend.mixture;
    mixing->tracker = blend.tracker;
    return mixing;
}

void sequence_blend_tell(struct sequence *sequence)
{
    const struct sequence_blend *mixing = sequence->mixing;
    sequence->blend =
        blend_tell(&mixing->mixture, sequence->forecast, sequence->n_forecast, mixing->mixed);
    sequence->forecast = mixing->mixed;
}
