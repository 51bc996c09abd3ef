/* api_evaluate.c - how good forecasts of a series would have been. */
#include "http/api.h"

enum status api_evaluate(struct request *request)
{
    const struct model *model;
    const struct codec_input input = api_input(request);
    struct evaluation *evaluation = arena_alloc(request->arena, sizeof *evaluation);
    if (!evaluation) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    enum status status = api_model(request, &model);
    if (status == STATUS_OK) {
        status = codec_evaluation(&input, model, evaluation);
    }
    if (status == STATUS_OK) {
        status = evaluation_begin(evaluation, request->arena, request->fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    request->state = evaluation;
    return request_predict(request, &evaluation->prediction);
}

enum status api_evaluate_finish(struct request *request)
{
    struct text text;
    text_init(&text, request->arena, 4096);
    codec_put_evaluation(&text, request->parameters[PARAMETER_MODEL], request->state);
    return api_reply(request, 200, &text);
}
