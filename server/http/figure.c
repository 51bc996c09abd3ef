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

/* ---- histograms ---- */

static const char *const bounds[] = {
#define BOUND_SECONDS(ns, seconds) seconds,
    HISTOGRAM_TABLE(BOUND_SECONDS)
#undef BOUND_SECONDS
};

void figure_put_histogram(const struct figure_values *values, const struct figure *figure,
                          const char *label, figure_read *read, size_t at)
{
    struct text *text = values->text;
    const char *comma = label[0] ? "," : "", *open = label[0] ? "{" : "",
               *close = label[0] ? "}" : "";
    uint64_t n = 0;
    for (size_t k = 0; k < HISTOGRAM_BOUNDS; k++) {
        n += read(values, at + offsetof(struct histogram, n[k]));
        text_print(text, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", figure->name, label, comma,
                   bounds[k], n);
    }
    n += read(values, at + offsetof(struct histogram, n[HISTOGRAM_BOUNDS]));
    text_print(text, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", figure->name, label, comma, n);
    text_print(text, "%s_sum%s%s%s %.9f\n", figure->name, open, label, close,
               (double)read(values, at + offsetof(struct histogram, sum_ns)) * 1e-9);
    text_print(text, "%s_count%s%s%s %" PRIu64 "\n", figure->name, open, label, close, n);
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
