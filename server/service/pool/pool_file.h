/*
 * pool_file.h - the first page of a pool's file, which says that it is one, how its records are
 * laid out and whose sessions it holds; and the syncs of the file. For pool_open.c, but for
 * pool_sync (pool.h).
 *
 * The page has a format number, which is raised by hand when the page or a record changes its
 * meaning. This grud reads format 1, the only one so far, with or without an owner: the first files
 * did not say whose sessions they held. A change that raises the number keeps reading the older
 * formats (tests/service/pool/test_pool_format.c opens what former releases left). A newer format
 * is refused with both numbers, and the file is left as it is; so that the number can be told, the
 * header (magic, format, layout, and the check over them) is at the same place in every format.
 */
#ifndef POOL_FILE_H
#define POOL_FILE_H

#include "service/pool/pool.h"

/* Whether the file has no complete header. The header is synced before the file grows, so such a
 * file has no sessions. */
bool pool_file_is_unfinished(const struct pool *pool);
/* Writes the page, in the layout of the options; nothing is left of the file if that fails. */
enum status pool_file_begin(struct pool *pool, const struct pool_options *options, const char *path,
                            struct fault *fault);
/* Reads it: the pool has the file's layout. Refused with the reason: what is no such file or of a
 * newer format, and the sessions of another model. What a failed sync may have kept from the disk
 * is written anew.
 */
enum status pool_file_check(struct pool *pool, const struct pool_options *options, const char *path,
                            struct fault *fault);
/* The layout of the records, of a file's first bytes; false: they are not a header that this grud
 * reads. For pool_copy. */
bool pool_file_read_layout(const char *bytes, size_t n, struct record_layout *ret_layout);
/* Writes whose sessions the file holds into a file of an earlier grud, which did not say so. */
void pool_file_claim(struct pool *pool, const struct pool_options *options);
/* A sync of more than this file has failed: from here on pool_sync reports a failure, too. */
void pool_file_distrust(struct pool *pool);

#endif
