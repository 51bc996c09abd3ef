/*
 * system_control.h - a wall clock that a test sets, random numbers that it refuses, and names whose
 * servers do not answer, for a daemon that it starts: system_shim.c is preloaded into it, and both
 * share a page.
 *
 * The daemons that are started between system_control_begin and system_control_end are under
 * control.
 */
#ifndef SYSTEM_CONTROL_H
#define SYSTEM_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SYSTEM_FILE_VARIABLE "SYSTEM_CONTROL" /* the path of the page, in the environment */

struct system_control {
    _Atomic int64_t wall_set_s; /* by how much the wall clock was set */
    _Atomic bool has_no_random; /* getrandom fails */
    _Atomic bool names_hang;    /* who asks for the address of a name waits until this is over */
};

struct system_control *system_control_begin(void);
void system_control_end(struct system_control *control);

#endif
