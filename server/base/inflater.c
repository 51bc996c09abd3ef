#include "base/inflater.h"

#include <limits.h>

#define ZLIB_CONST /* what is read is const */
#include <zlib.h>

struct inflater {
    z_stream stream;
    enum inflater_format format;
    bool is_begun; /* the wrapping of what comes is known */
    bool is_whole; /* nothing is missing of what was taken */
};

enum { WITHOUT_WRAPPING = -MAX_WBITS, ZLIB_WRAPPING = MAX_WBITS, GZIP_WRAPPING = MAX_WBITS + 16 };

static voidpf allocate(voidpf arena, uInt n, uInt size)
{
    return arena_array(arena, n, size);
}

static void leave(voidpf arena, voidpf bytes) /* it is freed with the arena */
{
    (void)arena;
    (void)bytes;
}

struct inflater *inflater_create(struct arena *arena, enum inflater_format format)
{
    struct inflater *inflater = arena_alloc(arena, sizeof *inflater);
    if (!inflater) {
        return NULL;
    }
    *inflater = (struct inflater){
        .stream = { .zalloc = allocate, .zfree = leave, .opaque = arena },
        .format = format,
        .is_begun = format == INFLATER_GZIP,
    };
    return inflateInit2(&inflater->stream, GZIP_WRAPPING) == Z_OK ? inflater : NULL;
}

/* zlib's first byte names the method, 8. Without wrapping it would be that of a block which is
 * stored, with rubbish in its padding. */
static void begin(struct inflater *inflater, char first)
{
    int wrapping = (first & 0x0f) == Z_DEFLATED ? ZLIB_WRAPPING : WITHOUT_WRAPPING;
    (void)inflateReset2(&inflater->stream, wrapping);
    inflater->is_begun = true;
}

static enum status refuse(const struct inflater *inflater, int result, struct fault *fault)
{
    const char *why = inflater->stream.msg;
    if (result == Z_MEM_ERROR) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the body");
    }
    return fault_set(fault, STATUS_INVALID_ENCODING, "content-encoding",
                     "the body is not what `Content-Encoding: %s` says: %s",
                     inflater->format == INFLATER_GZIP ? "gzip" : "deflate",
                     result == Z_NEED_DICT ? "it needs a dictionary"
                     : result == Z_OK      ? "more bytes follow its end"
                     : why                 ? why
                                           : "it is damaged");
}

/* One call of zlib's, which ends where a member does. */
static enum status inflate_some(struct inflater *inflater, struct fault *fault)
{
    z_stream *stream = &inflater->stream;
    if (inflater->is_whole && stream->avail_in == 0) {
        return STATUS_OK;
    }
    if (inflater->is_whole && inflater->format != INFLATER_GZIP) {
        return refuse(inflater, Z_OK, fault);
    }
    if (inflater->is_whole) {
        (void)inflateReset(stream); /* fails for no stream of ours */
    }
    const int result = inflate(stream, Z_NO_FLUSH);
    inflater->is_whole = result == Z_STREAM_END;
    /* Z_BUF_ERROR: there were no bytes, or there was no room for them */
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR
               ? STATUS_OK
               : refuse(inflater, result, fault);
}

enum status inflater_run(struct inflater *inflater, const char **bytes, const char *end, char *out,
                         size_t *n, struct fault *fault)
{
    z_stream *stream = &inflater->stream;
    const size_t n_bytes = (size_t)(end - *bytes);
    if (!inflater->is_begun && n_bytes > 0) {
        begin(inflater, **bytes);
    }
    stream->next_in = (const Bytef *)*bytes;
    stream->avail_in = n_bytes < UINT_MAX ? (uInt)n_bytes : UINT_MAX;
    stream->next_out = (Bytef *)out;
    stream->avail_out = *n < UINT_MAX ? (uInt)*n : UINT_MAX;
    enum status status;
    do {
        status = inflate_some(inflater, fault);
    } while (status == STATUS_OK && stream->avail_in > 0 && stream->avail_out > 0);
    *bytes = (const char *)stream->next_in;
    *n = (size_t)((char *)stream->next_out - out);
    return status;
}

bool inflater_is_whole(const struct inflater *inflater)
{
    return inflater->is_whole;
}
