/*
 * amend_plan.h - a late or corrected reading in its place: which readings a session would have
 * behind its base (record.h) had it come in time. Pure, but for the step's fault; called by the
 * holder of the session's claim, with memory from the step's arena.
 *
 * A reading of a known time, or of a known step, is replaced. Another one comes before the first of
 * a later time, and what was filled there is filled anew on both sides of it, as step_time.h says;
 * with a `seq`, or in the place of a filled one that was named by its step, it is that very one
 * that it replaces. A reading without a time stays where it is. What cannot be known any more is
 * refused as too late: what is before the base, and what would have kept the hidden state from
 * beginning anew.
 */
#ifndef AMEND_PLAN_H
#define AMEND_PLAN_H

#include "base/status.h"
#include "gru.h"
#include "service/pool/record.h"

#include <stddef.h>

struct step;

struct amend_row {
    const double *x; /* [I] */
    struct record_stamp stamp;
    bool is_filled;
};

struct amend_plan {
    struct amend_row *rows;  /* [n_rows], of which the base knows nothing */
    size_t n_rows, n_before; /* n_before: as many as there are */
    size_t at;               /* which of them is the step's reading */
    size_t first;            /* the first that counts: the hidden state begins anew with it, or 0 */
};

enum status amend_plan_make(struct step *step, const struct record_layout *layout, char *record,
                            const struct gru_info *info, size_t gap_max,
                            struct amend_plan *ret_plan);

#endif
