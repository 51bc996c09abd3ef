/* schedule.h - the learning rate of each update. Private to lib/engine/train; pure functions. */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "gru.h"

/* Of update `step`, from 0, in epoch `epoch`, from 0, of n_steps updates in all. */
double gru_schedule_rate(const struct gru_hyperparameters *hyperparameters, uint64_t step,
                         uint64_t epoch, uint64_t n_steps);

#endif
