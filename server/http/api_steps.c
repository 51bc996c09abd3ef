/* api_steps.c - readings in, forecasts out: one, an array of them, or a stream of lines. */
#include "http/api.h"
#include "http/lines.h"

#include <sched.h>
#include <string.h>

/* ---- one ---- */

enum status api_step(struct request *request)
{
    const char *id;
    struct step *step = arena_alloc(request->arena, sizeof *step);
    if (!step) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    enum status status = api_model(request, &step->model);
    if (status == STATUS_OK) {
        status = api_session(request, &id);
    }
    if (status != STATUS_OK) {
        return status;
    }
    step->arena = request->arena;
    memcpy(step->model_name, step->model->name, sizeof step->model_name);
    memcpy(step->session, id, strlen(id) + 1);
    const struct codec_input input = api_input(request);
    status = codec_step(&input, false, step);
    return status == STATUS_OK ? request_hand_in(request, step, 1) : status;
}

enum status api_step_finish(struct request *request)
{
    const struct step *step = request->steps;
    if (step->fault.status != STATUS_OK) {
        *request->fault = step->fault;
        return step->fault.status;
    }
    struct text text;
    text_init(&text, request->arena, 256);
    codec_put_step(&text, step);
    return api_reply(request, 200, &text);
}

/* ---- many ---- */

/* Steps of one request may be done in different turns, and a model is valid for the turn that found
 * it: those that are about to be encoded are found again. */
static void renew_models(struct request *request, struct step *steps, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (steps[k].fault.status == STATUS_OK) {
            (void)model_find(request->context, steps[k].model_name, &steps[k].model,
                             &steps[k].fault);
        }
    }
}

enum status api_steps(struct request *request)
{
    const struct model *model;
    enum status status = api_model(request, &model);
    if (status != STATUS_OK) {
        return status;
    }
    if (request->is_ndjson) {
        return api_steps_upload(request, NULL, 0);
    }
    const struct codec_input input = api_input(request);
    struct step *steps;
    size_t n;
    status = codec_steps(&input, model, &steps, &n);
    return status == STATUS_OK ? request_hand_in(request, steps, n) : status;
}

enum status api_steps_finish(struct request *request)
{
    struct text text;
    renew_models(request, request->steps, request->n_steps);
    text_init(&text, request->arena, 32 + 128 * request->n_steps);
    text_append(&text, "{\"results\":[", 12);
    for (size_t k = 0; k < request->n_steps; k++) {
        if (k > 0) {
            text_append(&text, ",", 1);
        }
        codec_put_step(&text, &request->steps[k]);
    }
    text_append(&text, "]}", 2);
    return api_reply(request, 200, &text);
}

/* ---- a stream of lines ---- */

enum { LINES_AT_ONCE = 64, LINE_MAX_BYTES = 1 << 16 };

/* What an upload has come to: steps to be done, and replies. */
struct lines_of_steps {
    struct request *request;
    struct lines lines;
    struct text replies;
    size_t n_steps;
    struct step steps[LINES_AT_ONCE];
};

static void run_lines(struct lines_of_steps *upload)
{
    struct request *request = upload->request;
    struct step *steps[LINES_AT_ONCE];
    size_t n_done = 0;
    for (size_t k = 0; k < upload->n_steps; k++) {
        steps[k] = &upload->steps[k];
    }
    for (;;) {
        service_steps(request->context, steps, upload->n_steps);
        for (n_done = 0; n_done < upload->n_steps && steps[n_done]->is_done; n_done++) {
        }
        if (n_done == upload->n_steps) {
            break;
        }
        sched_yield(); /* another worker has one of the sessions, for microseconds */
        service_context_turn(request->context);
    }
    renew_models(request, upload->steps, upload->n_steps);
    for (size_t k = 0; k < upload->n_steps; k++) {
        codec_put_step(&upload->replies, &upload->steps[k]);
        text_append(&upload->replies, "\n", 1);
    }
    upload->n_steps = 0;
}

static enum status add_line(void *context, const char *line, size_t n)
{
    struct lines_of_steps *upload = context;
    struct request *request = upload->request;
    struct step *step = &upload->steps[upload->n_steps++];
    *step = (struct step){ .arena = request->arena, .is_done = true };
    if (!line) {
        fault_set(&step->fault, STATUS_BODY_TOO_LARGE, NULL, "a line has at most %d bytes",
                  LINE_MAX_BYTES);
    } else if (model_find(request->context, request->parameters[PARAMETER_MODEL], &step->model,
                          &step->fault) == STATUS_OK) {
        memcpy(step->model_name, step->model->name, sizeof step->model_name);
        struct codec_input input = api_input(request);
        input.json = line;
        input.n = n;
        input.fault = &step->fault;
        step->is_done = codec_step(&input, true, step) != STATUS_OK;
    }
    if (upload->n_steps == LINES_AT_ONCE) {
        run_lines(upload);
    }
    return STATUS_OK;
}

static enum status begin_upload(struct request *request)
{
    const struct model *model;
    enum status status = api_model(request, &model);
    if (status != STATUS_OK) {
        return status;
    }
    struct lines_of_steps *upload = arena_alloc(request->arena, sizeof *upload);
    if (!upload) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    upload->request = request;
    upload->n_steps = 0;
    lines_init(&upload->lines, request->arena, LINE_MAX_BYTES);
    text_init(&upload->replies, request->arena, 4096);
    request->state = upload;
    return STATUS_OK;
}

/* What is done stays done: the request is not one to be sent again. */
static enum status refuse_replies(const struct lines_of_steps *upload)
{
    struct request *request = upload->request;
    const bool is_full = request->arena->is_full;
    request->arena->is_short = false;
    return fault_set(request->fault, is_full ? STATUS_REQUEST_TOO_LARGE : STATUS_NO_MEMORY, NULL,
                     "done, but no further than line %zu: %s", upload->lines.number,
                     is_full ? "the replies would be too large; send fewer lines at once"
                             : "there is not enough memory for the replies");
}

/* Called for each piece, and with n = 0 at the end, when the replies go out. */
enum status api_steps_upload(struct request *request, const char *bytes, size_t n)
{
    enum status status = request->state ? STATUS_OK : begin_upload(request);
    if (status != STATUS_OK) {
        return status;
    }
    struct lines_of_steps *upload = request->state;
    status = n > 0 ? lines_add(&upload->lines, bytes, n, add_line, upload)
                   : lines_end(&upload->lines, add_line, upload);
    run_lines(upload);
    if (status != STATUS_OK || upload->replies.failed) {
        return refuse_replies(upload);
    }
    if (n > 0) {
        return STATUS_OK;
    }
    status = api_reply(request, 200, &upload->replies);
    request->reply.media = MEDIA_NDJSON;
    return status;
}
