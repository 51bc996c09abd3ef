/* offload.c - see offload.h. */
#include "http/offload.h"

#include "base/clock.h"
#include "http/worker.h"

enum {
    LARGE_BODY_BYTES = 256 << 10, /* a few milliseconds of reading */
    LARGE_REPLY_VALUES = 64 << 10 /* and of printing */
};

void offload_init(struct offload *offload, int wake_fd)
{
    *offload = (struct offload){ .exchanges.wake_fd = wake_fd, .fetches.wake_fd = wake_fd };
}

/* ---- exchanges ---- */

static struct exchange *exchange_of_task(struct disk_task *task)
{
    struct exchange_buffers *buffers =
        (struct exchange_buffers *)((char *)task - offsetof(struct exchange_buffers, task));
    return &buffers->exchange;
}

/* On the disk's thread. */
static void run_handler(struct service_context *context, struct disk_task *task)
{
    struct exchange *exchange = exchange_of_task(task);
    struct request *request = &exchange->request;
    request->context = context;
    const struct route *route = request->route;
    exchange->buffers->waited_ns = clock_monotonic_ns() - exchange->queued_ns;
    exchange->buffers->handled = request->is_aside        ? route->upload(request, "", 0)
                                 : exchange->is_to_finish ? route->finish(request)
                                                          : route->handle(request);
    exchange->buffers->was_blocked =
        session_was_blocked(context) && exchange->buffers->handled != STATUS_OK;
}

enum disk_queue offload_queue(const struct exchange *exchange)
{
    const struct request *request = &exchange->request;
    bool is_large = !request->is_ndjson && request->n_body > LARGE_BODY_BYTES;
    if (request->route->is_page && request->config->page_dir[0] != '\0') {
        return DISK_LISTS;
    }
    if (request->route->is_of_session && request->config->cluster[0] != '\0') {
        return DISK_SESSIONS;
    }
    return request->route->is_read_aside && is_large ? DISK_BODIES : request->route->disk;
}

static size_t n_values(const struct prediction *prediction)
{
    const struct gru_info *info = gru_model_info(prediction->gru);
    size_t n = 0;
    for (size_t k = 0; k < prediction->n_sequences; k++) {
        const struct sequence *sequence = &prediction->sequences[k];
        n += (prediction->last_only ? 1 : sequence->n_rows) * info->y_floats +
             sequence->n_forecast * info->n_outputs;
    }
    return n;
}

enum disk_queue offload_finish_queue(const struct exchange *exchange)
{
    const struct request *request = &exchange->request;
    if (request->route->is_of_session && request->config->cluster[0] != '\0') {
        return DISK_SESSIONS;
    }
    const bool prints = request->prediction && !exchange->is_handed_in && !request->route->changes;
    return prints && n_values(request->prediction) > LARGE_REPLY_VALUES ? DISK_BODIES : DISK_NONE;
}

enum status offload_begin(struct exchange *exchange, enum disk_queue queue)
{
    struct worker *worker = exchange->worker;
    struct request *request = &exchange->request;
    struct disk_task *task = &exchange->buffers->task;
    *task = (struct disk_task){ .inbox = &worker->offload.exchanges, .run = run_handler };
    exchange->buffers->was_blocked = false;
    exchange->buffers->queue = queue;
    exchange->queued_ns = clock_monotonic_ns();
    const enum phase before = exchange->phase;
    exchange->phase = PHASE_OFFLOADED; /* the other thread reads it */
    if (!disk_thread_hand_in(service_context_service(worker->context), queue, task)) {
        exchange->phase = before;
        metrics_refuse(worker->metrics, REFUSED_HEAVY);
        return fault_set(request->fault, STATUS_OVERLOADED, NULL,
                         "too many requests wait for the disk, or to be read; send this one again "
                         "later");
    }
    worker->offload.n_out++;
    exchange_suspend(exchange); /* before this thread takes anything back */
    return STATUS_OK;
}

static const enum wait waits[] = { [DISK_MODELS] = WAIT_MODELS,
                                   [DISK_JOBS] = WAIT_JOBS,
                                   [DISK_BODIES] = WAIT_BODIES,
                                   [DISK_LISTS] = WAIT_LISTS,
                                   [DISK_SESSIONS] = WAIT_SESSIONS };

struct exchange *offload_take(struct worker *worker, enum status *ret_status)
{
    struct offload *offload = &worker->offload;
    struct disk_task *task = offload->back ? offload->back : disk_inbox_take(&offload->exchanges);
    if (!task) {
        return NULL;
    }
    struct exchange *exchange = exchange_of_task(task);
    offload->back = task->next;
    offload->n_out--;
    exchange->request.context = worker->context;
    if (task->was_run) {
        metrics_wait(worker->metrics, waits[exchange->buffers->queue],
                     exchange->buffers->waited_ns);
    }
    *ret_status = task->was_run ? exchange->buffers->handled
                                : fault_set(exchange->request.fault, STATUS_NOT_READY, NULL,
                                            "grud is stopping; nothing was done");
    return exchange;
}

/* ---- streams ---- */

static struct worker *worker_of_streams(struct streams *streams)
{
    return (struct worker *)((char *)streams - offsetof(struct worker, streams));
}

/* On the disk's thread. */
static void run_fetch(struct service_context *context, struct disk_task *task)
{
    struct worker *worker =
        (struct worker *)((char *)task - offsetof(struct worker, offload.fetch));
    streams_read(&worker->streams, context);
}

bool offload_fetch(struct streams *streams)
{
    struct worker *worker = worker_of_streams(streams);
    worker->offload.fetch =
        (struct disk_task){ .inbox = &worker->offload.fetches, .run = run_fetch };
    return disk_thread_hand_in(service_context_service(worker->context), DISK_JOBS,
                               &worker->offload.fetch);
}

void offload_end_fetch(struct worker *worker)
{
    const struct disk_task *fetched = disk_inbox_take(&worker->offload.fetches);
    if (fetched) {
        streams_end_fetch(&worker->streams, fetched->was_run, worker->now_ns);
    }
}

/* ---- the end ---- */

void offload_cut(struct worker *worker)
{
    struct service *service = service_context_service(worker->context);
    disk_threads_take_back(service, &worker->offload.exchanges);
    disk_threads_take_back(service, &worker->offload.fetches);
}
