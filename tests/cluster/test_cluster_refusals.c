/* Engines that are not fit, and what is said of them. */
#include "cluster/cluster_trouble.h"
#include "cluster_support.h"
#include "scratch.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct refusal {
    const char *tell; /* the engine, before; NULL: nothing */
    const char *options[8];
    struct link_options link;
    enum status status;
    const char *words;
};

static void check(const struct refusal *refusal)
{
    struct engine engine = engine_start(refusal->options);
    if (refusal->tell) {
        engine_tell(&engine, refusal->tell);
    }
    struct linked linked = link_open(engine.port, &refusal->link);
    link_until_refused(linked.link, refusal->status, refusal->words);
    ck_assert(!cluster_link_is_ready(linked.link));
    link_close(&linked);
    engine_end(&engine);
}

TEST(engines_that_are_not_fit_are_refused_with_the_reason)
{
    static const struct refusal refusals[] = {
        { NULL, { "--requirepass", "secret" }, { .db = 0 }, STATUS_INVALID_VALUE, "asks for a" },
        { NULL,
          { "--requirepass", "secret" },
          { .user_part = ":wrong@" },
          STATUS_INVALID_VALUE,
          "another password" },
        { NULL, { NULL }, { .user_part = ":word@" }, STATUS_INVALID_VALUE, "has no password" },
        { NULL, { NULL }, { .user_part = "nobody:word@" }, STATUS_INVALID_VALUE, "no such user" },
        { "ACL SETUSER grud on >word ~* &* +@all -function|load",
          { NULL },
          { .user_part = "grud:word@" },
          STATUS_INVALID_VALUE,
          "'function|load'" },
        { "ACL SETUSER grud on >word ~* &* +@all -wait",
          { NULL },
          { .user_part = "grud:word@", .n_replicas = 1 },
          STATUS_INVALID_VALUE,
          "'wait'" },
        { "ACL SETUSER grud on >word ~other:* &* +@all",
          { NULL },
          { .user_part = "grud:word@" },
          STATUS_INVALID_VALUE,
          "does not permit" },
        { "REPLICAOF 127.0.0.1 1", { NULL }, { .db = 0 }, STATUS_STORAGE_FAILED, "is a replica" },
        { "FUNCTION LOAD \"#!lua name=grud_2\\nredis.register_function('x', function() end)\"",
          { NULL },
          { .db = 0 },
          STATUS_INVALID_VALUE,
          "FUNCTION DELETE grud_2" },
        { "LPUSH grud:epoch x", { NULL }, { .db = 0 }, STATUS_INVALID_VALUE, "--cluster-prefix" },
        { "SETRANGE grud:epoch 64 x", { NULL }, { .db = 0 }, STATUS_INVALID_VALUE, "its epoch" },
        { NULL, { NULL }, { .db = 99 }, STATUS_INVALID_VALUE, "no database of that number" },
        { NULL, { "--maxmemory", "1" }, { .db = 0 }, STATUS_STORAGE_FAILED, "raise its maxmemory" },
    };
    if (engine_is_there()) {
        for (size_t k = 0; k < sizeof refusals / sizeof *refusals; k++) {
            check(&refusals[k]);
        }
    }
}

TEST(an_engine_in_its_own_cluster_mode_is_refused)
{
    char port[16];
    const char *const options[] = { "--cluster-enabled", "yes", "--cluster-port", port, NULL };
    if (!engine_is_there()) {
        return;
    }
    snprintf(port, sizeof port, "%u", port_find());
    struct engine engine = engine_start(options);
    struct linked linked = link_open(engine.port, NULL);
    link_until_refused(linked.link, STATUS_INVALID_VALUE, "in its own cluster mode");
    link_close(&linked);
    engine_end(&engine);
}

TEST(a_trouble_that_stays_is_told_at_once)
{
    const char *const options[] = { "--requirepass", "secret", NULL };
    const struct cluster_text ping = CLUSTER_WORD("PING");
    const struct cluster_reply *reply;
    struct fault fault;
    if (!engine_is_there()) {
        return;
    }
    struct engine engine = engine_start(options);
    struct linked linked = link_open(engine.port, NULL); /* which would wait for a minute */
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(cluster_link_call(linked.link, &ping, 1, &reply, &fault),
                         STATUS_INVALID_VALUE);
    }
    link_close(&linked);
    engine_end(&engine);
}

