/*
 * clock_file.h - the steady clock (base/clock.h) from one process to the next: the file `clock` in
 * the data directory, which says what it was a second ago, and in which life of the machine.
 *
 * In the same life the time in between is known exactly, wherever the wall clock was set to. After
 * the machine was started again there is only the wall clock to tell it. If that is behind the last
 * time that was written, or more than CLOCK_DAYS_OFF_MAX days beyond, it was set in between, and
 * the steady clock goes on where it was: nothing gets older for a time that nobody knows.
 *
 * The main thread's. The file is not synced: the last half minute may be lost in a power failure.
 */
#ifndef CLOCK_FILE_H
#define CLOCK_FILE_H

#include "base/status.h"

#include <stdbool.h>

enum { CLOCK_DAYS_OFF_MAX = 90 };

struct clock_file {
    int fd;                /* -1: none */
    bool has_failed;       /* the last write; logged once */
    char boot_id[40];      /* empty: the system does not say */
    int64_t written_at_ms; /* by clock_monotonic_ms */
};
#define CLOCK_FILE_NONE ((struct clock_file){ .fd = -1 })

/* Sets the steady clock by the file, or begins the file. One that is damaged is begun anew, with a
 * line in the log. */
enum status clock_file_open(const char *data, struct clock_file *ret_file, struct fault *fault);
/* To be called often: writes once a second, or at once. */
void clock_file_keep(struct clock_file *file, bool at_once);
void clock_file_close(struct clock_file *file); /* writes; also one that is not open */

#endif
