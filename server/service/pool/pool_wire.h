/*
 * pool_wire.h - a session as the engine of a cluster keeps it: its token, what its record is, and
 * the record with its newest copy alone. The bytes are those of the pool's memory, so nodes of one
 * cluster have one byte order.
 *
 *     struct wire_head | header of the record | newest copy | checks and readings (record_ring.h)
 *
 * Format 1 is read, too: its head has no life, which is then what the record says.
 *
 * The pool of a node of a cluster is a cache: what it has is what the engine had when the node last
 * heard of it, and may be out of date. Sessions that leave it on their own have not ended, so it
 * has no tombstones. A slot's token says what the engine had; whoever has claimed the slot reads
 * and writes it.
 */
#ifndef POOL_WIRE_H
#define POOL_WIRE_H

#include "service/pool/pool.h"

/* Tokens are compared by the engine, as the first bytes of what it keeps. */
enum { POOL_TOKEN_BYTES = 16 };

/* The life of the claimed session: the second in which it was made, by the clock of the node that
 * made it, or of a session of no cluster by this one's. Other nodes bring the time in the record to
 * their own clocks; this number is the same on all of them. */
uint32_t pool_life(const struct pool *pool, uint32_t slot);
/* That of the claimed session's next write. No other write has it, whichever node makes that: after
 * an engine has lost some, two of them may follow the same one. Its order is the time of its
 * making, or more than that of the one before, so the newer one of two is known then, too: as
 * bytes, the greatest first. */
struct pool_token pool_token_next(struct pool *pool, uint32_t slot);

/* How many bytes the claimed session takes, and these bytes, with the token that they are to be
 * kept under. */
size_t pool_wire_bytes(const struct pool *pool, uint32_t slot);
void pool_wire_write(const struct pool *pool, uint32_t slot, const struct pool_token *token,
                     char *out);

/* A session that the pool does not have, made of what the engine keeps, claimed for `owner`. Of
 * other sizes, as a node writes it that has another version active, it is brought to this pool's:
 * its readings and its errors go on, and its next step re-warms its state.
 * CLAIM_ENDED: its time is over, or its bytes are not what this pool can take (*fault). CLAIM_BUSY:
 * another thread made one of that id meanwhile. CLAIM_MOVED: the pool is closed. */
enum claim pool_wire_take(struct pool *pool, const struct pool_key *key, const char *bytes,
                          size_t n_bytes, uint16_t owner, int64_t now_ms, uint32_t *ret_slot,
                          struct fault *fault);

#endif
