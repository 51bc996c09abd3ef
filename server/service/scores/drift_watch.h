/*
 * drift_watch.h - whether the errors of a model's forecasts have become larger than they were: two
 * detectors that look at the same errors. The one of Page and Hinkley finds soon what is large, the
 * adaptive window what is small or slow. Smaller errors are no drift.
 *
 * It is told standardised errors: each as a multiple of how large its session's errors have been in
 * all its life. So sessions of any scale count alike, and no change of theirs is hidden by what is
 * recent. They are taken as multiples of their own mean since the watch began, in case another
 * version's errors are larger or smaller than those of the sessions' lives.
 *
 * The bounds come from simulation (make drift-table): at most one false alarm in 100 000 errors
 * that are as large at all times, and errors that double are found within 200.
 *
 * Pure; fixed memory; any thread, a watch of its own.
 */
#ifndef DRIFT_WATCH_H
#define DRIFT_WATCH_H

#include "base/choice.h"
#include "service/scores/adaptive_window.h"
#include "service/scores/page_hinkley.h"

#include <stdbool.h>
#include <stdint.h>

#define DRIFT_DETECTORS(F, X) F(DRIFT_PAGE_HINKLEY, "page_hinkley") X(DRIFT_ADWIN, "adwin")
enum drift_detector { DRIFT_DETECTORS(CHOICE_ID, CHOICE_ID) DRIFT_N_DETECTORS };
const char *drift_detector_word(enum drift_detector detector);

/* All 0: nothing was seen. */
struct drift_watch {
    uint64_t n;   /* errors */
    double usual; /* their mean, of the first ones */
    struct page_hinkley page_hinkley;
    struct adaptive_window window; /* of means of several errors */
    double block;                  /* the sum of the next of these */
};

struct drift_alarm {
    enum drift_detector detector;
    double statistic; /* Page-Hinkley: its sum; ADWIN: the errors since as a multiple of those
                         before */
};

/* One error, however large, counts as at most so many usual ones: it is no change, but may be the
 * first of one. */
enum { DRIFT_ERROR_MOST = 8 };
/* Errors before which it tells nothing, and beyond which what is usual is settled; and errors of a
 * session before which nobody knows how large they are. */
enum { DRIFT_WATCH_LEAST = 50, DRIFT_WATCH_SETTLED = 1000, DRIFT_SESSION_LEAST = 50 };

/* Takes an error. True: errors are larger than before; the caller makes it begin anew. */
bool drift_watch_note(struct drift_watch *watch, double error, struct drift_alarm *ret_alarm);

#endif
