/* Failure codes and values that cannot be; see plausible.h. */
#include "engine/train/plausible.h"
#include "gru.h"

#include <math.h>
#include <stdlib.h>

enum { PARTS_MAX = 8, CODE_VALUES = 2, LONE_VALUES = 2 };

/* How far a part is apart: its gap by the width of the rest, and its distance from the median of
 * the rest by the model's standard deviation. */
struct apart {
    double by_width, by_std;
};

static const struct apart DOUBT = { 2, 3 };
static const struct apart CODE = { 2, 30 };
static const struct apart BLURRED = { 100, 100 };
static const struct apart LONE = { 5, 20 };
static const struct apart NEVER = { 1000, 1000 };
static const double BLUR = 0.01; /* of the gap: so wide is what is nearly one value */
/* Where the rest is one value, there is no width to go by: another value is an event, unless it is
 * far off. Of a model without a scaling hardly anything is far. */
static const double FAR_OF_ONE = 30, FAR_OF_ONE_UNSCALED = 500;

/* Sorted values, from begin to end - 1. */
struct stretch {
    const double *values;
    size_t begin, end;
};

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

void gru_doubles_sort(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
}

static size_t count(struct stretch of)
{
    return of.end - of.begin;
}

static double quantile(struct stretch of, double share)
{
    size_t k = (size_t)(share * (double)(count(of) - 1) + 0.5);
    return of.values[of.begin + k];
}

/* The middle 90 % as the middle half says it, if that is less: a quarter of codes moves the one and
 * not the other. 0: the values are one, but for a hundredth at each end. */
static double width_of(struct stretch of)
{
    double half = 2.44 * (quantile(of, 0.75) - quantile(of, 0.25));
    double most = quantile(of, 0.95) - quantile(of, 0.05);
    if (half > 0) {
        return half < most ? half : most;
    }
    return most > 0 ? most : quantile(of, 0.99) - quantile(of, 0.01);
}

/* Distinct values, up to one more than `most`. */
static size_t count_distinct(struct stretch of, size_t most)
{
    size_t n = 1;
    for (size_t k = of.begin + 1; k < of.end && n <= most; k++) {
        n += of.values[k] > of.values[k - 1];
    }
    return n;
}

static bool is_repeated(struct stretch of)
{
    size_t n = count_distinct(of, CODE_VALUES);
    return n <= CODE_VALUES && n < count(of);
}

/* The index that the largest gap ends at; its begin: all values are one. */
static size_t find_gap(struct stretch of)
{
    size_t at = of.begin;
    double most = 0;
    for (size_t k = of.begin + 1; k < of.end; k++) {
        double gap = of.values[k] - of.values[k - 1];
        at = gap > most ? k : at;
        most = gap > most ? gap : most;
    }
    return at;
}

/* The smaller part is apart from the larger. Or the larger one, if it is one code and the smaller
 * one is what the model's scaling was made for: a sensor that is dead most of the time. */
static bool is_low_apart(struct stretch low, struct stretch high,
                         const struct gru_variable *variable)
{
    bool is_low = count(low) < count(high);
    struct stretch small = is_low ? low : high, large = is_low ? high : low;
    bool is_dead =
        is_repeated(large) && count(small) >= PLAUSIBLE_LEAST &&
        fabs(quantile(large, 0.5) - variable->mean) > fabs(quantile(small, 0.5) - variable->mean);
    return is_low != is_dead;
}

struct split {
    struct stretch part, rest;
    double gap, distance; /* between them; of the part from the median of the rest */
    double width, std;    /* of the rest; the model's */
    bool is_scaled;
};

static struct split split_at(struct stretch of, size_t at, const struct gru_variable *variable)
{
    struct stretch low = { of.values, of.begin, at }, high = { of.values, at, of.end };
    bool is_low = is_low_apart(low, high, variable);
    struct split split = { .part = is_low ? low : high,
                           .rest = is_low ? high : low,
                           .gap = of.values[at] - of.values[at - 1],
                           .std = variable->std,
                           .is_scaled = variable->mean != 0 || variable->std != 1 };
    double nearest = of.values[is_low ? at - 1 : at];
    split.distance = fabs(nearest - quantile(split.rest, 0.5));
    split.width = width_of(split.rest);
    return split;
}

