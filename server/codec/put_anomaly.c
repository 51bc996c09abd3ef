#include "codec/put_anomaly.h"

#include <math.h>

static const char frame[] = ",\"anomaly\":{\"p_value\":,\"by_output\":{}}";

size_t put_anomaly_max(const struct gru_info *info)
{
    size_t n = sizeof frame + JSON_FLOAT_MAX;
    for (size_t o = 0; o < info->n_outputs; o++) {
        n += PUT_STRING_MAX(strlen(info->outputs[o].name)) + JSON_FLOAT_MAX + 2;
    }
    return n;
}

static char *put_p_value(char *p, double value)
{
    return isnan(value) ? PUT_LITERAL(p, "null") : json_print_float(p, (float)value);
}

static char *put_by_output(char *p, const struct gru_info *info, const double *by_output)
{
    p = PUT_LITERAL(p, ",\"by_output\":{");
    for (size_t o = 0; o < info->n_outputs; o++) {
        if (info->outputs[o].feeds >= 0) {
            p = put_string(p, info->outputs[o].name);
            *p++ = ':';
            p = put_p_value(p, by_output[o]);
            *p++ = ',';
        }
    }
    p[-1] = '}';
    return p;
}

void put_anomaly(struct text *text, const struct gru_info *info, const struct step *step)
{
    if (!(step->forecast_options.parts & TAIL_ANOMALY)) {
        return;
    }
    char *p = text_reserve(text, put_anomaly_max(info));
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, ",\"anomaly\":");
    if (isnan(step->anomaly_p)) {
        put_end(text, PUT_LITERAL(p, "null"));
        return;
    }
    p = PUT_LITERAL(p, "{\"p_value\":");
    p = put_p_value(p, step->anomaly_p);
    if (step->anomaly_by_output != NULL) {
        p = put_by_output(p, info, step->anomaly_by_output);
    }
    *p++ = '}';
    put_end(text, p);
}
