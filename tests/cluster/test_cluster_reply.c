/* Replies, as they come in pieces. */
#include "cluster/cluster_reply.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static const char stream[] =
    "+OK\r\n-ERR no\r\n:-12\r\n$-1\r\n$0\r\n\r\n$4\r\na\0\r\n\r\n*-1\r\n*0\r\n"
    "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n-E\r\n*1\r\n*1\r\n:9223372036854775807\r\n";

/* A reply as text: what is in it and how it stands in it. */
static size_t print(const struct cluster_reply *reply, char *out)
{
    size_t n = 0;
    switch (reply->type) {
    case CLUSTER_NIL:
        return (size_t)sprintf(out, "nil ");
    case CLUSTER_NUMBER:
        return (size_t)sprintf(out, "%lld ", (long long)reply->number);
    case CLUSTER_TEXT:
        return (size_t)sprintf(out, "%zu=%s ", reply->text.n, reply->text.bytes);
    case CLUSTER_ERROR:
        return (size_t)sprintf(out, "-%s ", reply->text.bytes);
    case CLUSTER_LIST:
        break;
    }
    n += (size_t)sprintf(out, "[ ");
    for (size_t k = 0; k < reply->n; k++) {
        n += print(&reply->list[k], out + n);
    }
    return n + (size_t)sprintf(out + n, "] ");
}

static void read_in_pieces(struct cluster_reader *reader, size_t piece, char *out)
{
    const struct cluster_reply *reply;
    size_t n = 0;
    out[0] = '\0';
    for (size_t at = 0; at < sizeof stream - 1; at += piece) {
        const size_t left = sizeof stream - 1 - at;
        enum cluster_read result;
        ck_assert(cluster_reader_feed(reader, stream + at, left < piece ? left : piece));
        while ((result = cluster_reader_next(reader, &reply)) == CLUSTER_READ_REPLY) {
            n += print(reply, out + n);
        }
        ck_assert_int_eq(result, CLUSTER_READ_NOTHING);
    }
}

TEST(replies_do_not_depend_on_how_they_are_cut)
{
    char out[512];
    struct cluster_reader *reader = cluster_reader_create();
    ck_assert_ptr_nonnull(reader);
    for (size_t piece = 1; piece <= sizeof stream; piece++) {
        read_in_pieces(reader, piece, out);
        ck_assert_str_eq(out, "2=OK -ERR no -12 nil 0= 4=a nil [ ] "
                              "[ 1 [ 1=x -E ] [ [ 9223372036854775807 ] ] ] ");
    }
    cluster_reader_free(reader);
}

TEST(a_reader_begins_anew_after_what_it_could_not_read)
{
    const struct cluster_reply *reply;
    struct cluster_reader *reader = cluster_reader_create();
    ck_assert(cluster_reader_feed(reader, "*2\r\n:1\r\n!", 9));
    ck_assert_int_eq(cluster_reader_next(reader, &reply), CLUSTER_READ_STRANGE);
    ck_assert(cluster_reader_reset(reader));
    ck_assert_int_eq(cluster_reader_next(reader, &reply), CLUSTER_READ_NOTHING);
    ck_assert(cluster_reader_feed(reader, ":5\r\n", 4));
    ck_assert_int_eq(cluster_reader_next(reader, &reply), CLUSTER_READ_REPLY);
    ck_assert_int_eq(reply->number, 5);
    cluster_reader_free(reader);
}

/* Lists of lists, each of a million: what they take grows with each, and ends. */
TEST(lists_in_lists_are_bounded)
{
    const struct cluster_reply *reply;
    struct cluster_reader *reader = cluster_reader_create();
    enum cluster_read result = CLUSTER_READ_NOTHING;
    for (int k = 0; k < 7 && result == CLUSTER_READ_NOTHING; k++) {
        ck_assert(cluster_reader_feed(reader, "*1000000\r\n", 10));
        result = cluster_reader_next(reader, &reply);
    }
    ck_assert_int_eq(result, CLUSTER_READ_TOO_LARGE);
    cluster_reader_free(reader);
}

TEST(texts_and_beginnings_of_errors_are_told_apart)
{
    const struct cluster_reply text = { .type = CLUSTER_TEXT, .text = CLUSTER_WORD("OK") },
                               error = { .type = CLUSTER_ERROR, .text = CLUSTER_WORD("OOM no") };
    ck_assert(cluster_reply_is(&text, "OK"));
    ck_assert(!cluster_reply_is(&text, "O"));
    ck_assert(!cluster_reply_is(&text, "OKAY"));
    ck_assert(cluster_reply_is(&error, "OOM"));
    ck_assert(!cluster_reply_is(&error, "OOM no more"));
    ck_assert(!cluster_reply_is(&(struct cluster_reply){ .type = CLUSTER_NIL }, ""));
}
