#include "http/metrics.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

TEST(a_figure_is_the_sum_of_the_workers)
{
    struct metrics *workers[] = { metrics_create(1), metrics_create(1) };
    const struct metrics *const *both = (const struct metrics *const *)workers;
    metrics_connections(workers[0], 3);
    metrics_connections(workers[0], 2); /* a level, not a count */
    metrics_connections(workers[1], 5);
    metrics_refuse(workers[0], REFUSED_STREAM);
    metrics_refuse(workers[1], REFUSED_STREAM);
    metrics_count(workers[1], 0, 0, 1); /* aborted */
    ck_assert_uint_eq(metrics_sum(both, 2, offsetof(struct metrics, n_connections)), 7);
    ck_assert_uint_eq(metrics_sum(both, 2, offsetof(struct metrics, refusals[REFUSED_STREAM])), 2);
    ck_assert_uint_eq(metrics_sum(both, 2, offsetof(struct metrics, n_aborted)), 1);
    ck_assert_uint_eq(metrics_sum(both, 2, offsetof(struct metrics, requests_took.sum_ns)), 0);
    free(workers[0]);
    free(workers[1]);
}

TEST(requests_are_counted_by_route_and_code)
{
    enum { N_ROUTES = 2 };
    struct metrics *metrics = metrics_create(N_ROUTES);
    const struct metrics *const *one = (const struct metrics *const *)&metrics;
    metrics_count(metrics, 1, 404, 7);
    metrics_count(metrics, N_ROUTES, 999, 5);
    for (size_t route = 0; route <= N_ROUTES; route++) {
        for (size_t k = 0; k < METRICS_CODES; k++) {
            uint64_t n = metrics_sum(one, 1, metrics_at_requests(route, k));
            bool is_known = route == 1 && n > 0, is_other = route == N_ROUTES && n > 0;
            ck_assert(!is_known || strcmp(metrics_code(k), "404") == 0);
            ck_assert(!is_other || strcmp(metrics_code(k), "other") == 0);
            ck_assert_uint_eq(n, is_known || is_other);
        }
    }
    ck_assert_uint_eq(metrics_sum(one, 1, offsetof(struct metrics, requests_took.sum_ns)), 12);
    free(metrics);
}
