#include "service/scores/tail.h"

#include "service/scores/anomaly.h"
#include "service/scores/blend.h"

#include <assert.h>

/* In the order of their bits. */
static const struct part {
    size_t (*bytes)(const struct interval_layout *layout);
    void (*begin)(const struct interval_tracker *tracker, void *bytes);
    void (*take)(const struct interval_tracker *tracker, void *bytes,
                 const struct interval_tracker *from_tracker, const void *from);
    /* NULL: it is nothing to it. */
    void (*rescale)(const struct interval_tracker *tracker, void *bytes, size_t output,
                    size_t ahead, double ratio);
    void (*change_version)(const struct interval_tracker *tracker, void *bytes); /* likewise */
    void (*restart)(const struct interval_tracker *tracker, void *bytes);
    void (*drop_waiting)(const struct interval_tracker *tracker, void *bytes);
    bool (*is_valid)(const struct interval_tracker *tracker, const void *bytes);
} parts[TAIL_PARTS] = {
    { .bytes = anomaly_bytes,
      .begin = anomaly_begin,
      .take = anomaly_take,
      .rescale = anomaly_rescale,
      .restart = anomaly_drop,
      .drop_waiting = anomaly_drop,
      .is_valid = anomaly_is_valid },
    { .bytes = blend_bytes,
      .begin = blend_begin,
      .take = blend_take,
      .change_version = blend_change_version,
      .restart = blend_restart,
      .drop_waiting = blend_drop_waiting,
      .is_valid = blend_is_valid },
};

/* Of a tail with the parts before the k-th one. */
static size_t bytes_before(const struct interval_layout *layout, uint32_t has, size_t k)
{
    size_t n = layout->n_bytes;
    for (size_t i = 0; i < k; i++) {
        n += has >> i & 1 ? parts[i].bytes(layout) : 0;
    }
    return n;
}

size_t tail_bytes(const struct interval_layout *layout, uint32_t has)
{
    return bytes_before(layout, has, TAIL_PARTS);
}

static void *part_at(const struct tail *tail, size_t k)
{
    return tail->tracker.bytes + bytes_before(tail->tracker.layout, tail->parts, k);
}

static bool has_part(const struct tail *tail, size_t k)
{
    return tail->parts >> k & 1;
}

void *tail_part(const struct tail *tail, uint32_t part)
{
    assert(tail->parts & part);
    size_t k = 0;
    while (part >> k > 1) {
        k++;
    }
    return part_at(tail, k);
}

void tail_begin(const struct tail *tail)
{
    interval_tracker_begin(&tail->tracker);
    for (size_t k = 0; k < TAIL_PARTS; k++) {
        if (has_part(tail, k)) {
            parts[k].begin(&tail->tracker, part_at(tail, k));
        }
    }
}

void tail_take(const struct tail *tail, const struct tail *from)
{
    interval_tracker_take(&tail->tracker, &from->tracker);
    for (size_t k = 0; k < TAIL_PARTS; k++) {
        if (has_part(tail, k) && has_part(from, k)) {
            parts[k].take(&tail->tracker, part_at(tail, k), &from->tracker, part_at(from, k));
        } else if (has_part(tail, k)) {
            parts[k].begin(&tail->tracker, part_at(tail, k));
        }
    }
}

void tail_step(const struct tail *tail, uint64_t step, const double *truths,
               const double *forecasts, size_t n_horizons)
{
    if (tail->parts & TAIL_ANOMALY) {
        anomaly_step(&tail->tracker, tail_part(tail, TAIL_ANOMALY), truths);
    }
    interval_tracker_step(&tail->tracker, step, truths, forecasts, n_horizons);
}

void tail_rescale(const struct tail *tail, size_t output, size_t ahead, double ratio)
{
    interval_tracker_rescale(&tail->tracker, output, ahead, ratio);
    for (size_t k = 0; k < TAIL_PARTS; k++) {
        if (has_part(tail, k) && parts[k].rescale) {
            parts[k].rescale(&tail->tracker, part_at(tail, k), output, ahead, ratio);
        }
    }
}

void tail_change_version(const struct tail *tail)
{
    for (size_t k = 0; k < TAIL_PARTS; k++) {
        if (has_part(tail, k) && parts[k].change_version) {
            parts[k].change_version(&tail->tracker, part_at(tail, k));
        }
    }
}

void tail_drop_waiting(const struct tail *tail)
{
    interval_tracker_drop_waiting(&tail->tracker);
    for (size_t k = 0; k < TAIL_PARTS; k++) {
        if (has_part(tail, k)) {
            parts[k].drop_waiting(&tail->tracker, part_at(tail, k));
        }
    }
}

void tail_restart(const struct tail *tail)
{
    interval_tracker_restart(&tail->tracker);
    for (size_t k = 0; k < TAIL_PARTS; k++) {
        if (has_part(tail, k)) {
            parts[k].restart(&tail->tracker, part_at(tail, k));
        }
    }
}

bool tail_is_valid(const struct tail *tail)
{
    bool is_valid = interval_tracker_is_valid(&tail->tracker);
    for (size_t k = 0; k < TAIL_PARTS; k++) {
        is_valid &= !has_part(tail, k) || parts[k].is_valid(&tail->tracker, part_at(tail, k));
    }
    return is_valid;
}
