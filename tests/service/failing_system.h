/*
 * failing_system.h - the test program's own fdatasync, fsync and clock_gettime, in front of the C
 * library's: a disk that refuses, and a wall clock that somebody has set back. All work as usual
 * until a test says otherwise; a test puts back what it has changed.
 */
#ifndef FAILING_SYSTEM_H
#define FAILING_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

/* fdatasync of a session file fails; afterwards it says that all is well. */
extern _Atomic bool disk_fails;
/* So many syncs of the folder of the session files work; INT_MAX: all. */
extern _Atomic int folder_syncs_left;
extern _Atomic int64_t set_back_s;
/* Called in the middle of each sync of a session file, if it is set. */
extern void (*while_syncing)(void);

#endif
