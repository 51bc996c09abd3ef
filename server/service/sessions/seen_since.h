/*
 * seen_since.h - which sessions of a model have made steps since a moment. It looks at all of them,
 * so it is for a thread that no request waits behind. Each shard of the index is locked while its
 * ids are read.
 */
#ifndef SEEN_SINCE_H
#define SEEN_SINCE_H

#include "base/status.h"
#include "service/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct service_context;

struct seen_session {
    char session[SESSION_ID_MAX + 1];
    uint64_t step; /* its last */
};

/* Those whose ids begin with the prefix, seen at that time or later, by the steady clock; at most
 * `limit`, in no order. One that another thread works on may be left out. */
enum status sessions_seen_since(struct service_context *context, const struct model *model,
                                const char *prefix, int64_t since_ms, size_t limit,
                                struct seen_session *rows, size_t *ret_n, bool *ret_has_more,
                                struct fault *fault);

#endif
