/* Engines that are none, are too old, or break off: what a link makes of their bytes. */
#include "cluster/cluster_trouble.h"
#include "cluster_support.h"
#include "false_engine.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST(a_greeting_may_come_byte_by_byte)
{
    char text[GREETING_MAX];
    size_t n = false_engine_greeting("redis_version:7.2.4\r\nrole:master\r\n", text);
    n += (size_t)snprintf(text + n, sizeof text - n, "%s", MEETING);
    struct false_engine engine = false_engine_start();
    struct linked linked = link_open(engine.port, NULL);
    false_engine_await(&engine, linked.link);
    for (size_t i = 0; i < n; i++) {
        ck_assert(!cluster_link_is_ready(linked.link));
        false_engine_say(&engine, text + i, 1);
        link_turn(linked.link);
    }
    link_until_ready(linked.link);
    ck_assert_str_eq(cluster_link_epoch(linked.link).bytes, "e1");
    link_close(&linked);
    false_engine_end(&engine);
}

TEST(what_an_engine_says_of_itself_decides)
{
    static const struct {
        const char *info;
        enum status status;
        const char *words;
    } said[] = {
        { "redis_version:6.2.14\r\n", STATUS_INVALID_VALUE, "too old" },
        { "redis_version:5.0.3\r\nrole:slave\r\n", STATUS_INVALID_VALUE, "5.0.3" },
        { "server:none\r\n", STATUS_INVALID_VALUE, "no Redis or Valkey" },
        { "redis_version:x\r\n", STATUS_INVALID_VALUE, "no Redis or Valkey" },
        { "redis_version:7.2.4\r\nloading:1\r\n", STATUS_STORAGE_FAILED, "still reading its data" },
        { "redis_version:7.2.4\r\nrole:slave\r\n", STATUS_STORAGE_FAILED, "is a replica" },
        { "redis_version:7.2.4\r\nserver_mode:cluster\r\n", STATUS_INVALID_VALUE,
          "own cluster mode" },
    };
    struct false_engine engine = false_engine_start();
    struct linked linked = link_open(engine.port, NULL);
    for (size_t k = 0; k < sizeof said / sizeof *said; k++) {
        char text[GREETING_MAX];
        const size_t n = false_engine_greeting(said[k].info, text);
        false_engine_await(&engine, linked.link);
        false_engine_say(&engine, text, n);
        link_until_refused(linked.link, said[k].status, said[k].words);
    }
    false_engine_greet(&engine, linked.link); /* and then it is well */
    link_close(&linked);
    false_engine_end(&engine);
}

TEST(a_meeting_that_is_none_is_refused)
{
    static const struct {
        const char *bytes;
        enum status status;
        const char *words;
    } said[] = {
        { ":1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", STATUS_STORAGE_FAILED, "does not stay there" },
        { "+OK\r\n", STATUS_INVALID_VALUE, "of another type" },
        { "*0\r\n", STATUS_INVALID_VALUE, "a meeting is none" },
        { "*4\r\n$2\r\ne1\r\n$1\r\n1\r\n:-1\r\n:0\r\n", STATUS_INVALID_VALUE, "a meeting is none" },
        { "*4\r\n$0\r\n\r\n:1\r\n:-1\r\n:0\r\n", STATUS_INVALID_VALUE, "its epoch is none" },
        { "-GRUDOTHER its epoch is a.0\r\n", STATUS_STORAGE_FAILED, "another one than before" },
        { "*4\r\n$2\r\ne1\r\n:9\r\n:7\r\n:0\r\n", STATUS_STORAGE_FAILED, "7 writes are left" },
    };
    struct false_engine engine = false_engine_start();
    for (size_t k = 0; k < sizeof said / sizeof *said; k++) {
        char text[GREETING_MAX];
        const size_t n = false_engine_greeting("redis_version:7.2.4\r\n", text);
        struct linked linked = link_open(engine.port, NULL);
        false_engine_await(&engine, linked.link);
        false_engine_say(&engine, text, n);
        false_engine_say(&engine, said[k].bytes, strlen(said[k].bytes));
        link_until_refused(linked.link, said[k].status, said[k].words);
        link_close(&linked);
    }
    false_engine_end(&engine);
}

