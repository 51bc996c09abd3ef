/* See schedule.h; gru.h has the equations. */
#include "engine/train/schedule.h"

#include <math.h>

/* What is left of the learning rate, without the warm-up. The number of updates may have been
 * extrapolated: beyond it nothing is left. (I. Loshchilov, F. Hutter, "SGDR", ICLR 2017, without
 * restarts.) */
static double cosine(uint64_t step, uint64_t warmup, uint64_t n_steps)
{
    if (step <= warmup) {
        return 1;
    }
    if (step >= n_steps) {
        return 0;
    }
    return (1 + cos(M_PI * (double)(step - warmup) / (double)(n_steps - warmup))) / 2;
}

static double share_of(const struct gru_hyperparameters *h, uint64_t step, uint64_t epoch,
                       uint64_t n_steps, uint64_t n_falls)
{
    const uint64_t n_steps_down = epoch / h->schedule_step_epochs;
    switch ((enum gru_schedule)h->schedule_type) {
    case GRU_COSINE:
        return cosine(step, h->schedule_warmup_steps, n_steps);
    case GRU_STEP:
        return pow(h->schedule_factor, (double)n_steps_down);
    case GRU_PLATEAU:
        return pow(h->schedule_factor, (double)n_falls);
    case GRU_CONSTANT:
        break;
    }
    return 1;
}

void gru_schedule_observe(const struct gru_hyperparameters *hyperparameters, double loss,
                          struct schedule_plateau *plateau)
{
    if (loss < plateau->least) {
        plateau->least = loss;
        plateau->n_since = 0;
        return;
    }
    plateau->n_since++;
    if (plateau->n_since == hyperparameters->schedule_patience) {
        plateau->n_since = 0;
        plateau->n_falls++;
    }
}

double gru_schedule_rate(const struct gru_hyperparameters *hyperparameters, uint64_t step,
                         uint64_t epoch, uint64_t n_steps, uint64_t n_falls)
{
    const uint64_t warmup = hyperparameters->schedule_warmup_steps;
    const double rate =
        hyperparameters->learning_rate * share_of(hyperparameters, step, epoch, n_steps, n_falls);
    return step < warmup ? rate * (double)(step + 1) / (double)warmup : rate;
}
