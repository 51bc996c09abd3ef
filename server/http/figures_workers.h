/* figures_workers.h - figures that the workers count, with labels. The worker's thread. */
#ifndef FIGURES_WORKERS_H
#define FIGURES_WORKERS_H

#include "http/figure.h"

void figures_put_requests(const struct figure_values *values, const struct figure *figure);
void figures_put_refusals(const struct figure_values *values, const struct figure *figure);
/* The histogram at the row's place in struct metrics, and those of all that work waits for. */
void figures_put_histogram(const struct figure_values *values, const struct figure *figure);
void figures_put_waits(const struct figure_values *values, const struct figure *figure);

#endif
