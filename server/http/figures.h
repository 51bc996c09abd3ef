/*
 * figures.h - THE table of figures: what GET /metrics prints, in Prometheus' text format. One row a
 * figure: its name, type, unit and help, and where it is counted. The worker's thread.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include "http/workers.h"

#include "service/service.h"

enum figure_type { FIGURE_COUNTER, FIGURE_GAUGE, FIGURE_HISTOGRAM };

struct figure_values;

struct figure {
    const char *name;
    enum figure_type type;
    const char *unit; /* as Prometheus writes it at the end of names; "": a number of things */
    const char *help;
    /* Where it is counted: in service_figures, or in the metrics of each worker, at this place; or
     * `put` prints samples that have labels, or are counted nowhere else; of scores it finds at
     * this place what it prints. */
    enum { COUNTED_BY_SERVICE, COUNTED_BY_WORKERS, COUNTED_BY_PUT } where;
    size_t at;
    void (*put)(const struct figure_values *values, const struct figure *figure);
};

extern const struct figure figures_table[];
extern const size_t figures_n;

/* All of them. */
void figures_put(struct text *text, const struct http *http, struct service_context *context);

#endif
