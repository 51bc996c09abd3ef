/*
 * step_seq.h - what a step's `seq` and `at` mean for its session: the next step, one that was made
 * before, one that is refused; and how many missing readings come before it. Called by the holder
 * of the session's claim; changes nothing but the step's fault.
 *
 * `now` is the session's newest copy, or NULL if the session is not there. Where a step has both,
 * they must agree: `seq` says how many readings there were, and `at` that there was time for as
 * many.
 */
#ifndef STEP_SEQ_H
#define STEP_SEQ_H

#include "gru.h"
#include "service/sessions/step_time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_copy;
struct record_layout;
struct step;

/* What its `at` says; without one, that it is the next. A model that refuses missing readings has
 * no gap filled. */
struct step_time step_seq_time(const struct step *step, const struct record_copy *now,
                               const struct gru_info *info, size_t gap_max);
/* The number of the session's step that this is once more, with the same reading; 0: it is none
 * whose reading is kept. Without a `seq` it can only be the last one. */
uint64_t step_seq_made(const struct step *step, const struct step_time *time,
                       const struct record_layout *layout, char *record,
                       const struct record_copy *now);
/* The step before the first reading that is to be taken: the session's last one, or where `begin`
 * lets it begin. */
uint64_t step_seq_last(const struct step *step, const struct record_copy *now);
/* The readings that a step which is neither late nor wrong brings: those that are filled, and its
 * own. */
size_t step_seq_rows(const struct step *step, const struct step_time *time, uint64_t last);
/* Whether its `at` is not after the session's last one; then the step's fault says so. */
bool step_seq_is_late(struct step *step, const struct step_time *time,
                      const struct record_copy *now);
/* Whether the seq is neither the next one nor, with `fill` or by `at`, behind a gap of at most
 * gap_max readings; then the step's fault says so. */
bool step_seq_is_wrong(struct step *step, const struct step_time *time,
                       const struct record_copy *now, size_t gap_max);

#endif
