/* A byte now and then holds no connection: not in the request line, the headers or the body, not
 * between requests, and not while the answer is taken. */
#include "daemon.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MODEL "/v1/models/pump"

enum { DRIP_MS = 100, PATIENCE_MS = 60000 };

static bool is_cut(int fd)
{
    char bytes[512];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

/* Sends `first` at once and then one byte at a time, until the server has enough of it. */
static void drip(const struct daemon *daemon, const char *first, char byte)
{
    int fd = client_connect(daemon);
    client_send(fd, first, strlen(first));
    int n_ms = 0;
    for (; !is_cut(fd); n_ms += DRIP_MS) {
        ck_assert_msg(n_ms < PATIENCE_MS, "'%.40s' holds a connection", first);
        client_send(fd, &byte, 1);
        usleep(DRIP_MS * 1000);
    }
    close(fd);
    expect(daemon, "GET", "/healthz", NULL, 200, NULL);
}

TEST(a_dripped_request_is_cut_in_every_phase)
{
    struct daemon daemon = daemon_start(
        (const char *const[]){ "--request-seconds", "1", "--idle-seconds", "1", NULL });
    drip(&daemon, "", 'G');
    drip(&daemon, "GET /", 'a');
    drip(&daemon, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", 'a');
    drip(&daemon,
         "POST /v1/models/torch-small/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
         "application/json\r\n"
         "Content-Length: 5000\r\n\r\n{",
         ' ');
    drip(&daemon,
         "POST /v1/models/torch-small/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
         "application/json\r\n"
         "Transfer-Encoding: chunked\r\n\r\n",
         '1');
    drip(&daemon, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
         '\n'); /* a second request that never begins */
    daemon_stop(&daemon);
}

/* A client with little room for what it is sent, so that the server keeps the rest. */
static int connect_narrow(const struct daemon *daemon)
{
    const int room = 4096, segment = 536;
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)daemon->port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

TEST(a_reply_that_is_sipped_is_cut)
{
    static const char ask[] = "GET " MODEL "/versions/1/file HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char aborted[] = "\ngrud_http_requests_aborted_total 1\n";
    struct daemon daemon = daemon_start((const char *const[]){ "--reply-seconds", "1", NULL });
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "160", NULL });
    int fd = connect_narrow(&daemon);
    client_send(fd, ask, sizeof ask - 1);
    bool was_cut = false;
    for (int n_ms = 0; !was_cut; n_ms += DRIP_MS) {
        char byte;
        ck_assert_int_lt(n_ms, PATIENCE_MS);
        ck_assert_int_ge(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
        usleep(DRIP_MS * 1000);
        struct answer answer = request(&daemon, "GET", "/metrics", NULL);
        was_cut = strstr(answer.body, aborted) != NULL;
        answer_free(&answer);
    }
    close(fd);
    daemon_stop(&daemon);
}
