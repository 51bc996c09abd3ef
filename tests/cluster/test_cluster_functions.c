/* What library/3_sessions.lua does: compare-and-set of many records, and reads of them. */
#include "cluster/cluster_library.h"
#include "cluster/cluster_trouble.h"
#include "cluster_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_A "aaaaaaaaaaaaaaaa"
#define TOKEN_B "bbbbbbbbbbbbbbbb"
#define TOKEN_C "cccccccccccccccc"

/* What a reply is, as text: "1", "0", "=VALUE", "-ERROR". */
static void show(const struct cluster_reply *reply, char text[128])
{
    switch (reply->type) {
    case CLUSTER_NUMBER:
        snprintf(text, 128, "%d", (int)reply->number);
        return;
    case CLUSTER_TEXT:
        snprintf(text, 128, "=%s", reply->text.bytes);
        return;
    case CLUSTER_ERROR:
        snprintf(text, 128, "-%s", reply->text.bytes);
        return;
    case CLUSTER_NIL:
    case CLUSTER_LIST:
        break;
    }
    snprintf(text, 128, "?");
}

static void check(const struct cluster_reply *reply, const char *wanted, const char *what)
{
    char text[128];
    show(reply, text);
    ck_assert_msg(strncmp(text, wanted, wanted[0] == '-' ? strlen(wanted) : sizeof text) == 0,
                  "%s: %s, not %s", what, text, wanted);
}

static void check_one(const struct cluster_reply *reply, const char *wanted, const char *what)
{
    ck_assert_msg(reply->type == CLUSTER_LIST && reply->n == 2 &&
                      reply->list[1].type == CLUSTER_NUMBER,
                  "%s: %s", what, reply->type == CLUSTER_ERROR ? reply->text.bytes : "no list");
    check(&reply->list[0], wanted, what);
}

TEST(a_record_is_written_if_its_token_is_the_expected_one)
{
    static const struct {
        const char *what, *key, *expected, *value, *ms, *gives, *then;
    } steps[] = {
        { "change of none", "s:1", TOKEN_A, TOKEN_B "x", "0", "0", NULL },
        { "deletion of none", "s:1", TOKEN_A, "", "0", "0", NULL },
        { "none, and to stay so", "s:1", "", "", "0", "1", NULL },
        { "creation", "s:1", "", TOKEN_A "one", "0", "1", TOKEN_A "one" },
        { "creation over one", "s:1", "", TOKEN_B "two", "0", "=" TOKEN_A "one", TOKEN_A "one" },
        { "change", "s:1", TOKEN_A, TOKEN_B "two", "0", "1", TOKEN_B "two" },
        { "the same once more", "s:1", TOKEN_A, TOKEN_B "two", "0", "=" TOKEN_B "two",
          TOKEN_B "two" },
        { "deletion of an older one", "s:1", TOKEN_A, "", "0", "=" TOKEN_B "two", TOKEN_B "two" },
        { "an end", "s:1", TOKEN_B, TOKEN_C "three", "100000", "1", TOKEN_C "three" },
        { "deletion", "s:1", TOKEN_C, "", "0", "1", NULL },
        { "a key of another type", "l", "", TOKEN_A, "0", "-WRONGTYPE", NULL },
        { "a time that is none", "s:2", "", TOKEN_A, "soon", "-ERR value is not an integer", NULL },
    };
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    ask_engine(served.linked, "LPUSH", "l", "x");
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        check_one(ask_engine(served.linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, steps[k].key, "ids",
                             served.epoch, steps[k].expected, steps[k].value, steps[k].ms, "id",
                             "-1"),
                  steps[k].gives, steps[k].what);
        const struct cluster_reply *reply = ask_engine(served.linked, "GET", steps[k].key);
        if (steps[k].then) {
            ck_assert_msg(cluster_reply_is(reply, steps[k].then), "%s", steps[k].what);
        } else {
            ck_assert_msg(reply->type != CLUSTER_TEXT, "%s", steps[k].what);
        }
    }
    served_end(&served);
}

TEST(a_record_has_the_time_that_it_was_last_given)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    check_one(ask_engine(served.linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, "s", "ids",
                         served.epoch, "", TOKEN_A, "100000", "id", "-1"),
              "1", "with an end");
    ck_assert_int_gt(ask_engine(served.linked, "PTTL", "s")->number, 0);
    check_one(ask_engine(served.linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, "s", "ids",
                         served.epoch, TOKEN_A, TOKEN_B, "0", "id", "-1"),
              "1", "without");
    ck_assert_int_eq(ask_engine(served.linked, "PTTL", "s")->number, -1);
    served_end(&served);
}

