/*
 * step_answer.h - what a step is answered with, from the state that it leads to. For steps.c; the
 * context's thread, with memory from the step's arena.
 */
#ifndef STEP_ANSWER_H
#define STEP_ANSWER_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct pending_step;
struct record_copy;
struct service_context;
struct step;

/* Fills the reply from a state whose last output is this step's. */
enum status step_answer(struct service_context *context, struct step *step, uint64_t number,
                        const float *state);
/* Step `number`, which the session has made already, changes nothing. The last one gets the same
 * answer; of an earlier one it is only known that it was made. *ret_is_ready: else in another turn,
 * once its slices are done. */
enum status step_answer_again(struct service_context *context, struct pending_step *pending,
                              struct record_copy *now, uint64_t number, bool *ret_is_ready);

#endif
