#include "service/scores/drift_watch.h"

/* What is told by the window is at least so many times what was before. */
static const double RISE = 1.3;

enum { BLOCK = 8 }; /* errors of which the window has the mean */

static const struct page_hinkley_rule page_hinkley_rule = { .least = 30,
                                                            .tolerance = 0.4,
                                                            .threshold = 42.0 };
static const struct adaptive_window_rule window_rule = {
    .confidence = 1e-5, .range = 1.0, .every = 32, .least = 8
};

const char *drift_detector_word(enum drift_detector detector)
{
    static const char *const words[DRIFT_N_DETECTORS] = { DRIFT_DETECTORS(CHOICE_ENTRY,
                                                                          CHOICE_ENTRY) };
    return words[detector];
}

/* The error in usual ones. */
static double relative(struct drift_watch *watch, double error)
{
    watch->n++;
    if (watch->n <= DRIFT_WATCH_SETTLED) {
        watch->usual += (error - watch->usual) / (double)watch->n;
    }
    const double of_usual = watch->usual > 0 ? error / watch->usual : 0.0;
    return of_usual < DRIFT_ERROR_MOST ? of_usual : DRIFT_ERROR_MOST;
}

/* Errors that have become smaller are what is usual from then on. */
static bool note_block(struct drift_watch *watch, struct drift_alarm *ret_alarm)
{
    struct adaptive_cut cut;
    const double mean = watch->block / BLOCK;
    watch->block = 0.0;
    if (!adaptive_window_note(&watch->window, &window_rule, mean, &cut)) {
        return false;
    }
    if (cut.since * RISE < cut.before) {
        *watch = (struct drift_watch){ 0 };
    }
    const bool is_rise = cut.since > RISE * cut.before;
    if (is_rise) {
        *ret_alarm = (struct drift_alarm){ DRIFT_ADWIN, cut.since / cut.before };
    }
    return is_rise;
}

bool drift_watch_note(struct drift_watch *watch, double error, struct drift_alarm *ret_alarm)
{
    const double value = relative(watch, error < DRIFT_ERROR_MOST ? error : DRIFT_ERROR_MOST);
    if (watch->n <= DRIFT_WATCH_LEAST) {
        return false;
    }
    if (page_hinkley_note(&watch->page_hinkley, &page_hinkley_rule, value)) {
        *ret_alarm = (struct drift_alarm){ DRIFT_PAGE_HINKLEY,
                                           page_hinkley_statistic(&watch->page_hinkley) };
        return true;
    }
    watch->block += value;
    return (watch->n - DRIFT_WATCH_LEAST) % BLOCK == 0 && note_block(watch, ret_alarm);
}
