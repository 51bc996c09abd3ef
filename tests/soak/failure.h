/* failure.h - see failure.c. */
#ifndef FAILURE_H
#define FAILURE_H

#include "e2e/daemon.h"

/* The daemon that a failed assertion ends. Before the first thread. */
void failure_ends(const struct daemon *daemon);

#endif
