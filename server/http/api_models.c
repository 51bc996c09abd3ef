/* api_models.c - models and their versions. */
#include "http/api.h"

#include <string.h>

static enum status reply_model(struct request *request, int code, const struct model *model)
{
    struct text text;
    text_init(&text, request->arena, 1024);
    codec_put_model(&text, model);
    return api_reply(request, code, &text);
}

enum status api_models_list(struct request *request)
{
    struct text text;
    size_t n;
    const struct model *const *models = models_list(request->context, &n);
    text_init(&text, request->arena, 1024 * (n + 1));
    codec_put_models(&text, models, n);
    return api_reply(request, 200, &text);
}

enum status api_model_get(struct request *request)
{
    const struct model *model;
    enum status status = api_model(request, &model);
    return status == STATUS_OK ? reply_model(request, 200, model) : status;
}

enum status api_model_put(struct request *request)
{
    const char *name = request->parameters[PARAMETER_MODEL];
    if (!model_name_is_valid(name, strlen(name))) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, "model",
                         "a model's name has 1 to %d characters of A-Z a-z 0-9 . _ - and does not "
                         "begin with '.'",
                         MODEL_NAME_MAX);
    }
    const struct model *model;
    enum status status =
        model_put(request->context, name, request->body, request->n_body, &model, request->fault);
    return status == STATUS_OK ? reply_model(request, 201, model) : status;
}

enum status api_version_file(struct request *request)
{
    const struct model *model;
    const struct version *version;
    unsigned number;
    enum status status = api_model(request, &model);
    if (status == STATUS_OK) {
        status = api_version(request, &number);
    }
    if (status == STATUS_OK) {
        status = version_find(model, number, &version, request->fault);
    }
    const void *bytes;
    size_t n;
    if (status == STATUS_OK) {
        status = model_read_file(version, request->arena, &bytes, &n, request->fault);
    }
    if (status == STATUS_OK) {
        request->reply =
            (struct reply){ .code = 200, .body = bytes, .n_body = n, .media = MEDIA_OCTETS };
    }
    return status;
}

enum status api_version_activate(struct request *request)
{
    const struct model *model;
    unsigned number;
    enum status status = api_version(request, &number);
    if (status == STATUS_OK) {
        status = api_no_fields(request);
    }
    if (status == STATUS_OK) {
        status = model_activate(request->context, request->parameters[PARAMETER_MODEL], number,
                                &model, request->fault);
    }
    return status == STATUS_OK ? reply_model(request, 200, model) : status;
}

enum status api_version_delete(struct request *request)
{
    unsigned number;
    enum status status = api_version(request, &number);
    if (status == STATUS_OK) {
        status = model_delete_version(request->context, request->parameters[PARAMETER_MODEL],
                                      number, request->fault);
    }
    return status == STATUS_OK ? api_reply_nothing(request) : status;
}
