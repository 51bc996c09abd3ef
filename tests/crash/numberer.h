/*
 * numberer.h - the client of the crash test that uploads versions of one model and deletes them
 * again. No version that it is told of may have the number of an earlier one, however often grud is
 * killed in between.
 */
#ifndef NUMBERER_H
#define NUMBERER_H

#include "crash.h"

#include <pthread.h>

struct numberer {
    pthread_t thread;
    int fd;
    uint64_t random;
    char *upload; /* the whole request */
    size_t n_upload;
    unsigned newest; /* the highest number that it was told of */
};

/* Makes the first version of its model. */
void numberer_init(struct numberer *numberer, const struct daemon *daemon, uint64_t *random);
/* Lets it run until the daemon is gone. */
void numberer_start(struct numberer *numberer, const struct daemon *daemon);
void numberer_join(struct numberer *numberer);
void numberer_done(struct numberer *numberer);

#endif
