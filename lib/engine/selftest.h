/* selftest.h - the selftest of a model: to the readings that came with it, it must give the answers
 * that came with them. Private to lib/engine; any thread. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include "engine/model.h"

/* Rounds the selftest of a finished model, if it has one, to what counts of raw values
 * (gru_reading), and runs it from a fresh state. Refuses a model that misses it. */
GRU_CHECK enum gru_status gru_selftest_run(struct gru_model *model, struct gru_error *error);

/* Gives a new model, which is finished, its own answers to a few readings drawn at random. None
 * where they are not finite. */
GRU_CHECK enum gru_status gru_selftest_draw(struct gru_model *model, uint64_t *random);

#endif
