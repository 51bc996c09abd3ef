/* A link to a real engine: order, sizes, waiting, what ends and what comes back. */
#include "base/clock.h"
#include "cluster/cluster_library.h"
#include "cluster/cluster_trouble.h"
#include "cluster_support.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 20 << 20 };

static const struct cluster_text count[] = { CLUSTER_WORD("INCR"), CLUSTER_WORD("n") };

static void send_counts(struct cluster_link *link, struct outcomes *outcomes, int n)
{
    for (int k = 0; k < n; k++) {
        ck_assert(cluster_link_send(link, count, 2, outcome_note, outcomes));
    }
    ck_assert_uint_ge(cluster_link_n_out(link), (size_t)n);
}

TEST(a_link_becomes_ready_by_itself_and_replies_come_in_order)
{
    enum { N = 5000 };
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, NULL);
    struct outcomes outcomes = { .is_in_order = true };
    ck_assert(!cluster_link_send(linked.link, count, 2, outcome_note, &outcomes));
    ck_assert_uint_eq(cluster_link_epoch(linked.link).n, 0);
    link_until_ready(linked.link);
    ck_assert_uint_eq(cluster_link_epoch(linked.link).n, 34);
    for (int k = 0; k < 3; k++) {
        send_counts(linked.link, &outcomes, N);
        link_until_answered(linked.link);
        ck_assert_uint_eq(outcomes.n_replies, (size_t)(k + 1) * N);
    }
    ck_assert(outcomes.is_in_order);
    link_close(&linked);
    engine_end(&engine);
}

TEST(a_call_waits_for_its_reply_while_others_are_out)
{
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, NULL);
    struct outcomes outcomes = { .is_in_order = true };
    ck_assert(cluster_reply_is(ask_engine(linked, "PING"), "PONG"));
    send_counts(linked.link, &outcomes, 3);
    ck_assert_int_eq(ask_engine(linked, "INCR", "n")->number, 4);
    ck_assert_uint_eq(outcomes.n_replies, 3);
    ck_assert_int_eq(ask_engine(linked, "GET", "absent")->type, CLUSTER_NIL);
    ck_assert_int_eq(ask_engine(linked, "LPUSH", "n", "x")->type, CLUSTER_ERROR);
    link_close(&linked);
    engine_end(&engine);
}

/* Sends further commands from its callback, as a service does that goes on with a reply. */
struct chain {
    struct cluster_link *link;
    int n_left;
    int64_t last;
};

static void send_another(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct chain *chain = arg;
    ck_assert(was_sent);
    ck_assert_int_eq(reply->number, ++chain->last);
    if (--chain->n_left > 0) {
        ck_assert(cluster_link_send(chain->link, count, 2, send_another, chain));
    }
}

TEST(a_callback_may_send_the_next_command)
{
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, NULL);
    struct chain chain = { .link = linked.link, .n_left = 300 };
    link_until_ready(linked.link);
    ck_assert(cluster_link_send(linked.link, count, 2, send_another, &chain));
    link_until_answered(linked.link);
    ck_assert_int_eq(chain.last, 300);
    link_close(&linked);
    engine_end(&engine);
}

TEST(megabytes_go_there_and_come_back)
{
    const struct link_options patient = { .timeout_ms = 600000 };
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, &patient);
    char *bytes = malloc(LARGE);
    const struct cluster_text set[] = { CLUSTER_WORD("SET"),
                                        CLUSTER_WORD("large"),
                                        { .bytes = bytes, .n = LARGE } };
    const struct cluster_reply *reply;
    struct fault fault;
    ck_assert_ptr_nonnull(bytes);
    for (size_t k = 0; k < LARGE; k++) {
        bytes[k] = (char)(k * 2654435761U >> 13);
    }
    ck_assert_int_eq(cluster_link_call(linked.link, set, 3, &reply, &fault), STATUS_OK);
    ck_assert(cluster_reply_is(reply, "OK"));
    reply = ask_engine(linked, "GET", "large");
    ck_assert_uint_eq(reply->text.n, LARGE);
    ck_assert_int_eq(memcmp(reply->text.bytes, bytes, LARGE), 0);
    free(bytes);
    link_close(&linked);
    engine_end(&engine);
}

TEST(a_reply_beyond_what_is_taken_ends_the_connection_alone)
{
    const struct link_options patient = { .timeout_ms = 600000 };
    char text[16];
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, &patient);
    const struct cluster_text get[] = { CLUSTER_WORD("GET"), CLUSTER_WORD("huge") };
    const struct cluster_reply *reply;
    struct fault fault;
    snprintf(text, sizeof text, "%d", CLUSTER_REPLY_MAX);
    ck_assert_int_eq(ask_engine(linked, "SETRANGE", "huge", text, "x")->number,
                     CLUSTER_REPLY_MAX + 1);
    ck_assert_int_eq(cluster_link_call(linked.link, get, 2, &reply, &fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, "more than grud takes") != NULL, "%s", fault.message);
    ck_assert(cluster_reply_is(ask_engine(linked, "PING"), "PONG"));
    link_close(&linked);
    engine_end(&engine);
}

