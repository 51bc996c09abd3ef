/*
 * daemon.h - a grud of one's own for a test: started on port 0 with a fresh data directory, spoken
 * to over 127.0.0.1, ended by its pid. Anything that goes wrong in here ends the test. The program
 * is $GRUD, or build/grud.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include "http_client.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct daemon {
    pid_t pid;
    unsigned port;
    char directory[128]; /* holds data/, the port file and the log; removed by daemon_stop */
    int log_fd;
};

/* Serves the golden models. `options` are further flags, NULL-terminated. Returns once it is ready.
 */
struct daemon daemon_start(const char *const *options);
/* Only the directory, for daemon_start_again. */
struct daemon daemon_prepare(void);
/* The same on an earlier daemon's directory. */
void daemon_start_again(struct daemon *daemon, const char *const *options);
/* The same for a start that may fail: -1 if it is ready, else the exit code (128 + a signal's
 * number). */
int daemon_try_start(struct daemon *daemon, const char *const *options);
/* The same, and returns at once. */
void daemon_spawn(struct daemon *daemon, const char *const *options);
void daemon_wait_ready(struct daemon *daemon);
/* SIGKILL; the directory stays. */
void daemon_kill(struct daemon *daemon);
/* SIGTERM; returns the exit code; the directory stays. */
int daemon_end(struct daemon *daemon);
/* Waits for its end, and returns the exit code; 128 + the signal that ended it. */
int daemon_wait(struct daemon *daemon);
/* SIGTERM, which must end in exit code 0 and without a sanitizer's complaint; removes the
 * directory. */
void daemon_stop(struct daemon *daemon);
void daemon_remove(const struct daemon *daemon); /* the directory of one that has ended */
/* Waits until the end of the log says that, as far as it fits into `log`. */
void daemon_wait_log(const struct daemon *daemon, const char *text, char *log, size_t size);
/* Runs grud with these arguments until it ends by itself; returns its exit code, and what it wrote
 * to standard error. */
int daemon_run(const char *const *arguments, char *output, size_t size);

int client_connect(const struct daemon *daemon);
/* Asks for a path with further headers ("Name: value\r\n"...); the answer is still to be read.
 * Returns the connection. */
int client_ask(const struct daemon *daemon, const char *path, const char *headers);

/* One request on a connection of its own. body NULL: none; type NULL: application/json. */
struct answer request_typed(const struct daemon *daemon, const char *method, const char *path,
                            const char *type, const void *body, size_t n);
struct answer request(const struct daemon *daemon, const char *method, const char *path,
                      const char *body);

/* One request whose answer must have this code, and contain the text (NULL: anything). */
void expect(const struct daemon *daemon, const char *method, const char *path, const char *body,
            int code, const char *text);

/* Makes an untrained model with `grud init` and uploads it; `options` as init's, without -o. */
void daemon_add_model(const struct daemon *daemon, const char *name, const char *const *options);

/* The number behind "name": in a JSON text; fails the test if there is none. */
double number_in(const char *json, const char *name);

#endif
