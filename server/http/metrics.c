/* metrics.c - see metrics.h. */
#include "http/metrics.h"

#include <stdlib.h>

/* The most frequent first: with 200, and with 503 under too much load, counting is short. Then what
 * is sent without an error, and what errors are sent with. The last stands for any other. */
#define CODE_TABLE(X)                                                                              \
    X(, , 200)                                                                                     \
    X(, , 503)                                                                                     \
    X(, , 201)                                                                                     \
    X(, , 202)                                                                                     \
    X(, , 204)                                                                                     \
    STATUS_TABLE(X)

static const struct {
    int code;
    const char *label;
} codes[] = {
#define CODE_ROW(name, word, http) { (http), #http },
    CODE_TABLE(CODE_ROW)
#undef CODE_ROW
        { 0, "other" },
};

_Static_assert(sizeof codes / sizeof *codes == METRICS_CODES, "one slot a code");

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
    struct metrics *metrics;
    return calloc(1, sizeof *metrics + (n_routes + 1) * sizeof *metrics->requests);
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
    while (k < METRICS_CODES - 1 && codes[k].code != code) {
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

/* ---- reading ---- */

uint64_t metrics_sum(const struct metrics *const *workers, size_t n_workers, size_t at)
{
    uint64_t total = 0;
    for (size_t k = 0; k < n_workers; k++) {
        const _Atomic uint64_t *figure = (const void *)((const char *)workers[k] + at);
        total += atomic_load_explicit(figure, memory_order_relaxed);
    }
    return total;
}

size_t metrics_at_requests(size_t route, size_t k)
{
    return offsetof(struct metrics, requests) +
           (route * METRICS_CODES + k) * sizeof(_Atomic uint64_t);
}

const char *metrics_code(size_t k)
{
    return codes[k].label;
}

const char *metrics_bound(size_t k)
{
    return k < METRICS_BUCKETS ? buckets[k].label : "+Inf";
}

const char *metrics_refusal(enum refusal refusal)
{
    static const char *const words[] = {
#define REFUSAL_WORD(name, word) [REFUSED_##name] = (word),
        REFUSAL_TABLE(REFUSAL_WORD)
#undef REFUSAL_WORD
    };
    return words[refusal];
}
