#include "deflate_bytes.h"

#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

static const struct {
    const char *coding;
    int window_bits;
} forms[] = {
    [FORM_GZIP] = { "gzip", MAX_WBITS + 16 },
    [FORM_ZLIB] = { "deflate", MAX_WBITS },
    [FORM_RAW] = { "deflate", -MAX_WBITS },
};

const char *deflate_coding(enum deflate_form form)
{
    return forms[form].coding;
}

static void begin(z_stream *stream, enum deflate_form form)
{
    memset(stream, 0, sizeof *stream);
    if (deflateInit2(stream, Z_BEST_COMPRESSION, Z_DEFLATED, forms[form].window_bits, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        abort();
    }
}

char *deflate_bytes(enum deflate_form form, const void *bytes, size_t n, size_t *ret_n)
{
    z_stream stream;
    begin(&stream, form);
    const size_t most = deflateBound(&stream, n);
    char *out = malloc(most);
    stream.next_in = bytes;
    stream.avail_in = (uInt)n;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)most;
    if (!out || deflate(&stream, Z_FINISH) != Z_STREAM_END) {
        abort();
    }
    *ret_n = most - stream.avail_out;
    deflateEnd(&stream);
    return out;
}

char *deflate_zeros(enum deflate_form form, size_t n, size_t *ret_n)
{
    static const char zeros[1 << 16];
    z_stream stream;
    begin(&stream, form);
    const size_t most = n / 500 + 1024;
    char *out = malloc(most);
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)most;
    int result = out ? Z_OK : Z_MEM_ERROR;
    for (size_t n_left = n; result == Z_OK;) {
        const size_t n_next = n_left < sizeof zeros ? n_left : sizeof zeros;
        stream.next_in = (const Bytef *)zeros;
        stream.avail_in = (uInt)n_next;
        n_left -= n_next;
        result = deflate(&stream, n_left > 0 ? Z_NO_FLUSH : Z_FINISH);
    }
    if (result != Z_STREAM_END) {
        abort();
    }
    *ret_n = most - stream.avail_out;
    deflateEnd(&stream);
    return out;
}
