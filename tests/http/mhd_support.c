#include "http/mhd_support.h"

#include "http/guard.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS_MAX = 50 };

struct hearing {
    struct exchange_world *world;
    void (*on_head)(struct exchange_world *world, const char *version, void *context);
    void *context;
    bool was_called;
};

/* ---- connections ---- */

static struct sockaddr_in address_of(uint32_t address)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
}

int mhd_connect(struct MHD_Daemon *daemon, uint32_t address)
{
    int ends[2];
    const struct sockaddr_in from = address_of(address);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    MHD_add_connection(daemon, ends[0], (const struct sockaddr *)&from, sizeof from);
    MHD_run(daemon);
    return ends[1];
}

static enum MHD_Result refuse(void *cls, struct MHD_Connection *mhd, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *n_upload, void **context)
{
    (void)cls;
    (void)mhd;
    (void)path;
    (void)method;
    (void)version;
    (void)upload;
    (void)n_upload;
    (void)context;
    return MHD_NO;
}

struct MHD_Daemon *mhd_start(struct exchange_world *world)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_NO_LISTEN_SOCKET, 0, connection_on_accept, &world->worker, refuse, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, connection_on_notify, &world->worker, MHD_OPTION_END);
    ck_assert_ptr_nonnull(daemon);
    return daemon;
}

/* ---- requests ---- */

static void *on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct hearing *hearing = cls;
    struct connection *connection = &hearing->world->connection;
    (void)mhd;
    connection->target = target;
    connection->n_target = strlen(target);
    connection->target_problem = guard_target(target, connection->n_target);
    return NULL;
}

static size_t keep_escapes(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

static enum MHD_Result on_call(void *cls, struct MHD_Connection *mhd, const char *path,
                               const char *method, const char *version, const char *upload,
                               size_t *n_upload, void **context)
{
    struct hearing *hearing = cls;
    struct exchange *exchange = hearing->world->exchange;
    (void)upload;
    (void)n_upload;
    (void)context;
    exchange->mhd = mhd;
    exchange->path = path;
    exchange->method = method;
    hearing->was_called = true;
    hearing->on_head(hearing->world, version, hearing->context);
    exchange->mhd = NULL;
    return MHD_NO;
}

void mhd_send(struct exchange_world *world, const char *request,
              void (*on_head)(struct exchange_world *world, const char *version, void *context),
              void *context)
{
    struct hearing hearing = { .world = world, .on_head = on_head, .context = context };
    world->worker.is_in_place = MHD_get_version()[0] == '0';
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_call, &hearing, MHD_OPTION_URI_LOG_CALLBACK,
        on_target, &hearing, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
    ck_assert_ptr_nonnull(daemon);
    int client = mhd_connect(daemon, INADDR_LOOPBACK);
    ck_assert_int_eq(write(client, request, strlen(request)), (ssize_t)strlen(request));
    for (int k = 0; k < TURNS_MAX && !hearing.was_called; k++) {
        ck_assert_int_eq(MHD_run(daemon), MHD_YES);
    }
    MHD_stop_daemon(daemon);
    close(client);
    ck_assert_msg(hearing.was_called, "libmicrohttpd took no request from %s", request);
}
