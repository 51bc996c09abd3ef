/* encode_session_events.c - what becomes of sessions, as those who listen are told. */
#include "codec/put.h"

#include <inttypes.h>
#include <math.h>

/* ,"x":[...],"at":...} */
static char *put_reading_members(char *p, const struct gru_info *info, const double *x, double at)
{
    p = PUT_LITERAL(p, ",\"x\":");
    p = put_row(p, info, x, info->n_inputs);
    p = PUT_LITERAL(p, ",\"at\":");
    p = isnan(at) ? PUT_LITERAL(p, "null") : json_print_double(p, at);
    *p++ = '}';
    return p;
}

static size_t reading_members_max(const struct gru_info *info)
{
    return sizeof ",\"x\":,\"at\":null}" + PUT_ROW_MAX(info->n_inputs) + JSON_DOUBLE_MAX;
}

bool codec_print_step_event(const struct step *step, struct arena *arena, const char **ret_json,
                            size_t *ret_n)
{
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    struct text text;
    text_init(&text, arena, 512);
    codec_put_step(&text, step);
    char *p = text_reserve(&text, reading_members_max(info));
    if (p == NULL || text.failed) {
        return false;
    }
    put_end(&text, put_reading_members(p - 1, info, step->x, step->has_at ? step->at : NAN));
    *ret_json = text.p;
    *ret_n = text.n;
    return true;
}

/* What was forecast after the k-th step stands with the next one, if that is there. */
static const double *forecast_after(const struct session_history *history, size_t k)
{
    const struct session_reading *readings = history->readings;
    const uint64_t step = readings[k].step;
    if (k + 1 < history->n) {
        return readings[k + 1].step == step + 1 ? readings[k + 1].y : NULL;
    }
    return step == history->step ? history->y : NULL;
}

void codec_put_past_step(struct text *text, const char *session,
                         const struct session_history *history, size_t k)
{
    static const char frame[] = "{\"session\":,\"step\":,\"y\":null";
    const struct gru_info *info = gru_model_info(history->gru);
    const struct session_reading *reading = &history->readings[k];
    const double *y = forecast_after(history, k);
    char *p = text_reserve(text, sizeof frame + PUT_STRING_MAX(SESSION_ID_MAX) + JSON_INT_MAX +
                                     PUT_ROW_MAX(info->n_outputs) + reading_members_max(info));
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, "{\"session\":");
    p = put_string(p, session);
    p = PUT_LITERAL(p, ",\"step\":");
    p = put_unsigned(p, reading->step);
    p = PUT_LITERAL(p, ",\"y\":");
    p = y ? put_row(p, info, y, info->n_outputs) : PUT_LITERAL(p, "null");
    put_end(text, put_reading_members(p, info, reading->x, reading->at));
}

void codec_put_session_end(struct text *text, const char *session, enum session_end end)
{
    text_print(text, "{\"session\":\"%s\",\"reason\":\"%s\"}", session, session_end_word(end));
}

void codec_put_session_gap(struct text *text, const char *session, const uint64_t *after,
                           uint64_t next)
{
    if (!session) {
        text_print(text, "{\"session\":null,\"after\":null,\"next\":null}");
    } else if (after) {
        text_print(text, "{\"session\":\"%s\",\"after\":%" PRIu64 ",\"next\":%" PRIu64 "}", session,
                   *after, next);
    } else {
        text_print(text, "{\"session\":\"%s\",\"after\":null,\"next\":%" PRIu64 "}", session, next);
    }
}
