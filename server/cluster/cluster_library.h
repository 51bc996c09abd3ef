/*
 * cluster_library.h - the functions that the engine has of grud: grud.lua, whose text mk/cluster.mk
 * puts into the binary. Their names carry the number of what they take and do, so that nodes of two
 * builds work side by side.
 *
 *     CLUSTER_WRITE  keys  the epoch's; then for each record its own, and that of the index of ids
 *                    args  the epoch; then for each record the token that it must have ("": there
 *                          is none), its value, which begins with a token ("": delete it), the
 *                          milliseconds that it has to live ("0": no end), its id
 *                    gives for each record 1: done; 0: there is none; a text: the one that is
 *                          there; or an error, of this one alone
 *     CLUSTER_READ   keys  the epoch's; then the records'
 *                    args  the epoch; then the tokens that are known ("": none)
 *                    gives for each record 1: it has that token; 0: there is none; a text: it
 *
 * Another epoch is an error of the whole, and nothing is done then (CLUSTER_IS_EPOCH). The id of a
 * record that begins comes into the index, a sorted set whose scores are all 0, and goes with it;
 * that of one whose time ends stays.
 */
#ifndef CLUSTER_LIBRARY_H
#define CLUSTER_LIBRARY_H

#include <stddef.h>

#define CLUSTER_LIBRARY "grud_1"
#define CLUSTER_WRITE   "grud_1_write"
#define CLUSTER_READ    "grud_1_read"

enum { CLUSTER_TOKEN_BYTES = 16 };

extern const char cluster_library_text[];
extern const size_t cluster_library_n;

#endif
