/* Engines that come back with less than they had acknowledged. */
#include "cluster/cluster_library.h"
#include "cluster/cluster_trouble.h"
#include "cluster_support.h"

#include "base/clock.h"
#include "scratch.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN "aaaaaaaaaaaaaaaa"
#define LOST  "without writes that it had acknowledged"

/* An engine without a file of its appends: what it comes back with is what it was last told to
 * save.
 */
struct lossy {
    struct engine engine;
    struct linked a, b;
};

static struct lossy lossy_begin(void)
{
    struct lossy lossy = { .engine = engine_start(NULL) };
    lossy.a = link_open(lossy.engine.port, NULL);
    lossy.b = link_open(lossy.engine.port, NULL);
    link_until_ready(lossy.a.link);
    link_until_ready(lossy.b.link);
    return lossy;
}

static void lossy_end(struct lossy *lossy)
{
    link_close(&lossy->a);
    link_close(&lossy->b);
    engine_end(&lossy->engine);
}

static void come_back(struct lossy *lossy)
{
    engine_kill(&lossy->engine);
    link_until_refused(lossy->a.link, STATUS_STORAGE_FAILED, "cannot be reached");
    link_until_refused(lossy->b.link, STATUS_STORAGE_FAILED, "cannot be reached");
    engine_start_again(&lossy->engine);
}

/* A new record, as a node writes it. */
static void write_one(const struct linked *linked, const char *id)
{
    char key[64], epoch[96];
    snprintf(key, sizeof key, "grud:s:m:%s", id);
    snprintf(epoch, sizeof epoch, "%s", cluster_link_epoch(linked->link).bytes);
    const struct cluster_reply *reply =
        ask_engine(*linked, "FCALL", CLUSTER_WRITE, "3", "grud:epoch", key, "grud:i:m", epoch, "",
                   TOKEN, "0", id, "-1");
    ck_assert_msg(reply->type == CLUSTER_LIST && reply->n == 2, "%s",
                  reply->type == CLUSTER_ERROR ? reply->text.bytes : "no list");
    ck_assert_int_eq(reply->list[0].number, 1);
    cluster_link_note_writes(linked->link, reply->list[1].number);
}

static void until_lost(const struct linked *linked, const char *words)
{
    link_until_refused(linked->link, STATUS_STORAGE_FAILED, LOST);
    link_until_refused(linked->link, STATUS_STORAGE_FAILED, words);
    ck_assert(cluster_link_sees_loss(linked->link));
}

static void until_ready(const struct lossy *lossy)
{
    link_until_ready(lossy->a.link);
    link_until_ready(lossy->b.link);
}

/* Whether its epoch tells of one. */
static void expect_loss(const struct linked *linked, bool is_wanted)
{
    const char *epoch = cluster_link_epoch(linked->link).bytes;
    ck_assert_msg((strcmp(strrchr(epoch, '.'), ".0") != 0) == is_wanted, "%s", epoch);
}

TEST(what_came_back_whole_is_used)
{
    if (!engine_is_there()) {
        return;
    }
    struct lossy lossy = lossy_begin();
    for (int k = 0; k < 4; k++) {
        char id[16];
        snprintf(id, sizeof id, "%d", k);
        write_one(k % 2 ? &lossy.a : &lossy.b, id);
        engine_tell(&lossy.engine, "SAVE");
        come_back(&lossy);
        until_ready(&lossy);
        expect_loss(&lossy.a, false);
    }
    lossy_end(&lossy);
}

TEST(an_engine_that_came_back_older_is_refused_by_all_until_the_loss_is_accepted)
{
    if (!engine_is_there()) {
        return;
    }
    struct lossy lossy = lossy_begin();
    struct linked fresh;
    write_one(&lossy.b, "1");
    engine_tell(&lossy.engine, "SAVE");
    write_one(&lossy.a, "2");
    come_back(&lossy);
    until_lost(&lossy.a, "1 writes are left, and this node knows of 2");
    until_lost(&lossy.b, "1 writes are left, and this node knows of 1");
    fresh = link_open(lossy.engine.port, NULL);
    until_lost(&fresh, "1 writes are left");
    engine_tell(&lossy.engine, "DEL grud:lost");
    until_ready(&lossy);
    link_until_ready(fresh.link);
    expect_loss(&lossy.a, true);
    expect_loss(&fresh, true);
    write_one(&fresh, "2");
    write_one(&lossy.a, "3");
    link_close(&fresh);
    lossy_end(&lossy);
}

