#include "http/deadlines.h"

#include "http/socket.h"

#include <sys/socket.h>

static const int64_t SWEEP_NS = 250 * 1000000LL;

void deadlines_init(struct deadlines *deadlines, int64_t shortest_ns)
{
    *deadlines = (struct deadlines){ .shortest_ns = shortest_ns, .next_ns = DEADLINE_NEVER };
    TAILQ_INIT(&deadlines->connections);
}

void deadlines_add(struct deadlines *deadlines, struct connection *connection, int64_t now_ns)
{
    TAILQ_INSERT_TAIL(&deadlines->connections, connection, link);
    if (deadlines->n_connections++ == 0) {
        deadlines->next_ns = now_ns + SWEEP_NS;
    }
}

void deadlines_remove(struct deadlines *deadlines, struct connection *connection)
{
    TAILQ_REMOVE(&deadlines->connections, connection, link);
    if (--deadlines->n_connections == 0) {
        deadlines->next_ns = DEADLINE_NEVER;
    }
}

void deadlines_hurry(struct deadlines *deadlines)
{
    deadlines->shortest_ns = SWEEP_NS;
    deadlines->next_ns = 0;
}

void deadlines_sweep(struct deadlines *deadlines, int64_t now_ns)
{
    if (now_ns < deadlines->next_ns) {
        return;
    }
    struct connection *connection;
    int64_t next_ns = now_ns + deadlines->shortest_ns;
    TAILQ_FOREACH(connection, &deadlines->connections, link)
    {
        if (connection->deadline_ns <= now_ns ||
            (!connection->is_whole && socket_is_at_end(connection->fd))) {
            shutdown(connection->fd, SHUT_RDWR);
            connection->deadline_ns = DEADLINE_NEVER;
        } else if (connection->deadline_ns < next_ns) {
            next_ns = connection->deadline_ns;
        }
    }
    deadlines->next_ns = next_ns > now_ns + SWEEP_NS ? next_ns : now_ns + SWEEP_NS;
}
