#include "service/scores/anomaly.h"

#include "service/scores/interval_places.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* anomaly.h has what these are. */
enum { UNITS = 16, UNITS_MOST = 2000 * UNITS };
enum { CREDIT_COST = 50, CREDIT_MOST = 3 * CREDIT_COST };
static const double slow_rate = 0.005, unusual_p = 0.01, bound = 32, bound_of_unusual = 4;

/* ---- bins: the first is what is below 1/128, the last what is from 32 on ---- */

static const float lowest = 1.0F / 128, highest = 32;

struct anomaly_place {
    size_t bin;
    double share_above; /* of the bin, where the values in it are spread evenly */
};

/* By the bits of a float: its exponent, and the first bit of its mantissa. */
static struct anomaly_place place_in_bins(float ratio)
{
    enum { HALF_OCTAVE = 22 };
    uint32_t bits, first;
    if (ratio < lowest) {
        return (struct anomaly_place){ 0, 1 - (double)(ratio / lowest) };
    }
    if (ratio >= highest) {
        return (struct anomaly_place){ ANOMALY_BINS - 1, 1 };
    }
    memcpy(&bits, &ratio, sizeof bits);
    memcpy(&first, &lowest, sizeof first);
    const uint32_t within = bits & ((UINT32_C(1) << HALF_OCTAVE) - 1);
    return (struct anomaly_place){ 1 + ((bits - first) >> HALF_OCTAVE),
                                   1 - (double)within / (double)(UINT32_C(1) << HALF_OCTAVE) };
}

static uint32_t units_from(const struct anomaly *of, size_t bin)
{
    uint32_t sum = 0;
    for (size_t k = bin; k < ANOMALY_BINS; k++) {
        sum += of->bins[k];
    }
    return sum;
}

static void halve(struct anomaly *of)
{
    for (size_t k = 0; k < ANOMALY_BINS; k++) {
        of->bins[k] /= 2;
    }
    of->n_units = (uint16_t)units_from(of, 0);
}

static void count(struct anomaly *of, size_t bin, unsigned n_units)
{
    if (of->n_units >= UNITS_MOST) {
        halve(of);
    }
    of->bins[bin] = (uint16_t)(of->bins[bin] + n_units);
    of->n_units = (uint16_t)(of->n_units + n_units);
}

/* ---- a reading ---- */

/* NaN: there are too few to compare it with. */
static float p_value_of(const struct anomaly *of, const struct anomaly_place *place)
{
    if (of->n_units < ANOMALY_WARM_UP * UNITS) {
        return NAN;
    }
    const double units =
        (double)units_from(of, place->bin + 1) + place->share_above * (double)of->bins[place->bin];
    return (float)((units + UNITS) / (of->n_units + UNITS));
}

/* Whether it counts in full. */
static bool spend(struct anomaly *of)
{
    const bool is_usual = !(of->p < unusual_p);
    const bool may_count = is_usual || of->credit >= CREDIT_COST;
    of->credit = (uint8_t)(of->credit - (!is_usual && may_count ? CREDIT_COST : 0));
    of->credit += of->credit < CREDIT_MOST;
    return may_count;
}

static void learn_scale(struct anomaly *of, double error, double most)
{
    of->n_seen += of->n_seen < SEEN_MOST;
    const double early = of->n_seen < SEEN_MOST ? 2.0 / (of->n_seen + 1) : 0;
    const double rate = early > slow_rate ? early : slow_rate;
    /* Of errors that were all 0 there is no multiple. */
    const double bounded = of->scale > 0 && error > most * of->scale ? most * of->scale : error;
    of->scale = (float)fmin(of->scale + rate * (bounded - of->scale), FLT_MAX);
}

static void note(struct anomaly *of, double error)
{
    of->p = NAN;
    bool counts = true;
    if (of->n_seen >= ANOMALY_WARM_UP) {
        const double ratio = of->scale > 0 ? error / of->scale : error > 0 ? INFINITY : 0;
        const struct anomaly_place place = place_in_bins((float)fmin(ratio, FLT_MAX));
        of->p = p_value_of(of, &place);
        counts = spend(of);
        count(of, place.bin, counts ? UNITS : 1);
    }
    learn_scale(of, error, counts ? bound : bound_of_unusual);
}

