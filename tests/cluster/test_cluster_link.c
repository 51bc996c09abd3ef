/* A link to a real engine: order, sizes, waiting, what ends and what comes back. */
#include "cluster/cluster_library.h"
#include "cluster_support.h"
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* What became of commands. */
struct outcomes {
    size_t n_replies, n_unknown, n_unsent;
    int64_t last;
    bool is_in_order;
};

static void note(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct outcomes *outcomes = arg;
    if (reply) {
        outcomes->is_in_order &= reply->number == outcomes->last + 1;
        outcomes->last = reply->number;
        outcomes->n_replies++;
    } else if (was_sent) {
        outcomes->n_unknown++;
    } else {
        outcomes->n_unsent++;
    }
}

static const struct cluster_text count[] = { CLUSTER_WORD("INCR"), CLUSTER_WORD("n") };

TEST(a_link_becomes_ready_by_itself_and_replies_come_in_order)
{
    enum { N = 5000 };
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, NULL);
    struct outcomes outcomes = { .is_in_order = true };
    ck_assert(!cluster_link_send(linked.link, count, 2, note, &outcomes));
    link_until_ready(linked.link);
    for (int k = 0; k < N; k++) {
        ck_assert(cluster_link_send(linked.link, count, 2, note, &outcomes));
    }
    ck_assert_uint_eq(cluster_link_n_out(linked.link), N);
    link_until_answered(linked.link);
    ck_assert_uint_eq(outcomes.n_replies, N);
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
    for (int k = 0; k < 3; k++) {
        ck_assert(cluster_link_send(linked.link, count, 2, note, &outcomes));
    }
    ck_assert_int_eq(ask_engine(linked, "INCR", "n")->number, 4);
    ck_assert_uint_eq(outcomes.n_replies, 3);
    ck_assert_int_eq(ask_engine(linked, "GET", "absent")->type, CLUSTER_NIL);
    ck_assert_int_eq(ask_engine(linked, "LPUSH", "n", "x")->type, CLUSTER_ERROR);
    link_close(&linked);
    engine_end(&engine);
}
