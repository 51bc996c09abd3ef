#include "http/socket.h"

#include "test.h"

#include <sys/socket.h>
#include <unistd.h>

struct pair {
    int ours, theirs;
};

static struct pair open_pair(void)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    return (struct pair){ fds[0], fds[1] };
}

TEST(a_silent_socket_says_nothing)
{
    struct pair pair = open_pair();
    ck_assert(!socket_is_readable(pair.ours) && !socket_has_unread(pair.ours));
    ck_assert(!socket_is_at_end(pair.ours) && !socket_has_hung_up(pair.ours));
    ck_assert(!socket_is_broken(pair.ours));
    close(pair.ours);
    close(pair.theirs);
}

TEST(bytes_that_have_come_stay_unread)
{
    struct pair pair = open_pair();
    ck_assert_int_eq(write(pair.theirs, "x", 1), 1);
    for (int k = 0; k < 2; k++) {
        ck_assert(socket_is_readable(pair.ours) && socket_has_unread(pair.ours));
        ck_assert(!socket_is_at_end(pair.ours) && !socket_has_hung_up(pair.ours));
    }
    close(pair.ours);
    close(pair.theirs);
}

TEST(a_client_that_sends_no_more_has_hung_up_and_is_at_its_end_once_all_is_read)
{
    char byte;
    struct pair pair = open_pair();
    ck_assert_int_eq(write(pair.theirs, "x", 1), 1);
    ck_assert_int_eq(shutdown(pair.theirs, SHUT_WR), 0);
    ck_assert(socket_has_hung_up(pair.ours) && !socket_is_at_end(pair.ours));
    ck_assert_int_eq(read(pair.ours, &byte, 1), 1);
    ck_assert(socket_has_hung_up(pair.ours) && socket_is_at_end(pair.ours));
    ck_assert(!socket_is_broken(pair.ours));
    close(pair.theirs);
    ck_assert(socket_is_broken(pair.ours));
    close(pair.ours);
}