TEST(the_index_has_those_that_are_there)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    const struct cluster_reply *reply;
    check_one(ask_engine(served.linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, "s:b", "ids",
                         served.epoch, "", TOKEN_A, "0", "b", "-1"),
              "1", "b");
    check_one(ask_engine(served.linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, "s:a", "ids",
                         served.epoch, "", TOKEN_A, "0", "a", "-1"),
              "1", "a");
    reply = ask_engine(served.linked, "ZRANGEBYLEX", "ids", "-", "+");
    ck_assert_uint_eq(reply->n, 2);
    ck_assert(cluster_reply_is(&reply->list[0], "a") && cluster_reply_is(&reply->list[1], "b"));
    check_one(ask_engine(served.linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, "s:a", "ids",
                         served.epoch, TOKEN_A, "", "0", "a", "-1"),
              "1", "a is deleted");
    reply = ask_engine(served.linked, "ZRANGEBYLEX", "ids", "-", "+");
    ck_assert_uint_eq(reply->n, 1);
    ck_assert(cluster_reply_is(&reply->list[0], "b"));
    /* an index that is none refuses a record, which would not be listed; and so it goes on */
    ask_engine(served.linked, "SET", "text", "x");
    for (int k = 0; k < 2; k++) {
        check_one(ask_engine(served.linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, "s:c", "text",
                             served.epoch, "", TOKEN_A, "0", "c", "-1"),
                  "-WRONGTYPE", "an index of another type");
    }
    ck_assert_int_eq(ask_engine(served.linked, "EXISTS", "s:c")->number, 0);
    served_end(&served);
}

TEST(one_that_fails_leaves_the_others_alone)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    ask_engine(served.linked, "LPUSH", "l", "x");
    const char *const write[] = { "FCALL", CLUSTER_WRITE, "7",   EPOCH, "s:1",        "ids",
                                  "l",     "ids",         "s:2", "ids", served.epoch, "",
                                  TOKEN_A, "0",           "1",   "-1",  "",           "",
                                  TOKEN_A, "0",           "l",   "-1",  "",           "",
                                  TOKEN_B, "0",           "2",   "-1",  "",           NULL };
    const struct cluster_reply *reply = link_ask(served.linked.link, write);
    ck_assert_uint_eq(reply->n, 4);
    check(&reply->list[0], "1", "the first");
    check(&reply->list[1], "-WRONGTYPE", "the second");
    check(&reply->list[2], "1", "the third");
    check(&reply->list[3], "1", "the number of the write");
    reply = ask_engine(served.linked, "FCALL", CLUSTER_READ, "6", EPOCH, "s:1", "l", "s:2", "s:2",
                       "s:3", served.epoch, TOKEN_A, "", TOKEN_A, TOKEN_B, TOKEN_A);
    ck_assert_uint_eq(reply->n, 6);
    check(&reply->list[0], "1", "known");
    check(&reply->list[1], "-WRONGTYPE", "of another type");
    check(&reply->list[2], "=" TOKEN_B, "another than was known");
    check(&reply->list[3], "1", "known, too");
    check(&reply->list[4], "0", "none");
    check(&reply->list[5], "1", "how many writes there were");
    served_end(&served);
}

TEST(another_epoch_changes_nothing_and_the_link_looks_again)
{
    if (!engine_is_there()) {
        return;
    }
    char line[128];
    struct served served = served_begin();
    ask_engine(served.linked, "SET", "grud:writes", "1");
    cluster_link_note_writes(served.linked.link, 1); /* it has something to lose */
    ask_engine(served.linked, "SET", EPOCH, "another");
    const struct cluster_reply *reply =
        ask_engine(served.linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, "s:1", "ids", served.epoch,
                   "", TOKEN_A, "0", "1", "-1");
    ck_assert_int_eq(cluster_reply_trouble(reply), CLUSTER_IS_EPOCH);
    link_until_refused(served.linked.link, STATUS_STORAGE_FAILED, "is another one than before");
    snprintf(line, sizeof line, "SET " EPOCH " %s", served.epoch);
    engine_tell(&served.engine, line);
    link_until_ready(served.linked.link);
    ck_assert_int_eq(ask_engine(served.linked, "EXISTS", "s:1", "ids")->number, 0);
    reply = ask_engine(served.linked, "FCALL", CLUSTER_READ, "2", EPOCH, "s:1", "another", "");
    ck_assert_int_eq(cluster_reply_trouble(reply), CLUSTER_IS_EPOCH);
    served_end(&served);
}

TEST(a_full_engine_takes_no_writes_and_gives_reads)
{
    struct fault fault;
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    check_one(ask_engine(served.linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, "s", "ids",
                         served.epoch, "", TOKEN_A, "0", "id", "-1"),
              "1", "before");
    engine_tell(&served.engine, "CONFIG SET maxmemory 1");
    const struct cluster_reply *reply =
        ask_engine(served.linked, "FCALL", CLUSTER_WRITE, "3", EPOCH, "s", "ids", served.epoch,
                   TOKEN_A, TOKEN_B, "0", "id", "-1");
    ck_assert_int_eq(cluster_reply_fault(reply, &fault), STATUS_STORAGE_FAILED);
    ck_assert_ptr_nonnull(strstr(fault.message, "maxmemory"));
    ck_assert(cluster_link_is_ready(served.linked.link));
    check_one(ask_engine(served.linked, "FCALL", CLUSTER_READ, "2", EPOCH, "s", served.epoch, ""),
              "=" TOKEN_A, "afterwards");
    served_end(&served);
}
