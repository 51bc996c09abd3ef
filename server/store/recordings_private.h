/*
 * recordings_private.h - what the files of recordings.h share: the connection, and the numbers of
 * its statements, whose SQL stands in recordings.c. One thread at a time.
 */
#ifndef RECORDINGS_PRIVATE_H
#define RECORDINGS_PRIVATE_H

#include "store/database.h"

struct recordings {
    struct database database;
    size_t rows_max;
};

enum {
    RECORDINGS_FIND,
    RECORDINGS_BEGIN_SESSION,
    RECORDINGS_ADD,
    RECORDINGS_TRIM,
    RECORDINGS_ADVANCE,
    RECORDINGS_DELETE_READINGS,
    RECORDINGS_DELETE_SESSION,
    RECORDINGS_READ,
    RECORDINGS_READ_FROM,
    RECORDINGS_READ_PAGE,
    RECORDINGS_N_STATEMENTS
};

#endif
