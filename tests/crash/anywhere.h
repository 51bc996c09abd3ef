/*
 * anywhere.h - damage in any file of a whole data directory: a bit is flipped, a sector is zeroed
 * or the end is cut off, and every question that can be asked is asked again. An answer is the one
 * of before, or an error, or the log says why it is another one.
 */
#ifndef ANYWHERE_H
#define ANYWHERE_H

#include <stdint.h>

/* Fails the test if an answer has changed in silence. */
void anywhere_run(uint64_t n_trials, uint64_t *random);

#endif
