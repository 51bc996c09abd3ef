#include "service/sessions/step_events.h"

#include "service/models/models.h"
#include "service/service_private.h"
#include "service/sessions/commit.h"
#include "service/sessions/pending_step.h"
#include "service/sessions/steps.h"

/* ---- telling ---- */

static struct session_event *make_event(struct service_context *context, const struct step *step)
{
    const char *json;
    size_t n;
    arena_reset(&context->event_arena);
    struct session_event *event =
        context->service->print_step(step, &context->event_arena, &json, &n)
            ? session_event_make(step->session, SESSION_GOES_ON, json, n)
            : NULL;
    if (event) {
        event->step = step->number;
        event->at_ms = context->now_ms;
        event->is_amended = step->amended > 0;
        event->commit = commit_awaited(context, step->model->pool);
    }
    return event;
}

void step_events_tell(struct service_context *context, const struct pending_step *pending)
{
    struct listeners *listeners = &context->service->listeners;
    if (!listeners_are_any(listeners) || !context->service->print_step) {
        return;
    }
    const struct step *step = pending->step;
    const struct told told = { .model = step->model->name,
                               .session = step->session,
                               .hash = pending->key.hash };
    if (listeners_want(listeners, &told)) {
        listeners_tell(listeners, &told, make_event(context, step));
    }
}

void step_events_tell_end(struct service_context *context, const struct model *model,
                          const struct pool_key *key, enum session_end end)
{
    const struct told told = { .model = model->name, .session = key->id, .hash = key->hash };
    if (listeners_are_any(&context->service->listeners)) {
        listeners_tell_end(&context->service->listeners, &told, end,
                           commit_awaited(context, model->pool));
    }
}

/* ---- listening ---- */

struct listener *session_listen(struct service_context *context, const char *model,
                                const char *session, bool is_wide)
{
    const struct told told = { .model = model,
                               .session = session,
                               .hash = is_wide ? 0 : pool_key_of(session).hash };
    return listener_open(&context->service->listeners, &told, is_wide);
}

bool session_events_count(struct service_context *context, const char *name)
{
    const struct model *model;
    struct fault fault;
    return model_find(context, name, &model, &fault) == STATUS_OK &&
           pool_check_whole(model->pool, &fault) == STATUS_OK && !commit_has_failed(context, name);
}
