/*
 * pool_key.h - an id with its hash, by which its session is found. The hash is keyed by the
 * process: files hold no hash of an id. Any thread.
 */
#ifndef POOL_KEY_H
#define POOL_KEY_H

#include "service/pool/record.h"

#include <stddef.h>
#include <stdint.h>

struct pool_key {
    const char *id;
    size_t n;
    uint64_t hash;
};

struct pool_key pool_key_of(const char *id);
/* That of the session that a header names; the id is copied out of the file. */
struct pool_key pool_key_of_record(char *record, char id[SESSION_ID_MAX + 1]);

#endif
