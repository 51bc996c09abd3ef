/* p-values of readings: uniform where nothing is unusual, small where something is. */
#include "service/scores/anomaly.h"
#include "service/scores/tail.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct interval_levels levels = { 1, { 0.9 } };

/* ---- noise ---- */

static uint64_t state;

static double uniform(void)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return ((double)(state >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    const double radius = sqrt(-2 * log(uniform()));
    return radius * cos(6.283185307179586 * uniform());
}

/* Errors of forecasts, the `step`-th of them. */
typedef double error_fn(size_t step);

static double gaussian(size_t step)
{
    (void)step;
    return normal();
}

static double laplace(size_t step)
{
    (void)step;
    const double size = -log(uniform());
    return uniform() < 0.5 ? size : -size;
}

/* Student's t with 2 degrees of freedom: of no variance. */
static double heavy_tails(size_t step)
{
    (void)step;
    return normal() / sqrt(-log(uniform()));
}

/* Those that follow each other are alike. */
static double autoregressive(size_t step)
{
    static double last;
    last = step == 0 ? 0 : 0.6 * last + normal();
    return last;
}

static double slow_scale(size_t step)
{
    return normal() * exp(3 * sin((double)step / 600));
}

/* One of ten is a thousand times as large as the others. */
static double sparse(size_t step)
{
    (void)step;
    return normal() * (uniform() < 0.1 ? 1000 : 1);
}

/* They do not know where they are. */
static double one_sided(size_t step)
{
    (void)step;
    return 1e6 * exp(normal());
}

static const struct noise {
    const char *name;
    error_fn *error;
} noises[] = { { "gaussian", gaussian },       { "laplace", laplace },
               { "heavy tails", heavy_tails }, { "autoregressive", autoregressive },
               { "slow scale", slow_scale },   { "sparse", sparse },
               { "one-sided", one_sided } };

/* ---- a session ---- */

struct stream {
    struct interval_layout layout;
    struct tail tail;
    uint64_t step;
};

static void stream_init(struct stream *stream, size_t n_outputs)
{
    stream->layout = interval_layout_of(n_outputs, 1, levels.n);
    stream->step = 0;
    stream->tail = (struct tail){ .tracker = { &stream->layout, &levels,
                                               malloc(tail_bytes(&stream->layout, TAIL_ANOMALY)) },
                                  .parts = TAIL_ANOMALY };
    ck_assert_ptr_nonnull(stream->tail.tracker.bytes);
    tail_begin(&stream->tail);
}

static void stream_done(struct stream *stream)
{
    free(stream->tail.tracker.bytes);
}

/* Of the last reading. */
static double p_value(const struct stream *stream, double *by_output)
{
    return anomaly_p_value(&stream->tail.tracker, tail_part(&stream->tail, TAIL_ANOMALY),
                           by_output);
}

/* What was off by so much is told, and next is forecast. */
static double take(struct stream *stream, const double *errors)
{
    const double forecasts[4] = { 0 };
    tail_step(&stream->tail, ++stream->step, errors, forecasts, 1);
    ck_assert(tail_is_valid(&stream->tail));
    return p_value(stream, NULL);
}

static double take_one(struct stream *stream, double error)
{
    return take(stream, &error);
}

/* With so many readings behind it. */
static void stream_begin(struct stream *stream, const struct noise *noise, size_t n)
{
    stream_init(stream, 1);
    state = 1;
    for (size_t step = 0; step < n; step++) {
        (void)take_one(stream, noise->error(step));
    }
}

/* ---- nothing is unusual ---- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How far the shares of p-values are from those of a uniform distribution. */
static double distance(double *p, size_t n)
{
    double most = 0;
    qsort(p, n, sizeof *p, compare);
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fmax((double)(i + 1) / (double)n - p[i], p[i] - (double)i / (double)n));
    }
    return most;
}

