/* worker_thread.c - see worker_thread.h. */
#include "http/worker_thread.h"

#include "base/log.h"
#include "http/access.h"
#include "http/limits.h"
#include "http/listen.h"
#include "http/mhd_error.h"
#include "secure/certificate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- libmicrohttpd's daemon ---- */

__attribute__((format(printf, 2, 0))) static void on_log(void *cls, const char *format,
                                                         va_list arguments)
{
    char message[256];
    va_list again;
    va_copy(again, arguments);
    mhd_error_on_log(cls, format, again);
    va_end(again);
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

static bool start_daemon(struct worker *worker)
{
    const struct config *config = worker->http->config;
    size_t limit = config->connection_max + EXCESS_CONNECTIONS;
    const bool has_tls = config->tls_cert[0] != '\0';
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)certificate_priorities },
        { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, certificate_callback() },
        { MHD_OPTION_END, 0, NULL },
    };
    worker->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME | (has_tls ? MHD_USE_TLS : 0),
        0, connection_on_accept, worker, exchange_on_call, worker, MHD_OPTION_EXTERNAL_LOGGER,
        on_log, worker,                                             /* must be the first */
        MHD_OPTION_LISTEN_SOCKET, worker->listen_fd,                /* */
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, limit_memory(config),   /* */
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)limit,               /* */
        MHD_OPTION_URI_LOG_CALLBACK, exchange_on_target, worker,    /* */
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, worker,         /* */
        MHD_OPTION_NOTIFY_CONNECTION, connection_on_notify, worker, /* */
        MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, worker, /* */
        MHD_OPTION_ARRAY, has_tls ? tls : tls + 2, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        worker->daemon ? MHD_get_daemon_info(worker->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    worker->events_fd = info ? info->epoll_fd : -1;
    return info != NULL;
}

/* ---- life ---- */

enum status worker_thread_create(struct http *http, struct service *service, int listen_fd,
                                 struct worker **ret_worker, struct fault *fault)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker) {
        close(listen_fd);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the HTTP workers");
    }
    *worker = (struct worker){ .http = http, .listen_fd = listen_fd, .wake_fd = -1 };
    pending_init(&worker->pending);
    TAILQ_INIT(&worker->free);
    TAILQ_INIT(&worker->arriving);
    streams_init(&worker->streams, reply_resume, offload_fetch);
    client_errors_init(&worker->client_errors);
    load_init(&worker->load);
    deadlines_init(&worker->deadlines, worker_shortest_wait_ns(http->config));
    access_join(worker);
    worker->is_of_cluster = http->config->cluster[0] != '\0';
    worker->is_in_place = MHD_get_version()[0] == '0';
    worker->metrics = metrics_create(http->n_routes);
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    offload_init(&worker->offload, worker->wake_fd);
    holds_init(&worker->holds, worker->wake_fd);
    if (!worker->metrics || worker->wake_fd < 0 || !reply_open_cache(worker) ||
        service_context_create(service, &worker->context) != STATUS_OK || !start_daemon(worker)) {
        worker_thread_free(worker);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "an HTTP worker cannot be set up");
    }
    *ret_worker = worker;
    return STATUS_OK;
}

static void *run(void *cls)
{
    worker_run(cls);
    return NULL;
}

/* Signals are main's. */
bool worker_thread_start(struct worker *worker, size_t number)
{
    char name[16];
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGBUS); /* one that is blocked ends the process (store/region_guard.h) */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    worker->is_running = pthread_create(&worker->thread, NULL, run, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (worker->is_running) {
        snprintf(name, sizeof name, "http-%zu", number % 1000);
        pthread_setname_np(worker->thread, name);
    }
    return worker->is_running;
}

void worker_thread_wake(struct worker *worker)
{
    const uint64_t one = 1;
    if (worker && write(worker->wake_fd, &one, sizeof one) < 0) {
        log_event(LOG_DEBUG, "wake_failed", LOG_INT("errno", errno));
    }
}

void worker_thread_join(struct worker *worker)
{
    if (worker && worker->is_running) {
        pthread_join(worker->thread, NULL);
        worker->is_running = false;
    }
}

void worker_thread_abandon(struct worker *worker)
{
    if (worker->is_running) {
        pthread_detach(worker->thread);
        worker->is_running = false;
    }
}

void worker_thread_free(struct worker *worker)
{
    if (!worker) {
        return;
    }
    worker_thread_join(worker);
    worker_stop_daemon(worker);
    listen_close(&worker->listen_fd, 1);
    if (worker->wake_fd >= 0) {
        close(worker->wake_fd);
    }
    access_leave(worker);
    reply_close_cache(&worker->replies);
    exchange_free_all(
        &worker->free); /* libmicrohttpd has ended all others with their connections */
    service_context_free(worker->context);
    free(worker->metrics);
    free(worker);
}
