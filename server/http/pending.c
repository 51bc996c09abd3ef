/* pending.c - see pending.h. */
#include "http/pending.h"

#include "http/worker.h"

void pending_init(struct pending *pending)
{
    TAILQ_INIT(&pending->stepping);
    TAILQ_INIT(&pending->predicting);
}

void pending_add(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    const struct prediction *prediction = exchange->request.prediction;
    if (prediction) {
        exchange->phase = PHASE_PREDICTING;
        TAILQ_INSERT_TAIL(&worker->pending.predicting, exchange, link);
        load_take_work(&worker->load, prediction->n_rows_left * prediction->row_work);
    } else {
        exchange->phase = PHASE_STEPPING;
        TAILQ_INSERT_TAIL(&worker->pending.stepping, exchange, link);
        load_take(&worker->load, exchange->n_rows);
    }
}

void pending_remove(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    const struct prediction *prediction = exchange->request.prediction;
    if (exchange->phase == PHASE_PREDICTING) {
        TAILQ_REMOVE(&worker->pending.predicting, exchange, link);
        load_drop_work(&worker->load, prediction->n_rows_left * prediction->row_work);
    } else if (exchange->phase == PHASE_STEPPING) {
        TAILQ_REMOVE(&worker->pending.stepping, exchange, link);
        load_drop(&worker->load, exchange->n_rows);
    }
}

/* The steps of all requests in the order of their arrival; those that would make the batch take too
 * long stay for the next turn. */
size_t pending_gather_steps(struct worker *worker, size_t *ret_n_rows)
{
    struct pending *pending = &worker->pending;
    size_t n = 0, n_rows = 0, most = load_rows_at_once(&worker->load);
    struct exchange *exchange;
    TAILQ_FOREACH(exchange, &pending->stepping, link)
    {
        const struct request *request = &exchange->request;
        size_t n_taken = 0;
        for (size_t k = exchange->n_steps_done;
             k < request->n_steps && n < BATCH_STEPS && n_rows < most; k++) {
            if (!request->steps[k].is_done) {
                n_rows += pending_step_rows(&request->steps[k]);
                pending->batch[n++] = &request->steps[k];
                if (++n_taken == STEPS_PER_REQUEST) {
                    break;
                }
            }
        }
    }
    *ret_n_rows = n_rows;
    return n;
}
