/*
 * cluster_commands.h - the commands of a connection: the bytes that are to be sent, and who waits
 * for which reply. Once it has grown to what its link needs, a command allocates nothing. One
 * thread's.
 */
#ifndef CLUSTER_COMMANDS_H
#define CLUSTER_COMMANDS_H

#include "cluster/cluster_reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A command whose reply has not come. */
struct cluster_command {
    cluster_done *done;
    void *arg;
    uint64_t begins;  /* its first byte among all of the connection */
    int64_t since_ns; /* when it was added */
    uint64_t n_moved; /* by the connection until then */
};

struct cluster_commands {
    char *bytes; /* from `begin` to `end` those to be sent */
    size_t begin, end, room;
    uint64_t n_sent; /* bytes, since the last reset */
    struct cluster_command *ring;
    size_t n_ring; /* a power of two, or 0 */
    size_t first, n;
};

void cluster_commands_done(struct cluster_commands *commands);
/* Drops the bytes, for a new connection. No command is left. */
void cluster_commands_reset(struct cluster_commands *commands);

/* Appends a command, whose place in time is `command`'s. False, and nothing is appended: no memory,
 * or more than `most` bytes would wait. */
__attribute__((warn_unused_result)) bool cluster_commands_add(struct cluster_commands *commands,
                                                              const struct cluster_text *arguments,
                                                              size_t n, size_t most,
                                                              struct cluster_command command);
/* The one whose reply comes next; NULL: none. */
const struct cluster_command *cluster_commands_first(const struct cluster_commands *commands);
struct cluster_command cluster_commands_take(struct cluster_commands *commands);
static inline bool cluster_command_was_sent(const struct cluster_commands *commands,
                                            const struct cluster_command *command)
{
    return command->begins < commands->n_sent;
}

struct cluster_text cluster_commands_unsent(const struct cluster_commands *commands);
void cluster_commands_note_sent(struct cluster_commands *commands, size_t n);

#endif
