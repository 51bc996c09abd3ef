/* engine.h - engines for the tests: real ones, each with a folder and a port of its own. */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <sys/types.h>

enum { ENGINE_OPTIONS_MAX = 24 };

struct engine {
    pid_t pid;
    unsigned port;
    bool is_tls;
    char *folder;
    const char *options[ENGINE_OPTIONS_MAX]; /* in pairs, to NULL */
};

/* False, and the test is to end: there is no redis-server here, or not the program that the
 * environment's ENGINE names, or it speaks no TLS; which is said. */
bool engine_is_there(void);
bool engine_speaks_tls(void);
/* It takes connections. Options are "--name", "value", ..., NULL, and stay the caller's. */
struct engine engine_start(const char *const *options);
/* The same, and it speaks nothing but TLS. */
struct engine engine_start_tls(const char *const *options);
/* Kills it, and starts it again at the same place: with what it has kept, if it keeps anything. */
void engine_kill(struct engine *engine);
void engine_start_again(struct engine *engine);
void engine_end(struct engine *engine);

/* A line as people type it into redis-cli, past all that is under test; it must not be refused. */
void engine_tell(const struct engine *engine, const char *line);
/* The same; whether these words are in the beginning of its reply. */
bool engine_says(const struct engine *engine, const char *line, const char *words);

/* A port that nobody listened at a moment ago. */
unsigned port_find(void);

#endif
