/*
 * random_networks.h - model files of networks that are drawn at random, of every kind of layer:
 * orders and resets, first states, norms, several heads, scalings.
 */
#ifndef RANDOM_NETWORKS_H
#define RANDOM_NETWORKS_H

#include "engine/fixture.h"

/* The same seed gives the same file. */
struct file random_network(uint64_t seed);

#endif
