/*
 * forecast_errors.h - how well a session's outputs forecast the inputs that they feed, one step
 * ahead, and how well their intervals held: running means of the session, and the tallies of its
 * model. Pure; any thread.
 *
 * The means of a session are floats, of all comparisons and of the recent ones (running_means.h).
 * What corr is made of follows from the mean square of the errors, so corr is less precise the more
 * one of truth and forecast varies than the other.
 */
#ifndef FORECAST_ERRORS_H
#define FORECAST_ERRORS_H

#include "gru.h"
#include "service/scores/error_measures.h"

#include <stdint.h>

struct error_notes;
struct error_tally;
struct interval_levels;
struct interval_tally;
struct interval_tracker;
struct record_error;
struct record_layout;
struct record_seasonal;

/* Compares what was forecast with the reading that came ([I], NaN: missing), and takes that into
 * errors[O]. state: before the reading. Returns how far off the forecasts were: mean over the
 * outputs of |error| as a multiple of what the session's have been in all its life; NaN: there was
 * nothing to compare, or the session is too young (models/drift.h). */
double forecast_errors_note(const struct gru_model *gru, const float *state, const double *x,
                            struct record_error *errors);
/* As forecast_errors_note, of a reading as a record of that layout keeps
 * it. */
void forecast_errors_note_kept(const struct gru_model *gru, const float *state,
                               const struct record_layout *layout, const float *reading,
                               struct record_error *errors);
/* The same with the reading one season before, as it is kept, into seasonal[O]. */
void forecast_errors_note_seasonal(const struct gru_model *gru, const float *state, const double *x,
                                   const struct record_layout *layout, const float *season_ago,
                                   struct record_seasonal *seasonal);
/* What the measures of an output are made of (error_totals_figures). */
struct error_sums forecast_errors_sums(const struct record_error *error,
                                       const struct record_seasonal *seasonal,
                                       enum error_span span);
/* The same into the thread's tallies (error_totals_of). season_ago: the reading one season before
 * likewise, NULL: it is not kept, or the model has no season. */
void forecast_errors_tally(const struct gru_model *gru, const float *state, const double *x,
                           const struct record_layout *layout, const float *season_ago,
                           struct error_tally *tallies);
/* The same of a reading that may still be lost, into notes. */
void forecast_errors_keep(const struct gru_model *gru, const float *state, const double *x,
                          const struct record_layout *layout, const float *season_ago,
                          struct error_notes **notes);
/* Scores the intervals that were told for the reading that is the session's `step`-th, of which
 * `truths`[n_outputs] (NaN: missing) is what they are compared with. Before the tracker takes it.
 * `offered` has the tracker's levels. tallies: the thread's (error_totals_intervals_of); NULL: the
 * reading may still be lost, and it goes into *notes. */
void forecast_errors_note_intervals(const struct interval_tracker *tracker, size_t n_outputs,
                                    const struct interval_levels *offered, uint64_t step,
                                    const double *truths, struct interval_tally *tallies,
                                    struct error_notes **notes);

#endif