TEST(p_values_are_uniform_where_nothing_is_unusual)
{
    enum { STEPS = 5000 };
    static double p[STEPS];
    for (size_t k = 0; k < sizeof noises / sizeof *noises; k++) {
        struct stream stream;
        stream_init(&stream, 1);
        state = 7 + k;
        size_t n = 0, n_small = 0;
        for (size_t step = 0; step < STEPS; step++) {
            const double value = take_one(&stream, noises[k].error(step));
            if (!isnan(value)) {
                n_small += value <= 0.01;
                p[n++] = value;
            }
        }
        const double off = distance(p, n);
        ck_assert_uint_ge(n, STEPS - 2 * ANOMALY_WARM_UP - 1);
        ck_assert_msg(off < 0.05, "%s: %g", noises[k].name, off);
        ck_assert_msg(n_small < STEPS * 2 / 100, "%s: %zu of 0.01", noises[k].name, n_small);
        stream_done(&stream);
    }
}

/* ---- something is ---- */

TEST(planted_errors_of_six_deviations_are_found)
{
    enum { PLANTED = 100, APART = 200, BEFORE = 1500 };
    struct stream stream;
    size_t n_found = 0;
    stream_begin(&stream, &noises[0], BEFORE);
    for (size_t k = 0; k < PLANTED * APART; k++) {
        const bool is_planted = k % APART == APART - 1;
        const double error = is_planted ? (uniform() < 0.5 ? -6 : 6) : normal();
        const double p = take_one(&stream, error);
        n_found += is_planted && p < 0.01;
    }
    ck_assert_uint_ge(n_found, 95);
    stream_done(&stream);
}

TEST(a_burst_does_not_hide_what_comes_after_it)
{
    for (size_t k = 0; k < 3; k++) {
        struct stream stream;
        stream_begin(&stream, &noises[0], 1500);
        for (size_t n = 0; n < 21; n++) {
            const double p = take_one(&stream, n % 2 ? 6 + normal() / 4 : -6 - (double)k);
            ck_assert_double_lt(p, 0.01);
        }
        stream_done(&stream);
    }
}

/* A larger spread, and forecasts that are off by as much from here on. */
TEST(what_lasts_becomes_usual)
{
    static const double changes[] = { 3, 6, 30, 1000 };
    for (size_t k = 0; k < 2 * sizeof changes / sizeof *changes; k++) {
        const double change = changes[k / 2];
        struct stream stream;
        size_t n_small = 0, n_small_later = 0;
        stream_begin(&stream, &noises[0], 1500);
        for (size_t n = 0; n < 1000; n++) {
            const double p = take_one(&stream, k % 2 ? change + normal() : change * normal());
            n_small += p < 0.01;
            n_small_later += n >= 300 && p < 0.01;
        }
        ck_assert_uint_gt(n_small, n_small_later + 5);
        ck_assert_uint_lt(n_small_later, 700 * 2 / 100);
        stream_done(&stream);
    }
}

/* ---- how it begins, and what it does not know ---- */

TEST(there_is_a_p_value_once_there_is_enough_to_compare_with)
{
    struct stream stream;
    stream_init(&stream, 1);
    for (size_t n = 0; n < 2 * ANOMALY_WARM_UP; n++) {
        ck_assert(isnan(take_one(&stream, n == 0 ? (double)NAN : 1)));
    }
    ck_assert(isnan(take_one(&stream, 1))); /* of the first reading nothing was forecast */
    ck_assert_double_gt(take_one(&stream, 0.9), 0.9);
    ck_assert_float_eq((float)take_one(&stream, 100), 1.0F / (ANOMALY_WARM_UP + 2));
    ck_assert(isnan(take_one(&stream, NAN)));
    ck_assert_double_gt(take_one(&stream, 0), 0.9);
    stream_done(&stream);
}

