/*
 * region_guard.h - what happens when a mapped file is cut by another program: a read or write
 * beyond its new end would end the process (SIGBUS). In a guarded range it meets a page of zeros
 * instead, and the range is marked as broken for good; the owner looks at the mark before it trusts
 * what it has read, or promises that what it has written is kept. Any other fault ends the process
 * as ever.
 *
 * Any thread. The handler takes no lock and allocates nothing.
 */
#ifndef REGION_GUARD_H
#define REGION_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct region_guard {
    _Atomic size_t begin, end; /* addresses; begin 0: it guards nothing */
    _Atomic bool is_broken;
    _Atomic bool is_taken;
};

/* Installs the handler, if it is not. False: the system refuses. */
__attribute__((warn_unused_result)) bool region_guard_install(void);
/* NULL: no memory. */
__attribute__((warn_unused_result)) struct region_guard *region_guard_take(const void *begin,
                                                                           size_t n_bytes);
void region_guard_drop(struct region_guard *guard); /* before the range is unmapped; or NULL */

#endif
