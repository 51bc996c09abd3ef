/*
 * pool_extents.h - the extents that a pool is made of: runs of slots of one class and one room for
 * ids, each with its own window of the file and its own array of slots. A pool begins with none.
 * When it needs more of a kind, it gets another one, as large as all that it has of that kind; what
 * has an address keeps it. For the other files of the pool, under its mutex or before it is used,
 * unless it says otherwise.
 *
 * The file has a table of them, in which an extent is noted before any of it is used and is never
 * changed. They lie one behind the other, so the last one alone may reach beyond the file's end.
 * Among them is the journal (pool_journal.h), which has no slots.
 */
#ifndef POOL_EXTENTS_H
#define POOL_EXTENTS_H

#include "service/pool/pool.h"

/* As it is noted in the file. */
struct extent_note {
    uint32_t page;          /* the one that it begins with, counted by RECORD_PAGE; 0: none */
    uint32_t n_slots;       /* of the journal: its pages */
    uint16_t kind;          /* its class; 7: the journal, and one more from there on, since there
                               were fewer classes when it got that number */
    uint16_t room;          /* for ids (record.h) */
    _Atomic uint32_t check; /* over what precedes, and its number; written last */
};
enum {
    EXTENT_JOURNAL = POOL_CLASSES,
    EXTENT_NOTES_BYTES = 2 * RECORD_PAGE,
    POOL_HEAD_BYTES = RECORD_PAGE + EXTENT_NOTES_BYTES /* the first page, and the table */
};
_Static_assert(EXTENTS_MAX * sizeof(struct extent_note) <= EXTENT_NOTES_BYTES,
               "they are all in the file");

/* Where an extent that is noted lies. */
struct extent_place {
    size_t from, n_bytes; /* whole pages */
    uint32_t n_slots;
    uint16_t record_class, room;
    struct record_layout layout; /* of its records; of the journal: zeros */
};
/* Reads the k-th of a file's notes, of which the one before it ends at `from`; false: there is
 * none. */
bool extent_note_read(const struct extent_note *notes, size_t k, size_t from,
                      const struct record_layout layouts[POOL_CLASSES],
                      struct extent_place *ret_place);

/* False: no memory. */
__attribute__((warn_unused_result)) bool extents_init(struct pool *pool);
void extents_done(struct pool *pool); /* before the region is closed */

/* A journal for copies of so many bytes, behind all that there is, in the place of any other. */
__attribute__((warn_unused_result)) enum status extents_add_journal(struct pool *pool,
                                                                    struct fault *fault);
/* All that are noted in the file. What lies behind them goes: no sync was for it. False in
 * *ret_is_whole: a note is damaged, or there are fewer than were promised. */
__attribute__((warn_unused_result)) enum status
extents_read(struct pool *pool, size_t n_promised, bool *ret_is_whole, struct fault *fault);
/* The next slot of that class and room that has never been in use is in use: its record has room in
 * the file. STATUS_SESSIONS_FULL (without *fault): there are no more. */
__attribute__((warn_unused_result)) enum status
extents_take_fresh(struct pool *pool, unsigned record_class, unsigned room, uint32_t *ret_slot,
                   struct fault *fault);

#endif
