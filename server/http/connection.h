/*
 * connection.h - one client's connection, from its accept to its close. Belongs to the thread of
 * the worker that accepted it.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct http;
struct worker;

enum {
    EXCESS_CONNECTIONS = 256, /* beyond --connection-max, so that they can be answered with 503 */
    EXCESS_OF_ADDRESS = 16,   /* the same, beyond --connection-address-max */
    EXCESS_SECONDS = 5,       /* for the request of such a connection */
    HOST_KEPT_MAX = 56        /* bytes of a Host; a longer one is looked at in each request */
};

struct connection {
    TAILQ_ENTRY(connection) link;
    TAILQ_ENTRY(connection) arriving; /* among the worker's that have a request */
    struct MHD_Connection *mhd;
    int fd;
    int64_t deadline_ns; /* of the monotonic clock */
    int64_t began_ns;    /* the request that is arriving or being answered */
    int64_t ended_ns;    /* the one before was answered, or the connection opened */
    uint64_t address;    /* where it comes from (addresses.h) */
    bool has_request;
    bool has_head;        /* of that, and it was handed on by libmicrohttpd */
    bool is_whole;        /* the request is whole: the client may hang up its sending side */
    bool is_excess;       /* beyond a limit: told to come back later */
    bool is_disconnected; /* shut down at the end, between two requests: none is taken from it any
                             more */
    int64_t heard_ns;     /* at the end: when bytes had come last, and how many in all */
    uint64_t n_heard;
    int sent_code;            /* of an error that was sent past libmicrohttpd (mhd_error.h), or 0 */
    char host[HOST_KEPT_MAX]; /* the last one that was found to be ours (origin.h) */
    size_t n_host;
    const char *target; /* the raw request target, until the first call of the handler */
    size_t n_target;
    const char *target_problem;
};

TAILQ_HEAD(connection_list, connection);

/* Whether its address has more connections than one may have. */
bool connection_is_one_of_many(const struct http *http, uint64_t address);
/* NULL: there was no memory for it when it was opened. */
static inline struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* A request's first line has arrived; it is answered, or never will be. */
void connection_begin_request(struct worker *worker, struct connection *connection);
void connection_end_request(struct worker *worker, struct connection *connection);

/* ---- libmicrohttpd's callbacks; `worker` is a struct worker ---- */

enum MHD_Result connection_on_accept(void *worker, const struct sockaddr *address,
                                     socklen_t n_address);
void connection_on_notify(void *worker, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what);

#endif
