#include "cluster/cluster_link.h"

#include "base/clock.h"
#include "cluster/cluster_link_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- what it is, for others ---- */

bool cluster_link_is_ready(const struct cluster_link *link)
{
    return link->state == LINK_READY;
}

enum status cluster_link_fault(const struct cluster_link *link, struct fault *fault)
{
    return link->state == LINK_READY
               ? STATUS_OK
               : cluster_trouble_fault(link->failure.trouble, link->failure.details, fault);
}

struct cluster_text cluster_link_epoch(const struct cluster_link *link)
{
    return (struct cluster_text){ .bytes = link->known.epoch, .n = strlen(link->known.epoch) };
}

void cluster_link_note_writes(struct cluster_link *link, int64_t n)
{
    link->known.n_writes = n > link->known.n_writes ? n : link->known.n_writes;
}

void cluster_link_admit_loss(struct cluster_link *link)
{
    link->admits_loss = true;
}

int64_t cluster_link_n_left(const struct cluster_link *link)
{
    return link->state == LINK_READY ? link->n_left : -1;
}

void cluster_link_end_healing(struct cluster_link *link)
{
    link->n_left = -1;
}

unsigned cluster_link_losses(const struct cluster_link *link)
{
    const char *dot = strrchr(link->known.epoch, '.');
    return dot ? (unsigned)strtoul(dot + 1, NULL, 10) : 0;
}

bool cluster_link_sees_loss(const struct cluster_link *link)
{
    if (link->state == LINK_READY) {
        return link->n_left >= 0;
    }
    return link->failure.trouble == CLUSTER_IS_LOST || link->failure.trouble == CLUSTER_IS_HEALS ||
           link->failure.trouble == CLUSTER_IS_ANOTHER;
}

struct cluster_counts *cluster_link_counts(const struct cluster_link *link)
{
    return link->counts;
}

size_t cluster_link_n_out(const struct cluster_link *link)
{
    return link->commands.n;
}

/* ---- for its thread ---- */

bool cluster_link_send(struct cluster_link *link, const struct cluster_text *arguments, size_t n,
                       cluster_done *done, void *arg)
{
    return link->state == LINK_READY && cluster_link_queue(link, arguments, n, done, arg);
}

static int64_t due(const struct cluster_link *link, int64_t now_ns)
{
    switch (link->state) {
    case LINK_RESTS:
    case LINK_CONNECTS:
        return link->due_ns;
    case LINK_LOOKS_UP:
        return now_ns + CLUSTER_LOOKUP_NS;
    case LINK_GREETS:
    case LINK_READY:
    case LINK_ENDS:
        break;
    }
    if (link->has_more) {
        return now_ns;
    }
    return link->commands.n > 0 ? cluster_link_patience(link) : link->heard_ns + CLUSTER_SILENCE_NS;
}

void cluster_link_poll(const struct cluster_link *link, struct pollfd *ret_pollfd,
                       int64_t *ret_wait_ns)
{
    const int64_t now_ns = clock_monotonic_ns();
    const int64_t due_ns = due(link, now_ns);
    const bool has_unsent = cluster_commands_unsent(&link->commands).n > 0;
    *ret_pollfd = (struct pollfd){ .fd = link->socket.fd };
    if (link->socket.fd >= 0) {
        ret_pollfd->events = cluster_socket_events(&link->socket, has_unsent);
    }
    *ret_wait_ns = due_ns > now_ns ? due_ns - now_ns : 0;
}

/* ---- for threads that may wait ---- */

static void wait_and_go_on(struct cluster_link *link, int64_t until_ns)
{
    struct pollfd waiting;
    int64_t wait_ns;
    const int64_t left_ns = until_ns - clock_monotonic_ns();
    cluster_link_poll(link, &waiting, &wait_ns);
    if (wait_ns > left_ns) {
        wait_ns = left_ns > 0 ? left_ns : 0;
    }
    const struct timespec wait = { .tv_sec = wait_ns / 1000000000,
                                   .tv_nsec = wait_ns % 1000000000 };
    (void)ppoll(&waiting, 1, &wait, NULL);
    cluster_link_go_on(link, clock_monotonic_ns());
}

/* A trouble that stays is told once it was met again. */
enum status cluster_link_wait(struct cluster_link *link, int64_t most_ns, struct fault *fault)
{
    const int64_t until_ns = clock_monotonic_ns() + most_ns;
    const size_t n_failures = link->n_failures;
    cluster_link_go_on(link, clock_monotonic_ns());
    while (!cluster_link_is_ready(link)) {
        const enum status status = cluster_link_fault(link, fault);
        if (clock_monotonic_ns() >= until_ns ||
            (link->n_failures > n_failures && !fault_may_pass(fault))) {
            return status;
        }
        wait_and_go_on(link, until_ns);
    }
    return STATUS_OK;
}

static void wake(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct cluster_link *link = arg;
    (void)was_sent;
    link->waiter->reply = reply;
    link->waiter->is_over = true;
    link->is_held = reply != NULL;
}

enum status cluster_link_call(struct cluster_link *link, const struct cluster_text *arguments,
                              size_t n, const struct cluster_reply **ret_reply, struct fault *fault)
{
    struct cluster_waiter waiter = { .is_over = false };
    enum status status = cluster_link_wait(link, link->target->timeout_ns, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (!cluster_link_queue(link, arguments, n, wake, link)) {
        return cluster_trouble_fault(CLUSTER_IS_NO_MEMORY, "to ask it", fault);
    }
    link->waiter = &waiter;
    cluster_link_go_on(link, clock_monotonic_ns());
    while (!waiter.is_over) {
        wait_and_go_on(link, INT64_MAX);
    }
    link->waiter = NULL;
    if (!waiter.reply) {
        return cluster_trouble_fault(link->failure.trouble, link->failure.details, fault);
    }
    *ret_reply = waiter.reply;
    return STATUS_OK;
}

/* ---- its life ---- */

enum status cluster_link_create(struct cluster_target *target, struct cluster_link **ret_link,
                                struct fault *fault)
{
    struct cluster_link *link = calloc(1, sizeof *link);
    struct cluster_reader *reader = cluster_reader_create();
    struct cluster_counts *counts = cluster_counts_take(target);
    if (!link || !reader || !counts || getrandom(&link->random, sizeof link->random, 0) < 0) {
        free(link);
        cluster_reader_free(reader);
        cluster_counts_leave(counts);
        return fault_set(fault, STATUS_NO_MEMORY, "cluster", "no memory for the cluster's engine");
    }
    link->target = target;
    link->reader = reader;
    link->counts = counts;
    link->random |= 1;
    link->backoff_ns = CLUSTER_BACKOFF_NS;
    link->n_left = -1;
    link->failure.trouble = CLUSTER_IS_CONNECTING;
    link->socket.fd = -1;
    link->due_ns = clock_monotonic_ns();
    cluster_link_try(link, link->due_ns);
    *ret_link = link;
    return STATUS_OK;
}

void cluster_link_free(struct cluster_link *link)
{
    if (link) {
        link->state = LINK_RESTS;
        cluster_socket_close(&link->socket);
        cluster_link_end_all(link);
        cluster_lookup_free(link->lookup);
        cluster_commands_done(&link->commands);
        cluster_reader_free(link->reader);
        cluster_counts_leave(link->counts);
        free(link);
    }
}
