/*
 * http_client.h - a client of a server on 127.0.0.1, for tests. It waits a minute for whatever it
 * waits for; anything that goes wrong ends the test.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct answer {
    int code;      /* 0: the connection ended before the answer did */
    char *headers; /* NUL-terminated */
    char *body;    /* NUL-terminated */
    size_t n_body;
    bool closed; /* the server closed the connection after it */
};
void answer_free(struct answer *answer);

/* A connection, whose sends leave at once. */
int client_open(unsigned port);
/* The same for a caller that goes on where it is refused: -1, and errno says why. */
int client_try_open(unsigned port);

void client_send(int fd, const void *bytes, size_t n);
/* Sends a request (http_message.h has the rules of its head). */
void client_send_request(int fd, const char *method, const char *path, const char *headers,
                         const char *type, const void *body, size_t n);
/* The head alone, of a body of n bytes. */
void client_send_head(int fd, const char *method, const char *path, const char *headers,
                      const char *type, size_t n);

/* Reads one answer, and passes over 100 Continue. */
struct answer client_read(int fd);
/* Reads an answer of chunks to its end; closed: the connection ended before it did. */
struct answer client_read_chunks(int fd);

#endif