TEST(a_loss_is_found_though_others_have_written_since)
{
    if (!engine_is_there()) {
        return;
    }
    struct lossy lossy = lossy_begin();
    engine_tell(&lossy.engine, "SAVE");
    write_one(&lossy.a, "1");
    come_back(&lossy);
    link_until_ready(lossy.b.link);
    for (int k = 0; k < 5; k++) {
        char id[16];
        snprintf(id, sizeof id, "b%d", k);
        write_one(&lossy.b, id);
    }
    engine_tell(&lossy.engine, "SAVE");
    come_back(&lossy); /* which the other one has not seen happen twice */
    link_until_ready(lossy.b.link);
    until_lost(&lossy.a, "0 writes are left, and this node knows of 1");
    const struct cluster_reply *reply = ask_engine(
        lossy.b, "FCALL", CLUSTER_READ, "1", "grud:epoch", cluster_link_epoch(lossy.b.link).bytes);
    ck_assert_int_eq(cluster_reply_trouble(reply), CLUSTER_IS_EPOCH);
    until_lost(&lossy.b, "0 writes are left");
    lossy_end(&lossy);
}

TEST(an_engine_that_came_back_empty_has_lost_everything)
{
    if (!engine_is_there()) {
        return;
    }
    for (int is_flushed = 0; is_flushed < 2; is_flushed++) {
        struct lossy lossy = lossy_begin();
        write_one(&lossy.a, "1");
        if (is_flushed) {
            engine_tell(&lossy.engine, "FLUSHALL");
            engine_tell(&lossy.engine, "CLIENT KILL TYPE normal SKIPME yes");
        } else {
            come_back(&lossy);
        }
        until_lost(&lossy.a, "0 writes are left, and this node knows of 1");
        until_lost(&lossy.b, "0 writes are left");
        engine_tell(&lossy.engine, "DEL grud:lost");
        until_ready(&lossy);
        expect_loss(&lossy.b, true);
        write_one(&lossy.b, "1");
        lossy_end(&lossy);
    }
}

/* A file of the engine's folder takes another name. */
static void keep_as(const struct lossy *lossy, const char *from, const char *to)
{
    char before[512], after[512];
    snprintf(before, sizeof before, "%s/%s", lossy->engine.folder, from);
    snprintf(after, sizeof after, "%s/%s", lossy->engine.folder, to);
    ck_assert_int_eq(rename(before, after), 0);
}

TEST(an_engine_that_has_its_data_back_is_used)
{
    if (!engine_is_there()) {
        return;
    }
    struct lossy lossy = lossy_begin();
    write_one(&lossy.a, "1");
    engine_tell(&lossy.engine, "SAVE");
    keep_as(&lossy, "dump.rdb", "older.rdb");
    write_one(&lossy.a, "2");
    engine_tell(&lossy.engine, "SAVE");
    keep_as(&lossy, "dump.rdb", "newest.rdb");
    keep_as(&lossy, "older.rdb", "dump.rdb");
    come_back(&lossy);
    until_lost(&lossy.a, "1 writes are left, and this node knows of 2");
    until_lost(&lossy.b, "1 writes are left");
    keep_as(&lossy, "newest.rdb", "dump.rdb");
    come_back(&lossy);
    until_ready(&lossy);
    expect_loss(&lossy.a, false);
    write_one(&lossy.b, "3");
    lossy_end(&lossy);
}

/* From before a loss was accepted, which is a loss of what came after. */
TEST(older_than_a_loss_is_a_loss)
{
    if (!engine_is_there()) {
        return;
    }
    struct lossy lossy = lossy_begin();
    write_one(&lossy.a, "1");
    write_one(&lossy.a, "2");
    engine_tell(&lossy.engine, "SAVE");
    write_one(&lossy.a, "3");
    come_back(&lossy);
    until_lost(&lossy.a, "2 writes are left, and this node knows of 3");
    engine_tell(&lossy.engine, "DEL grud:lost");
    until_ready(&lossy);
    write_one(&lossy.a, "3");
    come_back(&lossy);
    until_lost(&lossy.a, "0 writes are left, and this node knows of 3");
    engine_tell(&lossy.engine, "DEL grud:lost");
    until_ready(&lossy);
    expect_loss(&lossy.b, true);
    lossy_end(&lossy);
}

