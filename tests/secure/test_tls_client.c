/* What the client makes of peers that are no TLS servers; tests/e2e asks the real one. */
#include "base/clock.h"
#include "secure/tls_client.h"
#include "test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static bool ask(int fd, int64_t patience_ms)
{
    static const char request[] = "GET / HTTP/1.1\r\n\r\n";
    char reply[256];
    return tls_client_ask(fd, request, sizeof request - 1, reply, sizeof reply,
                          clock_monotonic_ms() + patience_ms);
}

TEST(a_peer_that_does_not_speak_tls_is_told_from_one_that_is_silent)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    ck_assert(!ask(ends[0], 10));
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert_int_eq(write(ends[1], answer, sizeof answer - 1), sizeof answer - 1);
    ck_assert(!ask(ends[0], 60000));
    ck_assert_int_eq(errno, EPROTO);
    close(ends[1]);
    ck_assert(!ask(ends[0], 60000));
    ck_assert_int_eq(errno, EPROTO);
    close(ends[0]);
}
