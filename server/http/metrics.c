#include "http/metrics.h"

#include <inttypes.h>
#include <stdlib.h>

/* The most frequent first. The last stands for any other. */
static const int codes[METRICS_CODES] = { 200, 201, 204, 400, 404, 409, 410, 422, 401, 403,
                                          405, 413, 415, 429, 500, 501, 503, 202, 207, 0 };

static const struct {
    int64_t ns;
    const char *label;
} buckets[METRICS_BUCKETS] = {
    { 50000, "0.00005" },  { 100000, "0.0001" },  { 250000, "0.00025" }, { 500000, "0.0005" },
    { 1000000, "0.001" },  { 2500000, "0.0025" }, { 5000000, "0.005" },  { 10000000, "0.01" },
    { 25000000, "0.025" }, { 50000000, "0.05" },  { 100000000, "0.1" },  { 250000000, "0.25" },
    { 500000000, "0.5" },  { 1000000000, "1" },   { 2500000000, "2.5" }, { 5000000000, "5" },
    { 10000000000, "10" },
};

struct metrics *metrics_create(size_t n_routes)
{
    struct metrics *metrics =
        calloc(1, sizeof *metrics + (n_routes + 1) * sizeof *metrics->requests);
    if (metrics) {
        metrics->n_routes = n_routes;
    }
    return metrics;
}

/* ---- counting ---- */

/* The only writer needs no atomic addition, only a store that readers never see half of. */
static void add(_Atomic uint64_t *figure, uint64_t n)
{
    uint64_t sum = atomic_load_explicit(figure, memory_order_relaxed) + n;
    atomic_store_explicit(figure, sum, memory_order_relaxed);
}

static size_t code_index(int code)
{
    size_t k = 0;
    while (k < METRICS_CODES - 1 && codes[k] != code) {
        k++;
    }
    return k;
}

void metrics_count(struct metrics *metrics, size_t route, int code, int64_t duration_ns)
{
    if (code == 0) {
        add(&metrics->n_aborted, 1);
        return;
    }
    size_t k = 0;
    while (k < METRICS_BUCKETS && duration_ns > buckets[k].ns) {
        k++;
    }
    add(&metrics->requests[route][code_index(code)], 1);
    add(&metrics->durations[k], 1);
    add(&metrics->duration_ns, (uint64_t)duration_ns);
}

void metrics_connections(struct metrics *metrics, size_t n)
{
    atomic_store_explicit(&metrics->n_connections, n, memory_order_relaxed);
}

void metrics_streams(struct metrics *metrics, size_t n)
{
    atomic_store_explicit(&metrics->n_streams, n, memory_order_relaxed);
}

void metrics_refuse(struct metrics *metrics, enum refusal refusal)
{
    add(&metrics->refusals[refusal], 1);
}

/* ---- printing ---- */

static void put_head(struct text *text, const char *name, const char *type, const char *help)
{
    text_print(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The sum over the workers of the figure that lies at this place in each. */
static uint64_t sum(const struct metrics *const *workers, size_t n_workers,
                    const _Atomic uint64_t *first)
{
    size_t offset = (uintptr_t)first - (uintptr_t)workers[0];
    uint64_t total = 0;
    for (size_t k = 0; k < n_workers; k++) {
        const _Atomic uint64_t *figure = (const void *)((const char *)workers[k] + offset);
        total += atomic_load_explicit(figure, memory_order_relaxed);
    }
    return total;
}

static void put_requests(struct text *text, const struct metrics *const *workers, size_t n_workers,
                         const struct route *routes, size_t n_routes)
{
    put_head(text, "grud_http_requests_total", "counter", "Requests answered.");
    for (size_t route = 0; route <= n_routes; route++) {
        const char *path = route < n_routes ? routes[route].path : "";
        const char *method = route < n_routes ? routes[route].method : "";
        for (size_t k = 0; k < METRICS_CODES; k++) {
            uint64_t n = sum(workers, n_workers, &workers[0]->requests[route][k]);
            if (n > 0) {
                text_print(text, "grud_http_requests_total{route=\"%s\",method=\"%s\",code=\"",
                           path, method);
                text_print(text, codes[k] ? "%d" : "other", codes[k]);
                text_print(text, "\"} %" PRIu64 "\n", n);
            }
        }
    }
}

static void put_durations(struct text *text, const struct metrics *const *workers, size_t n_workers)
{
    const char *name = "grud_http_request_duration_seconds";
    uint64_t n = 0;
    put_head(text, name, "histogram",
             "From a request's first line to the last byte of its answer.");
    for (size_t k = 0; k < METRICS_BUCKETS; k++) {
        n += sum(workers, n_workers, &workers[0]->durations[k]);
        text_print(text, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, buckets[k].label, n);
    }
    n += sum(workers, n_workers, &workers[0]->durations[METRICS_BUCKETS]);
    text_print(text, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, n);
    text_print(text, "%s_sum %.9f\n", name,
               (double)sum(workers, n_workers, &workers[0]->duration_ns) * 1e-9);
    text_print(text, "%s_count %" PRIu64 "\n", name, n);
}

static void put_refusals(struct text *text, const struct metrics *const *workers, size_t n_workers)
{
    static const char *const kinds[N_REFUSALS] = {
        [REFUSED_LIGHT] = "light",           [REFUSED_HEAVY] = "heavy",
        [REFUSED_MEMORY] = "memory",         [REFUSED_STREAM] = "stream",
        [REFUSED_CONNECTION] = "connection", [REFUSED_ADDRESS] = "address",
    };
    put_head(text, "grud_http_refused_total", "counter",
             "Requests and connections turned away, by what there was too much of.");
    for (size_t k = 0; k < N_REFUSALS; k++) {
        text_print(text, "grud_http_refused_total{kind=\"%s\"} %" PRIu64 "\n", kinds[k],
                   sum(workers, n_workers, &workers[0]->refusals[k]));
    }
}

void metrics_put(struct text *text, const struct metrics *const *workers, size_t n_workers,
                 const struct route *routes, size_t n_routes)
{
    put_requests(text, workers, n_workers, routes, n_routes);
    put_head(text, "grud_http_requests_aborted_total", "counter", "Requests whose client hung up.");
    text_print(text, "grud_http_requests_aborted_total %" PRIu64 "\n",
               sum(workers, n_workers, &workers[0]->n_aborted));
    put_refusals(text, workers, n_workers);
    put_durations(text, workers, n_workers);
    put_head(text, "grud_http_connections", "gauge", "Open connections.");
    text_print(text, "grud_http_connections %" PRIu64 "\n",
               sum(workers, n_workers, &workers[0]->n_connections));
    put_head(text, "grud_http_streams", "gauge", "Open streams of Server-Sent Events.");
    text_print(text, "grud_http_streams %" PRIu64 "\n",
               sum(workers, n_workers, &workers[0]->n_streams));
}
