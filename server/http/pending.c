/* pending.c - see pending.h. */
#include "http/pending.h"

#include "http/worker.h"

void pending_init(struct pending *pending)
{
    TAILQ_INIT(&pending->stepping);
    TAILQ_INIT(&pending->predicting);
    TAILQ_INIT(&pending->blocked);
}

void pending_add(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    const struct prediction *prediction = exchange->request.prediction;
    exchange->is_pending = true;
    if (prediction) {
        TAILQ_INSERT_TAIL(&worker->pending.predicting, exchange, link);
        load_take_work(&worker->load, prediction->n_rows_left * prediction->row_work);
    } else {
        TAILQ_INSERT_TAIL(&worker->pending.stepping, exchange, link);
        load_take(&worker->load, exchange->n_rows);
    }
}

void pending_forget_steps(struct exchange *exchange)
{
    struct service_context *context = exchange->worker->context;
    const struct request *request = &exchange->request;
    for (size_t k = exchange->n_steps_done; k < request->n_steps && service_steps_out(context) > 0;
         k++) {
        if (request->steps[k].is_out) {
            service_steps_forget(context, &request->steps[k]);
        }
    }
}

void pending_remove(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    const struct prediction *prediction = exchange->request.prediction;
    if (exchange->phase == PHASE_BLOCKED) {
        TAILQ_REMOVE(&worker->pending.blocked, exchange, link);
    }
    if (!exchange->is_pending) {
        return;
    }
    exchange->is_pending = false;
    if (prediction) {
        TAILQ_REMOVE(&worker->pending.predicting, exchange, link);
        load_drop_work(&worker->load, prediction->n_rows_left * prediction->row_work);
    } else {
        TAILQ_REMOVE(&worker->pending.stepping, exchange, link);
        load_drop(&worker->load, exchange->n_rows);
    }
}

/* ---- what is blocked ---- */

/* The first retry comes after a millisecond, each further one after twice as long, up to 64. */
enum { RETRIES_DOUBLED = 6 };

static const int64_t RETRY_NS = 1000000;

void pending_block(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    unsigned k = exchange->n_retries < RETRIES_DOUBLED ? exchange->n_retries : RETRIES_DOUBLED;
    exchange->n_retries++;
    exchange->retry_ns = worker->now_ns + (RETRY_NS << k);
    exchange->phase = PHASE_BLOCKED;
    TAILQ_INSERT_TAIL(&worker->pending.blocked, exchange, link);
}

static void let_go(struct exchange *exchange, enum phase phase)
{
    TAILQ_REMOVE(&exchange->worker->pending.blocked, exchange, link);
    exchange->phase = phase;
    exchange_resume(exchange);
}

void pending_retry(struct worker *worker)
{
    struct exchange *next, *exchange = TAILQ_FIRST(&worker->pending.blocked);
    for (; exchange; exchange = next) {
        next = TAILQ_NEXT(exchange, link);
        if (worker->now_ns >= exchange->retry_ns &&
            !sessions_are_moving(worker->context, exchange->request.parameters[PARAMETER_MODEL])) {
            let_go(exchange, PHASE_DUE);
        }
    }
}

void pending_cut(struct worker *worker)
{
    struct exchange *exchange;
    while ((exchange = TAILQ_FIRST(&worker->pending.blocked))) {
        reply_fail(exchange, fault_status(exchange->request.fault));
        let_go(exchange, PHASE_ANSWERED);
    }
}

void pending_begin_slices(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    pending_remove(exchange);
    request->prediction = request->steps[exchange->n_steps_done].slices;
    exchange->queued_ns = exchange->worker->now_ns;
    pending_add(exchange);
}

void pending_end_slices(struct exchange *exchange, enum status status)
{
    struct request *request = &exchange->request;
    pending_remove(exchange);
    request->prediction = NULL;
    step_end_slices(&request->steps[exchange->n_steps_done], status, request->fault);
    pending_add(exchange);
}

void pending_end_wait(struct exchange *exchange, enum wait wait)
{
    const struct worker *worker = exchange->worker;
    if (exchange->queued_ns != 0) {
        metrics_wait(worker->metrics, wait, worker->now_ns - exchange->queued_ns);
        exchange->queued_ns = 0;
    }
}

void pending_end_prediction(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    metrics_prediction(exchange->worker->metrics, clock_monotonic_ns() - exchange->begun_ns);
    predict_end(request->prediction);
    request->prediction = NULL;
}

/* The steps of all requests in the order of their arrival; those that would make the batch take too
 * long stay for the next turn. Of each request only the first one may be worked on in slices, so
 * that it needs memory for that once. */
size_t pending_gather_steps(struct worker *worker, size_t *ret_n_rows)
{
    struct pending *pending = &worker->pending;
    size_t n = 0, n_rows = 0, n_work = 0, most = load_rows_at_once(&worker->load);
    struct exchange *exchange;
    TAILQ_FOREACH(exchange, &pending->stepping, link)
    {
        const struct request *request = &exchange->request;
        size_t n_taken = 0;
        for (size_t k = exchange->n_steps_done;
             k < request->n_steps && n < BATCH_STEPS && n_rows < most && n_work < SLICE_WORK; k++) {
            struct step *step = &request->steps[k];
            if (!step->is_done && !step->is_out) {
                step->may_slice = k == exchange->n_steps_done;
                n_rows += step->n_rows;
                n_work += step->n_work;
                pending->batch[n++] = step;
                if (++n_taken == STEPS_PER_REQUEST) {
                    break;
                }
            }
        }
        if (n_taken > 0) {
            pending_end_wait(exchange, WAIT_STEPS);
        }
    }
    *ret_n_rows = n_rows;
    return n;
}
