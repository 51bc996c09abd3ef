#include "service/service_context.h"

#include "base/clock.h"
#include "service/cluster/engine.h"
#include "service/models/catalogue.h"
#include "service/pool/pool.h"
#include "service/rules/rules.h"
#include "service/service_private.h"
#include "service/sessions/recorder.h"
#include "service/sessions/rewarm_slices.h"
#include "service/sessions/slice.h"
#include "service/sessions/step_cluster.h"
#include "service/sessions/step_notes.h"

#include <stdlib.h>

enum { EVENT_BYTES_MAX = 16 << 20 /* that the text of a step with a long forecast may take */ };

enum status service_context_create(struct service *service, struct service_context **ret_context)
{
    struct fault fault;
    struct service_context *context = calloc(1, sizeof *context);
    if (!context || gru_work_create(&context->work) != GRU_OK ||
        recorder_open_outbox(service->recorder, &context->outbox) != STATUS_OK) {
        service_context_free(context);
        return STATUS_NO_MEMORY;
    }
    context->service = service;
    if (service->cluster &&
        (engine_create(service->cluster, &context->engine, &fault) != STATUS_OK ||
         step_cluster_create(context, &context->cluster) != STATUS_OK ||
         (service->recorder && !(context->notes = step_notes_create(service->recorder))))) {
        service_context_free(context);
        return STATUS_NO_MEMORY;
    }
    arena_init(&context->event_arena, EVENT_BYTES_MAX);
    context->generation = UINT64_MAX;
    context->owner = (uint16_t)(atomic_fetch_add(&service->n_contexts, 1) % (OWNER_ENGINE - 1) + 1);
    service_context_turn(context);
    *ret_context = context;
    return STATUS_OK;
}

void service_context_free(struct service_context *context)
{
    if (!context) {
        return;
    }
    engine_free(context->engine); /* what is out ends */
    step_cluster_free(context->cluster);
    step_notes_free(context->notes);
    catalogue_release(context);
    rules_release(context);
    recorder_close_outbox(context->outbox);
    gru_work_free(context->work);
    arena_done(&context->event_arena);
    free(context->pending_steps);
    free(context->blocked);
    free(context->copies);
    free(context->rewarm);
    rewarm_slices_free(context->rewarming);
    free(context);
}

struct service *service_context_service(const struct service_context *context)
{
    return context->service;
}

void service_context_turn(struct service_context *context)
{
    context->n_turns++;
    context->n_work_left = SLICE_WORK;
    context->now_ms = clock_steady_ms();
    catalogue_begin_turn(context);
    rules_renew(context);
}

void service_context_rest(struct service_context *context)
{
    catalogue_end_turn(context);
}
