/* socket.h - the state of a socket at this moment, without waiting. A leaf; any thread. */
#ifndef SOCKET_H
#define SOCKET_H

#include <stdbool.h>

/* Poll finds something to read or accept there; of an epoll, an event. */
bool socket_is_readable(int fd);
/* Bytes have come that were not read. */
bool socket_has_unread(int fd);
/* The client has closed its sending side, and nothing is left to read. */
bool socket_is_at_end(int fd);
/* The client has closed its sending side, or the socket, whatever is left to read. */
bool socket_has_hung_up(int fd);
/* The connection is gone: the client's host answers with a reset. */
bool socket_is_broken(int fd);

#endif
