/*
 * worker.c - the thread that serves a share of the connections.
 *
 * libmicrohttpd runs without a thread of its own. In its own epoll mode it stalls when exactly k *
 * 128 connections become ready together: it then waits for more events, with the full timeout,
 * before it looks at those (daemon.c, MHD_epoll). MHD_run never waits, so the waiting is done here.
 */
#include "base/clock.h"
#include "base/log.h"
#include "http/access.h"
#include "secure/certificate.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    MEMORY_BESIDE_HEAD_MIN = 2 << 10,
    DRAIN_POLL_MS = 10,
    TURNS_PER_SLICE = 4 /* it takes libmicrohttpd so many to accept, read, have handled and answer:
                           who came during one slice is not to wait for the next */
};

static const int64_t SECOND_NS = 1000000000, MILLISECOND_NS = 1000000;

void worker_read_clock(struct worker *worker)
{
    worker->now_ns = clock_monotonic_ns();
}

/* ---- connections ---- */

bool worker_has_many_of(const struct http *http, uint64_t address)
{
    size_t max = http->config->connection_address_max;
    return max > 0 && addresses_count(&http->addresses, address) > max;
}

/* Beyond this many it is better not to answer at all. */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t n_address)
{
    (void)n_address;
    const struct worker *worker = cls;
    const struct http *http = worker->http;
    size_t n = atomic_load_explicit(&http->n_connections, memory_order_relaxed);
    size_t max = http->config->connection_address_max;
    if (n >= http->config->connection_max + SURPLUS_CONNECTIONS) {
        metrics_refuse(worker->metrics, REFUSED_CONNECTION);
        return MHD_NO;
    }
    if (max > 0 &&
        addresses_count(&http->addresses, address_key(address)) >= max + SURPLUS_OF_ADDRESS) {
        metrics_refuse(worker->metrics, REFUSED_ADDRESS);
        return MHD_NO;
    }
    return MHD_YES;
}

static void open_connection(struct worker *worker, struct MHD_Connection *mhd, void **ret_context)
{
    struct http *http = worker->http;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct connection *connection = info && from ? calloc(1, sizeof *connection) : NULL;
    *ret_context = connection; /* NULL: its first request cuts it */
    if (!connection) {
        return;
    }
    size_t n = atomic_fetch_add(&http->n_connections, 1) + 1;
    connection->fd = info->connect_fd;
    connection->address = address_key(from->client_addr);
    addresses_enter(&http->addresses, connection->address);
    connection->is_surplus =
        n > http->config->connection_max || worker_has_many_of(http, connection->address);
    connection->ended_ns = worker->now_ns;
    /* libmicrohttpd tells of a request only once its first line is there: until then this clock
     * runs. */
    int64_t seconds =
        connection->is_surplus ? SURPLUS_SECONDS : (int64_t)http->config->request_seconds;
    connection->deadline_ns = worker->now_ns + seconds * SECOND_NS;
    deadlines_add(&worker->deadlines, connection, worker->now_ns);
}

static void close_connection(struct worker *worker, void **context)
{
    struct connection *connection = *context;
    *context = NULL;
    if (connection) {
        deadlines_remove(&worker->deadlines, connection);
        atomic_fetch_sub(&worker->http->n_connections, 1);
        addresses_leave(&worker->http->addresses, connection->address);
        free(connection);
    }
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct worker *worker = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        open_connection(worker, mhd, context);
    } else {
        close_connection(worker, context);
    }
    metrics_connections(worker->metrics, worker->deadlines.n_connections);
}

/* ---- a turn ---- */

size_t worker_step_rows(const struct step *step)
{
    return 1 + step->forecast_options.horizon;
}

/* The steps of all requests in the order of their arrival, as one batch; those that would make it
 * take too long stay for the next turn. */
static size_t gather_steps(struct worker *worker, size_t *ret_n_rows)
{
    size_t n = 0, n_rows = 0, most = load_rows_at_once(&worker->load);
    struct exchange *exchange;
    TAILQ_FOREACH(exchange, &worker->stepping, link)
    {
        const struct request *request = &exchange->request;
        size_t n_taken = 0;
        for (size_t k = exchange->n_steps_done;
             k < request->n_steps && n < BATCH_STEPS && n_rows < most; k++) {
            if (!request->steps[k].is_done) {
                n_rows += worker_step_rows(&request->steps[k]);
                worker->batch[n++] = &request->steps[k];
                if (++n_taken == STEPS_PER_REQUEST) {
                    break;
                }
            }
        }
    }
    *ret_n_rows = n_rows;
    return n;
}

