/* api_session_lists.c - lists of sessions: of a model, and of all. */
#include "base/clock.h"
#include "http/api.h"

#include <string.h>

enum { LIST_DEFAULT = 100, LIST_MAX = 1000, SECONDS_DIGITS_MAX = 12 };

static enum status read_order(struct request *request, enum session_order *ret_order)
{
    const char *text = request_query(request, "order");
    *ret_order = text && strcmp(text, "last_seen") == 0 ? SESSIONS_BY_LAST_SEEN : SESSIONS_BY_ID;
    return !text || *ret_order == SESSIONS_BY_LAST_SEEN || strcmp(text, "id") == 0
               ? STATUS_OK
               : fault_set(request->fault, STATUS_INVALID_VALUE, "order",
                           "order is id or last_seen");
}

/* Unix seconds with up to three decimals, as lists have them, and the slash behind them. */
static bool take_time(const char **text, int64_t *ret_wall_ms)
{
    const char *p = *text;
    int64_t ms = 0;
    size_t n = strspn(p, "0123456789");
    if (n == 0 || n > SECONDS_DIGITS_MAX) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        ms = ms * 10 + (*p++ - '0');
    }
    const size_t n_decimals = *p == '.' ? strspn(++p, "0123456789") : 0;
    for (size_t k = 0; k < 3; k++) {
        ms = ms * 10 + (k < n_decimals ? *p++ - '0' : 0);
    }
    if (n_decimals > 3 || *p != '/') {
        return false;
    }
    *text = p + 1;
    *ret_wall_ms = ms;
    return true;
}

/* A name, and the slash behind it. */
static bool take_model(const char **text, char ret_model[MODEL_NAME_MAX + 1])
{
    const size_t n = strcspn(*text, "/");
    if (n > MODEL_NAME_MAX || (*text)[n] != '/' || !model_name_is_valid(*text, n)) {
        return false;
    }
    memcpy(ret_model, *text, n);
    ret_model[n] = '\0';
    *text += n + 1;
    return true;
}

/* `after` names a row by all that its list is ordered by, so that no two have the same: the id, the
 * model before it in a list of all models, and before both the time. */
static enum status read_mark(struct request *request, const struct session_query *query,
                             const struct session_mark **ret_after)
{
    const char *text = request_query(request, "after");
    *ret_after = NULL;
    if (!text || !text[0]) {
        return STATUS_OK;
    }
    struct session_mark *mark = arena_alloc(request->arena, sizeof *mark);
    if (!mark) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    int64_t wall_ms = 0;
    const bool has_time = query->order == SESSIONS_BY_LAST_SEEN, has_model = query->names_models;
    bool is_fine = !has_time || take_time(&text, &wall_ms);
    if (is_fine && has_model) {
        is_fine = take_model(&text, mark->model);
    } else if (!has_model) {
        memcpy(mark->model, query->model->name, sizeof mark->model);
    }
    if (!is_fine || !session_id_is_valid(text, strlen(text))) {
        return !has_time && !has_model
                   ? api_id_query(request, "after", &text)
                   : fault_set(request->fault, STATUS_INVALID_VALUE, "after",
                               "after is `next` of the page before: %s%sID",
                               has_time ? "LAST_SEEN_AT/" : "", has_model ? "MODEL/" : "");
    }
    memcpy(mark->session, text, strlen(text) + 1);
    mark->last_seen_at_ms = clock_steady_of(wall_ms);
    *ret_after = mark;
    return STATUS_OK;
}

/* What both lists take; whose sessions they are is set. */
static enum status reply_list(struct request *request, struct session_query *query)
{
    size_t n;
    bool has_more;
    enum status status = api_limit(request, LIST_DEFAULT, LIST_MAX, &query->limit);
    if (status == STATUS_OK) {
        status = api_id_query(request, "prefix", &query->prefix);
    }
    if (status == STATUS_OK) {
        status = read_order(request, &query->order);
    }
    if (status == STATUS_OK) {
        status = read_mark(request, query, &query->after);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct session_row *rows = arena_array(request->arena, query->limit, sizeof *rows);
    if (!rows) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    status = session_list(request->context, query, rows, &n, &has_more, request->fault);
    if (status != STATUS_OK) {
        return status;
    }
    struct text text;
    text_init(&text, request->arena, 64 + 256 * n);
    codec_put_session_list(&text, query, rows, n, has_more);
    return api_reply(request, 200, &text);
}

enum status api_sessions_list(struct request *request)
{
    struct session_query query = { .model = NULL };
    enum status status = api_model(request, &query.model);
    return status == STATUS_OK ? reply_list(request, &query) : status;
}

/* `model` takes one of them, and the list stays what it is. */
enum status api_sessions_list_all(struct request *request)
{
    struct session_query query = { .names_models = true };
    const char *name = request_query(request, "model");
    enum status status =
        name ? model_find(request->context, name, &query.model, request->fault) : STATUS_OK;
    return status == STATUS_OK ? reply_list(request, &query) : status;
}
