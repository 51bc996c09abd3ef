/* Orders, batches and windows; see batches.h. */
#include "engine/train/batches.h"
#include "engine/random.h"

/* ---- order ---- */

/* A Feistel network (M. Luby, C. Rackoff, "How to Construct Pseudorandom Permutations from
 * Pseudorandom Functions", 1988) permutes the smallest 2^(2b) >= n numbers; what falls outside n
 * walks on until it is inside (J. Black, P. Rogaway, "Ciphers with Arbitrary Finite Domains",
 * 2002). */
size_t gru_shuffle(uint64_t key, size_t n, size_t k)
{
    enum { ROUNDS = 6 };
    unsigned half = 1;
    while (half < 32 && ((uint64_t)1 << 2 * half) < n) {
        half++;
    }
    const uint64_t mask = ((uint64_t)1 << half) - 1;
    uint64_t at = k;
    do {
        uint64_t left = at >> half;
        uint64_t right = at & mask;
        for (uint64_t round = 0; round < ROUNDS; round++) {
            uint64_t swap = right;
            right = left ^ (gru_random_at(key + round, right) & mask);
            left = swap;
        }
        at = left << half | right;
    } while (at >= n);
    return (size_t)at;
}

uint64_t gru_epoch_key(uint64_t seed, size_t epoch)
{
    return gru_random_at(seed, (uint64_t)epoch);
}

static bool is_drawn(const struct order *order)
{
    return order->part == PART_TRAIN && order->dataset->n_stretches > 0;
}

size_t gru_order_n(const struct order *order)
{
    return is_drawn(order) ? order->dataset->n_stretches
                           : gru_dataset_n_series(order->dataset, order->part);
}

static struct dataset_lane lane_at(const struct order *order, size_t n, size_t position)
{
    bool shuffled = order->part == PART_TRAIN;
    if (is_drawn(order)) {
        return gru_dataset_stretch(order->dataset, gru_random_at(order->key, position));
    }
    return gru_dataset_lane(order->dataset, order->part,
                            shuffled ? gru_shuffle(order->key, n, position) : position);
}

/* ---- batches ---- */

static bool comes_before(const struct dataset_lane *a, const struct dataset_lane *b)
{
    return a->n_rows != b->n_rows ? a->n_rows > b->n_rows : a->series < b->series;
}

/* Moves lanes[at] down a heap of n whose root is the one that comes last. */
static void sift_down(struct dataset_lane *lanes, size_t n, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= n) {
            return;
        }
        if (child + 1 < n && comes_before(&lanes[child], &lanes[child + 1])) {
            child++;
        }
        if (!comes_before(&lanes[at], &lanes[child])) {
            return;
        }
        struct dataset_lane moved = lanes[at];
        lanes[at] = lanes[child];
        lanes[child] = moved;
        at = child;
    }
}

/* Heap sort, because the C library's sort may allocate. The series' own order decides between
 * equals. */
static void sort_lanes(struct dataset_lane *lanes, size_t n)
{
    for (size_t at = n / 2; at > 0; at--) {
        sift_down(lanes, n, at - 1);
    }
    for (size_t last = n; last > 1; last--) {
        struct dataset_lane moved = lanes[0];
        lanes[0] = lanes[last - 1];
        lanes[last - 1] = moved;
        sift_down(lanes, last - 1, 0);
    }
}

size_t gru_batch_take(const struct order *order, size_t cursor, size_t n_max,
                      struct dataset_lane *lanes, size_t *ret_next)
{
    size_t n = 0;
    size_t n_series = gru_order_n(order);
    for (; cursor < n_series && n < n_max; cursor++) {
        struct dataset_lane lane = lane_at(order, n_series, cursor);
        if (lane.n_rows > 0) {
            lanes[n++] = lane;
        }
    }
    sort_lanes(lanes, n);
    *ret_next = cursor;
    return n;
}

size_t gru_batch_extent(const struct order *order, size_t cursor, size_t n_max, size_t *ret_longest)
{
    size_t n_series = gru_order_n(order);
    *ret_longest = 0;
    for (size_t n = 0; cursor < n_series && n < n_max; cursor++) {
        struct dataset_lane lane = lane_at(order, n_series, cursor);
        n += lane.n_rows > 0;
        *ret_longest = lane.n_rows > *ret_longest ? lane.n_rows : *ret_longest;
    }
    return cursor;
}

/* ---- windows ---- */

static size_t window_end(const struct dataset_lane *lane, size_t t, size_t window)
{
    return lane->n_rows - t < window ? lane->n_rows : t + window;
}

