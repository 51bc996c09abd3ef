/*
 * receiver.h - a server that takes webhooks, for tests: on a thread of its own, on 127.0.0.1, by
 * HTTP or HTTPS. It keeps what it was posted, and answers as it is told. It waits a minute for
 * whatever it waits for.
 */
#ifndef RECEIVER_H
#define RECEIVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECEIVED_MAX = 4096 };

struct received {
    char *head, *body; /* NUL-terminated */
    int64_t at_ms;     /* by the monotonic clock */
};

struct receiver {
    unsigned port;
    int fd;
    pthread_t thread;
    _Atomic int code;     /* that it answers with; 0: it cuts the connection */
    _Atomic int delay_ms; /* before it answers */
    const char *headers;  /* further ones of its answer, each with its line's end; "": none */
    _Atomic size_t n;     /* that were taken */
    struct received received[RECEIVED_MAX];
    _Atomic bool is_ending;
    void *credentials; /* of GnuTLS; NULL: it speaks plain HTTP */
};

/* port 0: any free one. It answers 200. */
void receiver_start(struct receiver *receiver, unsigned port);
/* The same behind TLS, with that certificate and key. */
void receiver_start_tls(struct receiver *receiver, const char *certificate, const char *key);
void receiver_stop(struct receiver *receiver);
/* Waits until it has taken n posts; the last of them. */
const struct received *receiver_wait(struct receiver *receiver, size_t n);
/* Waits until as many ends came as beginnings; returns how many posts. */
size_t receiver_wait_even(struct receiver *receiver);
/* A port on which nobody listens. */
unsigned receiver_free_port(void);

#endif
