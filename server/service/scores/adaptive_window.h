/*
 * adaptive_window.h - ADWIN: the mean of the values since they last changed, and whether they just
 * have (A. Bifet and R. Gavalda, "Learning from time-changing data with adaptive windowing", SIAM
 * International Conference on Data Mining, 2007; the version with buckets, ADWIN2). The window
 * grows as long as no place splits it into two parts whose means differ by more than chance
 * explains; else its oldest values go until none does.
 *
 * The window's values are kept as sums over buckets of 1, 2, 4, … values, of each size a few, so
 * memory is fixed; what is older than all buckets hold is forgotten.
 *
 * Pure; any thread, a window of its own.
 */
#ifndef ADAPTIVE_WINDOW_H
#define ADAPTIVE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADAPTIVE_WINDOW_BUCKETS = 5, ADAPTIVE_WINDOW_SIZES = 24 };

struct adaptive_window_rule {
    double confidence; /* the paper's delta: chance of a false cut, in a window that is looked at */
    double range;      /* no two values differ by more */
    uint64_t every;    /* values between two looks */
    uint64_t least;    /* values in either part */
};

struct adaptive_bucket {
    double sum, squares; /* squares: of the distances from the bucket's mean */
};
struct adaptive_size {
    size_t n;
    /* The oldest first; one more than are kept, for the moment before two are merged. */
    struct adaptive_bucket buckets[ADAPTIVE_WINDOW_BUCKETS + 1];
};

/* All 0: empty. */
struct adaptive_window {
    uint64_t n_seen, n; /* ever, and in the window */
    double sum, squares;
    struct adaptive_size sizes[ADAPTIVE_WINDOW_SIZES];
};

/* Means of the older and the newer part, at the place where the window fell into two most clearly.
 */
struct adaptive_cut {
    double before, since;
    uint64_t n_since;
};

/* Takes a value. True: the window was cut, and *ret_cut says where. */
bool adaptive_window_note(struct adaptive_window *window, const struct adaptive_window_rule *rule,
                          double value, struct adaptive_cut *ret_cut);

#endif