/* What the intervals know of the size of errors is where it begins. */
TEST(the_scale_begins_with_that_of_the_intervals)
{
    struct stream stream;
    stream_begin(&stream, &noises[0], 300);
    anomaly_begin(&stream.tail.tracker, tail_part(&stream.tail, TAIL_ANOMALY));
    for (size_t n = 0; n < ANOMALY_WARM_UP; n++) {
        ck_assert(isnan(take_one(&stream, normal())));
    }
    ck_assert(!isnan(take_one(&stream, normal())));
    const struct anomaly *of = tail_part(&stream.tail, TAIL_ANOMALY);
    ck_assert_float_eq_tol(of->scale, 0.8F, 0.15F);
    stream_done(&stream);
}

/* A series that stands still, and then does not. */
TEST(after_errors_that_were_all_0_any_is_unusual)
{
    struct stream stream;
    stream_init(&stream, 1);
    for (size_t n = 0; n < 500; n++) {
        const double p = take_one(&stream, 0);
        ck_assert(isnan(p) || p == 1);
    }
    ck_assert_double_lt(take_one(&stream, 1e-30), 0.01);
    ck_assert_double_eq(take_one(&stream, 0), 1);
    ck_assert_double_lt(take_one(&stream, 1e300), 0.01);
    stream_done(&stream);
}

TEST(p_falls_with_the_error)
{
    struct stream stream;
    stream_begin(&stream, &noises[0], 3000);
    const size_t n = tail_bytes(&stream.layout, TAIL_ANOMALY);
    unsigned char *bytes = malloc(n);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, stream.tail.tracker.bytes, n);
    double last = 2;
    for (int k = 0; k < 33333; k++) {
        memcpy(stream.tail.tracker.bytes, bytes, n);
        const double p = take_one(&stream, k * 0.003);
        ck_assert(p <= last && p > 0 && p <= 1);
        last = p;
    }
    ck_assert_double_lt(last, 1.0 / 1000);
    free(bytes);
    stream_done(&stream);
}

/* ---- several outputs ---- */

TEST(of_several_outputs_the_least_counts_as_often_as_there_are)
{
    struct stream stream;
    double by_output[3];
    stream_init(&stream, 3);
    state = 5;
    size_t n_small = 0, n = 0;
    for (size_t step = 0; step < 5000; step++) {
        const double same = normal(), errors[3] = { same, 5 * same, normal() };
        const double p = take(&stream, errors);
        n += !isnan(p);
        n_small += p < 0.05;
    }
    ck_assert_uint_gt(n_small, n * 25 / 1000);
    ck_assert_uint_lt(n_small, n * 55 / 1000); /* however they depend on each other */
    const double missing[3] = { 0, NAN, 8 };
    const double p = take(&stream, missing);
    (void)p_value(&stream, by_output);
    ck_assert(by_output[0] > 0.9 && isnan(by_output[1]) && by_output[2] < 0.001);
    ck_assert_double_eq(p, 2 * by_output[2]);
    ck_assert_double_eq(take(&stream, (const double[3]){ 0.01, 0.05, 0.01 }), 1);
    stream_done(&stream);
}

/* ---- what happens to a session ---- */

TEST(errors_that_are_rescaled_are_as_unusual_as_before)
{
    struct stream a, b;
    stream_begin(&a, &noises[0], 500);
    stream_begin(&b, &noises[0], 500);
    tail_rescale(&b.tail, 0, 2, 9); /* of other steps ahead */
    tail_rescale(&b.tail, 0, 1, 4);
    for (size_t n = 0; n < 20; n++) {
        const double error = normal();
        ck_assert_double_eq(take_one(&a, error), take_one(&b, 4 * error));
    }
    stream_done(&a);
    stream_done(&b);
}