#define TEN_LISTS "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"

TEST(bytes_that_are_no_replies_end_the_connection)
{
    static const struct {
        const char *bytes;
        enum status status;
        const char *words;
    } said[] = {
        { "HTTP/1.1 400 Bad Request\r\n\r\n", STATUS_INVALID_VALUE, "no Redis or Valkey" },
        { ":1\r\n", STATUS_INVALID_VALUE, "of another type" },
        { "$-2\r\n", STATUS_INVALID_VALUE, "no Redis or Valkey" },
        { "*-2\r\n", STATUS_INVALID_VALUE, "no Redis or Valkey" },
        { "$1x\r\n", STATUS_INVALID_VALUE, "no Redis or Valkey" },
        { "%1\r\n+a\r\n+b\r\n", STATUS_INVALID_VALUE, "no Redis or Valkey" },
        { TEN_LISTS, STATUS_INVALID_VALUE, "no Redis or Valkey" },
        { "*2000000000\r\n", STATUS_STORAGE_FAILED, "more than grud takes" },
        { "*9999999999999\r\n", STATUS_INVALID_VALUE, "no Redis or Valkey" },
        { "-LOADING Redis is loading the dataset in memory\r\n-LOADING\r\n-LOADING\r\n"
          "-LOADING\r\n",
          STATUS_STORAGE_FAILED, "still reading its data" },
        { "-ERR max number of clients reached\r\n", STATUS_STORAGE_FAILED, "no room for another" },
        { "-DENIED Redis is running in protected mode\r\n", STATUS_INVALID_VALUE,
          "protected mode" },
    };
    struct false_engine engine = false_engine_start();
    for (size_t k = 0; k < sizeof said / sizeof *said; k++) {
        struct linked linked = link_open(engine.port, NULL);
        false_engine_await(&engine, linked.link);
        false_engine_say(&engine, said[k].bytes, strlen(said[k].bytes));
        link_until_refused(linked.link, said[k].status, said[k].words);
        link_close(&linked);
    }
    false_engine_end(&engine);
}

TEST(an_answer_that_nobody_asked_for_ends_the_connection)
{
    struct false_engine engine = false_engine_start();
    struct linked linked = link_open(engine.port, NULL);
    false_engine_greet(&engine, linked.link);
    false_engine_say(&engine, "+OK\r\n", 5);
    link_until_refused(linked.link, STATUS_INVALID_VALUE, "what nobody asked");
    link_close(&linked);
    false_engine_end(&engine);
}

TEST(a_text_without_end_is_not_kept)
{
    enum { PIECE = 1 << 16 };
    const struct link_options patient = { .timeout_ms = 600000 };
    char *piece = calloc(1, PIECE);
    struct outcomes outcomes = { .is_in_order = true };
    const struct cluster_text get[] = { CLUSTER_WORD("GET"), CLUSTER_WORD("x") };
    struct false_engine engine = false_engine_start();
    struct linked linked = link_open(engine.port, &patient);
    ck_assert_ptr_nonnull(piece);
    false_engine_greet(&engine, linked.link);
    ck_assert(cluster_link_send(linked.link, get, 2, outcome_note, &outcomes));
    false_engine_say(&engine, "$1000000000\r\n", 13);
    size_t n_said = 0;
    while (outcomes.n_unknown == 0) {
        ck_assert_uint_le(n_said, (size_t)CLUSTER_REPLY_MAX + (8 << 20));
        false_engine_say(&engine, piece, PIECE);
        n_said += PIECE;
        link_turn(linked.link);
    }
    link_until_refused(linked.link, STATUS_STORAGE_FAILED, "more than grud takes");
    free(piece);
    link_close(&linked);
    false_engine_end(&engine);
}

