/*
 * region_guard.h - what happens when a mapped file is cut by another program: a read or write
 * beyond its new end would end the process (SIGBUS). In a guarded range it meets a page of zeros
 * instead, and the owner's mark is set; the owner looks at it before it trusts what it has read, or
 * promises that what it has written is kept. Any other fault ends the process as ever.
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
    _Atomic bool *_Atomic is_broken;
    _Atomic bool is_taken;
};

/* Installs the handler, if it is not. False: the system refuses. */
__attribute__((warn_unused_result)) bool region_guard_install(void);
/* A fault in the range sets *is_broken, which the owner keeps until it drops the guard. NULL: no
 * memory. */
__attribute__((warn_unused_result)) struct region_guard *
region_guard_take(const void *begin, size_t n_bytes, _Atomic bool *is_broken);
void region_guard_drop(struct region_guard *guard); /* before the range is unmapped; or NULL */

#endif
