/*
 * pool_format1.h - reading session files of format 1, which the first releases wrote. For
 * pool_open.c, which writes what is found into a file of today's format. Works on a mapped file and
 * never writes to it.
 *
 *     a page as today's | records: header | copy 0 | copy 1 | readings [K + 1][I]
 *
 * Records were packed into pages so that none straddled two. Of two copies the one with one more
 * write (modulo 2^16) was the newer one, and it held the sum of its readings' hashes.
 */
#ifndef POOL_FORMAT1_H
#define POOL_FORMAT1_H

#include "service/pool/record.h"

/* In the place of today's record_layout. */
struct format1_layout {
    uint32_t n_inputs, n_outputs, n_history;
    uint32_t state_floats;
    uint32_t copy_bytes, record_bytes;
    uint32_t records_per_group, group_bytes;
};

enum format1_found { FORMAT1_UNUSED, FORMAT1_SESSION, FORMAT1_DAMAGED, FORMAT1_NAMELESS };

bool format1_layout_is_valid(const struct format1_layout *layout);
/* Today's layout of the same sizes. */
struct record_layout format1_layout_today(const struct format1_layout *layout);
size_t format1_count(const struct format1_layout *layout, size_t file_bytes);
/* Fills the id if the record has one (not if it is FORMAT1_NAMELESS: damaged), and of a
 * FORMAT1_SESSION its life, a copy of today's layout and readings[copy->n_readings][I], oldest
 * first. */
enum format1_found format1_read(const struct format1_layout *layout, const char *file, size_t slot,
                                char id[SESSION_ID_MAX + 1], struct record_life *life,
                                struct record_copy *copy, double *readings);

#endif
