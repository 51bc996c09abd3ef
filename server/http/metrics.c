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

struct metrics *metrics_create(size_t n_routes)
{
    struct metrics *metrics;
    return calloc(1, sizeof *metrics + (n_routes + 1) * sizeof *metrics->requests);
}

/* ---- counting ---- */

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
        histogram_count(&metrics->n_aborted, 1);
        return;
    }
    histogram_count(&metrics->requests[route][code_index(code)], 1);
    histogram_add(&metrics->requests_took, duration_ns, 1);
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
    histogram_count(&metrics->refusals[refusal], 1);
}

void metrics_steps(struct metrics *metrics, size_t n, int64_t duration_ns)
{
    histogram_add(&metrics->steps_took, duration_ns, n);
}

void metrics_prediction(struct metrics *metrics, int64_t duration_ns)
{
    histogram_add(&metrics->predictions_took, duration_ns, 1);
}

void metrics_wait(struct metrics *metrics, enum wait wait, int64_t duration_ns)
{
    histogram_add(&metrics->waits[wait], duration_ns, 1);
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

const char *metrics_refusal(enum refusal refusal)
{
    static const char *const words[] = {
#define REFUSAL_WORD(name, word) [REFUSED_##name] = (word),
        REFUSAL_TABLE(REFUSAL_WORD)
#undef REFUSAL_WORD
    };
    return words[refusal];
}

const char *metrics_wait_word(enum wait wait)
{
    static const char *const words[] = {
#define WAIT_WORD(name, word) [WAIT_##name] = (word),
        WAIT_TABLE(WAIT_WORD)
#undef WAIT_WORD
    };
    return words[wait];
}
