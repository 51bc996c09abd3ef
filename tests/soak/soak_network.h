/*
 * soak_network.h - the networks of a soak, twice: as files for the daemon and as models of libgru,
 * which gives each answer a second time. All have the same two inputs, which their two outputs
 * feed.
 */
#ifndef SOAK_NETWORK_H
#define SOAK_NETWORK_H

#include "gru.h"

enum { INPUTS = 2, OUTPUTS = 2, ROW_TEXT = 64 };

struct network {
    struct gru_model *gru;
    void *bytes;
    size_t n_bytes;
};

/* One recurrent layer, of random weights. */
struct network network_create(size_t hidden_size, uint64_t seed);
void network_done(struct network *network);

/* A reading as a row of JSON, "null" where it is missing. Returns its length. */
size_t row_print(char *out, size_t size, const double x[INPUTS]);
/* That the n numbers behind "name": in an answer are exactly these. */
void numbers_expect(const char *answer, const char *name, const double *numbers, size_t n);

#endif
