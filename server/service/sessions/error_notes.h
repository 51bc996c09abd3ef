/*
 * error_notes.h - how far off the forecasts were of readings that may still be lost: kept until
 * these count, and told then to the totals of their model (scores/error_totals.h) and to its watch
 * for drift (models/drift.h), or dropped as if they had never been. What there is no memory for is
 * not counted. One thread's; NULL: nothing is kept.
 */
#ifndef ERROR_NOTES_H
#define ERROR_NOTES_H

#include <stddef.h>
#include <stdint.h>

struct error_notes;
struct model;

/* As error_tally_note, of that output; as interval_tally_note, of the tally of that place; as
 * drift_note, NaN: not at all. */
void error_notes_add_forecast(struct error_notes **notes, size_t output, double truth,
                              double forecast, double persistence, double seasonal_naive);
void error_notes_add_interval(struct error_notes **notes, size_t place, double level, double truth,
                              double lower, double upper);
void error_notes_add_drift(struct error_notes **notes, double error);

/* Puts those of `more` behind the others; nothing is left in `more`. */
void error_notes_move(struct error_notes **notes, struct error_notes **more);
/* They count, by the thread of that number. Nothing is left after either. */
void error_notes_tell(struct error_notes **notes, const struct model *model, unsigned thread,
                      int64_t now_ms);
/* They do not. */
void error_notes_drop(struct error_notes **notes);

#endif
