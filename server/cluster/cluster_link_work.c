/* What a link does by itself: connecting, greeting, reading, writing, ending. */
#include "base/clock.h"
#include "base/log.h"
#include "cluster/cluster_link_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    BACKOFF_MOST_NS = 500 * CLUSTER_MS_NS,
    MIB_NS = 1000 * CLUSTER_MS_NS, /* that moving a MiB may take */
    READS_A_TURN = 16              /* before others have their turn */
};
#define READY_LOGGED (1ULL << 63)
_Static_assert(CLUSTER_IS_REFUSED < 63, "each trouble has a bit of its own");

/* ---- changes of its state ---- */

/* One line for all links to an engine, however often each of them tries. */
static void log_failure(const struct cluster_link *link)
{
    const bool is_loss = link->failure.trouble == CLUSTER_IS_LOST;
    const uint64_t bit = 1ULL << link->failure.trouble;
    struct fault fault;
    if (!(atomic_fetch_or(&link->target->logged, bit) & bit)) {
        cluster_trouble_fault(link->failure.trouble, link->failure.details, &fault);
        log_event(is_loss ? LOG_ERROR : LOG_WARN, is_loss ? "cluster_lost_writes" : "cluster_unfit",
                  LOG_STRING("engine", link->target->name), LOG_STRING("reason", fault.message));
    }
}

static void log_healing(const struct cluster_link *link)
{
    log_event(LOG_ERROR, "cluster_lost_writes", LOG_STRING("engine", link->target->name),
              LOG_INT("left", link->n_left),
              LOG_STRING("advice", "the nodes give back what their caches have"));
}

static void log_ready(const struct cluster_link *link)
{
    if (atomic_exchange(&link->target->logged, READY_LOGGED) != READY_LOGGED) {
        log_event(LOG_INFO, "cluster_ready", LOG_STRING("engine", link->target->name),
                  LOG_STRING("epoch", link->known.epoch));
    }
    if (link->greeting.may_evict && !atomic_exchange(&link->target->is_warned, true)) {
        log_event(LOG_WARN, "cluster_may_evict", LOG_STRING("engine", link->target->name),
                  LOG_STRING("reason",
                             "when its memory is full it drops keys, and sessions with them: set "
                             "its maxmemory-policy to noeviction"));
    }
}

/* Half as long to half as long again, so that nodes do not come all at once. */
static int64_t jittered(struct cluster_link *link, int64_t ns)
{
    link->random ^= link->random << 13;
    link->random ^= link->random >> 17;
    link->random ^= link->random << 5;
    return ns / 2 + (int64_t)(link->random % (uint32_t)ns);
}

static void take_sign_of_life(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    (void)arg;
    (void)reply;
    (void)was_sent;
}

/* What somebody has asked the engine for: neither the greeting, nor a sign of life. */
static bool is_trip(const struct cluster_link *link, const struct cluster_command *command)
{
    return command->done != take_sign_of_life && command->arg != &link->greeting;
}

void cluster_link_end_all(struct cluster_link *link)
{
    while (link->commands.n > 0) {
        const struct cluster_command command = cluster_commands_take(&link->commands);
        const bool was_sent = cluster_command_was_sent(&link->commands, &command);
        histogram_count(&link->counts->n_unanswered, was_sent && is_trip(link, &command));
        command.done(command.arg, NULL, was_sent);
    }
    cluster_commands_reset(&link->commands);
}

/* The attempt, or the connection, has ended: the next begins after a rest. */
static void rest(struct cluster_link *link, int64_t now_ns)
{
    if (link->ready_ns != 0 && now_ns - link->ready_ns > BACKOFF_MOST_NS) {
        link->backoff_ns = CLUSTER_BACKOFF_NS;
    }
    link->state = LINK_RESTS;
    link->due_ns = now_ns + jittered(link, link->backoff_ns);
    link->backoff_ns =
        link->backoff_ns < BACKOFF_MOST_NS / 2 ? 2 * link->backoff_ns : BACKOFF_MOST_NS;
    /* the host may have another address that is better, or a new one */
    link->address = link->ready_ns == 0 && link->address ? link->address->ai_next : NULL;
    link->ready_ns = 0;
    link->n_failures++;
    histogram_count(&link->counts->failures[link->failure.trouble], 1);
    link->has_more = link->is_held = false;
    cluster_socket_close(&link->socket);
    log_failure(link);
    cluster_link_end_all(link);
}

static void fail(struct cluster_link *link, enum cluster_trouble trouble, const char *details,
                 int64_t now_ns)
{
    link->failure.trouble = trouble;
    snprintf(link->failure.details, sizeof link->failure.details, "%s", details);
    rest(link, now_ns);
}

/* ---- connecting ---- */

