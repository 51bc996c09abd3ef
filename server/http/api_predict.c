/* api_predict.c - whole sequences. */
#include "http/api.h"

enum status api_predict(struct request *request)
{
    const struct model *model;
    struct prediction prediction;
    const struct codec_limits limits = api_limits(request);
    enum status status = api_model(request, &model);
    if (status == STATUS_OK) {
        status = codec_prediction(request->body, request->n_body, &limits, model, &request->arena,
                                  &prediction, &request->fault);
    }
    if (status == STATUS_OK) {
        status = service_predict(request->worker, &prediction, &request->arena, &request->fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct text text;
    text_init(&text, &request->arena, 4096);
    codec_put_prediction(&text, model, &prediction);
    return api_reply(request, 200, &text);
}
