/*
 * flush.h - the range in which numbers are too small to be normal (below FLT_MIN, 1.2e-38), left
 * out.
 *
 * There each operation takes a processor a hundred times as long, and nothing that a network
 * forecasts depends on it. Whatever computes with a model's numbers does so between the two calls:
 * runs, the packing of weights, and training, so that they all mean the same by them. What the
 * processor is told is per thread; the calls may be nested, in any thread.
 */
#ifndef FLUSH_H
#define FLUSH_H

#include <stdint.h>

/* Between the two, an operand below the smallest normal number counts as zero of its sign, and a
 * result that small is zero. On x86-64 and arm64; other processors compute as they do. */
uint64_t k_flush_begin(void);
void k_flush_end(uint64_t before);

#endif
