/* What zlib compresses is inflated to the same, in whatever pieces it comes and goes. */
#include "base/inflater.h"

#include "deflate_bytes.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 20000, ROOM = 1 << 16 };

static const struct arena no_arena;

static enum inflater_format format_of(enum deflate_form form)
{
    return form == FORM_GZIP ? INFLATER_GZIP : INFLATER_DEFLATE;
}

/* Some text that compresses to about a third. */
static char *make_text(size_t n)
{
    char *text = malloc(n + 32);
    ck_assert_ptr_nonnull(text);
    for (size_t at = 0, k = 0; at < n; k++) {
        at += (size_t)sprintf(text + at, "%zu,", k * k % 9973);
    }
    return text;
}

/* Inflates all, given in pieces and taken in pieces, to `out`; *ret_n bytes of it. */
static enum status inflate_all(enum inflater_format format, const char *bytes, size_t n,
                               size_t piece, size_t room, char *out, size_t *ret_n,
                               struct fault *fault)
{
    struct arena arena = no_arena;
    arena_init(&arena, 1 << 20);
    struct inflater *inflater = inflater_create(&arena, format);
    ck_assert_ptr_nonnull(inflater);
    enum status status = STATUS_OK;
    size_t n_all = 0, n_out = 0;
    const char *p = bytes, *end = bytes + n;
    while (status == STATUS_OK && (p < end || n_out == room)) {
        const char *piece_end = (size_t)(end - p) < piece ? end : p + piece;
        do {
            n_out = room;
            ck_assert_uint_le(n_all + n_out, ROOM);
            status = inflater_run(inflater, &p, piece_end, out + n_all, &n_out, fault);
            n_all += n_out;
        } while (status == STATUS_OK && n_out == room);
        ck_assert(status != STATUS_OK || p == piece_end);
    }
    if (status == STATUS_OK && !inflater_is_whole(inflater)) {
        status = STATUS_INVALID_REQUEST; /* what the test calls one that is cut short */
    }
    ck_assert_uint_le(arena.used, 128 << 10);
    arena_done(&arena);
    *ret_n = n_all;
    return status;
}

static enum status inflate_at_once(enum inflater_format format, const char *bytes, size_t n,
                                   char *out, size_t *ret_n, struct fault *fault)
{
    return inflate_all(format, bytes, n, n, ROOM, out, ret_n, fault);
}

TEST(each_form_is_inflated_in_any_pieces)
{
    static const size_t pieces[] = { 1, 2, 7, 1000, ROOM }, rooms[] = { 1, 3, 100, 4096 };
    static char out[ROOM];
    char *text = make_text(TEXT_BYTES);
    for (enum deflate_form form = 0; form < FORMS; form++) {
        size_t n, n_out;
        struct fault fault;
        char *bytes = deflate_bytes(form, text, TEXT_BYTES, &n);
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            for (size_t j = 0; j < sizeof rooms / sizeof *rooms; j++) {
                ck_assert_int_eq(inflate_all(format_of(form), bytes, n, pieces[k], rooms[j], out,
                                             &n_out, &fault),
                                 STATUS_OK);
                ck_assert_uint_eq(n_out, TEXT_BYTES);
                ck_assert_int_eq(memcmp(out, text, n_out), 0);
            }
        }
        free(bytes);
    }
    free(text);
}

TEST(nothing_at_all_is_compressed_too)
{
    char out[16];
    for (enum deflate_form form = 0; form < FORMS; form++) {
        size_t n, n_out;
        struct fault fault;
        char *bytes = deflate_bytes(form, "", 0, &n);
        ck_assert_int_eq(inflate_all(format_of(form), bytes, n, 1, sizeof out, out, &n_out, &fault),
                         STATUS_OK);
        ck_assert_uint_eq(n_out, 0);
        free(bytes);
    }
}

/* A body that breaks off anywhere is not whole, and one with more behind it is refused, unless that
 * is another member of gzip's. */
