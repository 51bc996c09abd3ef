/*
 * backup.h - a copy of a data directory that another grud may be serving from: `grud backup`, in a
 * process of its own. To restore, start grud with the copy as its --data.
 *
 * What the copy holds was acknowledged at some moment after the call began, or before it: each
 * session in a state that it had then, the jobs as they were at one moment, and every version that
 * they speak of.
 */
#ifndef BACKUP_H
#define BACKUP_H

#include "base/status.h"

/* `to` is made, and appears whole; it must not be there yet. */
__attribute__((warn_unused_result)) enum status service_backup(const char *data, const char *to,
                                                               struct fault *fault);

#endif
