/*
 * keys.h - the API keys: which there are, what each may do, and how often.
 *
 * A file has a key a line, `KEY scope[,scope]`, or `sha256:<64 hexadecimal digits> scope[,scope]`,
 * so that the file itself need not hold the key. Memory holds digests only. A set of keys is
 * immutable but for the keys' buckets, which are atomic, and reference-counted; any thread may use
 * it.
 */
#ifndef KEYS_H
#define KEYS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a route wants of a key. No scope includes another. */
enum scope { SCOPE_NONE /* not even a key */, SCOPE_READ, SCOPE_PREDICT, SCOPE_TRAIN, SCOPE_ADMIN };
const char *scope_word(enum scope scope);

enum { KEYS_MAX = 1000, KEY_BYTES_MAX = 256 };

struct keys;
struct key;

/* Reads the file. Keys that were in `before` (NULL: none) keep their buckets. A fault names file
 * and line, and never what stands there. */
__attribute__((warn_unused_result)) enum status
keys_read(const char *path, const struct keys *before, struct keys **ret_keys, struct fault *fault);
struct keys *keys_ref(struct keys *keys);
void keys_unref(struct keys *keys);

/* The key that a client presents, or NULL. The time it takes does not tell how much of it was
 * right. */
struct key *keys_find(struct keys *keys, const char *text, size_t n);
bool key_allows(const struct key *key, enum scope scope);
/* Takes a request out of the key's bucket, which holds a second's worth at `rate` requests a second
 * (0: any number). False: it is empty, and has one again within a second. */
bool key_spend(struct key *key, size_t rate, int64_t now_ns);

#endif
