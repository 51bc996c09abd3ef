/*
 * step_seq.h - what a step's `seq` means for its session: the next step, one that was made before,
 * one that is refused. Called by the holder of the session's claim; changes nothing but the step's
 * fault.
 *
 * `now` is the session's newest copy, or NULL if the session is not there.
 */
#ifndef STEP_SEQ_H
#define STEP_SEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_copy;
struct record_layout;
struct step;

/* Whether the session keeps the reading of that step, and it is the step's own. */
bool step_seq_is_kept(const struct step *step, const struct record_layout *layout, char *record,
                      const struct record_copy *now);
/* The step before the first reading that is to be taken: the session's last one, or where `begin`
 * lets it begin. */
uint64_t step_seq_last(const struct step *step, const struct record_copy *now);
/* Whether the seq is neither the next one nor, with `fill`, behind a gap of at most gap_max
 * readings; then the step's fault says so. */
bool step_seq_is_wrong(struct step *step, const struct record_copy *now, size_t gap_max);

#endif
