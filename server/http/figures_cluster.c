/* figures_cluster.c - see figures_cluster.h. */
#include "http/figures_cluster.h"

#include "cluster/cluster_counts.h"
#include "codec/text.h"

static uint64_t of_links(const struct figure_values *values, size_t at)
{
    return cluster_counts_sum(values->cluster, at);
}

/* Of an array of counts at the row's place. */
static uint64_t of_links_at(const struct figure_values *values, const struct figure *figure,
                            size_t k)
{
    return of_links(values, figure->at + k * sizeof(_Atomic uint64_t));
}

void figures_put_cluster_up(const struct figure_values *values, const struct figure *figure)
{
    figure_put_plain(values, figure, service_cluster_away_ms(values->service) == 0);
}

void figures_put_cluster_away(const struct figure_values *values, const struct figure *figure)
{
    text_print(values->text, "%s %.3f\n", figure->name,
               (double)service_cluster_away_ms(values->service) * 1e-3);
}

void figures_put_cluster_count(const struct figure_values *values, const struct figure *figure)
{
    figure_put_plain(values, figure, of_links(values, figure->at));
}

void figures_put_cluster_trips(const struct figure_values *values, const struct figure *figure)
{
    figure_put_histogram(values, figure, "", of_links, figure->at);
}

/* Most reasons never are one, so those that were not have no sample. */
void figures_put_cluster_failures(const struct figure_values *values, const struct figure *figure)
{
    for (size_t k = 0; k < CLUSTER_N_TROUBLES; k++) {
        const uint64_t n = of_links_at(values, figure, k);
        if (n > 0) {
            char word[CLUSTER_FAILURE_MAX];
            cluster_failure_word(k, word);
            figure_put_labelled(values, figure, "reason", word, n);
        }
    }
}

void figures_put_cluster_reads(const struct figure_values *values, const struct figure *figure)
{
    for (size_t k = 0; k < CLUSTER_N_READS; k++) {
        figure_put_labelled(values, figure, "outcome", cluster_read_word(k),
                            of_links_at(values, figure, k));
    }
}

void figures_put_cluster_writes(const struct figure_values *values, const struct figure *figure)
{
    for (size_t k = 0; k < CLUSTER_N_WRITES; k++) {
        figure_put_labelled(values, figure, "outcome", cluster_write_word(k),
                            of_links_at(values, figure, k));
    }
}