TEST(the_right_password_opens_and_is_never_shown)
{
    const char *const options[] = { "--requirepass", "s@cret", NULL };
    const struct link_options right = { .user_part = ":s%40cret@" },
                              db = { .user_part = "default:s%40cret@", .db = 3 };
    if (!engine_is_there()) {
        return;
    }
    struct capture capture = capture_begin(2);
    struct engine engine = engine_start(options);
    struct linked linked = link_open(engine.port, &right), other = link_open(engine.port, &db);
    link_until_ready(linked.link);
    link_until_ready(other.link);
    ck_assert_str_ne(cluster_link_epoch(linked.link).bytes, cluster_link_epoch(other.link).bytes);
    link_close(&linked);
    link_close(&other);
    engine_end(&engine);
    char *logged = capture_end(&capture);
    ck_assert_ptr_nonnull(strstr(logged, "cluster_ready"));
    ck_assert_ptr_null(strstr(logged, "cret"));
    free(logged);
}

static size_t occurrences(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++) {
        n++;
    }
    return n;
}

TEST(the_log_has_a_line_for_each_change_of_state_and_not_for_each_try)
{
    if (!engine_is_there()) {
        return;
    }
    struct capture capture = capture_begin(2);
    struct engine engine = engine_start(NULL);
    struct linked linked = link_open(engine.port, NULL);
    struct cluster_link *second; /* to the same */
    struct fault fault;
    ck_assert_int_eq(cluster_link_create(linked.target, &second, &fault), STATUS_OK);
    link_until_ready(linked.link);
    link_until_ready(second);
    engine_tell(&engine, "REPLICAOF 127.0.0.1 1");
    engine_tell(&engine, "CLIENT KILL TYPE normal SKIPME yes");
    link_until_refused(linked.link, STATUS_STORAGE_FAILED, "is a replica");
    link_until_refused(second, STATUS_STORAGE_FAILED, "is a replica");
    for (int k = 0; k < 40; k++) {
        link_turn(linked.link);
        link_turn(second);
    }
    engine_tell(&engine, "REPLICAOF NO ONE");
    link_until_ready(linked.link);
    link_until_ready(second);
    cluster_link_free(second);
    link_close(&linked);
    engine_end(&engine);
    char *logged = capture_end(&capture);
    /* one of them may have seen the replica once more when the other was ready again */
    const size_t n_ready = occurrences(logged, "cluster_ready");
    const size_t n_replica = occurrences(logged, "is a replica");
    ck_assert_msg(n_ready >= 2 && n_ready <= 3 && n_replica == n_ready - 1, "%s", logged);
    free(logged);
}

TEST(an_engine_that_drops_keys_is_used_and_warned_of)
{
    const char *const options[] = { "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru",
                                    NULL };
    if (!engine_is_there()) {
        return;
    }
    struct capture capture = capture_begin(2);
    struct engine engine = engine_start(options);
    struct linked linked = link_open(engine.port, NULL);
    link_until_ready(linked.link);
    link_close(&linked);
    engine_end(&engine);
    char *logged = capture_end(&capture);
    ck_assert_msg(occurrences(logged, "cluster_may_evict") == 1, "%s", logged);
    free(logged);
}

TEST(nobody_there_and_no_such_host)
{
    const struct link_options unknown = { .host = "nowhere.invalid" };
    struct linked linked = link_open(port_find(), NULL), other = link_open(1, &unknown);
    link_until_refused(linked.link, STATUS_STORAGE_FAILED, "cannot be reached");
    link_until_refused(other.link, STATUS_STORAGE_FAILED, "is not found");
    link_close(&linked);
    link_close(&other);
}

TEST(a_link_may_be_freed_at_any_moment)
{
    const struct link_options unknown = { .host = "nowhere.invalid" },
                              name = { .host = "localhost" };
    struct linked looking = link_open(1, &unknown), connecting = link_open(port_find(), &name);
    link_turn(connecting.link);
    link_close(&looking);
    link_close(&connecting);
}
