/* socket.c - see socket.h. */
#include "http/socket.h"

#include <poll.h>
#include <sys/socket.h>

static bool has_events(int fd, short events)
{
    struct pollfd poll_fd = { .fd = fd, .events = events };
    return poll(&poll_fd, 1, 0) > 0;
}

bool socket_is_readable(int fd)
{
    return has_events(fd, POLLIN);
}

bool socket_has_unread(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool socket_is_at_end(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

bool socket_has_hung_up(int fd)
{
    return has_events(fd, POLLRDHUP);
}

bool socket_is_broken(int fd)
{
    return has_events(fd, 0); /* POLLERR and POLLHUP are always told */
}
