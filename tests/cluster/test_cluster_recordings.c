/* What library/2_recordings.lua does: readings come with the write of their record, or not at all.
 */
#include "cluster/cluster_library.h"
#include "cluster/cluster_trouble.h"
#include "cluster_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_A "aaaaaaaaaaaaaaaa"
#define TOKEN_B "bbbbbbbbbbbbbbbb"
#define TOKEN_C "cccccccccccccccc"

/* Writes the session "s:1", of which 3 readings are kept, with those of the list; NULL: the node
 * records nothing. The reply. */
static const struct cluster_reply *write_record(struct served *served, const char *expected,
                                                const char *value, const char *ms,
                                                const char *const *readings)
{
    char n[24];
    const char *words[32] = { "FCALL",       CLUSTER_WRITE, "3",   EPOCH, "s:1", "ids",
                              served->epoch, expected,      value, ms,    "1",   "-1000" };
    size_t at = 12, n_readings = 0;
    while (readings && readings[n_readings]) {
        n_readings++;
    }
    snprintf(n, sizeof n, "%zu", n_readings);
    words[at++] = readings ? "3" : "";
    if (readings) {
        words[at++] = n;
    }
    for (size_t k = 0; k < n_readings; k++) {
        words[at++] = readings[k];
    }
    const struct cluster_reply *reply = link_ask(served->linked.link, words);
    ck_assert_msg(reply->type == CLUSTER_LIST && reply->n >= 1, "%s",
                  reply->type == CLUSTER_ERROR ? reply->text.bytes : "no list");
    return &reply->list[0];
}

#define READINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
static const char *const none[] = { NULL };

static void expect_number(const struct cluster_reply *reply, int64_t wanted, const char *what)
{
    ck_assert_msg(reply->type == CLUSTER_NUMBER && reply->number == wanted, "%s: %s", what,
                  reply->type == CLUSTER_NUMBER ? "another number" : reply->text.bytes);
}

/* "a b c" of what is recorded. */
static void expect_recorded(struct served *served, const char *wanted)
{
    char text[256] = "";
    size_t n = 0;
    const struct cluster_reply *reply = ask_engine(served->linked, "FCALL", CLUSTER_RECORDED, "2",
                                                   EPOCH, "s:1", served->epoch, "0", "-1");
    ck_assert_int_eq(reply->type, CLUSTER_LIST);
    for (size_t k = 0; k < reply->n; k++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", k > 0 ? " " : "",
                              reply->list[k].text.bytes);
    }
    ck_assert_str_eq(text, wanted);
}

TEST(readings_are_recorded_if_their_write_is_made)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    expect_recorded(&served, "");
    expect_number(write_record(&served, TOKEN_A, TOKEN_B, "0", READINGS("x")), 0, "of none");
    expect_recorded(&served, "");
    expect_number(write_record(&served, "", TOKEN_A, "0", READINGS("1", "2")), 1, "the first");
    expect_recorded(&served, "1 2");
    ck_assert_int_eq(write_record(&served, TOKEN_B, TOKEN_C, "0", READINGS("x"))->type,
                     CLUSTER_TEXT);
    expect_recorded(&served, "1 2");
    expect_number(write_record(&served, TOKEN_A, TOKEN_B, "0", none), 1, "without a reading");
    expect_recorded(&served, "1 2");
    expect_number(write_record(&served, TOKEN_B, TOKEN_C, "0", READINGS("3")), 1, "one more");
    expect_recorded(&served, "1 2 3");
    expect_number(write_record(&served, TOKEN_C, TOKEN_A, "0", NULL), 1, "by another node");
    expect_recorded(&served, "1 2 3");
    served_end(&served);
}

TEST(the_newest_rows_are_kept)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    expect_number(write_record(&served, "", TOKEN_A, "0", READINGS("1", "2", "3", "4", "5")), 1,
                  "more than are kept");
    expect_recorded(&served, "3 4 5");
    expect_number(write_record(&served, TOKEN_A, TOKEN_B, "0", READINGS("6")), 1, "another");
    expect_recorded(&served, "4 5 6");
    const struct cluster_reply *reply = ask_engine(served.linked, "FCALL", CLUSTER_RECORDED, "2",
                                                   EPOCH, "s:1", served.epoch, "-2", "-2");
    ck_assert_uint_eq(reply->n, 1);
    ck_assert(cluster_reply_is(&reply->list[0], "5"));
    served_end(&served);
}

TEST(a_deleted_session_has_nothing_recorded)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    expect_number(write_record(&served, "", TOKEN_A, "0", READINGS("1", "2")), 1, "the first");
    ck_assert_int_eq(write_record(&served, TOKEN_B, "", "0", NULL)->type, CLUSTER_TEXT);
    expect_recorded(&served, "1 2");
    expect_number(write_record(&served, TOKEN_A, "", "0", NULL), 1, "the deletion");
    expect_recorded(&served, "");
    ck_assert_uint_eq(ask_engine(served.linked, "KEYS", "s:*")->n, 0);
    ck_assert_uint_eq(ask_engine(served.linked, "KEYS", "i:*")->n, 0);
    served_end(&served);
}