size_t gru_window_lanes(const struct dataset_lane *lanes, size_t n, size_t t, size_t n_max,
                        size_t *n_lanes, size_t *ret_n_rows)
{
    size_t n_steps = n > 0 && lanes[0].n_rows > t ? window_end(&lanes[0], t, n_max) - t : 0;
    *ret_n_rows = 0;
    for (size_t step = 0; step < n_steps; step++) {
        while (lanes[n - 1].n_rows <= t + step) {
            n--;
        }
        n_lanes[step] = n;
        *ret_n_rows += n;
    }
    return n_steps;
}

/* ---- counting ---- */

/* Looks at lanes and at targets; beyond this many the rest is extrapolated. */
enum { LOOKS_MAX = 1 << 21 };

/* Looks that were taken, and how many a single epoch may take. */
struct looks {
    size_t n, n_most;
};

/* Without an array of lanes: each window finds its own, mostly the first one of the batch. Lanes
 * that have ended are looked at again for each window of a long one: beyond n_most the answer is
 * yes, unseen. */
static bool batch_has_targets(const struct order *order, size_t cursor, size_t next, size_t t,
                              size_t window, struct looks *looks)
{
    size_t n_series = gru_order_n(order);
    for (; cursor < next && looks->n < looks->n_most; cursor++) {
        struct dataset_lane lane = lane_at(order, n_series, cursor);
        looks->n++;
        if (lane.n_rows > t) {
            size_t end = window_end(&lane, t, window);
            size_t found = gru_dataset_next_target(order->dataset, &lane, t, end);
            looks->n += (found - t) * order->dataset->width;
            if (found < end) {
                return true;
            }
        }
    }
    return cursor < next;
}

static size_t count_epoch(const struct order *order, struct looks *looks)
{
    const struct gru_hyperparameters *h = &order->dataset->training->hyperparameters;
    size_t n_series = gru_order_n(order);
    size_t n_steps = 0;
    for (size_t cursor = 0; cursor < n_series;) {
        size_t longest;
        size_t next = gru_batch_extent(order, cursor, h->batch_size, &longest);
        for (size_t t = 0; t<longest; t = longest - t> h->window ? t + h->window : longest) {
            n_steps += batch_has_targets(order, cursor, next, t, h->window, looks);
        }
        looks->n += next - cursor;
        cursor = next;
    }
    return n_steps;
}

/* Of stretches, which are all alike: windows that are more than burn-in count as if they had
 * targets. */
static size_t count_stretch_epoch(const struct dataset *dataset)
{
    const struct gru_hyperparameters *h = &dataset->training->hyperparameters;
    const size_t n_batches =
        dataset->n_stretches / h->batch_size + (dataset->n_stretches % h->batch_size > 0);
    const size_t n_windows = (h->sampling_length + h->window - 1) / h->window;
    return n_batches * (n_windows - h->sampling_burn_in / h->window); /* at most 1e6 each */
}

/* Enough to look once at each target, at each window of a lane and at each lane, and then some. */
static size_t looks_of_an_epoch(const struct dataset *dataset)
{
    size_t n_rows = 0;
    for (size_t k = 0; k < dataset->training->n_series; k++) {
        n_rows += dataset->training->series[k].n_rows; /* they are in memory: no overflow */
    }
    return LOOKS_MAX + (dataset->width + 2) * n_rows;
}

bool gru_count_steps(const struct dataset *dataset, size_t *ret_n_steps)
{
    const struct gru_training *training = dataset->training;
    size_t n_epochs = training->hyperparameters.n_epochs;
    bool one_batch = training->n_series <= training->hyperparameters.batch_size;
    size_t counted = 0, n_counted = 0, n_looks = 0;
    const size_t n_most = looks_of_an_epoch(dataset);
    if (dataset->n_stretches > 0) {
        return !__builtin_mul_overflow(count_stretch_epoch(dataset), n_epochs, ret_n_steps);
    }
    do {
        struct order order = { dataset, PART_TRAIN, gru_epoch_key(training->seed, n_counted) };
        struct looks looks = { .n_most = n_most };
        counted += count_epoch(&order, &looks);
        n_looks += looks.n;
        n_counted++;
    } while (!one_batch && n_counted < n_epochs && n_looks < LOOKS_MAX);
    size_t n_steps;
    if (__builtin_mul_overflow(counted / n_counted, n_epochs, &n_steps)) {
        return false;
    }
    *ret_n_steps = n_steps + counted % n_counted * n_epochs / n_counted;
    return true;
}
