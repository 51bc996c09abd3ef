/* figure.c - see figure.h. */
#include "http/figure.h"

#include "codec/text.h"

#include <inttypes.h>
#include <math.h>

const char *figure_type_word(enum figure_type type)
{
    static const char *const words[] = {
        [FIGURE_COUNTER] = "counter", [FIGURE_GAUGE] = "gauge", [FIGURE_HISTOGRAM] = "histogram"
    };
    return words[type];
}

/* ---- samples ---- */

uint64_t figure_of_workers(const struct figure_values *values, size_t at)
{
    return metrics_sum(values->http->metrics, values->http->n_workers, at);
}

void figure_put_plain(const struct figure_values *values, const struct figure *figure, uint64_t n)
{
    text_print(values->text, "%s %" PRIu64 "\n", figure->name, n);
}

void figure_put_labelled(const struct figure_values *values, const struct figure *figure,
                         const char *label, const char *value, uint64_t n)
{
    text_print(values->text, "%s{%s=\"%s\"} %" PRIu64 "\n", figure->name, label, value, n);
}

void figure_put_head(struct text *text, const char *name, enum figure_type type, const char *help)
{
    text_print(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, figure_type_word(type));
}

void figure_put_text(struct text *text, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n') {
            text_append(text, "\\", 1);
        }
        text_append(text, *value == '\n' ? "n" : value, 1);
    }
}

/* ---- a figure ---- */

/* What the kernel does not say has no sample. */
static void put_of_kernel(const struct figure_values *values, const struct figure *figure)
{
    const double value =
        *(const double *)(const void *)((const char *)&values->process + figure->at);
    if (!isnan(value)) {
        text_print(values->text, "%s %.15g\n", figure->name, value);
    }
}

void figure_put(const struct figure_values *values, const struct figure *figure)
{
    figure_put_head(values->text, figure->name, figure->type, figure->help);
    switch (figure->where) {
    case COUNTED_BY_SERVICE:
        figure_put_plain(values, figure,
                         *(const uint64_t *)((const char *)&values->of_service + figure->at));
        break;
    case COUNTED_BY_WORKERS:
        figure_put_plain(values, figure, figure_of_workers(values, figure->at));
        break;
    case COUNTED_BY_KERNEL:
        put_of_kernel(values, figure);
        break;
    case COUNTED_BY_PUT:
        figure->put(values, figure);
        break;
    }
}
