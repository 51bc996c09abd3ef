/*
 * Compressed bodies. The first byte says of which format, and into what pieces the rest is cut.
 *
 * Bytes come to the same whether they are given and taken at once or in pieces, and fail in the
 * same way; nothing is written beyond the room there is; and what is compressed by zlib comes to
 * what it was.
 */
#include "base/inflater.h"

#include "deflate_bytes.h"
#include "fuzz.h"

#include <string.h>

enum { OUT_MAX = 1 << 18, ROOM_MAX = 4096 };

struct inflated {
    enum status status;
    bool is_whole;
    size_t n;
    char out[OUT_MAX];
};

/* Up to OUT_MAX bytes. */
static void inflate_pieces(enum inflater_format format, const char *bytes, size_t n, size_t piece,
                           size_t room, struct inflated *result)
{
    struct arena arena;
    struct fault fault;
    arena_init(&arena, 1 << 20);
    struct inflater *inflater = inflater_create(&arena, format);
    FUZZ_CHECK(inflater);
    *result = (struct inflated){ .status = STATUS_OK };
    const char *p = bytes, *end = bytes + n;
    while (p < end && result->status == STATUS_OK && result->n + room <= OUT_MAX) {
        const char *piece_end = (size_t)(end - p) < piece ? end : p + piece;
        size_t n_out = room;
        while (n_out == room && result->status == STATUS_OK && result->n + room <= OUT_MAX) {
            char *exact = malloc(room);
            FUZZ_CHECK(exact);
            result->status = inflater_run(inflater, &p, piece_end, exact, &n_out, &fault);
            FUZZ_CHECK(n_out <= room && p <= piece_end);
            FUZZ_CHECK(result->status != STATUS_OK || n_out == room || p == piece_end);
            memcpy(result->out + result->n, exact, n_out);
            result->n += n_out;
            free(exact);
        }
    }
    FUZZ_CHECK(result->status == STATUS_OK || result->status == STATUS_INVALID_ENCODING);
    FUZZ_CHECK(arena.used <= 128 << 10);
    result->is_whole = result->status == STATUS_OK && inflater_is_whole(inflater);
    arena_done(&arena);
}

static void check_same(const struct inflated *a, const struct inflated *b)
{
    const size_t n = a->n < b->n ? a->n : b->n;
    FUZZ_CHECK(memcmp(a->out, b->out, n) == 0);
    if (a->n + ROOM_MAX <= OUT_MAX && b->n + ROOM_MAX <= OUT_MAX) { /* neither stopped for room */
        FUZZ_CHECK(a->status == b->status && a->is_whole == b->is_whole);
        FUZZ_CHECK(a->status != STATUS_OK || a->n == b->n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n_input)
{
    static struct inflated at_once, in_pieces;
    if (n_input == 0 || n_input > 1 << 16) {
        return 0;
    }
    const enum inflater_format format = (input[0] & 1) != 0 ? INFLATER_GZIP : INFLATER_DEFLATE;
    const size_t piece = 1 + (input[0] >> 1 & 7) * 5, room = 1 + (size_t)(input[0] >> 4) * 17,
                 n = n_input - 1;
    char *bytes = fuzz_copy(input + 1, n);
    inflate_pieces(format, bytes, n, n > 0 ? n : 1, ROOM_MAX, &at_once);
    inflate_pieces(format, bytes, n, piece, room, &in_pieces);
    check_same(&at_once, &in_pieces);
    for (enum deflate_form form = 0; form < FORMS; form++) {
        size_t n_compressed;
        char *compressed = deflate_bytes(form, bytes, n, &n_compressed);
        inflate_pieces(form == FORM_GZIP ? INFLATER_GZIP : INFLATER_DEFLATE, compressed,
                       n_compressed, piece, room, &in_pieces);
        FUZZ_CHECK(in_pieces.is_whole && in_pieces.n == n);
        FUZZ_CHECK(memcmp(in_pieces.out, bytes, n) == 0);
        free(compressed);
    }
    free(bytes);
    return 0;
}
