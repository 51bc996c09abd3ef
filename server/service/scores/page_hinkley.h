/*
 * page_hinkley.h - tells soon when values have become larger, by much: the sum of how far they were
 * above their mean, which is small again whenever they are not (E. S. Page, "Continuous inspection
 * schemes", Biometrika 41, 1954; D. V. Hinkley, "Inference about the change-point from cumulative
 * sum tests", Biometrika 58, 1971). What grows by less than the tolerance it never tells.
 *
 * Pure; fixed memory; any thread, a detector of its own.
 */
#ifndef PAGE_HINKLEY_H
#define PAGE_HINKLEY_H

#include <stdbool.h>
#include <stdint.h>

struct page_hinkley_rule {
    uint64_t least;   /* values, before which it tells nothing */
    double tolerance; /* above the mean, in values' units */
    double threshold; /* of the sum */
};

/* All 0: nothing was seen. */
struct page_hinkley {
    uint64_t n;
    double mean, sum, least_sum;
};

/* Takes a value; true: they are larger than before. The caller makes it begin anew. */
bool page_hinkley_note(struct page_hinkley *detector, const struct page_hinkley_rule *rule,
                       double value);
/* What is compared with the threshold. */
double page_hinkley_statistic(const struct page_hinkley *detector);

#endif
