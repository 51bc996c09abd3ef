/*
 * pool_file.h - the first page of a pool's file, which says that it is one, how its records are
 * laid out and whose sessions it holds; and the syncs of the file. For pool_open.c, but for
 * pool_sync (pool.h).
 *
 * The page has a format number, which is raised by hand when the page or a record changes its
 * meaning. This grud writes format 4, 5 where values are wide, or 6 where there are more than six
 * classes; a file of an earlier one is written anew when it is opened (pool_format1.h,
 * pool_format2.h, pool_format3.h). A newer format is refused with both numbers, and the file is
 * left as it is; so that the number can be told, the header (magic, format, layout, and the check
 * over them) is at the same place in every format.
 *
 * A new file is begun under another name and put in its place whole, so a file without a header is
 * damaged.
 */
#ifndef POOL_FILE_H
#define POOL_FILE_H

#include "service/pool/pool.h"
#include "service/pool/pool_format1.h"
#include "service/pool/pool_format2.h"
#include "service/pool/pool_format3.h"

/* Writes the page of a new file, in the layout of the options. It is not synced. */
enum status pool_file_begin(struct pool *pool, const struct pool_options *options,
                            struct fault *fault);
/* Reads it: the pool has the file's layout. Refused with the reason: what is no such file or of a
 * newer format, and the sessions of another model. */
enum status pool_file_check(struct pool *pool, const struct pool_options *options, const char *path,
                            struct fault *fault);
/* Notes in the first page of a copy how long it is. */
void pool_file_set_size(char *page, size_t n_bytes);
/* The layouts of the records by class, zeros for one that there is not, of a file's first bytes;
 * false: they are not a header of today's format. For pool_copy. */
bool pool_file_read_layouts(const char *bytes, size_t n,
                            struct record_layout ret_layouts[POOL_CLASSES]);
/* The classes of a file of format 3, and how many extents it was promised to have; false: its head
 * is damaged. */
__attribute__((warn_unused_result)) bool
pool_file_read_format3(const struct pool *pool, struct pool_class ret_classes[POOL_CLASSES_MAX],
                       size_t *ret_n_classes, size_t *ret_n_promised);
/* Logs that the file has become shorter than it was. */
void pool_file_check_size(const struct pool *pool, const char *path);
/* The fault of a file that is damaged. */
enum status pool_file_damaged(const char *path, struct fault *fault);
/* Whether the file is of a former format: then the pool is of no use but to be written anew. */
bool pool_file_is_former(const struct pool *pool);
/* The layout of a file that is of that format; NULL: it is of another one. */
const struct format1_layout *pool_file_format1(const struct pool *pool);
const struct format2_layout *pool_file_format2(const struct pool *pool);
const struct format3_layout *pool_file_format3(const struct pool *pool);
/* What was promised of the births in the file of `from` was promised of those in this one. */
void pool_file_take_promises(struct pool *pool, const struct pool *from);
/* Once all of the file is mapped: what a failed sync may have kept from the disk is written anew.
 */
void pool_file_rewrite(struct pool *pool, const char *path);
/* Before a session is used: all that the last process wrote is on the disk, and the births of this
 * one are greater than any before. Degraded, as after a failed sync, if that fails. */
void pool_file_start(struct pool *pool, const char *path);
/* Writes whose sessions the file holds into a file of an earlier grud, which did not say so. */
void pool_file_claim(struct pool *pool, const struct pool_options *options);
/* A sync of more than this file has failed: from here on pool_sync reports a failure, too. */
void pool_file_distrust(struct pool *pool);

#endif