TEST(what_is_recorded_lives_as_long_as_the_record)
{
    static const struct {
        const char *what, *expected, *next, *ms;
        const char *readings[2];
        bool ends;
    } steps[] = {
        { "an end", "", TOKEN_A, "100000", { "1" }, true },
        { "none any more", TOKEN_A, TOKEN_B, "0", { "2" }, false },
        { "an end, without a reading", TOKEN_B, TOKEN_C, "100000", { NULL }, true },
        { "none, without a reading", TOKEN_C, TOKEN_A, "0", { NULL }, false },
    };
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        expect_number(
            write_record(&served, steps[k].expected, steps[k].next, steps[k].ms, steps[k].readings),
            1, steps[k].what);
        const int64_t record = ask_engine(served.linked, "PEXPIRETIME", "s:1")->number;
        const int64_t list = ask_engine(served.linked, "PEXPIRETIME", "s:1/r")->number;
        ck_assert_msg(list == record && (record > 0) == steps[k].ends, "%s", steps[k].what);
    }
    served_end(&served);
}

TEST(a_list_of_another_type_refuses_the_step_and_the_others_go_on)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    ask_engine(served.linked, "SET", "s:1/r", "x");
    const struct cluster_reply *reply = write_record(&served, "", TOKEN_A, "0", READINGS("1"));
    ck_assert_int_eq(reply->type, CLUSTER_ERROR);
    ck_assert_int_eq(cluster_reply_trouble(reply), CLUSTER_IS_KEY_TYPE);
    ck_assert_int_eq(ask_engine(served.linked, "EXISTS", "s:1")->number, 0);
    ask_engine(served.linked, "DEL", "s:1/r");
    /* nor is anything recorded where the record itself cannot be written */
    expect_number(write_record(&served, "", TOKEN_A, "0", READINGS("1")), 1, "as it should be");
    reply = write_record(&served, TOKEN_A, TOKEN_B, "soon", READINGS("2", "3", "4"));
    ck_assert_int_eq(reply->type, CLUSTER_ERROR);
    expect_recorded(&served, "1");
    served_end(&served);
}

/* Otherwise nobody would see that lists grow. */
TEST(what_the_engine_does_not_permit_is_told)
{
    static const char *const rights[] = { "-rpush", "+rpush -ltrim", "+ltrim -pexpire",
                                          "+pexpire -persist" };
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    for (size_t k = 0; k < sizeof rights / sizeof *rights; k++) {
        char line[64];
        ask_engine(served.linked, "DEL", "s:1");
        ask_engine(served.linked, "RPUSH", "s:1/r", "1", "2", "3");
        snprintf(line, sizeof line, "ACL SETUSER default %s", rights[k]);
        engine_tell(&served.engine, line);
        const struct cluster_reply *reply =
            write_record(&served, "", TOKEN_A, k == 2 ? "100000" : "0", READINGS("4"));
        ck_assert_msg(cluster_reply_trouble(reply) == CLUSTER_IS_PERMISSION, "%s: %s", rights[k],
                      reply->type == CLUSTER_ERROR ? reply->text.bytes : "no error");
    }
    served_end(&served);
}

TEST(several_records_of_a_call_have_their_own_readings)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    const char *const write[] = {
        "FCALL", CLUSTER_WRITE, "7", EPOCH,   "s:1", "ids", "s:2", "ids", "s:3",
        "ids",   served.epoch,  "",  TOKEN_A, "0",   "1",   "-1",  "9",   "2",
        "a",     "b",           "",  TOKEN_B, "0",   "2",   "-1",  "",    "",
        TOKEN_C, "0",           "3", "-1",    NULL
    };
    const struct cluster_reply *reply = link_ask(served.linked.link, write);
    ck_assert_uint_ge(reply->n, 3);
    for (size_t k = 0; k < 3; k++) {
        expect_number(&reply->list[k], 1, "a record");
    }
    expect_recorded(&served, "a b");
    ck_assert(cluster_reply_is(ask_engine(served.linked, "GET", "s:3"), TOKEN_C));
    ck_assert_int_eq(ask_engine(served.linked, "EXISTS", "s:2/r", "s:3/r")->number, 0);
    served_end(&served);
}

/* As a step makes them that fills a long gap. */
TEST(many_readings_come_with_one_write)
{
    enum { MANY = 20000, WORDS = 14 };
    static struct cluster_text words[WORDS + MANY];
    static char readings[MANY][24];
    struct fault fault;
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    const char *const first[WORDS] = { "FCALL", CLUSTER_WRITE, "3",     EPOCH,   "s:1",
                                       "ids",   served.epoch,  "",      TOKEN_A, "0",
                                       "1",     "-1",          "15000", "20000" };
    for (size_t k = 0; k < WORDS; k++) {
        words[k] = (struct cluster_text){ first[k], strlen(first[k]) };
    }
    for (size_t k = 0; k < MANY; k++) {
        const int n = snprintf(readings[k], sizeof readings[k], "%zu", k);
        words[WORDS + k] = (struct cluster_text){ readings[k], (size_t)n };
    }
    const struct cluster_reply *reply;
    ck_assert_int_eq(cluster_link_call(served.linked.link, words, WORDS + MANY, &reply, &fault),
                     STATUS_OK);
    ck_assert_msg(reply->type == CLUSTER_LIST, "%s", reply->text.bytes);
    expect_number(&reply->list[0], 1, "the write");
    reply = ask_engine(served.linked, "LRANGE", "s:1/r", "0", "-1");
    ck_assert_uint_eq(reply->n, 15000);
    for (size_t k = 0; k < reply->n; k++) {
        ck_assert(cluster_reply_is(&reply->list[k], readings[5000 + k]));
    }
    served_end(&served);
}
