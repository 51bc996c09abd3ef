/*
 * hash.h - a keyed hash of text that clients choose, for the tables that look such text up: nobody
 * can make up many ids that share a place without the key (SipHash-1-3: J.-P. Aumasson, D. J.
 * Bernstein, INDOCRYPT 2012). The key differs from process to process, so what is kept in files has
 * its checksums from digest.h instead.
 *
 * A leaf. hash_draw_key is called once, before there are other threads; hash_64 by any thread.
 * Until the key is drawn it is zero.
 */
#ifndef HASH_H
#define HASH_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

__attribute__((warn_unused_result)) enum status hash_draw_key(struct fault *fault);

uint64_t hash_64(const void *bytes, size_t n);

#endif