bool cluster_link_queue(void *cls, const struct cluster_text *arguments, size_t n,
                        cluster_done *done, void *arg)
{
    struct cluster_link *link = cls;
    const struct cluster_command command = { .done = done,
                                             .arg = arg,
                                             .since_ns = clock_monotonic_ns(),
                                             .n_moved = link->commands.n_sent + link->n_received };
    return cluster_commands_add(&link->commands, arguments, n, CLUSTER_OUT_MAX, command);
}

static void begin_lookup(struct cluster_link *link, int64_t now_ns)
{
    const struct cluster_url *url = &link->target->url;
    cluster_lookup_free(link->lookup);
    link->lookup = cluster_lookup_begin(url->host, url->port);
    link->state = LINK_LOOKS_UP;
    if (!link->lookup) {
        fail(link, CLUSTER_IS_NO_MEMORY, "to look its host up", now_ns);
    }
}

static void open_socket(struct cluster_link *link, int64_t now_ns)
{
    if (cluster_socket_open(&link->socket, link->address, &link->failure) == CLUSTER_FAILED) {
        rest(link, now_ns);
        return;
    }
    link->state = LINK_CONNECTS;
    link->due_ns = now_ns + link->target->timeout_ns;
}

static void look_up(struct cluster_link *link, int64_t now_ns)
{
    const char *reason = "";
    switch (cluster_lookup_look(link->lookup, &link->address, &reason)) {
    case CLUSTER_FOUND:
        open_socket(link, now_ns);
        return;
    case CLUSTER_FOUND_NOTHING:
        fail(link, CLUSTER_IS_UNKNOWN_HOST, reason, now_ns);
        return;
    case CLUSTER_FINDS:
        return;
    }
}

static void greet(struct cluster_link *link, int64_t now_ns)
{
    link->n_received = 0;
    link->heard_ns = now_ns;
    if (!cluster_reader_reset(link->reader)) {
        fail(link, CLUSTER_IS_NO_MEMORY, "to read its replies", now_ns);
        return;
    }
    link->state = LINK_GREETS;
    cluster_greeting_begin(&link->greeting, link->target, &link->known, link->admits_loss,
                           cluster_link_queue, link);
}

static void connect_on(struct cluster_link *link, int64_t now_ns)
{
    switch (cluster_socket_connect(&link->socket, link->target, &link->failure)) {
    case CLUSTER_OVER:
        greet(link, now_ns);
        return;
    case CLUSTER_FAILED:
        rest(link, now_ns);
        return;
    case CLUSTER_GOES_ON:
        if (now_ns >= link->due_ns) {
            fail(link, CLUSTER_IS_SLOW, "nor take the connection", now_ns);
        }
        return;
    }
}

/* The next address of a host that has several, before they are looked up anew. */
void cluster_link_try(struct cluster_link *link, int64_t now_ns)
{
    if (link->address) {
        open_socket(link, now_ns);
    } else {
        begin_lookup(link, now_ns);
    }
    if (link->state == LINK_LOOKS_UP) {
        look_up(link, now_ns);
    }
}

/* ---- a connection at work ---- */

static void become_ready(struct cluster_link *link, int64_t now_ns)
{
    link->state = LINK_READY;
    link->ready_ns = now_ns;
    histogram_count(&link->counts->n_connections, 1);
    link->known = link->greeting.found;
    link->n_left = link->greeting.n_left;
    if (link->n_left < 0) {
        log_ready(link);
    } else {
        log_healing(link);
    }
}

/* What the greeting has come to, or an error that tells of an engine that is fit no more. */
static void judge(struct cluster_link *link, enum cluster_trouble trouble, int64_t now_ns)
{
    if (link->state == LINK_GREETS && link->greeting.progress == CLUSTER_OVER) {
        become_ready(link, now_ns);
    } else if (link->state == LINK_GREETS && link->greeting.progress == CLUSTER_FAILED) {
        link->failure = link->greeting.failure;
        link->state = LINK_ENDS;
    } else if (link->state == LINK_READY && trouble != CLUSTER_IS_NONE &&
               cluster_trouble_ends(trouble)) {
        link->failure.trouble = trouble;
        link->failure.details[0] = '\0';
        link->state = LINK_ENDS;
    }
}

static void give(struct cluster_link *link, const struct cluster_reply *reply, int64_t now_ns)
{
    const enum cluster_trouble trouble = cluster_reply_trouble(reply);
    const struct cluster_command command = cluster_commands_take(&link->commands);
    if (is_trip(link, &command)) {
        histogram_add(&link->counts->trips_took, now_ns - command.since_ns, 1);
    }
    command.done(command.arg, reply, true);
    judge(link, trouble, now_ns);
}

