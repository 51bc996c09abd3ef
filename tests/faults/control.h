/*
 * control.h - the page that the driver and the shim in the daemon share: which calls fail, and what
 * came of it. The driver writes it while the daemon runs, so that failures can be put into the
 * start as well as into a single request.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>

#define FAULT_FILE_VARIABLE "FAULT_CONTROL" /* the path of the page, in the environment */

/* What fails, a bit each. A call may belong to several; only those that fit the class that is armed
 * count. */
enum fault_class {
    FAULT_MEMORY = 1, /* allocations, and mmap: ENOMEM */
    FAULT_SPACE = 2,  /* calls that need room on the disk: ENOSPC */
    FAULT_IO = 4,     /* calls on regular files and their folders: EIO */
    FAULT_SHORT = 8,  /* writes: half of it is written */
    FAULT_SYNC = 16   /* fsync, fdatasync, msync: EIO */
};

struct fault_control {
    _Atomic bool is_armed;
    _Atomic int class;
    _Atomic long at; /* the number of the call that fails, from 1; 0: none, they are only counted */
    _Atomic bool is_for_good;       /* and all that follow it */
    char threads[32];               /* only calls of threads whose names begin like one of these */
    _Atomic long n_calls, n_failed; /* since it was armed */
    char call[24];                  /* the name of the last one that failed */
    _Atomic long n_live; /* when main returned: blocks that it allocated and did not free */
};

#endif