static bool is_beyond(const struct split *split, struct apart apart)
{
    double by_std = apart.by_std;
    if (split->width <= 0) {
        double of_one = split->is_scaled ? FAR_OF_ONE : FAR_OF_ONE_UNSCALED;
        by_std = by_std > of_one ? by_std : of_one;
    }
    return split->gap > apart.by_width * split->width && split->distance > by_std * split->std;
}

static bool is_nearly_one(const struct split *split)
{
    return quantile(split->part, 1) - quantile(split->part, 0) < BLUR * split->gap;
}

static bool is_wrong(const struct split *split)
{
    return (is_repeated(split->part) && is_beyond(split, CODE)) || is_beyond(split, NEVER) ||
           (is_nearly_one(split) && is_beyond(split, BLURRED)) ||
           (count(split->part) <= LONE_VALUES && is_beyond(split, LONE));
}

static void add_codes(struct gru_plausible *plausible, struct stretch part, bool is_doubtful)
{
    for (size_t k = part.begin; is_repeated(part) && k < part.end; k++) {
        bool is_new = k == part.begin || part.values[k] > part.values[k - 1];
        if (is_new && plausible->n_codes < GRU_CODES_MAX) {
            plausible->is_doubtful[plausible->n_codes] = is_doubtful;
            plausible->codes[plausible->n_codes++] = part.values[k];
        }
    }
}

/* What is apart is taken off, part by part; the range grows by what is only rare. */
static struct stretch take_apart(struct stretch of, const struct gru_variable *variable,
                                 struct gru_plausible *plausible)
{
    for (int k = 0; k < PARTS_MAX; k++) {
        size_t at = find_gap(of);
        if (at == of.begin) {
            break;
        }
        struct split split = split_at(of, at, variable);
        if (!is_beyond(&split, DOUBT)) {
            break;
        }
        of = split.rest;
        if (is_wrong(&split) || is_repeated(split.part)) {
            add_codes(plausible, split.part, !is_wrong(&split));
        } else {
            plausible->least = fmin(plausible->least, split.part.values[split.part.begin]);
            plausible->most = fmax(plausible->most, split.part.values[split.part.end - 1]);
        }
    }
    return of;
}

void gru_plausible_find(double *values, size_t n, const struct gru_variable *variable,
                        struct gru_plausible *ret_plausible)
{
    struct gru_plausible plausible = { .least = (double)INFINITY, .most = -(double)INFINITY };
    if (n < PLAUSIBLE_LEAST) {
        *ret_plausible =
            (struct gru_plausible){ .least = -(double)INFINITY, .most = (double)INFINITY };
        return;
    }
    gru_doubles_sort(values, n);
    struct stretch core = take_apart((struct stretch){ values, 0, n }, variable, &plausible);
    plausible.width = width_of(core);
    double far = fmax(LONE.by_width * plausible.width, LONE.by_std * variable->std);
    plausible.least = fmin(plausible.least, values[core.begin]) - far;
    plausible.most = fmax(plausible.most, values[core.end - 1]) + far;
    *ret_plausible = plausible;
}

size_t gru_sample_row(size_t k, size_t step)
{
    return k * step + (size_t)((uint64_t)k * 0x9E3779B97F4A7C15U >> 32) % step;
}

bool gru_is_doubtful(const struct gru_plausible *plausible, double value)
{
    for (size_t k = 0; k < plausible->n_codes; k++) {
        if (value == plausible->codes[k]) {
            return plausible->is_doubtful[k];
        }
    }
    return false;
}

bool gru_is_plausible(const struct gru_plausible *plausible, double value)
{
    for (size_t k = 0; k < plausible->n_codes; k++) {
        if (value == plausible->codes[k]) {
            return false;
        }
    }
    return value >= plausible->least && value <= plausible->most;
}
