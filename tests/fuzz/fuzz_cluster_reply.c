/*
 * Replies of a cluster's engine. The first byte says in what pieces the others come; what is read
 * does not depend on that, and neither does whether it can be read. A reply is whole: each list has
 * its entries, and each text ends with a NUL.
 */
#include "cluster/cluster_reply.h"
#include "fuzz.h"

#include <string.h>

enum { PRINTED_MAX = 1 << 16 };

/* What was read, cut where it does not fit: both readings are cut alike. */
struct printed {
    char text[PRINTED_MAX];
    size_t n;
    enum cluster_read end;
};

static void add(struct printed *printed, const void *bytes, size_t n)
{
    const size_t left = PRINTED_MAX - printed->n;
    const size_t most = n < left ? n : left;
    memcpy(printed->text + printed->n, bytes, most);
    printed->n += most;
}

static void add_reply(struct printed *printed, const struct cluster_reply *reply)
{
    add(printed, &reply->type, sizeof reply->type);
    switch (reply->type) {
    case CLUSTER_NIL:
        return;
    case CLUSTER_NUMBER:
        add(printed, &reply->number, sizeof reply->number);
        return;
    case CLUSTER_TEXT:
    case CLUSTER_ERROR:
        FUZZ_CHECK(reply->text.bytes[reply->text.n] == '\0');
        add(printed, reply->text.bytes, reply->text.n + 1);
        return;
    case CLUSTER_LIST:
        break;
    }
    add(printed, &reply->n, sizeof reply->n);
    for (size_t k = 0; k < reply->n; k++) {
        add_reply(printed, &reply->list[k]);
    }
}

static void read_in_pieces(const char *bytes, size_t n, size_t piece, struct printed *printed)
{
    const struct cluster_reply *reply;
    struct cluster_reader *reader = cluster_reader_create();
    FUZZ_CHECK(reader);
    printed->n = 0;
    printed->end = CLUSTER_READ_NOTHING;
    for (size_t at = 0; at < n && printed->end == CLUSTER_READ_NOTHING; at += piece) {
        char *part = fuzz_copy(bytes + at, n - at < piece ? n - at : piece);
        FUZZ_CHECK(cluster_reader_feed(reader, part, n - at < piece ? n - at : piece));
        free(part);
        while ((printed->end = cluster_reader_next(reader, &reply)) == CLUSTER_READ_REPLY) {
            add_reply(printed, reply);
        }
    }
    cluster_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct printed at_once, in_pieces;
    if (n > 0) {
        const char *stream = (const char *)bytes + 1;
        read_in_pieces(stream, n - 1, n, &at_once);
        read_in_pieces(stream, n - 1, 1 + (size_t)bytes[0], &in_pieces);
        FUZZ_CHECK(at_once.end == in_pieces.end);
        FUZZ_CHECK(at_once.n == in_pieces.n);
        FUZZ_CHECK(memcmp(at_once.text, in_pieces.text, at_once.n) == 0);
    }
    return 0;
}
