/* put_intervals.c - see put_intervals.h. */
#include "codec/put_intervals.h"

#include "codec/put.h"

static const char frame[] = "{\"level\":,\"lower\":[],\"upper\":[],\"coverage\":[],"
                            "\"observed\":[],\"saturated\":false},";

/* What is not a number is null. */
static char *put_reply(char *p, const struct forecast_rows *rows,
                       const struct interval_replies *replies, const struct interval_reply *reply)
{
    p = PUT_LITERAL(p, "{\"level\":");
    p = json_print_float(p, (float)reply->level);
    p = PUT_LITERAL(p, ",\"lower\":");
    p = put_forecast_rows(p, rows, reply->lower, replies->n_rows);
    p = PUT_LITERAL(p, ",\"upper\":");
    p = put_forecast_rows(p, rows, reply->upper, replies->n_rows);
    p = PUT_LITERAL(p, ",\"coverage\":[");
    for (size_t row = 0; row < replies->n_rows; row++) {
        p = json_print_float(p, (float)reply->coverage[row]);
        *p++ = ',';
    }
    p[-1] = ']';
    p = PUT_LITERAL(p, ",\"observed\":[");
    for (size_t row = 0; row < replies->n_rows; row++) {
        p = put_unsigned(p, reply->observed[row]);
        *p++ = ',';
    }
    p[-1] = ']';
    p = PUT_LITERAL(p, ",\"saturated\":");
    return reply->is_saturated ? PUT_LITERAL(p, "true}") : PUT_LITERAL(p, "false}");
}

static const char name[] = ",\"intervals\":[";

size_t put_intervals_max(size_t n_levels, size_t n_rows, const struct forecast_rows *rows)
{
    const size_t n_row = 2 * put_forecast_row_max(rows) + JSON_FLOAT_MAX + JSON_INT_MAX + 2;
    return sizeof name + n_levels * (sizeof frame + JSON_FLOAT_MAX + n_rows * n_row);
}

void put_intervals(struct text *text, const struct forecast_rows *rows,
                   const struct interval_replies *replies)
{
    if (replies->n == 0) {
        return;
    }
    char *p = text_reserve(text, put_intervals_max(replies->n, replies->n_rows, rows));
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, ",\"intervals\":[");
    for (size_t i = 0; i < replies->n; i++) {
        p = put_reply(p, rows, replies, &replies->of[i]);
        *p++ = ',';
    }
    p[-1] = ']';
    put_end(text, p);
}
