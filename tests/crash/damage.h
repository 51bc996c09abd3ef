/*
 * damage.h - what a bad disk may do to a file of sessions while no daemon runs. What was done to a
 * session is noted in it, so that it is known what may come of it.
 */
#ifndef DAMAGE_H
#define DAMAGE_H

#include "crash.h"

/* Flips or zeroes bytes of some records: in a copy, in both, in the readings, in the header.
 * Returns how many headers. */
size_t damage_records(const char *path, struct subject sessions[SESSIONS], uint64_t *random);
/* Cuts off the file's end somewhere behind its header. */
void damage_end(const char *path, struct subject sessions[SESSIONS], uint64_t *random);

/* A byte of the file, to be put back. */
struct damaged_byte {
    size_t at;
    unsigned char was;
};
struct damaged_byte damage_file_header(const char *path, uint64_t *random);
void damage_undo(const char *path, struct damaged_byte byte);

#endif
