/*
 * step_time.h - what a reading's own time says of its place in its session: the next reading, the
 * last one again, one that is late; and how many readings are missing before it. Pure; any thread.
 *
 * Where the model knows the interval between readings, a reading n intervals after the last one has
 * n - 1 missing before it: n is rounded to the nearest whole number and is at least 1, so a reading
 * may come up to half an interval early or late, and a burst of readings has nothing missing in it.
 * Each gap is measured from the last reading's own time, so what is rounded does not add up.
 *
 * A gap cannot be measured where the time of the last reading is not known: it came without one.
 */
#ifndef STEP_TIME_H
#define STEP_TIME_H

#include <stdbool.h>
#include <stddef.h>

enum step_order {
    STEP_IS_NEXT,
    STEP_IS_SAME, /* by its time it is the session's last reading */
    STEP_IS_LATE
};

/* What a session and its model know of time. */
struct step_clock {
    double last_at;          /* of the last reading that came with a time; NaN: none has */
    bool is_untimed;         /* and there have been readings without one since */
    double interval_seconds; /* 0: not known */
    size_t gap_max;          /* the most missing readings that are filled */
};

struct step_time {
    enum step_order order;
    bool is_measured;   /* the gap is known */
    bool is_restart;    /* it is too long to be filled: the hidden state begins anew */
    double n_intervals; /* since the last reading, not rounded; if it is measured */
    size_t n_missing;   /* readings to be filled before this one */
};

struct step_time step_time_of(const struct step_clock *clock, double at);

/* Whether a step that is n steps after the last one, by its seq, may have come that long after it:
 * its device knows better than a clock how many readings there were, but not by a whole interval.
 */
bool step_time_fits(const struct step_time *time, size_t n);

#endif
