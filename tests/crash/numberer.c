#include "numberer.h"

#include "http_message.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "/v1/models/numbered"

static bool is_answered(const struct answer *answer, int code)
{
    if (answer->code == 0) {
        atomic_fetch_add(&figures.n_unanswered, 1);
    } else if (answer->code != code) {
        found(FOUND_UNEXPECTED, "of versions: %d %.300s", answer->code, answer->body);
    }
    return answer->code == code;
}

/* Deletes each version of the answer but the active one, the newest one first or last. False: the
 * daemon is gone. */
static bool delete_all(struct numberer *numberer, const char *model)
{
    enum { MOST = 16 };
    static const char key[] = "{\"version\":";
    unsigned numbers[MOST], active = (unsigned)number_in(model, "active_version");
    size_t n = 0;
    for (const char *at = strstr(model, key); at && n < MOST; at = strstr(at + 1, key)) {
        unsigned number = (unsigned)number_in(at, "version");
        numbers[n] = number;
        n += number != active;
    }
    bool is_backwards = random_below(&numberer->random, 2) == 0;
    for (size_t k = 0; k < n; k++) {
        unsigned number = numbers[is_backwards ? n - 1 - k : k];
        struct answer answer =
            exchange_at(numberer->fd, "DELETE", NULL, MODEL "/versions/%u", number);
        bool goes_on = is_answered(&answer, 204);
        answer_free(&answer);
        if (!goes_on) {
            return false;
        }
    }
    return true;
}

/* Once more a version, which may become the active one. False: the daemon is gone. */
static bool upload(struct numberer *numberer)
{
    client_send(numberer->fd, numberer->upload, numberer->n_upload);
    struct answer answer = client_read(numberer->fd);
    bool goes_on = is_answered(&answer, 201);
    if (goes_on) {
        unsigned newest = 0;
        for (const char *at = answer.body; (at = strstr(at, "{\"version\":")); at++) {
            newest = (unsigned)number_in(at, "version"); /* they ascend */
        }
        if (newest <= numberer->newest) {
            found(FOUND_TWICE, "a version has number %u, version %u was there before", newest,
                  numberer->newest);
        }
        numberer->newest = newest;
        atomic_fetch_add(&figures.n_versions, 1);
    }
    answer_free(&answer);
    if (goes_on && random_below(&numberer->random, 4) == 0) {
        answer = exchange_at(numberer->fd, "POST", "{}", MODEL "/versions/%u/activate",
                             numberer->newest);
        goes_on = is_answered(&answer, 200);
        answer_free(&answer);
    }
    return goes_on;
}

static void *run(void *context)
{
    struct numberer *numberer = context;
    for (bool goes_on = true; goes_on;) {
        struct answer answer = exchange(numberer->fd, "GET", MODEL, NULL);
        goes_on =
            is_answered(&answer, 200) && delete_all(numberer, answer.body) && upload(numberer);
        answer_free(&answer);
    }
    return NULL;
}

void numberer_init(struct numberer *numberer, const struct daemon *daemon, uint64_t *random)
{
    char path[160];
    daemon_add_model(
        daemon, "numbered",
        (const char *const[]){ "--inputs", "a", "--outputs", "a", "--layers", "4", NULL });
    *numberer = (struct numberer){ .random = random_next(random), .newest = 1 };
    snprintf(path, sizeof path, "%s/numbered.safetensors", daemon->directory);
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(BODY_MAX);
    ck_assert(file && bytes);
    size_t n = fread(bytes, 1, BODY_MAX, file);
    ck_assert(n > 0 && n < BODY_MAX);
    fclose(file);
    numberer->upload = malloc(n + HTTP_HEAD_MAX);
    ck_assert_ptr_nonnull(numberer->upload);
    size_t n_head =
        http_print_head(numberer->upload, "PUT", MODEL, NULL, "application/octet-stream", n);
    memcpy(numberer->upload + n_head, bytes, n);
    numberer->n_upload = n_head + n;
    free(bytes);
}

void numberer_start(struct numberer *numberer, const struct daemon *daemon)
{
    numberer->fd = client_connect(daemon);
    ck_assert_int_eq(pthread_create(&numberer->thread, NULL, run, numberer), 0);
}

void numberer_join(struct numberer *numberer)
{
    pthread_join(numberer->thread, NULL);
    close(numberer->fd);
}

void numberer_done(struct numberer *numberer)
{
    free(numberer->upload);
}
