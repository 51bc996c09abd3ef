/* The lists of ids that library/2_lists.lua keeps: in which order, in pages, and without those that
 * ended. */
#include "cluster/cluster_library.h"
#include "cluster_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_A "aaaaaaaaaaaaaaaa"
#define TOKEN_B "bbbbbbbbbbbbbbbb"

enum { PLACES = 12, IDS_TEXT = 256 };

/* value "": it is deleted. */
static void write_one(const struct served *served, const char *id, const char *expected,
                      const char *value, const char *seen)
{
    char key[64];
    snprintf(key, sizeof key, "s:%s", id);
    const struct cluster_reply *reply =
        ask_engine(served->linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, key, "ids", served->epoch,
                   expected, value, "0", id, seen);
    ck_assert_msg(reply->type == CLUSTER_LIST && reply->list[0].number == 1, "%s", id);
}

/* " a b c"; of a list with times each second text. */
static void join(const struct cluster_reply *reply, size_t every, char text[IDS_TEXT])
{
    size_t n = 0;
    text[0] = '\0';
    ck_assert_int_eq(reply->type, CLUSTER_LIST);
    for (size_t k = 0; k < reply->n; k += every) {
        n += (size_t)snprintf(text + n, IDS_TEXT - n, " %s", reply->list[k].text.bytes);
    }
}

static void expect_ids(const struct served *served, const char *from, const char *to, const char *n,
                       const char *wanted)
{
    char text[IDS_TEXT];
    join(ask_engine(served->linked, "FCALL", CLUSTER_LIST_IDS, "2", EPOCH, "ids", served->epoch,
                    from, to, n),
         1, text);
    ck_assert_str_eq(text, wanted);
}

static void expect_seen(const struct served *served, const char *seen, const char *id,
                        const char *n, const char *wanted)
{
    char text[IDS_TEXT];
    join(ask_engine(served->linked, "FCALL", CLUSTER_LIST_SEEN, "2", EPOCH, "ids", served->epoch,
                    seen, id, n),
         2, text);
    ck_assert_str_eq(text, wanted);
}

TEST(ids_are_listed_in_the_order_of_their_bytes)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    static const char *const ids[] = { "b", "B", "a_1", "a-1", "a", "ab", "Z" };
    for (size_t k = 0; k < sizeof ids / sizeof *ids; k++) {
        write_one(&served, ids[k], "", TOKEN_A, "-1");
    }
    expect_ids(&served, "-", "+", "99", " B Z a a-1 a_1 ab b");
    expect_ids(&served, "[a", "[a\xff", "99", " a a-1 a_1 ab");
    expect_ids(&served, "(a-1", "[a\xff", "1", " a_1");
    expect_ids(&served, "(c", "+", "9", "");
    served_end(&served);
}

TEST(the_newest_come_first_and_those_of_one_moment_by_their_ids)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    static const struct {
        const char *id, *seen;
    } places[PLACES] = { /* in their order */
                         { "new", "-1764474600123" },
                         { "A", "-1764474600001" },
                         { "Z", "-1764474600001" },
                         { "a", "-1764474600001" },
                         { "a-", "-1764474600001" },
                         { "a.b", "-1764474600001" },
                         { "a_b", "-1764474600001" },
                         { "aa", "-1764474600001" },
                         { "b", "-1764474600001" },
                         { "b1", "-1764474600000" },
                         { "b0", "-5" },
                         { "c", "0" }
    };
    for (size_t k = 0; k < PLACES; k++) { /* 7 and 12 have no common factor */
        write_one(&served, places[7 * k % PLACES].id, "", TOKEN_A, places[7 * k % PLACES].seen);
    }
    for (size_t k = 0; k <= PLACES; k++) { /* behind each of them, and in pages of each size */
        for (size_t n = 1; n <= PLACES; n++) {
            char wanted[IDS_TEXT] = "", count[8];
            for (size_t w = k, at = 0; w < k + n && w < PLACES; w++) {
                at += (size_t)snprintf(wanted + at, IDS_TEXT - at, " %s", places[w].id);
            }
            snprintf(count, sizeof count, "%zu", n);
            expect_seen(&served, k > 0 ? places[k - 1].seen : "", k > 0 ? places[k - 1].id : "",
                        count, wanted);
        }
    }
    /* behind what is not there */
    expect_seen(&served, "-1764474600001", "a0", "2", " a_b aa");
    expect_seen(&served, "-1764474600001", "", "2", " A Z");
    expect_seen(&served, "-1764474600001", "\xff", "2", " b1 b0");
    expect_seen(&served, "-9", "zz", "2", " b0 c");
    expect_seen(&served, "0", "c", "2", "");
    served_end(&served);
}

