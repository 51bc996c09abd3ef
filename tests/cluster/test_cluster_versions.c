/* What library/4_models.lua does: versions get numbers, one of them is active, and who asks what
 * has changed is told. */
#include "cluster/cluster_library.h"
#include "cluster/cluster_trouble.h"
#include "cluster_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

enum { WORDS = 14, TEXT = 256 };

/* What a reply is, as text: "1", "=VALUE", "-ERROR", "[...]". */
static size_t show(const struct cluster_reply *reply, char *text, size_t room)
{
    size_t n = 1;
    switch (reply->type) {
    case CLUSTER_NUMBER:
        return (size_t)snprintf(text, room, "%d", (int)reply->number);
    case CLUSTER_TEXT:
        return (size_t)snprintf(text, room, "=%s", reply->text.bytes);
    case CLUSTER_ERROR:
        return (size_t)snprintf(text, room, "-%s", reply->text.bytes);
    case CLUSTER_NIL:
        return (size_t)snprintf(text, room, "nil");
    case CLUSTER_LIST:
        break;
    }
    snprintf(text, room, "[");
    for (size_t k = 0; k < reply->n; k++) {
        n += (size_t)snprintf(text + n, room - n, k > 0 ? " " : "");
        n += show(&reply->list[k], text + n, room - n);
    }
    return n + (size_t)snprintf(text + n, room - n, "]");
}

static void check(const struct cluster_reply *reply, const char *wanted, const char *what)
{
    char text[TEXT];
    show(reply, text, sizeof text);
    const size_t n = wanted[0] == '-' && wanted[1] > '9' ? strlen(wanted) : sizeof text;
    ck_assert_msg(strncmp(text, wanted, n) == 0, "%s: %s, not %s", what, text, wanted);
}

