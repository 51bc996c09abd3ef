/*
 * load.h - whether a worker takes in a request or turns it away. Pure; that worker's thread only;
 * times are the monotonic clock's.
 *
 * A request waits twice: in its socket, while the worker is at something else, and then for what
 * was taken in before it. The first is known from the clock (load_begin, load_end), the second from
 * the rows that are in hand and what a row cost lately. A request that would wait beyond the limit
 * is turned away at once, which costs little.
 *
 * The limit is that of controlled delay (B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015; K.
 * Nichols and V. Jacobson, "Controlling Queue Delay", ACM Queue 10(5), 2012). Thousands of sensors
 * that report on the minute are a burst, which is served: it may queue for queue_ns. Only a worker
 * that has been behind for all of that time has a standing queue, which makes everybody wait and
 * serves nobody: from then on, until it has kept up for a while, the limit is a twentieth, or the
 * time of sixteen steps if those take longer: that many may always wait.
 *
 * Heavy requests (sequences, jobs, uploads) have half the limit, and the short one after half the
 * time, and only if others wait: so they are turned away before any step is. Steps that had to wait
 * for heavy requests are given the time that the longest of these took.
 *
 * A long prediction is done in slices, one in every few turns, so others need not wait until it is
 * done: a slice counts as if the turn had begun later by it. Only the next long prediction waits
 * for all that is left of those before it, its work; that is what it is judged by.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum load_level { LOAD_FINE, LOAD_NOTHING_HEAVY, LOAD_STANDING };

struct load {
    int64_t queue_ns;
    int64_t began_ns;                 /* this turn; later by the slice that it did */
    int64_t ended_ns;                 /* the one before */
    int64_t oldest_ns;                /* nothing that this turn takes in has waited since before */
    int64_t longest_ns;               /* that a light request of this turn has to wait */
    size_t n_rows;                    /* in hand: taken in, and not done */
    size_t n_work;                    /* of long predictions, in a unit of its own */
    double row_ns, step_ns, heavy_ns; /* what a row, a step and what is heavy cost lately */
    double work_ns;                   /* what a unit of work costs lately */
    int64_t long_ns, before_ns; /* the longest heavy request of this turn, and of the one before */
    int64_t behind_since_ns;    /* or INT64_MAX: it keeps up */
    int64_t calm_since_ns;      /* or INT64_MAX: it is behind */
    enum load_level level;
};

void load_init(struct load *load);

/* A turn begins: before it takes anything in. */
void load_begin(struct load *load, int64_t queue_ns, int64_t now_ns);
/* It ends. has_more: requests have come in meanwhile that the next one will find. */
void load_end(struct load *load, int64_t now_ns, bool has_more);
/* Whether a turn that began long ago ends now, so that it matters what has come in meanwhile. */
bool load_is_long(const struct load *load, int64_t now_ns);

/* Whether a request that cannot have come in before since_ns may be taken in. */
bool load_admits(struct load *load, bool is_heavy, int64_t since_ns, int64_t now_ns);

/* Rows are taken in hand; they are done, or given up. */
void load_take(struct load *load, size_t n_rows);
void load_drop(struct load *load, size_t n_rows);
/* Work of long predictions, likewise; and whether another one may join: little of it is left, and
 * nobody else has to wait. */
void load_take_work(struct load *load, size_t n_work);
void load_drop_work(struct load *load, size_t n_work);
bool load_admits_work(const struct load *load);
/* How many rows to work on before looking at what else has come in. At least 1. */
size_t load_rows_at_once(const struct load *load);

/* What a batch of steps, and what one heavy request, took. */
void load_measure_batch(struct load *load, size_t n_steps, size_t n_rows, int64_t ns);
void load_measure_heavy(struct load *load, int64_t ns);
/* A slice of this turn has done that much work. */
void load_measure_slice(struct load *load, size_t n_work, int64_t ns);

#endif
