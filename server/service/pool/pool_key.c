#include "service/pool/pool_key.h"

#include "base/hash.h"

#include <string.h>

struct pool_key pool_key_of(const char *id)
{
    struct pool_key key = { .id = id, .n = strlen(id) };
    key.hash = hash_64(id, key.n);
    key.hash = key.hash ? key.hash : 1; /* tombstones use 0 for an empty entry */
    return key;
}

struct pool_key pool_key_of_record(char *record, char id[SESSION_ID_MAX + 1])
{
    const struct record_header *header = record_header_of(record);
    memcpy(id, header->id, header->n_id);
    id[header->n_id] = '\0';
    return pool_key_of(id);
}
