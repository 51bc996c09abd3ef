/*
 * inflater.h - compressed bytes to plain ones, as they arrive: gzip (RFC 1952) and deflate (zlib's
 * wrapping of RFC 1950, or none, since clients send both). Hides zlib.h. A leaf.
 *
 * One thread at a time. All memory comes from the arena, about 40 kilobytes whatever the bytes are,
 * and is freed with it. It never makes more bytes than there is room for: what they would come to
 * is for the caller to limit.
 */
#ifndef INFLATER_H
#define INFLATER_H

#include "base/arena.h"
#include "base/status.h"

enum inflater_format { INFLATER_NONE, INFLATER_GZIP, INFLATER_DEFLATE };

struct inflater;

/* NULL: no memory. The format is not INFLATER_NONE. */
struct inflater *inflater_create(struct arena *arena, enum inflater_format format);
/* Takes bytes from *bytes up to `end`, and puts plain ones at `out`: *n is how many there is room
 * for, and then how many there are. If they fill it, there may be more without further bytes; if
 * not, all bytes were taken. STATUS_INVALID_ENCODING: the bytes are not of that format, or are
 * damaged; *n before that are there. */
enum status inflater_run(struct inflater *inflater, const char **bytes, const char *end, char *out,
                         size_t *n, struct fault *fault);
/* Whether the bytes may end here. gzip's may be several members, one behind the other. */
bool inflater_is_whole(const struct inflater *inflater);

#endif
