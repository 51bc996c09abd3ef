/*
 * files_versions.h - the versions that the data directory (files.h) keeps of a model, and which one
 * is active. Any thread; callers keep writers of one model apart.
 *
 * Each version has its digest in a file of its own: it is written once, with the version, and
 * damage to it concerns no other one.
 *
 * No number is given twice: the next one is beyond those of all files and beyond `newest`, into
 * which a number is written before its file is deleted, if no file has a higher one.
 */
#ifndef FILES_VERSIONS_H
#define FILES_VERSIONS_H

#include "store/files_note.h"
#include "store/files_scan.h"

/* Stores a new version, with its digest beside it, under `number`, or, if that is not beyond all
 * that versions had, under the next one that is. */
enum status files_write_version(const char *data, const char *name, unsigned number,
                                const void *bytes, size_t n, struct file_version *ret_version,
                                struct fault *fault);
/* The number that files_write_version would take. */
enum status files_next_version(const char *data, const char *name, unsigned number,
                               unsigned *ret_number, struct fault *fault);
/* For a version that no client was told of: its number may be given again. */
enum status files_take_back_version(const char *version_path, bool *ret_is_durable,
                                    struct fault *fault);
/* For a version that was served, whose number is not given again: where that cannot be written
 * down, nothing is deleted. */
enum status files_delete_version(const char *data, const char *name, unsigned number,
                                 bool *ret_is_durable, struct fault *fault);

/* What the version's file was when it was stored. Damaged if it is another version's. */
enum status files_read_digest(const struct file_version *version, struct files_note *ret_note,
                              struct fault *fault);
/* For a version that has none, of an earlier release. */
enum status files_write_digest(const struct file_version *version, struct digest digest,
                               bool *ret_is_durable, struct fault *fault);
/* Gives `newest` its checksum, if an earlier release wrote it. */
enum status files_seal_newest(const char *data, const char *name, struct fault *fault);

/* The version that was activated last, absent if none was. */
enum status files_read_active(const char *data, const char *name, struct files_note *ret_note,
                              struct fault *fault);
/* *ret_is_durable false: it is written, but a power failure may bring back what was there before.
 */
enum status files_write_active(const char *data, const char *name, unsigned number,
                               struct digest digest, bool *ret_is_durable, struct fault *fault);

#endif
