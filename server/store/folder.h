/* folder.h - what is in a folder, a name at a time. Any thread. */
#ifndef FOLDER_H
#define FOLDER_H

#include "base/status.h"

/* Calls `take` with the name of each entry, `.` and `..` included, until one is refused. */
__attribute__((warn_unused_result)) enum status
folder_each(const char *path, enum status (*take)(void *context, const char *name), void *context,
            struct fault *fault);

#endif
