/* false_engine.h - an engine of a few lines that says what it is told to, to one client at a time,
 * in the thread of the test. */
#ifndef FALSE_ENGINE_H
#define FALSE_ENGINE_H

#include "cluster/cluster_link.h"

#include <stddef.h>

struct false_engine {
    int listen_fd, fd; /* fd -1: nobody is there */
    unsigned port;
};

struct false_engine false_engine_start(void);
void false_engine_end(struct false_engine *engine);
void false_engine_hang_up(struct false_engine *engine);

/* Turns of the link until the next client is there and has said something. */
void false_engine_await(struct false_engine *engine, struct cluster_link *link);
void false_engine_say(struct false_engine *engine, const char *bytes, size_t n);

enum { GREETING_MAX = 64 << 10 };
/* The replies to the first trip of a greeting, with these lines in INFO, of a fit engine. Their
 * length. The reply to the second trip is that of an engine of epoch "e1". */
#define MEETING "*4\r\n$2\r\ne1\r\n:0\r\n:-1\r\n:0\r\n"
size_t false_engine_greeting(const char *info, char text[GREETING_MAX]);
/* A client is there, greeted, and ready. */
void false_engine_greet(struct false_engine *engine, struct cluster_link *link);

#endif
