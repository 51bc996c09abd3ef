/*
 * worker.c - a worker's turns.
 *
 * libmicrohttpd runs without a thread of its own. In its own epoll mode it stalls when exactly k *
 * 128 connections become ready together: it then waits for more events, with the full timeout,
 * before it looks at those (daemon.c, MHD_epoll). MHD_run never waits, so the waiting is done here.
 */
#include "http/worker.h"

#include "base/log.h"
#include "http/drain.h"
#include "http/revoke.h"
#include "http/socket.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DRAIN_POLL_MS = 10,
    STUCK_TURNS = 100,
    BLOCKED_POLL_MS = 1, /* how often it is looked whether another thread lets go of a session */
    TURNS_PER_SLICE = 4  /* libmicrohttpd needs that many to accept, read, have handled and answer:
                            what comes during one slice is not to wait for the next */
};

static const int64_t SECOND_NS = 1000000000, MILLISECOND_NS = 1000000;

/* ---- steps ---- */

/* Replies are made in the same turn: they may read from the models that it found. What is not done
 * goes on behind the others. Returns how many steps are done. */
static size_t finish_steps(struct worker *worker, int64_t began_ns)
{
    struct exchange *next, *last = TAILQ_LAST(&worker->pending.stepping, exchange_list);
    const bool owes_sync = commit_is_owed(worker->context);
    unsigned n_stuck = worker->pending.n_stuck_turns + 1;
    bool is_last = false;
    size_t n_finished = 0;
    for (struct exchange *exchange = TAILQ_FIRST(&worker->pending.stepping); !is_last;
         exchange = next) {
        const struct request *request = &exchange->request;
        const size_t n_done = exchange->n_steps_done;
        next = TAILQ_NEXT(exchange, link);
        is_last = exchange == last;
        timing_begin(&exchange->timing, began_ns);
        while (exchange->n_steps_done < request->n_steps &&
               request->steps[exchange->n_steps_done].is_done) {
            exchange->n_steps_done++;
        }
        n_finished += exchange->n_steps_done - n_done;
        exchange->owes_sync |= owes_sync; /* whose steps did is not known, and costs no more */
        n_stuck = exchange->n_steps_done > n_done ? 0 : n_stuck;
        if (exchange->n_steps_done == request->n_steps) {
            exchange_finish(exchange, STATUS_OK);
        } else if (request->steps[exchange->n_steps_done].slices) {
            pending_begin_slices(exchange);
        } else if (exchange->n_steps_done > n_done) {
            TAILQ_REMOVE(&worker->pending.stepping, exchange, link);
            TAILQ_INSERT_TAIL(&worker->pending.stepping, exchange, link);
        }
    }
    worker->pending.n_stuck_turns = n_stuck;
    return n_finished;
}

static void run_steps(struct worker *worker)
{
    size_t n_rows;
    worker_read_clock(worker);
    int64_t began_ns = worker->now_ns;
    size_t n = pending_gather_steps(worker, &n_rows);
    if (n > 0) {
        service_steps(worker->context, worker->pending.batch, n);
    }
    worker_read_clock(worker);
    size_t n_done = finish_steps(worker, began_ns);
    worker->n_quiet_turns = n + n_done > 0 ? 0 : worker->n_quiet_turns;
    worker_read_clock(worker);
    metrics_steps(worker->metrics, n_done, worker->now_ns - began_ns);
    load_measure_batch(&worker->load, n, n_rows, worker->now_ns - began_ns);
}

/* ---- predictions ---- */

/* A slice of the oldest prediction. A client that closes its socket, or only says that nothing more
 * will come, waits no longer for what takes so long. */
static void run_slice(struct worker *worker)
{
    struct exchange *exchange = TAILQ_FIRST(&worker->pending.predicting);
    struct prediction *prediction = exchange->request.prediction;
    const size_t n_rows = prediction->n_rows_left, row_work = prediction->row_work;
    if (socket_has_hung_up(exchange->connection->fd)) {
        exchange->is_given_up = true;
        return;
    }
    worker_read_clock(worker);
    int64_t began_ns = worker->now_ns;
    if (exchange->queued_ns != 0) {
        exchange->begun_ns = began_ns;
    }
    pending_end_wait(exchange, WAIT_PREDICTIONS);
    timing_begin(&exchange->timing, began_ns);
    enum status status = predict_go_on(worker->context, prediction, exchange->request.fault);
    const size_t n_work = prediction->n_rows_run * row_work;
    load_drop_work(&worker->load, n_rows * row_work);
    load_take_work(&worker->load, prediction->n_rows_left * row_work);
    bool is_over = status != STATUS_OK || prediction->n_rows_left == 0;
    if (is_over && exchange->is_handed_in) {
        pending_end_slices(exchange, status);
    } else if (is_over) {
        exchange_finish(exchange, status);
    }
    worker_read_clock(worker);
    load_measure_slice(&worker->load, n_work, worker->now_ns - began_ns);
}

