/* schedule.h - the learning rate of each update. Private to lib/engine/train; pure functions. */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "gru.h"

/* Where the schedule `plateau` is. Saved as it is: every field has 8 bytes. */
struct schedule_plateau {
    double least; /* loss so far; infinite: none */
    uint64_t n_since, n_falls;
};

/* An epoch is over, with this loss. A loss that is not a number is not below any. */
void gru_schedule_observe(const struct gru_hyperparameters *hyperparameters, double loss,
                          struct schedule_plateau *plateau);

/* Of update `step`, from 0, in epoch `epoch`, from 0, of n_steps updates in all, after n_falls of
 * `plateau`. */
double gru_schedule_rate(const struct gru_hyperparameters *hyperparameters, uint64_t step,
                         uint64_t epoch, uint64_t n_steps, uint64_t n_falls);

#endif
