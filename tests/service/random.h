/* random.h - numbers that are the same in each run: tests must repeat. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

/* xorshift; any *state but 0. */
uint64_t next_random(uint64_t *state);

#endif
