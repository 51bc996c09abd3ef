#include "http/api.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum status api_model(struct request *request, const struct model **ret_model)
{
    return model_find(request->context, request->parameters[PARAMETER_MODEL], ret_model,
                      request->fault);
}

enum status api_session(struct request *request, const struct model **ret_model,
                        const char **ret_id)
{
    enum status status = api_model(request, ret_model);
    if (status == STATUS_OK) {
        status = model_check_causal(*ret_model, request->fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const char *id = request->parameters[PARAMETER_SESSION];
    if (!session_id_is_valid(id, strlen(id))) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, "session",
                         "a session's id has 1 to %d characters of A-Z a-z 0-9 . _ ~ : -",
                         SESSION_ID_MAX);
    }
    *ret_id = id;
    return STATUS_OK;
}

enum status api_version(struct request *request, unsigned *ret_number)
{
    const char *text = request->parameters[PARAMETER_VERSION];
    size_t n = strlen(text);
    bool is_number = n > 0 && n <= 10 && text[0] != '0' && strspn(text, "0123456789") == n;
    unsigned long number = is_number ? strtoul(text, NULL, 10) : 0;
    if (number < 1 || number > UINT_MAX) {
        return fault_set(request->fault, STATUS_VERSION_NOT_FOUND, "version",
                         "a version is a positive number, not '%s'", text);
    }
    *ret_number = (unsigned)number;
    return STATUS_OK;
}

struct codec_input api_input(struct request *request)
{
    const struct config *config = request->config;
    return (struct codec_input){ .json = request->body,
                                 .n = request->n_body,
                                 .limits = { .horizon_max = config->horizon_max,
                                             .interval_horizon_max = config->interval_horizon_max,
                                             .interval_levels =
                                                 service_interval_levels(request->context),
                                             .depth_max = config->json_depth_max,
                                             .rows_max = config->row_max,
                                             .evaluation_rows_max = config->evaluate_row_max },
                                 .arena = request->arena,
                                 .fault = request->fault };
}

enum status api_no_fields(struct request *request)
{
    const struct codec_input input = api_input(request);
    return input.n > 0 ? codec_no_fields(&input) : STATUS_OK;
}

enum status api_number(struct request *request, const char *name, size_t initial, size_t most,
                       size_t *ret_number)
{
    const char *text = request_query(request, name);
    *ret_number = initial;
    if (!text) {
        return STATUS_OK;
    }
    size_t n = strlen(text);
    unsigned long number =
        n > 0 && n < 8 && strspn(text, "0123456789") == n ? strtoul(text, NULL, 10) : 0;
    if (number < 1 || number > most) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, name, "%s is a number from 1 to %zu",
                         name, most);
    }
    *ret_number = number;
    return STATUS_OK;
}

enum status api_limit(struct request *request, size_t initial, size_t most, size_t *ret_limit)
{
    return api_number(request, "limit", initial, most, ret_limit);
}

enum status api_id_query(struct request *request, const char *name, const char **ret_text)
{
    const char *text = request_query(request, name);
    *ret_text = text ? text : "";
    if (text && text[0] && !session_id_is_valid(text, strlen(text))) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, name,
                         "%s has at most %d characters of A-Z a-z 0-9 . _ ~ : -", name,
                         SESSION_ID_MAX);
    }
    return STATUS_OK;
}

enum status api_reply(struct request *request, int code, const struct text *text)
{
    if (text->failed) {
        /* It may be too late to say that nothing has changed, or to refuse the request as one too
         * many. */
        bool is_done = strcmp(request->route->method, "GET") != 0,
             is_full = request->arena->is_full;
        const char *done = is_done ? "done, but " : "";
        request->arena->is_short = request->arena->is_short && !is_done;
        return fault_set(request->fault, is_full ? STATUS_REQUEST_TOO_LARGE : STATUS_NO_MEMORY,
                         NULL, "%s%s", done,
                         is_full ? "the reply would be too large; ask for less at once"
                                 : "there is not enough memory for the reply");
    }
    request->reply = (struct reply){ .code = code,
                                     .body = text->p,
                                     .n_body = text->n,
                                     .media = media_first(request->route->gives) };
    return STATUS_OK;
}

enum status api_reply_nothing(struct request *request)
{
    request->reply = (struct reply){ .code = 204, .body = "" };
    return STATUS_OK;
}
