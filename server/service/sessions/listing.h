/*
 * listing.h - the list of sessions, a page at a time: of a model or of all, by their ids or by when
 * they were last seen.
 *
 * Any thread, with a context of its own, but it looks at all sessions there are, so where those are
 * many it is for a thread that no request waits behind. Each shard of an index is locked while its
 * ids are read. It keeps nothing: a page is what is behind the mark now.
 */
#ifndef LISTING_H
#define LISTING_H

#include "service/sessions/sessions.h"

enum session_order {
    SESSIONS_BY_ID,       /* of all models: by the model's name first */
    SESSIONS_BY_LAST_SEEN /* the newest first; of the same moment by model and id */
};

/* A place in a list, whether there is a session at it or not. */
struct session_mark {
    int64_t last_seen_at_ms; /* by the steady clock; for SESSIONS_BY_LAST_SEEN */
    char model[MODEL_NAME_MAX + 1];
    char session[SESSION_ID_MAX + 1];
};

struct session_query {
    const struct model *model; /* NULL: of all models */
    bool names_models;         /* rows and marks are to say whose they are; not the verb's */
    const char *prefix;        /* of the ids */
    enum session_order order;
    const struct session_mark *after; /* NULL: from the beginning */
    size_t limit;
};

/* Fills rows, room for the limit, with the first sessions behind the mark. Sessions that make a
 * step between two pages move to the front of SESSIONS_BY_LAST_SEEN: of those that do not, each is
 * on one page; and none is on two. There a row's last_seen_at_ms is what it was found by. */
enum status session_list(struct service_context *context, const struct session_query *query,
                         struct session_row *rows, size_t *ret_n, bool *ret_has_more,
                         struct fault *fault);
/* The mark at a row: what comes after it is the next page. */
struct session_mark session_mark_of(const struct session_row *row);

#endif
