/*
 * pool_format3.h - reading session files of format 3. For pool_translate.c, which writes what is
 * found into a file of today's format. Works on a mapped file and never writes to it.
 *
 *     a page as today's | a table of extents | extents
 *
 * A record had room for the longest id, and its copies had a longer check and fewer figures of
 * errors. No mark told of a tail.
 */
#ifndef POOL_FORMAT3_H
#define POOL_FORMAT3_H

#include "service/pool/pool.h"

/* In the place of today's record_layout. */
struct format3_layout {
    uint32_t n_inputs, n_outputs;
    uint16_t n_history, stamp_floats;
    uint32_t state_floats;
    uint32_t copy_bytes, record_bytes;
    uint32_t ring_rows, tail_bytes;
};

struct format3_file {
    const char *bytes;
    size_t n_bytes;
    struct format3_layout layouts[POOL_CLASSES]; /* by class */
    size_t n_classes;                            /* with tails */
};

/* One of its extents of records. */
struct format3_extent {
    const struct format3_layout *layout;
    unsigned record_class;
    const char *records;
    size_t n_records;           /* that are in the file */
    uint64_t first_slot;        /* by which the journal names its records */
    const char *journal;        /* NULL: there is none */
    size_t journal_entry_bytes; /* of each of its entries */
};

bool format3_layout_is_valid(const struct format3_layout *layout);
/* Without a tail, of the same sizes. */
struct record_layout format3_layout_today(const struct format3_layout *layout);
/* `layout`: of class 0, of which the other classes differ in their tails alone. */
void format3_set_layouts(struct format3_file *file, const struct format3_layout *layout,
                         const struct pool_class *classes, size_t n_classes);
/* The `k`-th of its extents of records; false: there are no more. */
bool format3_find_extent(const struct format3_file *file, size_t k,
                         struct format3_extent *ret_extent);
/* How many extents are noted; *ret_is_whole: all that there ever were, as far as it can be known.
 */
size_t format3_count_extents(const struct format3_file *file, bool *ret_is_whole);
/* Whether the `position`-th record has never been used. */
bool format3_is_blank(const struct format3_extent *extent, size_t position);
/* The length of the id in it. */
size_t format3_id_length(const struct format3_extent *extent, size_t position);
/* Makes the record, of today's layout with a room for its id, what the `position`-th one is: the
 * same session in the same standing, and what was not whole is not. A write that a kill has cut
 * short is ended. False: no memory. */
__attribute__((warn_unused_result)) bool format3_translate(const struct format3_extent *extent,
                                                           size_t position,
                                                           const struct record_layout *layout,
                                                           char *record);

#endif
