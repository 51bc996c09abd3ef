/*
 * cluster_library.h - the functions that the engine has of grud: the text of library/, which
 * mk/cluster.mk puts into the binary. Their names carry the number of what they take and do, so
 * that nodes of two builds work side by side.
 *
 *     CLUSTER_WRITE  keys  the epoch's; then for each record its own, and that of the index of ids
 *                    args  the epoch; then for each record the token that it must have ("": there
 *                          is none), its value, which begins with a token ("": delete it), the
 *                          milliseconds that it has to live ("0": no end), its id, when it was last
 *                          seen: milliseconds, negative; and how many readings are kept of what its
 *                          session records ("": none is recorded). If so, then how many readings
 *                          this write brings, and these
 *                    gives for each record 1: done; 0: there is none; a text: the one that is
 *                          there; or an error, of this one alone
 *     CLUSTER_READ   keys  the epoch's; then the records'
 *                    args  the epoch; then the tokens that are known ("": none)
 *                    gives for each record 1: it has that token; 0: there is none; a text: it
 *
 *     CLUSTER_RECORDED   keys  the epoch's; the record's
 *                        args  the epoch; from where and to where, as LRANGE has them
 *                        gives readings that its session has recorded, the newest last
 *
 *     CLUSTER_LIST_IDS   keys  the epoch's; that of the index
 *                        args  the epoch; from where and to where, as ZRANGE BYLEX has them; how
 *                              many at most
 *                        gives ids, in their order
 *     CLUSTER_LIST_SEEN  keys  likewise
 *                        args  the epoch; when the one was last seen ("": from the beginning) and
 *                              the id of the one that they come behind; how many at most
 *                        gives an id and when it was last seen, and so on: the newest first, those
 *                              of the same moment by their ids
 *     CLUSTER_LEAVE  keys  the epoch's; the record's, and that of the index
 *                    args  the epoch; the token that it must have ("": there is none), its id
 *                    gives 1: its id is listed no more; 0: it has another token
 *
 * Another epoch is an error of the whole, and nothing is done then (CLUSTER_IS_EPOCH). An id is
 * listed with each write of its record, and no more once that was deleted. That of a record whose
 * time ends stays until CLUSTER_LEAVE, or until a later new record has it found.
 */
#ifndef CLUSTER_LIBRARY_H
#define CLUSTER_LIBRARY_H

#include <stddef.h>

#define CLUSTER_LIBRARY   "grud_2"
#define CLUSTER_WRITE     CLUSTER_LIBRARY "_write"
#define CLUSTER_READ      CLUSTER_LIBRARY "_read"
#define CLUSTER_RECORDED  CLUSTER_LIBRARY "_recorded"
#define CLUSTER_LIST_IDS  CLUSTER_LIBRARY "_list_ids"
#define CLUSTER_LIST_SEEN CLUSTER_LIBRARY "_list_seen"
#define CLUSTER_LEAVE     CLUSTER_LIBRARY "_leave"

enum { CLUSTER_TOKEN_BYTES = 16 };

extern const char cluster_library_text[];
extern const size_t cluster_library_n;

#endif
