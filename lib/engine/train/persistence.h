/*
 * persistence.h - the forecast that every model must beat: "the same as last observed". Part of the
 * baseline's validation. Private to lib/engine/train; works on the trainer's own arrays.
 */
#ifndef PERSISTENCE_H
#define PERSISTENCE_H

#include "engine/train/trainer.h"

/* Forgets what was seen of the batch's lanes. */
void gru_persistence_begin(struct gru_trainer *trainer);
/* Takes row t of a lane in: its readings; its forecasts, raw ones by output in naive [O] if that is
 * not NULL, and what they lose by the row's targets if it `compares`; and last its own targets. */
void gru_persistence_row(struct gru_trainer *trainer, size_t lane, size_t t, bool compares,
                         double *naive);
/* What such a forecast of row `origin` loses by a target of row t. */
void gru_persistence_lose(struct gru_trainer *trainer, size_t lane, size_t origin, size_t t,
                          size_t column, double naive);

#endif
