/* api_steps.c - readings in, forecasts out: one, an array of them, or a stream of lines. */
#include "http/api.h"
#include "http/lines.h"

#include <string.h>

/* ---- one ---- */

enum status api_step(struct request *request)
{
    const char *id;
    struct step *step = arena_alloc(request->arena, sizeof *step);
    if (!step) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    enum status status = api_session(request, &step->model, &id);
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
 * it: those that are about to be handed in, or encoded, are found again. */
static void renew_models(struct request *request, struct step *steps, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (steps[k].fault.status == STATUS_OK &&
            model_find(request->context, steps[k].model_name, &steps[k].model, &steps[k].fault) !=
                STATUS_OK) {
            steps[k].is_done = true;
        }
    }
}

enum {
    LIST_AT_ONCE = 1024,
    REPLIES_AT_ONCE = 1 << 20 /* bytes that the replies to as many steps take at most */
};

/* What a list has come to. Its steps are handed in and answered some at a time, so that no turn has
 * the replies to all of them to make. */
struct list_of_steps {
    struct step *steps;
    size_t n, n_answered;
    struct text replies;
};

static enum status hand_in_some(struct request *request)
{
    struct list_of_steps *list = request->state;
    struct step *steps = list->steps + list->n_answered;
    size_t n_left = list->n - list->n_answered, n = 0, n_bytes = 0;
    while (n < n_left && n < LIST_AT_ONCE && n_bytes < REPLIES_AT_ONCE) {
        renew_models(request, &steps[n], 1);
        n_bytes += codec_step_bytes_max(&steps[n++]);
    }
    return request_hand_in(request, steps, n);
}

static enum status read_list(struct request *request)
{
    const struct model *model;
    struct list_of_steps *list = arena_alloc(request->arena, sizeof *list);
    if (!list) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    list->n_answered = 0;
    request->state = list;
    enum status status = api_model(request, &model);
    if (status == STATUS_OK) {
        const struct codec_input input = api_input(request);
        status = codec_steps(&input, model, &list->steps, &list->n);
    }
    if (status != STATUS_OK) {
        return status;
    }
    text_init(&list->replies, request->arena, 32 + 128 * list->n);
    text_append(&list->replies, "{\"results\":[", 12);
    return hand_in_some(request);
}

static enum status answer_list(struct request *request)
{
    struct list_of_steps *list = request->state;
    renew_models(request, request->steps, request->n_steps);
    for (size_t k = 0; k < request->n_steps; k++) {
        if (list->n_answered++ > 0) {
            text_append(&list->replies, ",", 1);
        }
        codec_put_step(&list->replies, &request->steps[k]);
    }
    if (list->n_answered < list->n) {
        return hand_in_some(request);
    }
    text_append(&list->replies, "]}", 2);
    return api_reply(request, 200, &list->replies);
}

/* ---- a stream of lines ---- */

enum {
    LINES_AT_ONCE = 64,
    BYTES_AT_ONCE = 256 << 10, /* of those: a few milliseconds of reading */
    LINE_MAX_BYTES = 1 << 16,
    LAST_LINE_BYTES = 1 << 12 /* of an error */
};

/* What an upload has come to. Its lines are handed in as steps, some at a time, and the replies are
 * kept until the body has ended. */
struct lines_of_steps {
    struct lines lines;
    struct text replies;
    struct fault stop; /* why no further line is taken, if that is so */
    size_t n_rows;     /* of the forecasts so far */
    size_t n_steps;    /* in hand */
    struct step steps[LINES_AT_ONCE];
};

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
    upload->stop.status = STATUS_OK;
    upload->n_rows = 0;
    upload->n_steps = 0;
    lines_init(&upload->lines, request->arena, LINE_MAX_BYTES);
    text_init(&upload->replies, request->arena, LAST_LINE_BYTES);
    request->state = upload;
    return STATUS_OK;
}

/* Reads the line as the next step in hand, or as one that is done because it failed. */
static void take_line(struct request *request, const char *line, size_t n)
{
    struct lines_of_steps *upload = request->state;
    struct step *step = &upload->steps[upload->n_steps++];
    *step = (struct step){ .arena = request->arena, .is_done = true };
    if (!line) {
        fault_set(&step->fault, STATUS_BODY_TOO_LARGE, NULL, "a line has at most %d bytes",
                  LINE_MAX_BYTES);
        return;
    }
    if (model_find(request->context, request->parameters[PARAMETER_MODEL], &step->model,
                   &step->fault) != STATUS_OK) {
        return;
    }
    struct codec_input input = api_input(request);
    input.json = line;
    input.n = n;
    input.limits.rows_max -= upload->n_rows;
    input.fault = &step->fault;
    step->is_done = codec_step(&input, true, step) != STATUS_OK;
    if (!step->is_done) {
        upload->n_rows += step->forecast_options.horizon;
    }
}

