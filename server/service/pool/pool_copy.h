/*
 * pool_copy.h - copies the file of a pool while a grud may be stepping its sessions. For a backup,
 * in a process of its own.
 *
 * Each session is in the copy as it was at one moment, and as a kill at that moment would have left
 * it: with one whole state at least, and the readings that belong to it. The moments of different
 * sessions differ. The file itself is only read. It is locked meanwhile, shared: the daemon then
 * leaves the records that sessions move from where they are, so that none is missed on its way.
 */
#ifndef POOL_COPY_H
#define POOL_COPY_H

#include "base/status.h"

__attribute__((warn_unused_result)) enum status pool_copy(const char *from, const char *to,
                                                          struct fault *fault);

#endif
