/*
 * network_guess.h - the `network` that the names and shapes of a file's tensors suggest, for a
 * message: what has no tensors, as an activation between two layers, is left open in it. Private to
 * lib/engine/file; pure functions.
 */
#ifndef NETWORK_GUESS_H
#define NETWORK_GUESS_H

#include "engine/file/safetensors.h"

enum { NETWORK_GUESS_BYTES = 360 };

struct network_guess {
    char text[NETWORK_GUESS_BYTES]; /* {"network":[…]}, as it stands in the metadata */
    bool is_open;                   /* it holds "…" in place of an activation */
    bool is_one_of_several;         /* the sizes fit in another order, too */
};

/* False: nothing is suggested, because there is a tensor of an unknown name, or the sizes fit in no
 * order, or the text would be too long, or the tensors need no `network`. */
bool gru_network_guess(const struct safetensors *file, struct network_guess *ret_guess);

#endif