TEST(what_is_dropped_is_told_no_more)
{
    struct stream stream;
    stream_begin(&stream, &noises[0], 500);
    ck_assert(!isnan(p_value(&stream, NULL)));
    tail_drop_waiting(&stream.tail);
    ck_assert(isnan(p_value(&stream, NULL)));
    ck_assert(isnan(take_one(&stream, 1))); /* nothing waited */
    ck_assert(!isnan(take_one(&stream, 1)));
    tail_restart(&stream.tail);
    ck_assert(isnan(p_value(&stream, NULL)));
    stream_done(&stream);
}

TEST(bytes_that_no_part_can_have_are_found)
{
    struct stream stream;
    stream_begin(&stream, &noises[0], 500);
    struct anomaly *of = tail_part(&stream.tail, TAIL_ANOMALY);
    const struct anomaly whole = *of;
    for (int k = 0; k < 8; k++) {
        *of = whole;
        of->p = k == 0 ? 0 : k == 1 ? 1.5F : of->p;
        of->scale = k == 2 ? -1 : k == 3 ? NAN : k == 4 ? INFINITY : of->scale;
        of->credit = k == 5 ? 151 : of->credit;
        of->n_units = (uint16_t)(of->n_units + (k == 6));
        of->bins[3] = k == 7 ? 40000 : of->bins[3];
        ck_assert_msg(!tail_is_valid(&stream.tail), "%d", k);
    }
    *of = whole;
    ck_assert(tail_is_valid(&stream.tail));
    stream_done(&stream);
}

/* ---- the tail ---- */

static struct tail tail_of(const struct interval_layout *layout, uint32_t parts)
{
    struct tail tail = { { layout, &levels, malloc(tail_bytes(layout, parts)) }, parts };
    ck_assert_ptr_nonnull(tail.tracker.bytes);
    return tail;
}

TEST(a_tail_with_parts_has_the_same_tracker_as_one_without)
{
    struct interval_untracked untracked = { .n = 0 };
    interval_untracked_add(&untracked, 0);
    struct stream stream;
    const struct interval_layout less = interval_layout_without(&untracked, 2, 1, 1),
                                 more = interval_layout_of(2, 4, 1);
    stream_init(&stream, 2);
    for (size_t n = 0; n < 200; n++) {
        (void)take(&stream, (const double[2]){ normal(), normal() });
    }
    struct tail without = tail_of(&stream.layout, 0), narrow = tail_of(&less, TAIL_ANOMALY),
                far = tail_of(&more, TAIL_ANOMALY), fresh = tail_of(&stream.layout, TAIL_ANOMALY);
    const struct anomaly *was = tail_part(&stream.tail, TAIL_ANOMALY);
    ck_assert_uint_eq(tail_bytes(&stream.layout, 0), stream.layout.n_bytes);
    ck_assert_uint_eq(tail_bytes(&less, TAIL_ANOMALY), less.n_bytes + 64);
    tail_take(&without, &stream.tail);
    ck_assert_mem_eq(without.tracker.bytes, stream.tail.tracker.bytes, stream.layout.n_bytes);
    tail_take(&narrow, &stream.tail); /* without the first output */
    ck_assert_mem_eq(tail_part(&narrow, TAIL_ANOMALY), &was[1], sizeof *was);
    tail_take(&far, &stream.tail);
    ck_assert_mem_eq(tail_part(&far, TAIL_ANOMALY), was, 2 * sizeof *was);
    tail_take(&fresh, &without); /* a part that is new */
    ck_assert(isnan(anomaly_p_value(&fresh.tracker, tail_part(&fresh, TAIL_ANOMALY), NULL)));
    const double truths[2] = { 0.5, 0.5 }, forecasts[2] = { 0 };
    tail_step(&without, stream.step + 1, truths, forecasts, 1);
    (void)take(&stream, truths);
    ck_assert_mem_eq(without.tracker.bytes, stream.tail.tracker.bytes, stream.layout.n_bytes);
    free(without.tracker.bytes);
    free(narrow.tracker.bytes);
    free(far.tracker.bytes);
    free(fresh.tracker.bytes);
    stream_done(&stream);
}