/* Replies are made in the same turn: they may read from the models that it found. What is not done
 * goes on behind the others. */
static void finish_steps(struct worker *worker)
{
    struct exchange *next, *last = TAILQ_LAST(&worker->stepping, exchange_list);
    bool is_last = false;
    for (struct exchange *exchange = TAILQ_FIRST(&worker->stepping); !is_last; exchange = next) {
        const struct request *request = &exchange->request;
        const size_t n_done = exchange->n_steps_done;
        next = TAILQ_NEXT(exchange, link);
        is_last = exchange == last;
        while (exchange->n_steps_done < request->n_steps &&
               request->steps[exchange->n_steps_done].is_done) {
            exchange->n_steps_done++;
        }
        if (exchange->n_steps_done == request->n_steps) {
            exchange_finish(exchange, STATUS_OK);
        } else if (exchange->n_steps_done > n_done) {
            TAILQ_REMOVE(&worker->stepping, exchange, link);
            TAILQ_INSERT_TAIL(&worker->stepping, exchange, link);
        }
    }
}

static void run_steps(struct worker *worker)
{
    size_t n_rows, n = gather_steps(worker, &n_rows);
    worker_read_clock(worker);
    int64_t began_ns = worker->now_ns;
    if (n > 0) {
        service_steps(worker->context, worker->batch, n);
    }
    worker_read_clock(worker);
    finish_steps(worker);
    worker_read_clock(worker);
    load_measure_batch(&worker->load, n, n_rows, worker->now_ns - began_ns);
}

/* Who closes its socket, or only says that nothing more will come, waits no longer for what takes
 * so long. */
static bool has_hung_up(const struct connection *connection)
{
    struct pollfd poll_fd = { .fd = connection->fd, .events = POLLRDHUP };
    return poll(&poll_fd, 1, 0) > 0;
}

/* A slice of the oldest prediction. */
static void run_slice(struct worker *worker)
{
    struct exchange *exchange = TAILQ_FIRST(&worker->predicting);
    struct prediction *prediction = exchange->request.prediction;
    const size_t n_rows = prediction->n_rows_left, row_work = prediction->row_work;
    if (has_hung_up(exchange->connection)) {
        shutdown(exchange->connection->fd, SHUT_RDWR); /* libmicrohttpd's next turn gives it up */
        return;
    }
    worker_read_clock(worker);
    int64_t began_ns = worker->now_ns;
    enum status status = predict_go_on(worker->context, prediction, &exchange->request.fault);
    size_t n_work = (n_rows - prediction->n_rows_left) * row_work;
    load_drop_work(&worker->load, n_work);
    if (status != STATUS_OK || prediction->n_rows_left == 0) {
        exchange_finish(exchange, status);
    }
    worker_read_clock(worker);
    load_measure_slice(&worker->load, n_work, worker->now_ns - began_ns);
}

/* How long nothing will have to be done unless something happens; -1: for ever. */
static int idle_ms(struct worker *worker)
{
    MHD_UNSIGNED_LONG_LONG mhd_ms;
    int64_t ms = INT32_MAX;
    if (MHD_get_timeout(worker->daemon, &mhd_ms) == MHD_YES && mhd_ms < INT32_MAX) {
        ms = (int64_t)mhd_ms;
    }
    if (ms > 0 && worker->deadlines.next_ns != DEADLINE_NEVER) {
        int64_t sweep_ms = (worker->deadlines.next_ns - worker->now_ns) / MILLISECOND_NS + 1;
        ms = sweep_ms < ms ? sweep_ms : ms;
    }
    if (ms > 0 && worker->streams.next_ns != DEADLINE_NEVER) {
        int64_t tick_ms = (worker->streams.next_ns - worker->now_ns) / MILLISECOND_NS + 1;
        ms = tick_ms < ms ? tick_ms : ms;
    }
    if (worker->is_draining && ms > DRAIN_POLL_MS) {
        ms = DRAIN_POLL_MS;
    }
    return ms == INT32_MAX ? -1 : ms < 0 ? 0 : (int)ms;
}

