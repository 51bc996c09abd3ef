/*
 * fingerprint.h - a hash of 64 bits that shows which training a checkpoint belongs to, and that it
 * is whole. It guards against damage and mistakes, not against deception. Private to
 * lib/engine/train; pure functions.
 */
#ifndef FINGERPRINT_H
#define FINGERPRINT_H

#include "engine/model.h"

/* Goes on from `hash` with n bytes. */
uint64_t gru_hash(uint64_t hash, const void *bytes, size_t n);
/* Of the model, the data, the hyper-parameters and the seed. */
uint64_t gru_training_fingerprint(const struct gru_model *model,
                                  const struct gru_training *training);

#endif
