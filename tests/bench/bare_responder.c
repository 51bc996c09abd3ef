/*
 * bare_responder.c - the least that a libmicrohttpd server can do: reads a body, answers 100 fixed
 * bytes. One thread, with the loop, the connection memory and the cancellation setting of grud's
 * workers (server/http/worker.c). Benchmarks compare grud with it: the difference is what grud
 * adds.
 *
 * Usage: bare_responder       prints its port, on 127.0.0.1; ends with SIGTERM
 */
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTION_MEMORY = 8 << 10, CONNECTIONS_MAX = 10000, REPLY_BYTES = 100 };

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
    (void)number;
    is_over = 1;
}

static enum MHD_Result on_call(void *cls, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *n_upload, void **seen)
{
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    if (!*seen) {
        *seen = cls;
        return MHD_YES;
    }
    if (*n_upload > 0) {
        *n_upload = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, cls);
}

/* A signal is only let in while ppoll waits: between a look at is_over and the wait it would be
 * missed, and the wait be one for ever. */
static void serve(struct MHD_Daemon *daemon)
{
    sigset_t all, none;
    sigemptyset(&none);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd events = { .fd = info->epoll_fd, .events = POLLIN };
    while (!is_over) {
        MHD_UNSIGNED_LONG_LONG ms = 0;
        bool has_timeout = MHD_get_timeout(daemon, &ms) == MHD_YES;
        if (!has_timeout || ms > 0) {
            const struct timespec most = { .tv_sec = (time_t)(ms / 1000),
                                           .tv_nsec = (long)(ms % 1000) * 1000000 };
            ppoll(&events, 1, has_timeout ? &most : NULL, &none);
        }
        MHD_run(daemon);
    }
}

/* As in a worker: glibc then skips its cancellation bookkeeping around each recv and sendmsg. */
static void refuse_cancellation(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
}

int main(void)
{
    static char body[REPLY_BYTES];
    memset(body, ' ', sizeof body);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof body, body, MHD_RESPMEM_PERSISTENT);
    if (!response ||
        MHD_add_response_header(response, "Content-Type", "application/json") != MHD_YES) {
        return EXIT_FAILURE;
    }
    struct sockaddr_in loopback = { .sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_call, response,
                         MHD_OPTION_SOCK_ADDR, &loopback,                               /* */
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, /* */
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_END);
    if (!daemon) {
        fputs("bare_responder: cannot listen\n", stderr);
        return EXIT_FAILURE;
    }
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGPIPE, SIG_IGN);
    printf("%u\n", (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    refuse_cancellation();
    serve(daemon);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    return EXIT_SUCCESS;
}
