/* put_crossing.c - see put_crossing.h. */
#include "codec/put_crossing.h"

#include "codec/put.h"

#include <math.h>

static const char frame[] = ",\"crossing\":{\"ahead\":null,\"probability\":,\"by_horizon\":null[]}";

size_t put_crossing_max(size_t n_rows)
{
    return sizeof frame + JSON_INT_MAX + JSON_FLOAT_MAX + n_rows * (JSON_FLOAT_MAX + 1);
}

/* Of the last steps ahead less may be known than of the first. */
static char *put_by_horizon(char *p, const struct crossing_reply *crossing)
{
    if (isnan(crossing->by_horizon[0])) {
        return PUT_LITERAL(p, "null");
    }
    *p++ = '[';
    for (size_t row = 0; row < crossing->n_rows; row++) {
        p = json_print_float(p, (float)crossing->by_horizon[row]);
        *p++ = ',';
    }
    p[-1] = ']';
    return p;
}

void put_crossing(struct text *text, const struct crossing_reply *crossing)
{
    if (crossing->by_horizon == NULL) {
        return;
    }
    char *p = text_reserve(text, put_crossing_max(crossing->n_rows));
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, ",\"crossing\":{\"ahead\":");
    p = crossing->ahead > 0 ? put_unsigned(p, crossing->ahead) : PUT_LITERAL(p, "null");
    p = PUT_LITERAL(p, ",\"probability\":");
    p = json_print_float(p, (float)crossing->by_horizon[crossing->n_rows - 1]);
    p = PUT_LITERAL(p, ",\"by_horizon\":");
    p = put_by_horizon(p, crossing);
    *p++ = '}';
    put_end(text, p);
}
