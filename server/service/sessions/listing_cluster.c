#include "service/sessions/listing_cluster.h"

#include "base/clock.h"
#include "cluster/cluster_library.h"
#include "service/cluster/engine.h"
#include "service/models/models.h"
#include "service/service_private.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 1000 }; /* ids of one trip: more would hold the engine up */

/* Where the reading of one model's list is. */
struct list_reader {
    const struct session_query *query;
    const char *model;
    bool has_mark;
    int64_t last_seen_at_ms;
    char session[SESSION_ID_MAX + 1];
    size_t n_page;
};

static bool is_by_time(const struct list_reader *reader)
{
    return reader->query->order == SESSIONS_BY_LAST_SEEN;
}

/* A list of several models has those of the same moment by model. So of a model before the mark's
 * no session of that moment comes behind it, and of one after it each does. */
static void begin_behind(struct list_reader *reader, const struct session_mark *after)
{
    static const char behind_all[] = "\xff", before_all[] = "";
    const int by_model = strcmp(reader->model, after->model);
    const char *session = by_model < 0 ? behind_all : by_model > 0 ? before_all : after->session;
    reader->has_mark = true;
    reader->last_seen_at_ms = after->last_seen_at_ms;
    memcpy(reader->session, session, strlen(session) + 1);
}

static enum status ask(const struct service_context *context, const struct list_reader *reader,
                       const struct cluster_reply **ret_reply, struct fault *fault)
{
    const struct engine_mark mark = { reader->last_seen_at_ms, reader->session };
    struct engine *engine = context->engine;
    if (engine_wait(engine, fault) != STATUS_OK && engine_check(engine, fault) != STATUS_OK) {
        return fault_status(fault);
    }
    engine_begin(engine, is_by_time(reader) ? CLUSTER_LIST_SEEN : CLUSTER_LIST_IDS);
    if (is_by_time(reader)) {
        engine_list_seen(engine, reader->model, reader->has_mark ? &mark : NULL, reader->n_page);
    } else {
        engine_list_ids(engine, reader->model, reader->query->prefix, reader->session,
                        reader->n_page);
    }
    return engine_call(engine, ret_reply, fault);
}

/* The next entry, which becomes the mark. False: it is none. */
static bool read_entry(struct list_reader *reader, const struct cluster_reply *id,
                       const struct cluster_reply *seen)
{
    if (id->type != CLUSTER_TEXT || id->text.n > SESSION_ID_MAX ||
        (seen && seen->type != CLUSTER_TEXT)) {
        return false;
    }
    reader->has_mark = true;
    memcpy(reader->session, id->text.bytes, id->text.n);
    reader->session[id->text.n] = '\0';
    reader->last_seen_at_ms = seen ? clock_steady_of(-(int64_t)strtod(seen->text.bytes, NULL)) : 0;
    return true;
}

/* *ret_goes_on: there may be more, and that is wanted. */
static enum status take_page(struct list_reader *reader, const struct cluster_reply *reply,
                             listing_take *take, void *arg, bool *ret_goes_on, struct fault *fault)
{
    const size_t n_words = is_by_time(reader) ? 2 : 1;
    if (reply->type != CLUSTER_LIST || reply->n % n_words != 0) {
        return engine_refuse(reply, fault);
    }
    *ret_goes_on = reply->n / n_words == reader->n_page;
    for (size_t k = 0; k < reply->n; k += n_words) {
        if (!read_entry(reader, &reply->list[k], n_words == 2 ? &reply->list[k + 1] : NULL)) {
            return engine_refuse(reply, fault);
        }
        if (!take(arg, reader->session, reader->last_seen_at_ms)) {
            *ret_goes_on = false;
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

enum status listing_cluster_read(struct service_context *context, const struct model *model,
                                 const struct session_query *query,
                                 const struct session_mark *after, listing_take *take, void *arg,
                                 struct fault *fault)
{
    struct list_reader reader = { .query = query,
                                  .model = model->name,
                                  .n_page = query->limit < PAGE_MAX ? query->limit + 1 : PAGE_MAX };
    enum status status = STATUS_OK;
    if (after) {
        begin_behind(&reader, after);
    }
    for (bool goes_on = true; goes_on && status == STATUS_OK;) {
        const struct cluster_reply *reply;
        status = ask(context, &reader, &reply, fault);
        if (status == STATUS_OK) {
            status = take_page(&reader, reply, take, arg, &goes_on, fault);
        }
    }
    return status;
}