static const struct cluster_reply *call(const struct served *served, const char *function,
                                        const char *n_keys, const char *const *rest)
{
    const char *words[WORDS + 4] = { "FCALL", function, n_keys };
    size_t n = 3;
    while (*rest) {
        ck_assert_uint_lt(n, WORDS);
        words[n++] = strcmp(*rest, "EPOCH") == 0 ? served->epoch : *rest;
        rest++;
    }
    return link_ask(served->linked.link, words);
}
#define calls(function, n_keys, wanted, ...)                                                       \
    check(call(&served, function, n_keys, (const char *const[]){ EPOCH, __VA_ARGS__, NULL }),      \
          wanted, #__VA_ARGS__)

/* Behind the reply to a change is how many writes there are. */
static void check_change(const struct cluster_reply *reply, const char *wanted, const char *what)
{
    if (reply->type == CLUSTER_LIST) {
        ck_assert_msg(reply->n == 2 && reply->list[1].type == CLUSTER_NUMBER, "%s", what);
        reply = &reply->list[0];
    }
    check(reply, wanted, what);
}
#define changes(function, n_keys, wanted, ...)                                                     \
    check_change(                                                                                  \
        call(&served, function, n_keys, (const char *const[]){ EPOCH, __VA_ARGS__, NULL }),        \
        wanted, #__VA_ARGS__)

#define UPLOAD(bytes, n, wanted)                                                                   \
    calls(CLUSTER_MODEL_UPLOAD, "2", wanted, "up", "EPOCH", n, bytes, "60000")
#define PUT(number, n, same, entry, wanted)                                                        \
    changes(CLUSTER_MODEL_PUT, "4", wanted, "m", "m:a", "up", "EPOCH", "a", number, n, same, entry)
#define ACTIVATE(number, only_from, wanted)                                                        \
    changes(CLUSTER_MODEL_ACTIVATE, "3", wanted, "m", "m:a", "EPOCH", "a", number, only_from)
#define DELETE(number, wanted)                                                                     \
    changes(CLUSTER_MODEL_DELETE, "3", wanted, "m", "m:a", "EPOCH", "a", number)
#define CHANGED(since, wanted) calls(CLUSTER_MODELS_CHANGED, "2", wanted, "m", "EPOCH", since)
#define ASK(wanted, ...)       check(ask_engine(served.linked, __VA_ARGS__), wanted, #__VA_ARGS__)

TEST(a_file_comes_in_pieces_and_is_read_in_pieces)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    UPLOAD("abc", "0", "1");
    UPLOAD("abc", "0", "0"); /* once more */
    UPLOAD("de", "3", "1");
    UPLOAD("x", "9", "0"); /* one is missing */
    ck_assert_int_gt(ask_engine(served.linked, "PTTL", "up")->number, 0);
    PUT("0", "6", "0", "d1 5 0 0 -", "0"); /* it is not whole */
    CHANGED("-1", "[0]");
    PUT("0", "5", "0", "d1 5 0 0 -", "1");
    ASK("0", "EXISTS", "up");
    ASK("-1", "PTTL", "m:a:1");
    calls(CLUSTER_MODEL_FILE, "2", "=abc", "m:a:1", "EPOCH", "0", "3");
    calls(CLUSTER_MODEL_FILE, "2", "=de", "m:a:1", "EPOCH", "3", "3");
    calls(CLUSTER_MODEL_FILE, "2", "=", "m:a:2", "EPOCH", "0", "3");
    PUT("0", "5", "0", "d1 5 0 0 -", "0"); /* the upload was taken */
    served_end(&served);
}

TEST(numbers_are_given_once)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    UPLOAD("a", "0", "1");
    PUT("3", "1", "0", "d3 1 0 0 -", "3"); /* a file of a node's, under its own */
    UPLOAD("b", "0", "1");
    PUT("3", "1", "0", "dx 1 0 0 -", "3"); /* which there is */
    ASK("0", "EXISTS", "up");
    ASK("=d3 1 0 0 -", "HGET", "m:a", "3");
    UPLOAD("b", "0", "1");
    PUT("0", "1", "0", "d4 1 0 0 job", "4");
    UPLOAD("b", "0", "1");
    PUT("1", "1", "0", "d1 1 0 0 -", "1");
    ASK("=4", "HGET", "m:a", "newest");
    UPLOAD("c", "0", "1");
    PUT("0", "1", "1", "d4 1 9 9 -", "4"); /* the same file */
    UPLOAD("c", "0", "1");
    PUT("0", "1", "5", "d9 1 9 9 job metrics", "4"); /* the same job's */
    DELETE("4", "1");
    UPLOAD("c", "0", "1");
    PUT("0", "1", "5", "d5 1 9 9 job", "5"); /* what is deleted is no version */
    UPLOAD("c", "0", "1");
    PUT("4", "1", "0", "d4 1 0 0 -", "4"); /* and does not come back */
    ASK("=", "HGET", "m:a", "4");
    ASK("0", "EXISTS", "m:a:4");
    DELETE("5", "1");
    UPLOAD("c", "0", "1");
    PUT("0", "1", "0", "d6 1 9 9 -", "6");
    served_end(&served);
}

TEST(one_version_is_active_and_is_not_deleted)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    ACTIVATE("1", "0", "-1"); /* there is none */
    DELETE("1", "0");
    UPLOAD("a", "0", "1");
    PUT("0", "1", "0", "d1 1 0 0 -", "1"); /* the first one is */
    UPLOAD("a", "0", "1");
    PUT("0", "1", "0", "d2 1 0 0 -", "2");
    ACTIVATE("2", "2", "1"); /* another one is: nothing is done */
    DELETE("1", "-1");
    ACTIVATE("2", "1", "1");
    ACTIVATE("2", "0", "2");
    DELETE("2", "-1");
    DELETE("1", "1");
    DELETE("1", "0");
    ACTIVATE("1", "0", "-1");
    calls(CLUSTER_MODEL_READ, "2", "[]", "m:none", "EPOCH");
    ASK("=2", "HGET", "m:a", "active");
    served_end(&served);
}