/* What the intervals know already of the size of errors. */
static void begin_scale(const struct tracked *tracked, struct anomaly *of)
{
    if (of->n_seen == 0 && *tracked->seen >= INTERVAL_WARM_UP) {
        of->scale = tracked->means[SLOW];
        of->n_seen = INTERVAL_WARM_UP;
    }
}

void anomaly_step(const struct interval_tracker *tracker, void *bytes, const double *truths)
{
    const struct interval_layout *layout = tracker->layout;
    struct anomaly *of = bytes;
    for (size_t output = 0, place = 0; output < layout->n_outputs; output++) {
        if (!is_tracked(layout, output)) {
            continue;
        }
        const struct waiting waiting = waiting_at(tracker, place * layout->n_waiting);
        const struct tracked tracked = tracked_at(tracker, place, 1);
        const double error = fabs(truths[output] - waiting_forecast(&waiting));
        begin_scale(&tracked, &of[place]);
        if (isnan(error)) {
            of[place].p = NAN;
        } else {
            note(&of[place], error < FLT_MAX ? error : FLT_MAX);
        }
        place++;
    }
}

/* ---- it begins, and what happens to its session ---- */

size_t anomaly_bytes(const struct interval_layout *layout)
{
    return layout->n_tracked * sizeof(struct anomaly);
}

void anomaly_begin(const struct interval_tracker *tracker, void *bytes)
{
    struct anomaly *of = bytes;
    for (size_t place = 0; place < tracker->layout->n_tracked; place++) {
        of[place] = (struct anomaly){ .p = NAN, .credit = CREDIT_MOST };
    }
}

void anomaly_take(const struct interval_tracker *tracker, void *bytes,
                  const struct interval_tracker *from_tracker, const void *from)
{
    const struct interval_layout *layout = tracker->layout, *other = from_tracker->layout;
    struct anomaly *of = bytes;
    const struct anomaly *was = from;
    anomaly_begin(tracker, bytes);
    for (size_t output = 0; output < layout->n_outputs; output++) {
        if (is_tracked(layout, output) && is_tracked(other, output)) {
            of[place_of(layout, output)] = was[place_of(other, output)];
        }
    }
}

void anomaly_rescale(const struct interval_tracker *tracker, void *bytes, size_t output,
                     size_t ahead, double ratio)
{
    struct anomaly *of = bytes;
    if (ahead == 1 && is_tracked(tracker->layout, output)) {
        float *scale = &of[place_of(tracker->layout, output)].scale;
        *scale = (float)fmin(*scale * ratio, FLT_MAX);
    }
}

void anomaly_drop(const struct interval_tracker *tracker, void *bytes)
{
    struct anomaly *of = bytes;
    for (size_t place = 0; place < tracker->layout->n_tracked; place++) {
        of[place].p = NAN;
    }
}

/* ---- what is told ---- */

double anomaly_p_value(const struct interval_tracker *tracker, const void *bytes,
                       double *ret_by_output)
{
    const struct interval_layout *layout = tracker->layout;
    const struct anomaly *of = bytes;
    double least = NAN;
    size_t n = 0;
    for (size_t output = 0, place = 0; output < layout->n_outputs; output++) {
        const double p = is_tracked(layout, output) ? (double)of[place++].p : (double)NAN;
        n += !isnan(p);
        least = fmin(least, p);
        if (ret_by_output) {
            ret_by_output[output] = p;
        }
    }
    return least * (double)n > 1 ? 1 : least * (double)n;
}

/* ---- from outside ---- */

bool anomaly_is_valid(const struct interval_tracker *tracker, const void *bytes)
{
    const struct anomaly *of = bytes;
    bool is_valid = true;
    for (size_t place = 0; place < tracker->layout->n_tracked; place++) {
        const struct anomaly *a = &of[place];
        is_valid &= (isnan(a->p) || (a->p > 0 && a->p <= 1)) && a->scale >= 0 &&
                    isfinite(a->scale) && a->credit <= CREDIT_MOST &&
                    a->n_units == units_from(a, 0) && a->n_units < UNITS_MOST + UNITS;
    }
    return is_valid;
}