/* No line is taken from that one on. What was done before is answered all the same. */
static void stop(struct request *request, size_t number, enum status status, const char *param,
                 const char *why)
{
    struct lines_of_steps *upload = request->state;
    if (upload->stop.status == STATUS_OK) {
        fault_set(&upload->stop, status, param, "line %zu and those after it are not done: %s",
                  number, why);
    }
}

static void stop_for_memory(struct request *request, size_t number)
{
    bool is_full = request->arena->is_full;
    request->arena->is_short = false; /* it is no request to be sent again as it was */
    stop(request, number, is_full ? STATUS_REQUEST_TOO_LARGE : STATUS_NO_MEMORY, NULL,
         is_full ? "lines and replies would be too large; send fewer lines at once"
                 : "there is not enough memory for them and their replies");
}

static enum status reply_lines(struct request *request)
{
    struct lines_of_steps *upload = request->state;
    if (upload->stop.status != STATUS_OK && upload->replies.n == 0) { /* nothing was done */
        *request->fault = upload->stop;
        return upload->stop.status;
    }
    if (upload->stop.status != STATUS_OK) {
        codec_put_error(&upload->replies, &upload->stop);
        text_append(&upload->replies, "\n", 1);
    }
    enum status status = api_reply(request, 200, &upload->replies);
    request->reply.media = MEDIA_NDJSON;
    return status;
}

/* Takes the next lines in hand, with room for their replies: what is done must be answered. */
static void take_lines(struct request *request)
{
    struct lines_of_steps *upload = request->state;
    const char *line;
    size_t n, n_bytes = 0, n_reply_bytes = LAST_LINE_BYTES, first = 0;
    upload->n_steps = 0;
    while (upload->stop.status == STATUS_OK && upload->n_steps < LINES_AT_ONCE &&
           n_bytes < BYTES_AT_ONCE && n_reply_bytes < REPLIES_AT_ONCE &&
           lines_next(&upload->lines, &line, &n)) {
        take_line(request, line, n);
        n_bytes += n;
        n_reply_bytes += codec_step_bytes_max(&upload->steps[upload->n_steps - 1]) + 1;
        first = first > 0 ? first : upload->lines.number;
    }
    if (upload->n_steps > 0 && !text_reserve(&upload->replies, n_reply_bytes)) {
        upload->replies.failed = false; /* it is as it was */
        upload->n_steps = 0;
        stop_for_memory(request, first);
    }
}

static enum status go_on(struct request *request)
{
    struct lines_of_steps *upload = request->state;
    take_lines(request);
    if (upload->n_steps > 0) {
        return request_hand_in(request, upload->steps, upload->n_steps);
    }
    return upload->lines.has_ended ? reply_lines(request) : STATUS_OK;
}

/* Called for each piece. While steps are in hand the lines wait. */
enum status api_steps_upload(struct request *request, const char *bytes, size_t n)
{
    enum status status = request->state ? STATUS_OK : begin_upload(request);
    if (status != STATUS_OK) {
        return status;
    }
    struct lines_of_steps *upload = request->state;
    if (upload->stop.status == STATUS_OK && lines_add(&upload->lines, bytes, n) != STATUS_OK) {
        stop_for_memory(request, upload->lines.number + 1);
    }
    return upload->n_steps == 0 ? go_on(request) : STATUS_OK;
}

static enum status end_upload(struct request *request)
{
    enum status status = request->state ? STATUS_OK : begin_upload(request);
    if (status != STATUS_OK) {
        return status;
    }
    struct lines_of_steps *upload = request->state;
    if (request->is_cut) {
        const struct fault *fault = request->fault;
        stop(request, upload->lines.number + 1, fault->status,
             fault->param[0] != '\0' ? fault->param : NULL, fault->message);
    }
    lines_end(&upload->lines);
    return upload->n_steps == 0 ? go_on(request) : STATUS_OK;
}

static enum status answer_lines(struct request *request)
{
    struct lines_of_steps *upload = request->state;
    renew_models(request, upload->steps, upload->n_steps);
    for (size_t k = 0; k < upload->n_steps; k++) {
        codec_put_step(&upload->replies, &upload->steps[k]);
        text_append(&upload->replies, "\n", 1);
    }
    return upload->replies.failed ? api_reply(request, 200, &upload->replies) : go_on(request);
}

/* ---- both ---- */

enum status api_steps(struct request *request)
{
    return request->is_ndjson ? end_upload(request) : read_list(request);
}

enum status api_steps_finish(struct request *request)
{
    return request->is_ndjson ? answer_lines(request) : answer_list(request);
}
