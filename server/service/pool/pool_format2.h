/*
 * pool_format2.h - reading session files of format 2. For pool_translate.c, which writes what is
 * found into a file of today's format. Works on a mapped file and never writes to it.
 *
 *     a page as today's | journal, in whole pages | records
 *
 * A record was as today's, but that its copies told when the session was made and its time to live,
 * and nothing told the time of a reading. All records had one layout.
 */
#ifndef POOL_FORMAT2_H
#define POOL_FORMAT2_H

#include "service/pool/record.h"

/* In the place of today's record_layout. */
struct format2_layout {
    uint32_t n_inputs, n_outputs, n_history;
    uint32_t state_floats;
    uint32_t copy_bytes, record_bytes;
    uint32_t ring_rows, copies_from;
};

struct format2_file {
    const struct format2_layout *layout;
    const char *bytes;
    size_t n_bytes;
    struct record_layout today; /* of the same sizes, with room for the longest id */
};

bool format2_layout_is_valid(const struct format2_layout *layout);
struct record_layout format2_layout_today(const struct format2_layout *layout);
/* How many records it has, also one that was cut off behind its header. */
size_t format2_count(const struct format2_file *file);
/* The length of the id in the `position`-th record. */
size_t format2_id_length(const struct format2_file *file, size_t position);
/* Makes the record, of today's layout with a room for its id, what the file's `position`-th one is:
 * the same session in the same standing, and what was not whole is not. A write that a kill has cut
 * short is ended. False: no memory. */
__attribute__((warn_unused_result)) bool format2_translate(const struct format2_file *file,
                                                           size_t position,
                                                           const struct record_layout *today,
                                                           char *record);

#endif
