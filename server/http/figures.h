/*
 * figures.h - THE table of figures: what GET /metrics prints, in Prometheus' text format. One row a
 * figure: its name, type, unit, labels and help, and where it is counted. docs/METRICS.md has the
 * same table. The worker's thread.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include "http/figure.h"

struct text;

extern const struct figure figures_table[];
extern const size_t figures_n;

/* All of them. */
void figures_put(struct text *text, const struct http *http, struct service_context *context);

#endif