/* False: the connection has ended, or somebody holds a reply. */
static bool read_replies(struct cluster_link *link, int64_t now_ns)
{
    const struct cluster_reply *reply;
    enum cluster_read result = CLUSTER_READ_REPLY;
    while (!link->is_held) {
        result = cluster_reader_next(link->reader, &reply);
        if (result != CLUSTER_READ_REPLY) {
            break;
        }
        if (link->commands.n == 0) {
            fail(link, CLUSTER_IS_NOT_ENGINE, "it answers what nobody asked", now_ns);
            return false;
        }
        give(link, reply, now_ns);
    }
    switch (result) {
    case CLUSTER_READ_REPLY:
    case CLUSTER_READ_NOTHING:
        return !link->is_held;
    case CLUSTER_READ_STRANGE:
        fail(link, CLUSTER_IS_NOT_ENGINE, "it does not speak the protocol", now_ns);
        return false;
    case CLUSTER_READ_TOO_LARGE:
        fail(link, CLUSTER_IS_TOO_LARGE, "", now_ns);
        return false;
    case CLUSTER_READ_NO_MEMORY:
        break;
    }
    fail(link, CLUSTER_IS_NO_MEMORY, "to read its replies", now_ns);
    return false;
}

static bool would_wait(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* The engine, or the system, has ended the connection. */
static void note_end(struct cluster_link *link, int error, int64_t now_ns)
{
    const bool may_want_tls = link->n_received == 0 && !link->target->trust;
    fail(link, CLUSTER_IS_ENDED,
         may_want_tls ? "before it said a word: does it speak TLS, rediss://, on that port?"
         : error != 0 ? strerrordesc_np(error)
                      : "",
         now_ns);
}

/* False: the connection has ended. */
static bool receive(struct cluster_link *link, int64_t now_ns)
{
    bool is_open = read_replies(link, now_ns);
    for (int k = 0; k < READS_A_TURN && is_open; k++) {
        const ssize_t n = cluster_socket_receive(&link->socket, link->input, sizeof link->input);
        if (n < 0 && would_wait(errno)) {
            break;
        }
        if (n <= 0) {
            note_end(link, n < 0 ? errno : 0, now_ns);
            return false;
        }
        link->n_received += (uint64_t)n;
        link->heard_ns = now_ns;
        if (!cluster_reader_feed(link->reader, link->input, (size_t)n)) {
            fail(link, CLUSTER_IS_NO_MEMORY, "to read its replies", now_ns);
            return false;
        }
        is_open = read_replies(link, now_ns);
        if ((size_t)n < sizeof link->input && !cluster_socket_has_more(&link->socket)) {
            break;
        }
    }
    link->has_more = link->is_held || cluster_socket_has_more(&link->socket);
    return link->state >= LINK_GREETS;
}

static bool transmit(struct cluster_link *link, int64_t now_ns)
{
    struct cluster_text unsent;
    while ((unsent = cluster_commands_unsent(&link->commands)).n > 0) {
        const ssize_t n = cluster_socket_send(&link->socket, unsent.bytes, unsent.n);
        if (n < 0 && would_wait(errno)) {
            break;
        }
        if (n < 0) {
            fail(link, CLUSTER_IS_ENDED, strerrordesc_np(errno), now_ns);
            return false;
        }
        cluster_commands_note_sent(&link->commands, (size_t)n);
    }
    return true;
}

/* When the oldest command is given up. */
int64_t cluster_link_patience(const struct cluster_link *link)
{
    const struct cluster_command *oldest = cluster_commands_first(&link->commands);
    const uint64_t n_moved = link->commands.n_sent + link->n_received - oldest->n_moved;
    return oldest->since_ns + link->target->timeout_ns + (int64_t)(n_moved * MIB_NS >> 20);
}

/* No memory for it: then the next time. */
static void ask_for_a_sign_of_life(struct cluster_link *link)
{
    const struct cluster_text ping = CLUSTER_WORD("PING");
    (void)cluster_link_queue(link, &ping, 1, take_sign_of_life, NULL);
}

static void work(struct cluster_link *link, int64_t now_ns)
{
    if (!receive(link, now_ns)) {
        return;
    }
    if (link->state == LINK_ENDS && link->commands.n == 0) {
        rest(link, now_ns);
        return;
    }
    if (link->commands.n > 0 && now_ns >= cluster_link_patience(link)) {
        fail(link, CLUSTER_IS_SLOW, "", now_ns);
        return;
    }
    if (link->commands.n == 0 && now_ns - link->heard_ns >= CLUSTER_SILENCE_NS) {
        ask_for_a_sign_of_life(link);
    }
    (void)transmit(link, now_ns);
}

void cluster_link_go_on(struct cluster_link *link, int64_t now_ns)
{
    link->is_held = false;
    if (link->state == LINK_RESTS && now_ns >= link->due_ns) {
        cluster_link_try(link, now_ns);
    } else if (link->state == LINK_LOOKS_UP) {
        look_up(link, now_ns);
    }
    if (link->state == LINK_CONNECTS) {
        connect_on(link, now_ns);
    }
    if (link->state >= LINK_GREETS) {
        work(link, now_ns);
    }
}

void cluster_link_send_off(struct cluster_link *link, int64_t now_ns)
{
    if (link->state >= LINK_GREETS) {
        (void)transmit(link, now_ns);
    }
}
