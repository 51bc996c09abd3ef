/*
 * batches.h - the order in which series are trained on, and their cut into batches and windows.
 * Pure functions of the dataset, the seed and the number of the epoch: nothing is remembered, so
 * nothing but a position needs to be saved. Private to lib/engine.
 *
 * An epoch visits the series in a shuffled order, or stretches of them that are drawn by its key;
 * each batch takes the next batch_size of them that have rows, and goes through windows of `window`
 * rows from their beginning. Validation visits them in their own order.
 */
#ifndef BATCHES_H
#define BATCHES_H

#include "engine/train/dataset.h"

/* Where the k-th of n things stands in an order that depends on the key: a permutation of 0 .. n
 * - 1. */
size_t gru_shuffle(uint64_t key, size_t n, size_t k);

/* The key of an epoch's order (and of what else is drawn at random in it). */
uint64_t gru_epoch_key(uint64_t seed, size_t epoch);

/* The order of a part; `key` matters for training only. */
struct order {
    const struct dataset *dataset;
    enum part part;
    uint64_t key;
};

/* How many sequences an epoch of it has: series, or stretches that are drawn. */
size_t gru_order_n(const struct order *order);

/* Takes the next series that have rows, at most n_max, from position `cursor` of the order on:
 * lanes [n_max], longest first. Returns the number of lanes; 0: there are no more. *ret_next: where
 * the next batch begins. */
size_t gru_batch_take(const struct order *order, size_t cursor, size_t n_max,
                      struct dataset_lane *lanes, size_t *ret_next);

/* The same without an array: where the next batch begins. *ret_longest: rows of the batch's
 * longest. */
size_t gru_batch_extent(const struct order *order, size_t cursor, size_t n_max,
                        size_t *ret_longest);

/* The lanes that run in each of the (at most n_max) rows from row t on: n_lanes [n_max]. Returns
 * the number of rows that there are; *ret_n_rows: the sum of n_lanes. */
size_t gru_window_lanes(const struct dataset_lane *lanes, size_t n, size_t t, size_t n_max,
                        size_t *n_lanes, size_t *ret_n_rows);

/* Updates in all epochs, without allocating. Exact as long as counting takes a bounded time, beyond
 * that extrapolated from the epochs that were counted; the same for all epochs where series are
 * alike. Where even one epoch takes too long, windows that were not looked at count as if they had
 * targets. False: more than fits. */
GRU_CHECK bool gru_count_steps(const struct dataset *dataset, size_t *ret_n_steps);

#endif
