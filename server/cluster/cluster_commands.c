#include "cluster/cluster_commands.h"

#include "base/digits.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROOM = 16 << 10,
    KEPT_ROOM = 4 << 20, /* of the buffer, when nothing is to be sent */
    FIRST_RING = 64,
    HEAD_MAX = 3 + DIGITS_MAX /* "$1234567890123456789\r\n" */
};

void cluster_commands_done(struct cluster_commands *commands)
{
    free(commands->bytes);
    free(commands->ring);
    *commands = (struct cluster_commands){ .n = 0 };
}

void cluster_commands_reset(struct cluster_commands *commands)
{
    commands->begin = commands->end = 0;
    commands->n_sent = 0;
}

/* ---- room ---- */

/* For n more bytes behind the others. */
static bool make_room(struct cluster_commands *commands, size_t n)
{
    const size_t n_unsent = commands->end - commands->begin;
    if (commands->room - commands->end >= n) {
        return true;
    }
    if (commands->begin > 0) {
        memmove(commands->bytes, commands->bytes + commands->begin, n_unsent);
        commands->begin = 0;
        commands->end = n_unsent;
    }
    size_t room = commands->room > 0 ? commands->room : FIRST_ROOM;
    while (room - n_unsent < n) {
        room *= 2;
    }
    char *bytes = room > commands->room ? realloc(commands->bytes, room) : commands->bytes;
    if (!bytes) {
        return false;
    }
    commands->bytes = bytes;
    commands->room = room;
    return true;
}

static bool make_place(struct cluster_commands *commands)
{
    if (commands->n < commands->n_ring) {
        return true;
    }
    const size_t n_ring = commands->n_ring > 0 ? 2 * commands->n_ring : FIRST_RING;
    struct cluster_command *ring = reallocarray(NULL, n_ring, sizeof *ring);
    if (!ring) {
        return false;
    }
    for (size_t k = 0; k < commands->n; k++) {
        ring[k] = commands->ring[(commands->first + k) & (commands->n_ring - 1)];
    }
    free(commands->ring);
    commands->ring = ring;
    commands->n_ring = n_ring;
    commands->first = 0;
    return true;
}

/* ---- commands ---- */

/* "$12\r\n" */
static char *put_head(char *p, char kind, size_t number)
{
    *p++ = kind;
    p += digits_put(p, number);
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

bool cluster_commands_add(struct cluster_commands *commands, const struct cluster_text *arguments,
                          size_t n, size_t most, struct cluster_command command)
{
    const size_t n_unsent = commands->end - commands->begin;
    size_t size = HEAD_MAX;
    for (size_t k = 0; k < n; k++) {
        if (arguments[k].n > most) {
            return false;
        }
        size += HEAD_MAX + arguments[k].n + 2;
    }
    if (n_unsent + size > most || !make_place(commands) || !make_room(commands, size)) {
        return false;
    }
    command.begins = commands->n_sent + n_unsent;
    char *p = put_head(commands->bytes + commands->end, '*', n);
    for (size_t k = 0; k < n; k++) {
        p = put_head(p, '$', arguments[k].n);
        p = mempcpy(p, arguments[k].bytes, arguments[k].n);
        *p++ = '\r';
        *p++ = '\n';
    }
    commands->end = (size_t)(p - commands->bytes);
    commands->ring[(commands->first + commands->n) & (commands->n_ring - 1)] = command;
    commands->n++;
    return true;
}

const struct cluster_command *cluster_commands_first(const struct cluster_commands *commands)
{
    return commands->n > 0 ? &commands->ring[commands->first] : NULL;
}

struct cluster_command cluster_commands_take(struct cluster_commands *commands)
{
    const struct cluster_command command = commands->ring[commands->first];
    commands->first = (commands->first + 1) & (commands->n_ring - 1);
    commands->n--;
    return command;
}

struct cluster_text cluster_commands_unsent(const struct cluster_commands *commands)
{
    return (struct cluster_text){ .bytes = commands->bytes + commands->begin,
                                  .n = commands->end - commands->begin };
}

void cluster_commands_note_sent(struct cluster_commands *commands, size_t n)
{
    commands->begin += n;
    commands->n_sent += n;
    if (commands->begin == commands->end) {
        commands->begin = commands->end = 0;
        if (commands->room > KEPT_ROOM) {
            free(commands->bytes);
            commands->bytes = NULL;
            commands->room = 0;
        }
    }
}
