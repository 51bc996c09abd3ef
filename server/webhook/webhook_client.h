/*
 * webhook_client.h - posts bodies to URLs, many at a time, for one thread. Hides curl.h.
 *
 * A server is given five seconds to be reached and ten in all; its certificate is checked; it is
 * followed nowhere else, and what it says beside its status is dropped. No proxy of the environment
 * is used. Addresses are looked at when they are connected to, so a name that has come to stand for
 * a private one meanwhile is refused like any other.
 *
 * webhook_client_setup comes before the filter of system calls and before other threads. A client
 * belongs to one thread. It knows nothing of rules: what is to be done after a failure is its
 * caller's matter.
 */
#ifndef WEBHOOK_CLIENT_H
#define WEBHOOK_CLIENT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* What became of a post. */
enum webhook_outcome {
    WEBHOOK_DELIVERED,
    WEBHOOK_FAILED, /* the same may succeed later */
    WEBHOOK_REFUSED /* it would be refused again */
};

enum { WEBHOOK_REASON_MAX = 199, WEBHOOK_KEY_MAX = 95 };

/* A post: the caller's, and not to be touched between begin and done. */
struct webhook_post {
    const char *url, *body; /* as long as the post */
    size_t n_body;
    char key[WEBHOOK_KEY_MAX + 1]; /* the header Idempotency-Key: the same when it is tried again */
    /* filled when it is done */
    enum webhook_outcome outcome;
    int64_t retry_after_s; /* that the server asked for; 0: it did not */
    char reason[WEBHOOK_REASON_MAX + 1];
    /* the client's own */
    bool is_private, is_public; /* an address was refused, or was not */
    void *transfer, *headers;
    LIST_ENTRY(webhook_post) link;
};

struct webhook_client_options {
    bool may_be_private;
    const char *ca_file; /* certificates of authorities; "": the system's */
};
struct webhook_client;

/* is_filtered: below a filter of system calls, where no code may be loaded any more: names are
 * looked up in files and by DNS alone. */
__attribute__((warn_unused_result)) enum status webhook_client_setup(bool is_filtered,
                                                                     struct fault *fault);
/* A ca_file that cannot be read, or has no certificate, is a fault of the option. */
__attribute__((warn_unused_result)) enum status
webhook_client_create(const struct webhook_client_options *options,
                      struct webhook_client **ret_client, struct fault *fault);
/* One that was on its way and was cut, which is its caller's again; NULL: there are no more. */
struct webhook_post *webhook_client_cut(struct webhook_client *client);
/* Nothing is on its way. Takes NULL. */
void webhook_client_free(struct webhook_client *client);

/* False: no memory; nothing was begun. */
__attribute__((warn_unused_result)) bool webhook_client_begin(struct webhook_client *client,
                                                              struct webhook_post *post);
/* Works on what is on its way. One that is done, which is its caller's again; NULL: none is. */
struct webhook_post *webhook_client_done(struct webhook_client *client);
/* Waits until there may be something done, wake_fd (an eventfd) was written, which it reads, or the
 * time is over. */
void webhook_client_wait(struct webhook_client *client, int wake_fd, int64_t ms);

#endif
