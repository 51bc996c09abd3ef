/*
 * data_copy.h - copies the databases and the models of a data directory (files.h) while a grud may
 * be using it: each file is one that was there, whole, at a moment after the call began.
 *
 * Only reads the directory, but for what SQLite keeps of its readers. Any thread of a process of
 * its own.
 */
#ifndef DATA_COPY_H
#define DATA_COPY_H

#include "base/status.h"

/* To a directory that is there and has nothing of it. */
__attribute__((warn_unused_result)) enum status
data_copy_databases(const char *data, const char *to, struct fault *fault);
/* The same of the models: their versions, and which are active. */
__attribute__((warn_unused_result)) enum status data_copy_models(const char *data, const char *to,
                                                                 struct fault *fault);

/* The same of the clock that the times of the sessions are by (clock_file.h). */
__attribute__((warn_unused_result)) enum status data_copy_clock(const char *data, const char *to,
                                                                struct fault *fault);

#endif
