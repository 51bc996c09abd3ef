/*
 * figure.h - a row of the table of figures (figures.h), what rows print from, and how a sample is
 * printed in Prometheus' text format. The worker's thread.
 */
#ifndef FIGURE_H
#define FIGURE_H

#include "base/process.h"
#include "http/workers.h"

#include "service/service.h"

enum figure_type { FIGURE_COUNTER, FIGURE_GAUGE, FIGURE_HISTOGRAM };

struct cluster_target;
struct figure_values;

struct figure {
    const char *name;
    enum figure_type type;
    const char *unit;   /* as Prometheus writes it at the end of names; "": a number of things */
    const char *labels; /* of its samples, "a, b"; "": none. Never one that clients choose freely */
    const char *help;   /* in `: one line of Markdown, for docs/METRICS.md too */
    /* Where it is counted: in service_figures, in the metrics of each worker, or by the kernel in
     * struct process, at this place; or `put` prints samples that have labels, or are counted
     * nowhere else, from what lies at this place. */
    enum { COUNTED_BY_SERVICE, COUNTED_BY_WORKERS, COUNTED_BY_KERNEL, COUNTED_BY_PUT } where;
    size_t at;
    void (*put)(const struct figure_values *values, const struct figure *figure);
    bool is_of_cluster; /* a node that stands alone does not have it */
};

/* What rows print, and from what. */
struct figure_values {
    struct text *text;
    const struct http *http;
    struct service_context *context;
    const struct service *service;
    const struct cluster_target *cluster; /* NULL: this node stands alone */
    struct service_figures of_service;
    struct process process;
};

const char *figure_type_word(enum figure_type type);
/* The figure with all of its samples. */
void figure_put(const struct figure_values *values, const struct figure *figure);

/* ---- for what prints samples ---- */

/* The sum of what the workers have counted there. */
uint64_t figure_of_workers(const struct figure_values *values, size_t at);
/* A sample without labels, and one with a single label whose value needs no escaping. */
void figure_put_plain(const struct figure_values *values, const struct figure *figure, uint64_t n);
void figure_put_labelled(const struct figure_values *values, const struct figure *figure,
                         const char *label, const char *value, uint64_t n);
/* A histogram, with a label ('name="value"') or without (""), whose counts `read` adds up: of what
 * lies at an offset, `at` and further. */
typedef uint64_t figure_read(const struct figure_values *values, size_t at);
void figure_put_histogram(const struct figure_values *values, const struct figure *figure,
                          const char *label, figure_read *read, size_t at);
/* A family's first lines. */
void figure_put_head(struct text *text, const char *name, enum figure_type type, const char *help);
/* A label's value, escaped. */
void figure_put_text(struct text *text, const char *value);

#endif
