/*
 * random.h - SplitMix64: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number
 * Generators", OOPSLA 2014. Any seed is a good one, and the sequence is the same everywhere.
 * Private to lib/engine.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

/* A bijection of 64 bits whose every output bit depends on every input bit. */
static inline uint64_t gru_random_mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

static inline uint64_t gru_random_next(uint64_t *state)
{
    return gru_random_mix(*state += 0x9E3779B97F4A7C15U);
}

/* The number that belongs to a key and a counter: no state, so nothing of it needs to be saved. */
static inline uint64_t gru_random_at(uint64_t key, uint64_t counter)
{
    uint64_t state = key ^ gru_random_mix(counter + 0x9E3779B97F4A7C15U);
    return gru_random_next(&state);
}

#endif
