#include "service/scores/adaptive_window.h"

#include <math.h>
#include <string.h>

/* A run of values. */
struct window_part {
    double n, sum, squares;
};

static double square(double x)
{
    return x * x;
}

/* Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983. */
static double squares_between(const struct window_part *a, const struct window_part *b)
{
    return a->n > 0 && b->n > 0
               ? a->n * b->n / (a->n + b->n) * square(a->sum / a->n - b->sum / b->n)
               : 0.0;
}

static void add(struct window_part *whole, const struct window_part *part)
{
    whole->squares += part->squares + squares_between(whole, part);
    whole->n += part->n;
    whole->sum += part->sum;
}

static void take_off(struct window_part *whole, const struct window_part *part)
{
    whole->n -= part->n;
    whole->sum -= part->sum;
    whole->squares = fmax(whole->squares - part->squares - squares_between(whole, part), 0.0);
}

static struct window_part part_of(const struct adaptive_window *window, size_t size, size_t k)
{
    const struct adaptive_bucket *bucket = &window->sizes[size].buckets[k];
    return (struct window_part){ (double)(UINT64_C(1) << size), bucket->sum, bucket->squares };
}

static struct window_part whole_of(const struct adaptive_window *window)
{
    return (struct window_part){ (double)window->n, window->sum, window->squares };
}

static void set_whole(struct adaptive_window *window, const struct window_part *whole)
{
    window->n = (uint64_t)whole->n;
    window->sum = whole->n > 0 ? whole->sum : 0.0;
    window->squares = whole->n > 0 ? whole->squares : 0.0;
}

/* ---- buckets ---- */

static void forget_oldest_of(struct adaptive_size *size, size_t n)
{
    size->n -= n;
    memmove(size->buckets, size->buckets + n, size->n * sizeof *size->buckets);
}

static void forget_oldest(struct adaptive_window *window)
{
    size_t size = ADAPTIVE_WINDOW_SIZES - 1;
    while (window->sizes[size].n == 0) {
        size--;
    }
    struct window_part whole = whole_of(window);
    const struct window_part oldest = part_of(window, size, 0);
    take_off(&whole, &oldest);
    set_whole(window, &whole);
    forget_oldest_of(&window->sizes[size], 1);
}

static void put(struct adaptive_size *size, const struct window_part *part)
{
    size->buckets[size->n++] = (struct adaptive_bucket){ part->sum, part->squares };
}

/* Where there are too many of a size, the two oldest become one of the next size. */
static void merge(struct adaptive_window *window)
{
    for (size_t k = 0; k < ADAPTIVE_WINDOW_SIZES && window->sizes[k].n > ADAPTIVE_WINDOW_BUCKETS;
         k++) {
        if (k + 1 == ADAPTIVE_WINDOW_SIZES) {
            forget_oldest(window);
            return;
        }
        struct window_part both = part_of(window, k, 0);
        const struct window_part second = part_of(window, k, 1);
        add(&both, &second);
        forget_oldest_of(&window->sizes[k], 2);
        put(&window->sizes[k + 1], &both);
    }
}

/* ---- cuts ---- */

/* What a look at the window needs at each place. */
struct look {
    struct window_part whole;
    double least, spread, step; /* of the paper's epsilon_cut, but for the shares of both parts */
};

static struct look look_at(const struct adaptive_window *window,
                           const struct adaptive_window_rule *rule)
{
    const struct window_part whole = whole_of(window);
    const double chance = log(2.0 * log(whole.n) / rule->confidence);
    return (struct look){ .whole = whole,
                          .least = (double)rule->least,
                          .spread = 2.0 * chance * whole.squares / whole.n,
                          .step = 2.0 / 3.0 * chance * rule->range };
}

/* By how much the means differ more than chance explains: beyond the paper's epsilon_cut with the
 * variance of the window. */
static double excess(const struct look *look, const struct window_part *before,
                     const struct window_part *since)
{
    if (before->n < look->least || since->n < look->least) {
        return 0.0;
    }
    const double share =
        1.0 / (before->n - look->least + 1.0) + 1.0 / (since->n - look->least + 1.0);
    return fabs(before->sum / before->n - since->sum / since->n) -
           (sqrt(share * look->spread) + share * look->step);
}

/* The place at which the window falls into two most clearly. */
static bool find_cut(const struct adaptive_window *window, const struct adaptive_window_rule *rule,
                     struct adaptive_cut *ret_cut)
{
    const struct look look = look_at(window, rule);
    struct window_part before = { 0 };
    double most = 0.0;
    for (size_t size = ADAPTIVE_WINDOW_SIZES; size-- > 0;) {
        for (size_t k = 0; k < window->sizes[size].n; k++) {
            before.n += (double)(UINT64_C(1) << size);
            before.sum += window->sizes[size].buckets[k].sum;
            const struct window_part since = { .n = look.whole.n - before.n,
                                               .sum = look.whole.sum - before.sum };
            const double of_place = excess(&look, &before, &since);
            if (of_place > most) {
                most = of_place;
                *ret_cut = (struct adaptive_cut){ before.sum / before.n, since.sum / since.n,
                                                  (uint64_t)since.n };
            }
        }
    }
    return most > 0.0;
}

bool adaptive_window_note(struct adaptive_window *window, const struct adaptive_window_rule *rule,
                          double value, struct adaptive_cut *ret_cut)
{
    struct window_part whole = whole_of(window);
    const struct window_part one = { .n = 1, .sum = value };
    add(&whole, &one);
    set_whole(window, &whole);
    put(&window->sizes[0], &one);
    merge(window);
    bool was_cut = false;
    struct adaptive_cut cut;
    if (++window->n_seen % rule->every == 0) {
        while (find_cut(window, rule, &cut)) {
            *ret_cut = was_cut ? *ret_cut : cut;
            was_cut = true;
            forget_oldest(window);
        }
    }
    return was_cut;
}
