/* api_session_readings.c - what a session took in, and what had been forecast for it then. */
#include "http/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_DEFAULT = 100, LIST_MAX = 1000, STEP_DIGITS = 16 };

static const uint64_t STEP_MAX = (UINT64_C(1) << 53) - 1; /* the last that every client can read */

static enum status read_before(struct request *request, uint64_t *ret_before)
{
    const char *text = request_query(request, "before");
    *ret_before = UINT64_MAX;
    if (!text) {
        return STATUS_OK;
    }
    const size_t n = strlen(text);
    const bool is_number = n > 0 && n <= STEP_DIGITS && strspn(text, "0123456789") == n;
    const uint64_t before = is_number ? strtoull(text, NULL, 10) : 0;
    if (before < 1 || before > STEP_MAX) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, "before",
                         "before is the number of a step, from 1 to %" PRIu64, STEP_MAX);
    }
    *ret_before = before;
    return STATUS_OK;
}

enum status api_session_readings(struct request *request)
{
    const struct model *model;
    const char *id;
    uint64_t before = 0;
    size_t limit = 0;
    struct session_history history;
    enum status status = api_session(request, &model, &id);
    if (status == STATUS_OK) {
        status = api_limit(request, LIST_DEFAULT, LIST_MAX, &limit);
    }
    if (status == STATUS_OK) {
        status = read_before(request, &before);
    }
    if (status == STATUS_OK) {
        status = session_history_read(request->context, model, id, before, limit, request->arena,
                                      &history, request->fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct text text;
    text_init(&text, request->arena, 64 + 96 * history.n);
    codec_put_readings(&text, &history);
    return api_reply(request, 200, &text);
}
