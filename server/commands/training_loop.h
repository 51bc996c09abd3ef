/*
 * training_loop.h - runs the trainer (gru.h) to its end, and says on standard error how far it is:
 * a line that is written over on a terminal, else a line an epoch. Main's thread.
 *
 * SIGINT and SIGTERM end training after the step under way; the second one ends the process.
 */
#ifndef TRAINING_LOOP_H
#define TRAINING_LOOP_H

#include "gru.h"

struct training_loop {
    const char *command;
    struct gru_model *base; /* what training starts from */
    const struct gru_training *training;
    /* results: */
    struct gru_model *trained; /* with the residuals of the validation; the caller owns it. NULL:
                                  no epoch was complete */
    struct gru_progress progress;
    bool is_interrupted;
};

/* COMMAND_FAILED, with a complaint, if there is no memory or training went astray. */
__attribute__((warn_unused_result)) int training_loop_run(struct training_loop *loop,
                                                          struct gru_trainer *trainer);

/* From here on signals do not end the process at once, until the watch ends. */
void training_loop_watch_signals(void);
void training_loop_end_watch(void);
bool training_loop_is_interrupted(void);

/* The errors of the validation go into a model, so that its prediction intervals begin with them.
 * Without anything to validate on there are none. */
__attribute__((warn_unused_result)) enum gru_status
training_loop_set_residuals(struct gru_model *base, struct gru_model *trained,
                            const struct gru_training *training);

#endif
