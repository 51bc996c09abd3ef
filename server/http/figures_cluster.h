/* figures_cluster.h - figures of a node of a cluster, which its links to the engine count. The
 * worker's thread. */
#ifndef FIGURES_CLUSTER_H
#define FIGURES_CLUSTER_H

#include "http/figure.h"

void figures_put_cluster_up(const struct figure_values *values, const struct figure *figure);
void figures_put_cluster_away(const struct figure_values *values, const struct figure *figure);
/* What lies at the row's place in struct cluster_counts. */
void figures_put_cluster_count(const struct figure_values *values, const struct figure *figure);
void figures_put_cluster_trips(const struct figure_values *values, const struct figure *figure);
void figures_put_cluster_failures(const struct figure_values *values, const struct figure *figure);
void figures_put_cluster_reads(const struct figure_values *values, const struct figure *figure);
void figures_put_cluster_writes(const struct figure_values *values, const struct figure *figure);

#endif