static void wait_for_events(struct worker *worker)
{
    if (!TAILQ_EMPTY(&worker->stepping)) {
        sched_yield(); /* another worker has one of the sessions, for microseconds */
        return;
    }
    int ms = TAILQ_EMPTY(&worker->predicting) ? idle_ms(worker) : 0;
    if (ms == 0) {
        return; /* a prediction goes on, or replies are to be sent, and MHD_run looks for events by
                   itself */
    }
    struct pollfd fds[] = { { .fd = worker->events_fd, .events = POLLIN },
                            { .fd = worker->wake_fd, .events = POLLIN } };
    uint64_t n;
    if (poll(fds, 2, ms) > 0 && fds[1].revents != 0 && read(worker->wake_fd, &n, sizeof n) < 0) {
        log_event(LOG_DEBUG, "wake_failed", LOG_INT("errno", errno));
    }
}

bool worker_is_readable(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    return poll(&poll_fd, 1, 0) > 0;
}

/* The shortest time after which a connection may be to be cut; the configuration may change. */
static int64_t shortest_wait_ns(const struct config *config)
{
    size_t waits[] = { config->request_seconds, config->idle_seconds, config->reply_seconds },
           shortest = SURPLUS_SECONDS;
    for (size_t k = 0; k < sizeof waits / sizeof *waits; k++) {
        shortest = waits[k] < shortest ? waits[k] : shortest;
    }
    return (int64_t)shortest * SECOND_NS;
}

static void sweep(struct worker *worker)
{
    if (worker->now_ns >= worker->deadlines.next_ns) {
        if (!worker->is_draining) {
            worker->deadlines.shortest_ns = shortest_wait_ns(worker->http->config);
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
    streams_tick(&worker->streams, worker->now_ns);
    MHD_run(worker->daemon);
    if (!TAILQ_EMPTY(&worker->stepping)) {
        run_steps(worker);
    }
    if (!TAILQ_EMPTY(&worker->predicting) && ++worker->n_turns >= TURNS_PER_SLICE) {
        worker->n_turns = 0;
        run_slice(worker);
    }
    sweep(worker);
    bool has_more =
        load_is_long(&worker->load, worker->now_ns) && worker_is_readable(worker->events_fd);
    load_end(&worker->load, worker->now_ns, has_more);
}

/* ---- the end ---- */

static void stop_daemon(struct worker *worker)
{
    if (worker->daemon) {
        MHD_quiesce_daemon(worker->daemon); /* so that the socket stays ours to close */
        streams_close(
            &worker->streams); /* libmicrohttpd aborts if a connection is still suspended */
        streams_tick(&worker->streams, worker->now_ns);
        MHD_run(worker->daemon);
        MHD_stop_daemon(worker->daemon);
        worker->daemon = NULL;
    }
}

/* Nobody cancels this thread. Said like this, glibc need not note at each recv and sendmsg that
 * they may be cancelled, with an atomic exchange before and one behind: a hundredth of a step's
 * cost. */
static void refuse_cancellation(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
}

static void *run(void *cls)
{
    struct worker *worker = cls;
    refuse_cancellation();
    while (!drain_is_over(worker)) {
        wait_for_events(worker);
        take_turn(worker);
    }
    if (worker->n_requests > 0) {
        log_event(LOG_WARN, "requests_cut", LOG_INT("n", (int64_t)worker->n_requests));
    }
    stop_daemon(worker); /* here, so that clients do not wait for the other workers to end */
    atomic_fetch_sub(&worker->http->n_running, 1);
    return NULL;
}

/* ---- life ---- */

__attribute__((format(printf, 2, 0))) static void on_log(void *cls, const char *format,
                                                         va_list arguments)
{
    (void)cls;
    char message[256];
    if (log_enabled(LOG_DEBUG) && vsnprintf(message, sizeof message, format, arguments) > 0) {
        log_event(LOG_DEBUG, "microhttpd", LOG_STRING("message", message));
    }
}

/* Targets stay as they came: the router decodes what it takes out of them. */
static size_t keep_escapes(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

/* It holds a request's head, pointers to its headers, and the head of the reply. libmicrohttpd
 * zeroes it for each request, so that twice the default costs a fiftieth of a step. */
static size_t connection_memory(const struct config *config)
{
    size_t beside = config->header_max / 3;
    return config->header_max + (beside > MEMORY_BESIDE_HEAD_MIN ? beside : MEMORY_BESIDE_HEAD_MIN);
}

static bool start_daemon(struct worker *worker)
{
    const struct config *config = worker->http->config;
    size_t limit = config->connection_max + SURPLUS_CONNECTIONS;
    const bool has_tls = config->tls_cert[0] != '\0';
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)certificate_priorities },
        { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, certificate_callback() },
        { MHD_OPTION_END, 0, NULL },
    };
    worker->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME | (has_tls ? MHD_USE_TLS : 0),
        0, on_accept, worker, exchange_on_call, worker, MHD_OPTION_EXTERNAL_LOGGER, on_log,
        worker,                                                        /* must be the first */
        MHD_OPTION_LISTEN_SOCKET, worker->listen_fd,                   /* */
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory(config), /* */
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)limit,                  /* */
        MHD_OPTION_URI_LOG_CALLBACK, exchange_on_target, worker,       /* */
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, worker,            /* */
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, worker,           /* */
        MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, worker,    /* */
        MHD_OPTION_ARRAY, has_tls ? tls : tls + 2, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        worker->daemon ? MHD_get_daemon_info(worker->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    worker->events_fd = info ? info->epoll_fd : -1;
    return info != NULL;
}

