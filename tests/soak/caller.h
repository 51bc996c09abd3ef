/*
 * caller.h - one client: a connection that is kept, a course of chance of its own, and the counting
 * of what it asked and was answered. For one thread.
 */
#ifndef CALLER_H
#define CALLER_H

#include "soak.h"

struct caller {
    struct soak *soak;
    int fd; /* -1: none */
    uint64_t chance;
};

struct caller caller_create(const struct place *place);
void caller_done(struct caller *caller);

/* A number below n. */
uint64_t caller_choose(struct caller *caller, uint64_t n);
/* An eighth of a whole number between -8 and 8: exact as text and as a float. */
double caller_reading(struct caller *caller);

/* Asks and waits for the answer, whose status must be one of `expected` ("200 404"). body NULL:
 * none; type NULL: JSON. The answer is the caller's to free. */
struct answer caller_ask_typed(struct caller *caller, enum kind kind, const char *expected,
                               const char *method, const char *path, const char *type,
                               const void *body, size_t n);
struct answer caller_ask(struct caller *caller, enum kind kind, const char *expected,
                         const char *method, const char *path, const char *body);
/* The same for who wants the status only. */
int caller_tell(struct caller *caller, enum kind kind, const char *expected, const char *method,
                const char *path, const char *body);

void soak_count(struct soak *soak, enum kind kind, int code);
void soak_nap_ms(long ms);

#endif