TEST(a_session_that_is_seen_again_is_the_newest)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    write_one(&served, "a", "", TOKEN_A, "-1");
    write_one(&served, "b", "", TOKEN_A, "-2");
    expect_seen(&served, "", "", "9", " b a");
    write_one(&served, "a", TOKEN_A, TOKEN_B, "-3");
    expect_seen(&served, "", "", "9", " a b");
    write_one(&served, "a", TOKEN_B, "", "0");
    expect_seen(&served, "", "", "9", " b");
    expect_ids(&served, "-", "+", "9", " b");
    served_end(&served);
}

static int64_t leave(const struct served *served, const char *id, const char *token)
{
    char key[64];
    snprintf(key, sizeof key, "s:%s", id);
    const struct cluster_reply *reply = ask_engine(served->linked, "FCALL", CLUSTER_LEAVE, "3",
                                                   EPOCH, key, "ids", served->epoch, token, id);
    ck_assert_int_eq(reply->type, CLUSTER_NUMBER);
    return reply->number;
}

TEST(what_has_ended_leaves_unless_it_was_made_anew)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    write_one(&served, "a", "", TOKEN_A, "-1");
    write_one(&served, "b", "", TOKEN_B, "-1");
    ask_engine(served.linked, "DEL", "s:b");
    ck_assert_int_eq(leave(&served, "a", ""), 0);
    ck_assert_int_eq(leave(&served, "a", TOKEN_B), 0);
    expect_ids(&served, "-", "+", "9", " a b");
    ck_assert_int_eq(leave(&served, "b", ""), 1);
    ck_assert_int_eq(leave(&served, "a", TOKEN_A), 1); /* its time is over, say */
    expect_ids(&served, "-", "+", "9", "");
    expect_seen(&served, "", "", "9", "");
    write_one(&served, "a", TOKEN_A, TOKEN_B, "-2"); /* it begins anew in its place */
    expect_ids(&served, "-", "+", "9", " a");
    expect_seen(&served, "", "", "9", " a");
    served_end(&served);
}

TEST(ids_without_records_do_not_pile_up)
{
    enum { SESSIONS = 100 };
    char id[16], key[24];
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    for (int k = 0; k < SESSIONS; k++) {
        snprintf(id, sizeof id, "old-%d", k);
        snprintf(key, sizeof key, "s:%s", id);
        write_one(&served, id, "", TOKEN_A, "-1");
        ask_engine(served.linked, "DEL", key); /* as if its time had ended */
    }
    for (int k = 0; k < SESSIONS; k++) {
        snprintf(id, sizeof id, "new-%d", k);
        write_one(&served, id, "", TOKEN_A, "-1");
    }
    static const char *const names[] = { "ids", "ids:seen" };
    for (size_t k = 0; k < 2; k++) {
        const int64_t n = ask_engine(served.linked, "ZCARD", names[k])->number;
        ck_assert_int_ge(n, SESSIONS);
        ck_assert_int_lt(n, 2 * SESSIONS); /* some ten are left, by chance */
    }
    served_end(&served);
}