/* ---- what was on a disk's thread ---- */

/* Whether a disk's thread has anything of the worker's, or has had it. */
static inline bool has_out(const struct worker *worker)
{
    return worker->offload.n_out > 0 || worker->holds.is_out ||
           !TAILQ_EMPTY(&worker->streams.fetching);
}

static void take_back(struct worker *worker)
{
    struct exchange *exchange;
    enum status status;
    while ((exchange = offload_take(worker, &status))) {
        exchange_return(exchange, status);
    }
    offload_end_fetch(worker);
    holds_take_back(worker);
}

/* Cuts what is not begun, and waits for what is: the process ends around a thread that stays too
 * long for that. */
static void end_offload(struct worker *worker)
{
    worker->is_over = true;
    offload_cut(worker);
    take_back(worker);
    pending_cut(worker); /* what has come back may be blocked */
    holds_begin(worker);
    while (has_out(worker) || !TAILQ_EMPTY(&worker->holds.list)) {
        uint64_t n;
        struct pollfd waited = { .fd = worker->wake_fd, .events = POLLIN };
        if (poll(&waited, 1, DRAIN_POLL_MS) > 0 && read(worker->wake_fd, &n, sizeof n) > 0) {
            take_back(worker);
            pending_cut(worker);
        }
        holds_begin(worker);
    }
    disk_inbox_end(&worker->holds.inbox);
    disk_inbox_end(&worker->offload.exchanges);
    disk_inbox_end(&worker->offload.fetches);
}

/* ---- a turn ---- */

/* Whether all steps that wait do so for the engine of a cluster. */
static bool is_all_out(const struct worker *worker)
{
    const struct exchange *exchange;
    if (!worker->is_of_cluster || service_steps_out(worker->context) == 0) {
        return false;
    }
    TAILQ_FOREACH(exchange, &worker->pending.stepping, link)
    {
        const struct request *request = &exchange->request;
        for (size_t k = exchange->n_steps_done; k < request->n_steps; k++) {
            if (!request->steps[k].is_done && !request->steps[k].is_out) {
                return false;
            }
        }
    }
    return true;
}

/* How long libmicrohttpd has nothing to do unless an event comes. It says that it has while a
 * connection waits for its steps, so where they are out it is given the turns that it needs for
 * others; they are few, and only the first looks for replies of the engine. */
static int64_t mhd_idle_ms(struct worker *worker)
{
    MHD_UNSIGNED_LONG_LONG ms;
    if (!TAILQ_EMPTY(&worker->pending.stepping)) {
        const bool is_quiet = worker->n_quiet_turns++ < TURNS_PER_SLICE;
        worker->has_engine_news = !is_quiet || worker->n_quiet_turns == 1;
        return is_quiet ? 0 : INT32_MAX;
    }
    return MHD_get_timeout(worker->daemon, &ms) == MHD_YES && ms < INT32_MAX ? (int64_t)ms
                                                                             : INT32_MAX;
}

/* How long there is nothing to do unless an event comes; -1: no limit. */
static int idle_ms(struct worker *worker)
{
    int64_t ms = mhd_idle_ms(worker);
    if (ms > 0 && worker->deadlines.next_ns != DEADLINE_NEVER) {
        int64_t sweep_ms = (worker->deadlines.next_ns - worker->now_ns) / MILLISECOND_NS + 1;
        ms = sweep_ms < ms ? sweep_ms : ms;
    }
    if (ms > 0 && worker->streams.next_ns != DEADLINE_NEVER) {
        int64_t tick_ms = (worker->streams.next_ns - worker->now_ns) / MILLISECOND_NS + 1;
        ms = tick_ms < ms ? tick_ms : ms;
    }
    if (ms > BLOCKED_POLL_MS && !TAILQ_EMPTY(&worker->pending.blocked)) {
        ms = BLOCKED_POLL_MS;
    }
    if (worker->is_draining && ms > DRAIN_POLL_MS) {
        ms = DRAIN_POLL_MS;
    }
    return ms == INT32_MAX ? -1 : ms < 0 ? 0 : (int)ms;
}

/* How long to wait at most, of ms (-1: no limit), with the engine. */
static int poll_engine(struct worker *worker, int ms, struct pollfd *ret_pollfd)
{
    int64_t engine_ns;
    service_steps_poll(worker->context, ret_pollfd, &engine_ns);
    const int64_t engine_ms = engine_ns / MILLISECOND_NS + 1;
    worker->engine_due_ns = worker->now_ns + engine_ns;
    return ms < 0 || engine_ms < ms ? (int)engine_ms : ms;
}

