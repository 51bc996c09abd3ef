/* api_predict.c - whole sequences. */
#include "http/api.h"

enum status api_predict(struct request *request)
{
    const struct model *model;
    const struct codec_input input = api_input(request);
    struct prediction *prediction = arena_alloc(request->arena, sizeof *prediction);
    if (!prediction) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    enum status status = api_model(request, &model);
    if (status == STATUS_OK) {
        status = codec_prediction(&input, model, prediction);
    }
    if (status == STATUS_OK) {
        status = predict_begin(prediction, request->arena, request->fault);
    }
    return status == STATUS_OK ? request_predict(request, prediction) : status;
}

enum status api_predict_finish(struct request *request)
{
    struct text text;
    text_init(&text, request->arena, 4096);
    codec_put_prediction(&text, request->parameters[PARAMETER_MODEL], request->prediction);
    return api_reply(request, 200, &text);
}
