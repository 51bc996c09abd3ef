#include "service/sessions/pending_step.h"

#include "service/models/models.h"
#include "service/service_private.h"
#include "service/sessions/session_base.h"
#include "service/sessions/session_copy.h"
#include "service/sessions/session_intervals.h"
#include "service/sessions/step_cluster.h"
#include "service/sessions/steps.h"

#include <string.h>

void pending_finish(struct pending_step *pending)
{
    pending->step->is_done = true;
    pending->state = PENDING_DONE;
}

void pending_finish_failed(struct pending_step *pending)
{
    pending_finish(pending);
    pending->step->y = NULL;
    pending->step->forecast = NULL;
}

unsigned pending_class(const struct service_context *context, const struct pending_step *pending)
{
    const struct interval_sessions sessions = interval_sessions_of(context, pending->step->model);
    return session_intervals_class(&sessions, INDEX_NONE, pending->wanted);
}

enum claim pending_create_session(struct service_context *context, struct pending_step *pending)
{
    const struct step *step = pending->step;
    enum claim claim =
        session_copy_create(context, step->model, &pending->key, pending_class(context, pending),
                            POOL_KEEP_NONE, &pending->slot, &pending->step->fault);
    pending->is_new = claim == CLAIM_OK;
    return claim;
}

void pending_release(struct pending_step *pending)
{
    struct pool *pool = pending->step->model->pool;
    if (pending->written) {
        step_cluster_release(pending);
    } else if (pending->is_new) {
        pool_remove(pool, pending->slot);
    } else {
        pool_release(pool, pending->slot);
    }
}

struct record_copy *pending_newest(const struct pending_step *pending)
{
    struct pool *pool = pending->step->model->pool;
    return pool_newest(pool, pending->slot);
}

void pending_begin_next(const struct pending_step *pending, uint64_t last, const float *fresh)
{
    const struct record_layout *layout = pool_layout(pending->step->model->pool, pending->slot);
    memcpy(pending->next, pending_newest(pending), layout->copy_bytes);
    pending->next->step = last;
    if (pending->step->is_restarted) {
        pending->next->n_readings = 0;
        session_base_restart(layout, pending->next, fresh);
    }
}

void pending_let_go(const struct pending_step *pending)
{
    struct pool *pool = pending->step->model->pool;
    const struct record_layout *layout = pool_layout(pool, pending->slot);
    char *record = pool_record(pool, pending->slot);
    if (!session_base_is_full(layout, pending->next)) {
        return;
    }
    if (pending->is_base_lost) {
        session_base_lose(layout, record, pending->next);
    } else {
        session_base_let_go(pending->step->model->active->gru, layout, record, pending->next,
                            pending->base_state);
    }
}
