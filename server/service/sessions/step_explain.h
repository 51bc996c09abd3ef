/*
 * step_explain.h - why a step's forecast is what it is (explanation.h): over the readings that its
 * session keeps, the step's own among them.
 *
 * What is explained is copied while its session is claimed, and worked out while it is not. Short
 * work is done at once, long work is left to the caller in step->slices, as a prediction. So a step
 * is explained before it is done on its session, and one whose explanation fails changes nothing.
 * A step that its session has made already may be explained, again and again.
 *
 * The context's thread; memory comes from the step's arena.
 */
#ifndef STEP_EXPLAIN_H
#define STEP_EXPLAIN_H

#include "base/status.h"
#include "gru.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_copy;
struct record_layout;
struct service_context;
struct step;
struct step_explaining;

/* Where a step leads. */
struct explain_place {
    uint64_t number; /* of the step */
    const float *state;
    const struct record_layout *layout; /* of the session's record; */
    char *record;
    const struct record_copy *copy; /* the readings before the step's; NULL: there are none */
    size_t n_new; /* readings that the step brings: its own is the last, before it are those */
    const double *missing; /* [I] of which nothing is known */
};

/* What one turn does of it, in rows of a step; of what is done in slices nothing. */
size_t step_explain_rows_at_once(const struct step *step);
/* Goes on with the step's explanation, or begins anew if it is of another place. *ret_is_ready: it
 * is in step->explanation. STATUS_OK and not ready: to be called again, once step->slices, if there
 * are any, are done. */
enum status step_explain_go_on(struct service_context *context, struct step *step,
                               const struct explain_place *place, bool *ret_is_ready);
/* step_end_slices for those of an explanation; false: the slices are others. */
bool step_explain_end_slices(struct step *step, enum status status, const struct fault *fault);

#endif
