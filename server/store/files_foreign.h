/*
 * files_foreign.h - files that lie among models and are none: what they are is logged, so that a
 * model that is not served is not searched for. Any thread; nothing fails by it.
 */
#ifndef FILES_FOREIGN_H
#define FILES_FOREIGN_H

#include <stdbool.h>

/* Logs what the file is if it looks like a model: another program's, or one without its extension.
 * Whether it does. */
bool files_log_foreign(const char *path);

#endif