TEST(what_is_cut_short_or_goes_on_is_noticed)
{
    static char out[ROOM];
    char *text = make_text(300);
    for (enum deflate_form form = 0; form < FORMS; form++) {
        size_t n, n_out;
        struct fault fault;
        char *bytes = deflate_bytes(form, text, 300, &n), *more = malloc(2 * n);
        for (size_t k = 1; k < n; k++) {
            ck_assert_int_eq(inflate_at_once(format_of(form), bytes, k, out, &n_out, &fault),
                             STATUS_INVALID_REQUEST);
        }
        memcpy(more, bytes, n);
        memcpy(more + n, bytes, n);
        for (size_t k = 1; k < n; k++) {
            ck_assert_int_eq(inflate_at_once(format_of(form), more, n + k, out, &n_out, &fault),
                             form == FORM_GZIP ? STATUS_INVALID_REQUEST : STATUS_INVALID_ENCODING);
        }
        ck_assert_int_eq(inflate_at_once(format_of(form), more, 2 * n, out, &n_out, &fault),
                         form == FORM_GZIP ? STATUS_OK : STATUS_INVALID_ENCODING);
        ck_assert_uint_eq(n_out, form == FORM_GZIP ? 600 : 300);
        free(more);
        free(bytes);
    }
    free(text);
}

/* gzip and zlib's wrapping have checksums: no flipped bit goes unnoticed, but for those that mean
 * nothing (gzip's time, the padding of the last byte). */
TEST(a_flipped_bit_is_noticed)
{
    static char out[ROOM];
    char *text = make_text(300);
    for (enum deflate_form form = FORM_GZIP; form <= FORM_ZLIB; form++) {
        size_t n, n_out;
        struct fault fault;
        char *bytes = deflate_bytes(form, text, 300, &n);
        size_t n_unnoticed = 0;
        for (size_t bit = 0; bit < 8 * n; bit++) {
            bytes[bit / 8] ^= (char)(1 << bit % 8);
            if (inflate_at_once(format_of(form), bytes, n, out, &n_out, &fault) == STATUS_OK) {
                ck_assert(n_out == 300 && memcmp(out, text, 300) == 0);
                n_unnoticed++;
            }
            bytes[bit / 8] ^= (char)(1 << bit % 8);
        }
        ck_assert_uint_le(n_unnoticed, 64);
        free(bytes);
    }
    free(text);
}

TEST(what_is_not_compressed_is_refused_in_words)
{
    char out[64];
    size_t n_out;
    struct fault fault;
    ck_assert_int_eq(inflate_at_once(INFLATER_GZIP, "{\"x\":[1]}", 9, out, &n_out, &fault),
                     STATUS_INVALID_ENCODING);
    ck_assert_str_eq(fault.message,
                     "the body is not what `Content-Encoding: gzip` says: incorrect header check");
    ck_assert_str_eq(fault.param, "content-encoding");
    ck_assert_int_eq(inflate_at_once(INFLATER_DEFLATE, "\xff\xff", 2, out, &n_out, &fault),
                     STATUS_INVALID_ENCODING);
    /* zlib's header that asks for a dictionary */
    ck_assert_int_eq(inflate_at_once(INFLATER_DEFLATE, "\x78\xbb\0\0\0\1x", 7, out, &n_out, &fault),
                     STATUS_INVALID_ENCODING);
    ck_assert_str_eq(fault.message, "the body is not what `Content-Encoding: deflate` says: it "
                                    "needs a dictionary");
}

TEST(there_is_never_more_than_there_is_room_for)
{
    char out[8] = "1234567";
    size_t n, n_out = 4;
    struct fault fault;
    struct arena arena = no_arena;
    char *bytes = deflate_zeros(FORM_GZIP, 1 << 20, &n);
    const char *p = bytes;
    arena_init(&arena, 1 << 20);
    struct inflater *inflater = inflater_create(&arena, INFLATER_GZIP);
    ck_assert_int_eq(inflater_run(inflater, &p, bytes + n, out, &n_out, &fault), STATUS_OK);
    ck_assert_uint_eq(n_out, 4);
    ck_assert_mem_eq(out,
                     "\0\0\0\0"
                     "567",
                     8);
    ck_assert(!inflater_is_whole(inflater));
    arena_done(&arena);
    free(bytes);
}

TEST(no_memory_is_told)
{
    struct fault fault;
    char out[64];
    size_t n, n_out = sizeof out;
    char *bytes = deflate_zeros(FORM_GZIP, 1 << 16, &n);
    struct arena arena = no_arena;
    arena_init(&arena, 16 << 10); /* for the inflater, and not for its window */
    struct inflater *inflater = inflater_create(&arena, INFLATER_GZIP);
    ck_assert_ptr_nonnull(inflater);
    const char *p = bytes;
    enum status status = inflater_run(inflater, &p, bytes + n, out, &n_out, &fault);
    ck_assert_int_eq(status, STATUS_NO_MEMORY);
    arena_done(&arena);
    arena_init(&arena, 1 << 10);
    ck_assert_ptr_null(inflater_create(&arena, INFLATER_GZIP));
    arena_done(&arena);
    free(bytes);
}
