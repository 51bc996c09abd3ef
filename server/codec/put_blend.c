/* put_blend.c - see put_blend.h. */
#include "codec/put_blend.h"

static const char *const names[MIXTURE_EXPERTS] = { [MIXTURE_MODEL] = "model",
                                                    [MIXTURE_PERSISTENCE] = "persistence",
                                                    [MIXTURE_SEASONAL] = "seasonal_naive",
                                                    [MIXTURE_LEVEL] = "level" };
static const char frame[] = ",\"blend\":{\"weights\":{\"model\":,\"persistence\":,"
                            "\"seasonal_naive\":,\"level\":}}";
const size_t put_blend_max = sizeof frame + MIXTURE_EXPERTS * (size_t)JSON_FLOAT_MAX;

void put_blend(struct text *text, const struct blend_reply *reply)
{
    char *p = reply->is_told ? text_reserve(text, put_blend_max) : NULL;
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, ",\"blend\":{\"weights\":{");
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        if (k != MIXTURE_SEASONAL || reply->has_seasonal) {
            p = put_string(p, names[k]);
            *p++ = ':';
            p = json_print_float(p, (float)reply->weights[k]);
            *p++ = ',';
        }
    }
    p[-1] = '}';
    p = PUT_LITERAL(p, "}");
    put_end(text, p);
}
