/* figures_workers.c - see figures_workers.h. */
#include "http/figures_workers.h"

#include "codec/text.h"
#include "http/workers.h"

#include <inttypes.h>

/* ---- the workers ---- */

void figures_put_requests(const struct figure_values *values, const struct figure *figure)
{
    const struct http *http = values->http;
    for (size_t route = 0; route <= http->n_routes; route++) {
        const char *path = route < http->n_routes ? http->routes[route].path : "";
        const char *method = route < http->n_routes ? http->routes[route].method : "";
        for (size_t k = 0; k < METRICS_CODES; k++) {
            uint64_t n = figure_of_workers(values, metrics_at_requests(route, k));
            if (n > 0) {
                text_print(values->text, "%s{route=\"%s\",method=\"%s\",code=\"%s\"} %" PRIu64 "\n",
                           figure->name, path, method, metrics_code(k), n);
            }
        }
    }
}

void figures_put_refusals(const struct figure_values *values, const struct figure *figure)
{
    for (enum refusal kind = 0; kind < N_REFUSALS; kind++) {
        figure_put_labelled(values, figure, "kind", metrics_refusal(kind),
                            figure_of_workers(values, offsetof(struct metrics, refusals[kind])));
    }
}

static const char *const bounds[] = {
#define BOUND_SECONDS(ns, seconds) seconds,
    HISTOGRAM_TABLE(BOUND_SECONDS)
#undef BOUND_SECONDS
};

/* `label` is empty, or 'name="value"'. */
static void put_histogram(const struct figure_values *values, const struct figure *figure,
                          const char *label, size_t at)
{
    struct text *text = values->text;
    const char *comma = label[0] ? "," : "", *open = label[0] ? "{" : "",
               *close = label[0] ? "}" : "";
    uint64_t n = 0;
    for (size_t k = 0; k < HISTOGRAM_BOUNDS; k++) {
        n += figure_of_workers(values, at + offsetof(struct histogram, n[k]));
        text_print(text, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", figure->name, label, comma,
                   bounds[k], n);
    }
    n += figure_of_workers(values, at + offsetof(struct histogram, n[HISTOGRAM_BOUNDS]));
    text_print(text, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", figure->name, label, comma, n);
    text_print(text, "%s_sum%s%s%s %.9f\n", figure->name, open, label, close,
               (double)figure_of_workers(values, at + offsetof(struct histogram, sum_ns)) * 1e-9);
    text_print(text, "%s_count%s%s%s %" PRIu64 "\n", figure->name, open, label, close, n);
}

void figures_put_histogram(const struct figure_values *values, const struct figure *figure)
{
    put_histogram(values, figure, "", figure->at);
}

void figures_put_waits(const struct figure_values *values, const struct figure *figure)
{
    for (enum wait wait = 0; wait < N_WAITS; wait++) {
        char label[32];
        snprintf(label, sizeof label, "queue=\"%s\"", metrics_wait_word(wait));
        put_histogram(values, figure, label, figure->at + wait * sizeof(struct histogram));
    }
}