TEST(a_silent_engine_is_given_up_and_found_again)
{
    const struct link_options hasty = { .timeout_ms = 1000 };
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, &hasty);
    struct outcomes outcomes = { .is_in_order = true };
    link_until_ready(linked.link);
    ck_assert_int_eq(kill(engine.pid, SIGSTOP), 0);
    send_counts(linked.link, &outcomes, 10);
    link_until_refused(linked.link, STATUS_STORAGE_FAILED, "did not answer");
    ck_assert_uint_eq(outcomes.n_unknown, 10);
    ck_assert_int_eq(kill(engine.pid, SIGCONT), 0);
    link_until_ready(linked.link);
    link_close(&linked);
    /* it did them all, which nobody could know */
    struct linked patient = link_open(engine.port, NULL);
    ck_assert_int_eq(ask_engine(patient, "INCR", "n")->number, 11);
    link_close(&patient);
    engine_end(&engine);
}

TEST(silence_is_noticed_though_nothing_is_asked)
{
    const struct link_options hasty = { .timeout_ms = 1000 };
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, &hasty);
    link_until_ready(linked.link);
    ck_assert_int_eq(kill(engine.pid, SIGSTOP), 0);
    link_until_refused(linked.link, STATUS_STORAGE_FAILED, "did not answer");
    ck_assert_int_eq(kill(engine.pid, SIGCONT), 0);
    link_close(&linked);
    engine_end(&engine);
}

/* With what it has kept its epoch is the same, and without it is another. */
static void kill_and_restart(bool is_kept)
{
    const char *const options[] = { "--appendonly", is_kept ? "yes" : "no", "--appendfsync",
                                    "always", NULL };
    char before[64];
    struct engine engine = engine_start(options);
    struct linked linked = link_open(engine.port, NULL);
    struct outcomes outcomes = { .is_in_order = true };
    link_until_ready(linked.link);
    snprintf(before, sizeof before, "%s", cluster_link_epoch(linked.link).bytes);
    ck_assert_int_eq(ask_engine(linked, "INCR", "n")->number, 1);
    engine_kill(&engine);
    link_until_refused(linked.link, STATUS_STORAGE_FAILED, "cannot be reached");
    ck_assert(!cluster_link_send(linked.link, count, 2, outcome_note, &outcomes));
    engine_start_again(&engine);
    link_until_ready(linked.link);
    ck_assert_str_eq(before, cluster_link_epoch(linked.link).bytes); /* nothing of grud's is lost */
    ck_assert_int_eq(ask_engine(linked, "INCR", "n")->number, is_kept ? 2 : 1);
    link_close(&linked);
    engine_end(&engine);
}

TEST(an_engine_that_comes_back_is_used_again)
{
    if (engine_is_there()) {
        kill_and_restart(true);
        kill_and_restart(false);
    }
}

TEST(two_links_have_one_epoch_and_another_prefix_has_its_own)
{
    const struct link_options other = { .prefix = "other:" };
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked a = link_open(engine.port, NULL), b = link_open(engine.port, NULL),
                  c = link_open(engine.port, &other);
    for (struct cluster_link *const *link =
             (struct cluster_link *const[]){ a.link, b.link, c.link, NULL };
         *link; link++) {
        link_until_ready(*link);
    }
    ck_assert_str_eq(cluster_link_epoch(a.link).bytes, cluster_link_epoch(b.link).bytes);
    ck_assert_str_ne(cluster_link_epoch(a.link).bytes, cluster_link_epoch(c.link).bytes);
    link_close(&a);
    link_close(&b);
    link_close(&c);
    engine_end(&engine);
}

TEST(an_engine_that_becomes_a_replica_is_left_until_it_is_none)
{
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, NULL);
    link_until_ready(linked.link);
    engine_tell(&engine, "REPLICAOF 127.0.0.1 1");
    ck_assert_int_eq(cluster_reply_trouble(ask_engine(linked, "INCR", "n")), CLUSTER_IS_REPLICA);
    link_until_refused(linked.link, STATUS_STORAGE_FAILED, "is a replica");
    engine_tell(&engine, "REPLICAOF NO ONE");
    link_until_ready(linked.link);
    link_close(&linked);
    engine_end(&engine);
}

TEST(functions_that_somebody_removes_are_loaded_again)
{
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, NULL);
    link_until_ready(linked.link);
    char epoch[64];
    snprintf(epoch, sizeof epoch, "%s", cluster_link_epoch(linked.link).bytes);
    engine_tell(&engine, "FUNCTION FLUSH");
    ck_assert_int_eq(cluster_reply_trouble(ask_engine(linked, "FCALL", CLUSTER_READ, "2",
                                                      "grud:epoch", "s", epoch, "")),
                     CLUSTER_IS_LIBRARY_GONE);
    ck_assert(!cluster_link_is_ready(linked.link));
    const struct cluster_reply *reply =
        ask_engine(linked, "FCALL", CLUSTER_READ, "2", "grud:epoch", "s", epoch, "");
    ck_assert_int_eq(reply->type, CLUSTER_LIST);
    link_close(&linked);
    engine_end(&engine);
}

TEST(all_that_is_out_ends_with_the_link)
{
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, NULL);
    struct outcomes outcomes = { .is_in_order = true };
    link_until_ready(linked.link);
    send_counts(linked.link, &outcomes, 7); /* none of which has been written */
    link_close(&linked);
    ck_assert_uint_eq(outcomes.n_unsent, 7);
    engine_end(&engine);
}