static void wait_for_events(struct worker *worker)
{
    worker->has_engine_news = true;
    bool is_stepping = !TAILQ_EMPTY(&worker->pending.stepping) && !is_all_out(worker);
    bool is_stuck =
        is_stepping && (worker->pending.n_stuck_turns > STUCK_TURNS ||
                        (worker->is_of_cluster && service_steps_out(worker->context) > 0));
    if (is_stepping && !is_stuck) {
        sched_yield(); /* another worker has one of the sessions, for microseconds */
        return;
    }
    const bool goes_on = worker->has_rest || !TAILQ_EMPTY(&worker->pending.predicting);
    int ms = goes_on ? 0 : is_stuck ? BLOCKED_POLL_MS : idle_ms(worker);
    worker->has_rest = false;
    if (ms == 0) {
        return; /* a prediction or a body goes on, or replies are to be sent, and MHD_run looks for
                   events by itself */
    }
    struct pollfd fds[3] = { { .fd = worker->events_fd, .events = POLLIN },
                             { .fd = worker->wake_fd, .events = POLLIN } };
    const nfds_t n_fds = worker->is_of_cluster ? 3 : 2;
    if (worker->is_of_cluster) {
        ms = poll_engine(worker, ms, &fds[2]);
    }
    uint64_t n;
    const int n_ready = poll(fds, n_fds, ms);
    worker->n_quiet_turns = n_ready > 0 ? 0 : worker->n_quiet_turns;
    worker->has_engine_news = n_ready <= 0 || fds[2].revents != 0;
    if (n_ready > 0 && fds[1].revents != 0 && read(worker->wake_fd, &n, sizeof n) < 0) {
        log_event(LOG_DEBUG, "wake_failed", LOG_INT("errno", errno));
    }
}

int64_t worker_shortest_wait_ns(const struct config *config)
{
    size_t waits[] = { config->request_seconds, config->idle_seconds, config->reply_seconds },
           shortest = EXCESS_SECONDS;
    for (size_t k = 0; k < sizeof waits / sizeof *waits; k++) {
        shortest = waits[k] < shortest ? waits[k] : shortest;
    }
    return (int64_t)shortest * SECOND_NS;
}

static void sweep(struct worker *worker)
{
    if (worker->now_ns >= worker->deadlines.next_ns) {
        if (!worker->is_draining) {
            worker->deadlines.shortest_ns = worker_shortest_wait_ns(worker->http->config);
        }
        deadlines_sweep(&worker->deadlines, worker->now_ns);
    }
}

static void take_turn(struct worker *worker)
{
    service_context_turn(worker->context);
    worker_read_clock(worker);
    load_begin(&worker->load, (int64_t)worker->http->config->queue_ms * MILLISECOND_NS,
               worker->now_ns);
    if (worker->is_of_cluster &&
        (worker->has_engine_news || worker->now_ns >= worker->engine_due_ns)) {
        service_steps_take(worker->context);
    }
    if (has_out(worker)) {
        take_back(worker);
    }
    if (!TAILQ_EMPTY(&worker->pending.blocked)) {
        pending_retry(worker);
    }
    if (worker->streams.n > 0) {
        revoke_streams(worker);
    }
    streams_tick(&worker->streams, worker->context, worker->now_ns);
    MHD_run(worker->daemon);
    if (!TAILQ_EMPTY(&worker->pending.stepping)) {
        run_steps(worker);
    }
    if (!TAILQ_EMPTY(&worker->pending.predicting) && ++worker->n_turns >= TURNS_PER_SLICE) {
        worker->n_turns = 0;
        run_slice(worker);
    }
    if (!TAILQ_EMPTY(&worker->holds.list)) {
        holds_begin(worker);
    }
    sweep(worker);
    bool has_more =
        load_is_long(&worker->load, worker->now_ns) && socket_is_readable(worker->events_fd);
    load_end(&worker->load, worker->now_ns, has_more);
}

/* ---- the end ---- */

void worker_stop_daemon(struct worker *worker)
{
    if (worker->daemon) {
        MHD_quiesce_daemon(worker->daemon); /* so that the socket stays ours to close */
        streams_close(
            &worker->streams); /* libmicrohttpd aborts if a connection is still suspended */
        streams_tick(&worker->streams, worker->context, worker->now_ns);
        MHD_run(worker->daemon);
        MHD_stop_daemon(worker->daemon);
        worker->daemon = NULL;
    }
}

/* This thread is never cancelled. This spares glibc its cancellation bookkeeping, an atomic
 * exchange before and after each recv and sendmsg: a hundredth of a step's cost. */
static void refuse_cancellation(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
}

void worker_run(struct worker *worker)
{
    refuse_cancellation();
    while (!drain_is_over(worker)) {
        wait_for_events(worker);
        take_turn(worker);
    }
    if (worker->n_requests > 0) {
        log_event(LOG_WARN, "requests_cut", LOG_INT("n", (int64_t)worker->n_requests));
    }
    end_offload(worker);
    worker_stop_daemon(worker); /* here, so that clients do not wait for the other workers to end */
    atomic_fetch_sub(&worker->http->n_running, 1);
}
