/*
 * rude.c - clients that do not behave: they hang up in the middle, send garbage, read a byte now
 * and then, or say nothing. What they may provoke is a refusal (4xx) or a closed connection, never
 * an error of the server.
 */
#include "caller.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { N_SILENT = 16, ROWS = 3000, TEXT_MAX = 1 << 16, HEAD_MAX = 256, NAP_MS = 5 };

struct rude {
    struct caller caller;
    int silent[N_SILENT]; /* -1: none */
    size_t n_request;
    char request[TEXT_MAX]; /* a good one, with a long answer */
};

/* As when the client was killed: what is on its way is answered with a reset. */
static void hang_up(int fd)
{
    const struct linger at_once = { .l_onoff = 1 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

static void make_request(struct rude *rude)
{
    size_t n_body = sizeof "{\"x\":[]}" - 1 + ROWS * sizeof "[0.5,0.5]" - 1;
    size_t n =
        (size_t)snprintf(rude->request, HEAD_MAX,
                         "POST " REGULAR "/predict HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n{\"x\":[",
                         n_body);
    for (int t = 0; t < ROWS; t++) {
        n += (size_t)snprintf(rude->request + n, TEXT_MAX - n, "%s[0.5,0.5]", t > 0 ? "," : "");
    }
    rude->n_request = n + (size_t)snprintf(rude->request + n, TEXT_MAX - n, "]}");
}

static void in_request(struct rude *rude)
{
    int fd = client_connect(&rude->caller.soak->daemon);
    client_send(fd, rude->request, caller_choose(&rude->caller, rude->n_request));
    hang_up(fd);
    soak_count(rude->caller.soak, KIND_RUDE_REQUEST, 0);
}

static void in_answer(struct rude *rude)
{
    char some[64];
    int fd = client_connect(&rude->caller.soak->daemon);
    client_send(fd, rude->request, rude->n_request);
    ck_assert_int_gt(recv(fd, some, sizeof some, 0), 0);
    ck_assert_mem_eq(some, "HTTP/1.1 200", 12);
    hang_up(fd);
    soak_count(rude->caller.soak, KIND_RUDE_ANSWER, 200);
}

/* Bytes of chance, or a good request with a few of its bytes replaced. The end of what is sent
 * tells the server that no more will come. */
static void garbage(struct rude *rude)
{
    struct caller *caller = &rude->caller;
    char bytes[HEAD_MAX];
    const bool is_wild = caller_choose(caller, 2) == 0;
    memcpy(bytes, rude->request, sizeof bytes);
    for (size_t k = 0; k < (is_wild ? sizeof bytes : 4); k++) {
        bytes[is_wild ? k : caller_choose(caller, sizeof bytes)] = (char)caller_choose(caller, 256);
    }
    int fd = client_connect(&caller->soak->daemon);
    client_send(fd, bytes, sizeof bytes);
    shutdown(fd, SHUT_WR);
    struct answer answer = client_read(fd);
    ck_assert_msg(answer.code < 500 || answer.code == 505, "%d: %.400s", answer.code, answer.body);
    soak_count(caller->soak, KIND_RUDE_GARBAGE, answer.code);
    answer_free(&answer);
    close(fd);
}

static void slow_reader(struct rude *rude)
{
    enum { READS = 20, READ_NAP_MS = 20 };
    char some[16];
    const int small = 2048;
    int fd = client_connect(&rude->caller.soak->daemon);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client_send(fd, rude->request, rude->n_request);
    for (int k = 0; k < READS; k++) {
        ck_assert_int_gt(recv(fd, some, sizeof some, 0), 0);
        soak_nap_ms(READ_NAP_MS);
    }
    hang_up(fd);
    soak_count(rude->caller.soak, KIND_RUDE_SLOW, 200);
}

/* One more connection on which nothing is said, in the place of an older one. */
static void silent(struct rude *rude)
{
    int *fd = &rude->silent[caller_choose(&rude->caller, N_SILENT)];
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = client_connect(&rude->caller.soak->daemon);
    soak_count(rude->caller.soak, KIND_RUDE_SILENT, 0);
}

void *rude_run(void *place)
{
    static void (*const actions[])(struct rude *) = { in_request, in_answer, garbage, slow_reader,
                                                      silent };
    const struct place *mine = place;
    struct rude *rude = calloc(1, sizeof *rude);
    ck_assert_ptr_nonnull(rude);
    rude->caller = caller_create(mine);
    memset(rude->silent, 0xff, sizeof rude->silent);
    make_request(rude);
    while (!mine->soak->is_over) {
        actions[caller_choose(&rude->caller, sizeof actions / sizeof *actions)](rude);
        soak_nap_ms(NAP_MS);
    }
    for (size_t k = 0; k < N_SILENT; k++) {
        if (rude->silent[k] >= 0) {
            close(rude->silent[k]);
        }
    }
    free(rude);
    return NULL;
}