TEST(replies_may_be_cut_anywhere)
{
    static const char replies[] = "$5\r\nhello\r\n*2\r\n:1\r\n$-1\r\n-ERR no\r\n";
    struct false_engine engine = false_engine_start();
    const struct cluster_text ping = CLUSTER_WORD("PING");
    for (size_t n = 0; n < sizeof replies; n++) {
        struct outcomes outcomes = { .is_in_order = true };
        struct linked linked = link_open(engine.port, NULL);
        false_engine_greet(&engine, linked.link);
        for (int k = 0; k < 3; k++) {
            ck_assert(cluster_link_send(linked.link, &ping, 1, outcome_note, &outcomes));
        }
        link_turn(linked.link);
        false_engine_say(&engine, replies, n);
        false_engine_hang_up(&engine);
        while (cluster_link_n_out(linked.link) > 0) {
            link_turn(linked.link);
        }
        const size_t n_whole = (n >= 11) + (n >= 24) + (n >= 33);
        ck_assert_msg(outcomes.n_replies == n_whole && outcomes.n_unknown == 3 - n_whole,
                      "%zu bytes: %zu replies", n, outcomes.n_replies);
        /* the last is seen before the end is */
        link_until_refused(linked.link, STATUS_STORAGE_FAILED, "ended the connection");
        link_close(&linked);
    }
    false_engine_end(&engine);
}

TEST(what_was_never_written_is_told_from_what_may_have_been_done)
{
    enum { N = 8, PIECE = 8 << 20 };
    char *piece = calloc(1, PIECE);
    struct outcomes outcomes = { .is_in_order = true };
    const struct cluster_text set[] = { CLUSTER_WORD("SET"),
                                        CLUSTER_WORD("x"),
                                        { .bytes = piece, .n = PIECE } };
    struct false_engine engine = false_engine_start();
    struct linked linked = link_open(engine.port, NULL);
    ck_assert_ptr_nonnull(piece);
    false_engine_greet(&engine, linked.link);
    for (int k = 0; k < N; k++) {
        ck_assert(cluster_link_send(linked.link, set, 3, outcome_note, &outcomes));
    }
    for (int k = 0; k < 20; k++) {
        link_turn(linked.link); /* until the socket, which nobody reads, is full */
    }
    false_engine_hang_up(&engine);
    while (cluster_link_n_out(linked.link) > 0) {
        link_turn(linked.link);
    }
    ck_assert_uint_ge(outcomes.n_unknown, 1);
    ck_assert_uint_ge(outcomes.n_unsent, N / 2);
    ck_assert_uint_eq(outcomes.n_unknown + outcomes.n_unsent, N);
    free(piece);
    link_close(&linked);
    false_engine_end(&engine);
}

TEST(more_than_there_is_room_for_is_refused)
{
    enum { PIECE = 32 << 20 };
    char *piece = calloc(1, PIECE);
    struct outcomes outcomes = { .is_in_order = true };
    const struct cluster_text set[] = { CLUSTER_WORD("SET"),
                                        CLUSTER_WORD("x"),
                                        { .bytes = piece, .n = PIECE } };
    const struct cluster_text ping = CLUSTER_WORD("PING");
    struct false_engine engine = false_engine_start();
    struct linked linked = link_open(engine.port, NULL);
    ck_assert_ptr_nonnull(piece);
    false_engine_greet(&engine, linked.link);
    size_t n = 0;
    while (cluster_link_send(linked.link, set, 3, outcome_note, &outcomes)) {
        n++;
    }
    ck_assert_uint_eq(n, CLUSTER_OUT_MAX / PIECE - 1);
    ck_assert(cluster_link_send(linked.link, &ping, 1, outcome_note, &outcomes));
    free(piece);
    link_close(&linked);
    ck_assert_uint_eq(outcomes.n_unsent, n + 1);
    false_engine_end(&engine);
}
