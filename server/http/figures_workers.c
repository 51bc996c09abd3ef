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

void figures_put_histogram(const struct figure_values *values, const struct figure *figure)
{
    figure_put_histogram(values, figure, "", figure_of_workers, figure->at);
}

void figures_put_waits(const struct figure_values *values, const struct figure *figure)
{
    for (enum wait wait = 0; wait < N_WAITS; wait++) {
        char label[32];
        snprintf(label, sizeof label, "queue=\"%s\"", metrics_wait_word(wait));
        figure_put_histogram(values, figure, label, figure_of_workers,
                             figure->at + wait * sizeof(struct histogram));
    }
}
