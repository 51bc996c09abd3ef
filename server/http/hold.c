/* hold.c - see hold.h. */
#include "http/hold.h"

#include "http/worker.h"

void holds_init(struct holds *holds, int wake_fd)
{
    *holds = (struct holds){ .inbox.wake_fd = wake_fd };
    TAILQ_INIT(&holds->list);
}

void hold_note(struct exchange *exchange)
{
    exchange->owes_sync |= commit_is_owed(exchange->worker->context);
}

void hold_reply(struct exchange *exchange)
{
    struct holds *holds = &exchange->worker->holds;
    exchange->phase = PHASE_HELD;
    exchange->n_sync = holds->n_begun + 1; /* the one on its way may have begun before the write */
    TAILQ_INSERT_TAIL(&holds->list, exchange, link);
}

void hold_remove(struct exchange *exchange)
{
    if (exchange->phase == PHASE_HELD) {
        TAILQ_REMOVE(&exchange->worker->holds.list, exchange, link);
    }
}

/* ---- syncs ---- */

/* On the disk's thread. */
static void run_sync(struct service_context *context, struct disk_task *task)
{
    (void)task;
    commit_run(context);
}

void holds_begin(struct worker *worker)
{
    struct holds *holds = &worker->holds;
    const struct exchange *last = TAILQ_LAST(&holds->list, exchange_list);
    if (holds->is_out || !last || last->n_sync <= holds->n_begun) {
        return;
    }
    holds->task = (struct disk_task){ .inbox = &holds->inbox, .run = run_sync };
    holds->is_out =
        disk_thread_hand_in(service_context_service(worker->context), DISK_SYNCS, &holds->task);
    holds->n_begun += holds->is_out; /* else the next turn asks again */
}

static void let_go(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    struct request *request = &exchange->request;
    hold_remove(exchange);
    exchange->owes_sync = false;
    if (request->reply.code < 300 &&
        commit_has_failed(worker->context, request->parameters[PARAMETER_MODEL])) {
        reply_fail(exchange, commit_refuse(request->fault));
    }
    exchange->phase = PHASE_ANSWERED;
    exchange_resume(exchange);
}

void holds_take_back(struct worker *worker)
{
    struct holds *holds = &worker->holds;
    if (!disk_inbox_take(&holds->inbox)) {
        return;
    }
    struct exchange *exchange;
    holds->is_out = false;
    while ((exchange = TAILQ_FIRST(&holds->list)) && exchange->n_sync <= holds->n_begun) {
        let_go(exchange);
    }
}
