/*
 * files_versions.h - the versions that the data directory (files.h) keeps of a model, and which one
 * is active. Any thread; callers keep writers of one model apart.
 *
 * No number is given twice: the next one is beyond those of all files and beyond `newest`, into
 * which a number is written before its file is deleted, if no file has a higher one.
 */
#ifndef FILES_VERSIONS_H
#define FILES_VERSIONS_H

#include "store/files_scan.h"

/* Stores a new version under `number`, or, if that is not beyond all that versions had, under the
 * next one that is. */
enum status files_write_version(const char *data, const char *name, unsigned number,
                                const void *bytes, size_t n, struct file_version *ret_version,
                                struct fault *fault);
/* The number that files_write_version would take. */
enum status files_next_version(const char *data, const char *name, unsigned number,
                               unsigned *ret_number, struct fault *fault);
/* files_delete for a version that was served, whose number is not given again: where that cannot be
 * written down, nothing is deleted. */
enum status files_delete_version(const char *data, const char *name, unsigned number,
                                 bool *ret_is_durable, struct fault *fault);

/* The version that was activated last, 0 if none was. */
enum status files_read_active(const char *data, const char *name, unsigned *ret_number,
                              struct fault *fault);
/* *ret_is_durable false: it is written, but a power failure may bring back what was there before.
 */
enum status files_write_active(const char *data, const char *name, unsigned number,
                               bool *ret_is_durable, struct fault *fault);

#endif
