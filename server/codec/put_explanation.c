/* put_explanation.c - see put_explanation.h. */
#include "codec/put_explanation.h"

#include "codec/put.h"

static const char frame[] = ",\"explanation\":{\"output\":,\"ahead\":,\"value\":,\"baseline\":,"
                            "\"state\":,\"inputs\":[],\"residual\":}";
static const char input_frame[] = "{\"name\":,\"contribution\":},";

size_t put_explanation_max(const struct gru_info *info)
{
    const size_t name_max = PUT_STRING_MAX(GRU_NAME_MAX);
    return sizeof frame + name_max + JSON_INT_MAX + 4 * JSON_DOUBLE_MAX +
           info->n_inputs * (sizeof input_frame + name_max + JSON_DOUBLE_MAX);
}

static char *put_inputs(char *p, const struct gru_info *info, const double *contributions)
{
    p = PUT_LITERAL(p, ",\"inputs\":[");
    for (size_t i = 0; i < info->n_inputs; i++) {
        p = PUT_LITERAL(p, "{\"name\":");
        p = put_string(p, info->inputs[i].name);
        p = PUT_LITERAL(p, ",\"contribution\":");
        p = json_print_real(p, info->is_wide, contributions[i]);
        p = PUT_LITERAL(p, "},");
    }
    p[-1] = ']';
    return p;
}

void put_explanation(struct text *text, const struct gru_info *info,
                     const struct explain_wish *wish, const struct gru_explanation *explanation)
{
    char *p = text_reserve(text, put_explanation_max(info));
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, ",\"explanation\":{\"output\":");
    p = put_string(p, info->outputs[wish->output].name);
    p = PUT_LITERAL(p, ",\"ahead\":");
    p = put_unsigned(p, wish->ahead);
    p = PUT_LITERAL(p, ",\"value\":");
    p = json_print_real(p, info->is_wide, explanation->value);
    p = PUT_LITERAL(p, ",\"baseline\":");
    p = json_print_real(p, info->is_wide, explanation->baseline);
    p = PUT_LITERAL(p, ",\"state\":");
    p = json_print_real(p, info->is_wide, explanation->state);
    p = put_inputs(p, info, explanation->inputs);
    p = PUT_LITERAL(p, ",\"residual\":");
    p = json_print_real(p, info->is_wide, explanation->residual);
    *p++ = '}';
    put_end(text, p);
}