TEST(who_asks_is_told_what_has_changed_since)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    CHANGED("-1", "[0]");
    UPLOAD("a", "0", "1");
    PUT("0", "1", "0", "d1 1 0 0 -", "1");
    CHANGED("-1", "[1 =a]");
    CHANGED("1", "[1]");
    ask_engine(served.linked, "HSET", "m", "", "2", "b", "2");
    CHANGED("1", "[2 =b]");
    ACTIVATE("1", "0", "1"); /* it is */
    CHANGED("2", "[2]");
    UPLOAD("a", "0", "1");
    PUT("0", "1", "0", "d2 1 0 0 -", "2");
    ACTIVATE("2", "0", "1");
    DELETE("1", "1");
    CHANGED("2", "[5 =a]");
    ask_engine(served.linked, "HSET", "m", "", "1", "a", "1", "b", "none");
    CHANGED("5", "[1 =a =b]"); /* it is behind what it was */
    CHANGED("1", "[1]");
    served_end(&served);
}

TEST(each_change_is_a_write_and_says_how_many_there_are)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    ask_engine(served.linked, "SET", "grud:writes", "40");
    UPLOAD("a", "0", "1");
    calls(CLUSTER_MODEL_PUT, "4", "[1 41]", "m", "m:a", "up", "EPOCH", "a", "0", "1", "0", "d1");
    UPLOAD("a", "0", "1");
    calls(CLUSTER_MODEL_PUT, "4", "[1 41]", "m", "m:a", "up", "EPOCH", "a", "0", "1", "1", "d1");
    UPLOAD("a", "0", "1");
    calls(CLUSTER_MODEL_PUT, "4", "[2 42]", "m", "m:a", "up", "EPOCH", "a", "0", "1", "0", "d2");
    calls(CLUSTER_MODEL_ACTIVATE, "3", "[1 42]", "m", "m:a", "EPOCH", "a", "1", "0");
    calls(CLUSTER_MODEL_ACTIVATE, "3", "[1 43]", "m", "m:a", "EPOCH", "a", "2", "0");
    calls(CLUSTER_MODEL_DELETE, "3", "[-1 43]", "m", "m:a", "EPOCH", "a", "2");
    calls(CLUSTER_MODEL_DELETE, "3", "[1 44]", "m", "m:a", "EPOCH", "a", "1");
    calls(CLUSTER_MODEL_DELETE, "3", "[0 44]", "m", "m:a", "EPOCH", "a", "1");
    calls(CLUSTER_READ, "1", "[44]", "EPOCH");
    CHANGED("0", "[4 =a]"); /* a write of sessions is none */
    ask_engine(served.linked, "DEL", "grud:writes");
    ask_engine(served.linked, "LPUSH", "grud:writes", "x");
    UPLOAD("a", "0", "1");
    PUT("0", "1", "0", "d3", "-WRONGTYPE");
    ASK("0", "HEXISTS", "m:a", "3");
    ASK("=2", "HGET", "m:a", "newest");
    served_end(&served);
}

TEST(what_is_of_another_type_changes_nothing)
{
    if (!engine_is_there()) {
        return;
    }
    struct served served = served_begin();
    ask_engine(served.linked, "SET", "m:a", "text");
    UPLOAD("a", "0", "1");
    PUT("0", "1", "0", "d1 1 0 0 -", "-WRONGTYPE");
    ACTIVATE("1", "0", "-WRONGTYPE");
    DELETE("1", "-WRONGTYPE");
    calls(CLUSTER_MODEL_READ, "2", "-WRONGTYPE", "m:a", "EPOCH");
    ASK("0", "EXISTS", "m", "m:a:1");
    ASK("1", "EXISTS", "up");
    ask_engine(served.linked, "DEL", "m:a");
    ask_engine(served.linked, "SET", "m", "text");
    PUT("0", "1", "0", "d1 1 0 0 -", "-WRONGTYPE");
    CHANGED("0", "-WRONGTYPE");
    ASK("0", "EXISTS", "m:a", "m:a:1");
    ask_engine(served.linked, "DEL", "m", "up");
    ask_engine(served.linked, "LPUSH", "up", "x");
    UPLOAD("a", "0", "-WRONGTYPE");
    PUT("0", "1", "0", "d1 1 0 0 -", "-WRONGTYPE");
    calls(CLUSTER_MODEL_FILE, "2", "-WRONGTYPE", "up", "EPOCH", "0", "3");
    ASK("0", "EXISTS", "m", "m:a");
    served_end(&served);
}