enum status worker_start(struct http *http, struct service *service, int listen_fd,
                         struct worker **ret_worker, struct fault *fault)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker) {
        close(listen_fd);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the HTTP workers");
    }
    *worker = (struct worker){ .http = http, .listen_fd = listen_fd, .wake_fd = -1 };
    TAILQ_INIT(&worker->stepping);
    TAILQ_INIT(&worker->predicting);
    TAILQ_INIT(&worker->free);
    streams_init(&worker->streams, reply_resume);
    load_init(&worker->load);
    deadlines_init(&worker->deadlines, shortest_wait_ns(http->config));
    access_join(worker);
    worker->is_in_place = MHD_get_version()[0] == '0';
    worker->metrics = metrics_create(http_n_routes);
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!worker->metrics || worker->wake_fd < 0 || !reply_prepare(worker) ||
        service_context_create(service, &worker->context) != STATUS_OK || !start_daemon(worker)) {
        worker_stop(worker);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "an HTTP worker cannot be set up");
    }
    *ret_worker = worker;
    return STATUS_OK;
}

/* Signals are main's. */
bool worker_run_thread(struct worker *worker, size_t number)
{
    char name[16];
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    worker->is_running = pthread_create(&worker->thread, NULL, run, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (worker->is_running) {
        snprintf(name, sizeof name, "http-%zu", number % 1000);
        pthread_setname_np(worker->thread, name);
    }
    return worker->is_running;
}

void worker_wake(struct worker *worker)
{
    const uint64_t one = 1;
    if (worker && write(worker->wake_fd, &one, sizeof one) < 0) {
        log_event(LOG_DEBUG, "wake_failed", LOG_INT("errno", errno));
    }
}

void worker_join(struct worker *worker)
{
    if (worker && worker->is_running) {
        pthread_join(worker->thread, NULL);
        worker->is_running = false;
    }
}

void worker_abandon(struct worker *worker)
{
    if (worker->is_running) {
        pthread_detach(worker->thread);
        worker->is_running = false;
    }
}

void worker_stop(struct worker *worker)
{
    if (!worker) {
        return;
    }
    worker_join(worker);
    stop_daemon(worker);
    listen_close(&worker->listen_fd, 1);
    if (worker->wake_fd >= 0) {
        close(worker->wake_fd);
    }
    access_leave(worker);
    reply_free_kept(worker);
    exchange_free_all(
        &worker->free); /* libmicrohttpd has ended all others with their connections */
    service_context_free(worker->context);
    free(worker->metrics);
    free(worker);
}
