/* api_sessions.c - sessions as a whole: read, restore, end, fork, look ahead. */
#include "http/api.h"

#include <string.h>

static enum status reply_session(struct request *request, int code, const struct model *model,
                                 const char *id)
{
    struct session session;
    enum status status =
        session_read(request->context, model, id, request->arena, &session, request->fault);
    if (status == STATUS_OK) {
        status = session_figures_read(&session, request->arena, request->fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct text text;
    text_init(&text, request->arena, 2048);
    codec_put_session(&text, &session);
    return api_reply(request, code, &text);
}

enum status api_session_get(struct request *request)
{
    const struct model *model;
    const char *id;
    enum status status = api_session(request, &model, &id);
    return status == STATUS_OK ? reply_session(request, 200, model, id) : status;
}

/* PUT and fork read the body first, which may be large, and write when they are finished: on the
 * worker's thread, which knows what syncs it owes. Where another thread has their session
 * (sessions.h) they are finished again: what they have written by then they do not write again. */

/* What a PUT has come to. */
struct put {
    struct session_restore restore;
    struct restore_replay replay; /* of its readings, if it has any */
    bool is_replayed;
    int code; /* 0: it is not written yet */
};

static enum status replay_readings(struct request *request, const struct model *model)
{
    struct put *put = request->state;
    put->is_replayed = true;
    enum status status =
        restore_begin(model, &put->restore, request->arena, &put->replay, request->fault);
    return status == STATUS_OK ? request_predict(request, &put->replay.prediction) : status;
}

static enum status put_session(struct request *request, const struct model *model, const char *id)
{
    struct put *put = request->state;
    bool created;
    enum status status = STATUS_OK;
    if (put->code == 0) {
        status = session_put(request->context, model, id, &put->restore, &created, request->fault);
        put->code = status != STATUS_OK ? 0 : created ? 201 : 200;
    }
    return status == STATUS_OK ? reply_session(request, put->code, model, id) : status;
}

enum status api_session_put(struct request *request)
{
    const struct model *model;
    const char *id;
    struct put *put = arena_alloc(request->arena, sizeof *put);
    if (!put) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    put->is_replayed = false;
    put->code = 0;
    request->state = put;
    enum status status = api_session(request, &model, &id);
    if (status == STATUS_OK) {
        const struct codec_input input = api_input(request);
        status = codec_session_restore(&input, model, &put->restore);
    }
    return status;
}

enum status api_session_put_finish(struct request *request)
{
    const struct model *model;
    const char *id;
    struct put *put = request->state;
    enum status status = api_session(request, &model, &id);
    if (status != STATUS_OK) {
        return status;
    }
    if (put->is_replayed) {
        restore_take(&put->replay, &put->restore);
    } else if (restore_is_due(&put->restore)) {
        return replay_readings(request, model);
    }
    status = put_session(request, model, id);
    if (status != STATUS_DIGEST_MISMATCH || !put->is_replayed) {
        return status;
    }
    /* Another version was activated meanwhile: its state is another one. */
    put->restore.state = NULL;
    predict_end(request->prediction);
    request->prediction = NULL;
    return replay_readings(request, model);
}

enum status api_session_delete(struct request *request)
{
    const struct model *model;
    const char *id;
    enum status status = api_session(request, &model, &id);
    if (status == STATUS_OK) {
        status = session_delete(request->context, model, id, request->fault);
    }
    return status == STATUS_OK ? api_reply_nothing(request) : status;
}

/* What a fork has come to. */
struct fork {
    char to[SESSION_ID_MAX + 1];
    bool is_made;
};

enum status api_session_fork(struct request *request)
{
    const struct model *model;
    const char *id;
    struct fork *fork = arena_alloc(request->arena, sizeof *fork);
    if (!fork) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    fork->is_made = false;
    request->state = fork;
    enum status status = api_session(request, &model, &id);
    if (status == STATUS_OK) {
        const struct codec_input input = api_input(request);
        status = codec_fork(&input, fork->to);
    }
    return status;
}

enum status api_session_fork_finish(struct request *request)
{
    const struct model *model;
    const char *id;
    struct fork *fork = request->state;
    enum status status = api_session(request, &model, &id);
    if (status == STATUS_OK && !fork->is_made) {
        status =
            session_fork(request->context, model, id, fork->to, request->arena, request->fault);
        fork->is_made = status == STATUS_OK;
    }
    return status == STATUS_OK ? reply_session(request, 201, model, fork->to) : status;
}

enum status api_session_forecast(struct request *request)
{
    const struct model *model;
    const char *id;
    struct forecast_options forecast_options;
    const struct codec_input input = api_input(request);
    struct session_forecast *forecast = arena_alloc(request->arena, sizeof *forecast);
    if (!forecast) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    enum status status = api_session(request, &model, &id);
    if (status == STATUS_OK) {
        status = codec_forecast_options(&input, model, &forecast_options);
    }
    if (status == STATUS_OK) {
        status = session_forecast_begin(request->context, model, id, &forecast_options,
                                        request->arena, forecast, request->fault);
    }
    request->state = forecast;
    return status == STATUS_OK ? request_predict(request, &forecast->prediction) : status;
}

enum status api_session_forecast_finish(struct request *request)
{
    struct text text;
    text_init(&text, request->arena, 256);
    codec_put_forecast(&text, request->parameters[PARAMETER_SESSION], request->state);
    return api_reply(request, 200, &text);
}