/* ---- healing ---- */

/* A node's name for a write, and its order. */
#define OLD                                                                                        \
    "nnnnnnnn"                                                                                     \
    "00000001"
#define NEW                                                                                        \
    "mmmmmmmm"                                                                                     \
    "00000002"
#define NEWEST                                                                                     \
    "aaaaaaaa"                                                                                     \
    "00000003"

static int heal_one(const struct lossy *lossy, const char *key, const char *token)
{
    const struct cluster_reply *reply =
        ask_engine(lossy->a, "FCALL", CLUSTER_HEAL, "3", "grud:epoch", key, "grud:i:m",
                   cluster_link_epoch(lossy->a.link).bytes, token, token, "0", "id", "-1");
    return reply->type == CLUSTER_LIST ? (int)reply->list[0].number : -1;
}

TEST(what_is_given_back_replaces_nothing_newer)
{
    if (!engine_is_there()) {
        return;
    }
    struct lossy lossy = lossy_begin();
    ck_assert_int_eq(heal_one(&lossy, "s", NEW), -1); /* nothing is to be healed */
    engine_tell(&lossy.engine, "SET grud:lost 0");
    ck_assert_int_eq(heal_one(&lossy, "s", NEW), -1); /* that is somebody's to decide */
    engine_tell(&lossy.engine, "PEXPIRE grud:lost 60000");
    ck_assert_int_eq(heal_one(&lossy, "s", NEW), 1);
    ck_assert_int_eq(heal_one(&lossy, "s", NEW), 0);
    ck_assert_int_eq(heal_one(&lossy, "s", OLD), 2);
    ck_assert_int_eq(heal_one(&lossy, "s", NEWEST), 1);
    ck_assert(cluster_reply_is(ask_engine(lossy.a, "GET", "s"), NEWEST));
    lossy_end(&lossy);
}

/* ---- failover ---- */

/* The address leads to the other engine from now on. */
static void fail_over(struct engine *from, struct engine *to)
{
    char line[64];
    engine_kill(from);
    snprintf(line, sizeof line, "CONFIG SET port %u", from->port);
    engine_tell(to, line);
    to->port = from->port;
}

/* A new engine, which has what the first one has. */
static struct engine begin_replica(const struct lossy *lossy)
{
    struct engine replica = engine_start(NULL);
    char line[64];
    engine_tell(&lossy->engine, "CONFIG SET repl-diskless-sync-delay 0");
    snprintf(line, sizeof line, "REPLICAOF 127.0.0.1 %u", lossy->engine.port);
    engine_tell(&replica, line);
    write_one(&lossy->a, "replicated");
    ck_assert_int_eq(ask_engine(lossy->a, "WAIT", "1", "60000")->number, 1);
    /* Valkey's WAIT counts one that has not loaded its first copy yet. */
    const int64_t until_ms = clock_monotonic_ms() + 60000;
    while (!engine_says(&replica, "ROLE", "connected")) {
        ck_assert_int_lt(clock_monotonic_ms(), until_ms);
        usleep(5000);
    }
    return replica;
}

TEST(a_failover_that_loses_nothing_is_none_and_another_is)
{
    if (!engine_is_there()) {
        return;
    }
    for (int is_behind = 0; is_behind < 2; is_behind++) {
        struct lossy lossy = lossy_begin();
        struct engine replica = begin_replica(&lossy);
        engine_tell(&replica, "REPLICAOF NO ONE");
        if (is_behind) {
            write_one(&lossy.b, "late");
        }
        fail_over(&lossy.engine, &replica);
        if (is_behind) {
            until_lost(&lossy.b, "1 writes are left, and this node knows of 2");
            until_lost(&lossy.a, "1 writes are left");
        } else {
            until_ready(&lossy);
            write_one(&lossy.b, "next");
        }
        link_close(&lossy.a);
        link_close(&lossy.b);
        folder_remove(lossy.engine.folder);
        engine_end(&replica);
    }
}
