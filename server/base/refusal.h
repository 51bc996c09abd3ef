/*
 * refusal.h - why the system refused something with a path, in words for the operator: the system's
 * own message, the folder or file that is the reason, and what to do about it. A leaf; any thread.
 * Looks at files, and opens none.
 */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "base/status.h"

enum refusal_of {
    REFUSAL_TO_READ, /* what others may read, too */
    REFUSAL_TO_KEEP  /* what is grud's own: data, keys */
};

enum { REFUSAL_MAX = 320 };

/* "Permission denied; /data belongs to uid 0 and has mode 755, grud runs as uid 10001: chown 10001
 * it". Returns `text`. `error` is the errno. */
const char *refusal_print(const char *path, enum refusal_of refusal, int error,
                          char text[REFUSAL_MAX]);

/* Fills the fault, STATUS_STORAGE_FAILED, with "cannot TASK PATH: " and that; clients are told no
 * more than what the system said. */
void refusal_fill(struct fault *fault, const char *param, const char *task, const char *path,
                  enum refusal_of refusal, int error);

/* refusal_fill, and the status to return: `return refusal_set(fault, ...)`. */
static inline enum status refusal_set(struct fault *fault, const char *param, const char *task,
                                      const char *path, enum refusal_of refusal, int error)
{
    refusal_fill(fault, param, task, path, refusal, error);
    return STATUS_STORAGE_FAILED;
}

#endif
