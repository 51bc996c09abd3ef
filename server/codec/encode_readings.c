/* encode_readings.c - what a session took in, and what had been forecast for it. */
#include "codec/put.h"

#include <math.h>

static const char frame[] = "{\"step\":,\"at\":null,\"x\":,\"y\":null},";

static char *put_reading(char *p, const struct gru_info *info,
                         const struct session_reading *reading)
{
    p = PUT_LITERAL(p, "{\"step\":");
    p = put_unsigned(p, reading->step);
    p = PUT_LITERAL(p, ",\"at\":");
    p = isnan(reading->at) ? PUT_LITERAL(p, "null") : json_print_double(p, reading->at);
    p = PUT_LITERAL(p, ",\"x\":");
    p = put_row(p, info, reading->x, info->n_inputs);
    p = PUT_LITERAL(p, ",\"y\":");
    p = reading->y ? put_row(p, info, reading->y, info->n_outputs) : PUT_LITERAL(p, "null");
    *p++ = '}';
    return p;
}

void codec_put_readings(struct text *text, const struct session_history *history)
{
    const struct gru_info *info = gru_model_info(history->gru);
    const size_t n_reading = sizeof frame + JSON_INT_MAX + JSON_DOUBLE_MAX +
                             PUT_ROW_MAX(info->n_inputs) + PUT_ROW_MAX(info->n_outputs);
    text_append(text, "{\"readings\":[", strlen("{\"readings\":["));
    for (size_t k = 0; k < history->n; k++) {
        char *p = text_reserve(text, n_reading);
        if (p == NULL) {
            return;
        }
        p = put_reading(p, info, &history->readings[k]);
        *p++ = ',';
        put_end(text, p - (k + 1 == history->n));
    }
    const char *end = history->has_more ? "],\"has_more\":true}" : "],\"has_more\":false}";
    text_append(text, end, strlen(end));
}
