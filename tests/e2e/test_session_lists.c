/* Lists of sessions over HTTP: orders, all models, and what names the next page. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL "/v1/models/torch-small/sessions"

static struct daemon start(void)
{
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "8", NULL });
    for (int k = 0; k < 5; k++) {
        char path[96];
        snprintf(path, sizeof path, SMALL "/s%d/step", k * 3 % 5); /* 0 3 1 4 2 */
        expect(&daemon, "POST", path, "{\"x\":[1,2,3]}", 200, NULL);
        snprintf(path, sizeof path, "/v1/models/pump/sessions/s%d/step", k);
        expect(&daemon, "POST", path, "{\"x\":[1]}", 200, NULL);
    }
    return daemon;
}

/* The ids, one behind the other, of all pages of `limit` rows; of all models each with the model's
 * first letter before it. */
static void read_pages(const struct daemon *daemon, const char *path, const char *query,
                       size_t limit, char *ids, size_t size)
{
    char next[300] = "";
    size_t n = 0;
    ids[0] = '\0';
    do {
        char target[600];
        snprintf(target, sizeof target, "%s?limit=%zu%s%s%s", path, limit, query,
                 next[0] ? "&after=" : "", next);
        struct answer answer = request(daemon, "GET", target, NULL);
        ck_assert_msg(answer.code == 200, "%s: %s", target, answer.body);
        for (const char *p = answer.body + 1; (p = strstr(p, "{\"")); p++) {
            char model[8] = "", id[8] = "";
            (void)sscanf(p, "{\"model\":\"%1[a-z]", model);
            const char *session = strstr(p, "\"session\":\"");
            if (session && sscanf(session, "\"session\":\"%7[a-z0-9]", id) == 1) {
                n += (size_t)snprintf(ids + n, size - n, "%s%s ", model, id);
                ck_assert_uint_lt(n, size);
            }
        }
        const char *more = strstr(answer.body, "\"next\":\"");
        ck_assert(!more == !strstr(answer.body, "\"has_more\":true"));
        next[0] = '\0';
        if (more) {
            ck_assert_int_eq(sscanf(more, "\"next\":\"%299[^\"]", next), 1);
        }
        answer_free(&answer);
    } while (next[0]);
}

TEST(lists_have_two_orders)
{
    struct daemon daemon = start();
    for (size_t limit = 1; limit <= 12; limit++) {
        char ids[200];
        read_pages(&daemon, SMALL, "", limit, ids, sizeof ids);
        ck_assert_str_eq(ids, "s0 s1 s2 s3 s4 ");
        read_pages(&daemon, SMALL, "&order=id", limit, ids, sizeof ids);
        ck_assert_str_eq(ids, "s0 s1 s2 s3 s4 ");
        read_pages(&daemon, "/v1/sessions", "", limit, ids, sizeof ids);
        ck_assert_str_eq(ids, "ps0 ps1 ps2 ps3 ps4 ts0 ts1 ts2 ts3 ts4 ");
        read_pages(&daemon, "/v1/sessions", "&prefix=s1", limit, ids, sizeof ids);
        ck_assert_str_eq(ids, "ps1 ts1 ");
        read_pages(&daemon, "/v1/sessions", "&model=pump&order=id", limit, ids, sizeof ids);
        ck_assert_str_eq(ids, "ps0 ps1 ps2 ps3 ps4 ");
    }
    /* the newest is first; those of one millisecond are in the order of their ids */
    char newest[200], whole[200];
    expect(&daemon, "POST", SMALL "/s3/step", "{\"x\":[1,2,3]}", 200, NULL);
    struct answer seen = request(&daemon, "GET", SMALL "?order=last_seen&limit=1", NULL);
    ck_assert_ptr_nonnull(strstr(seen.body, "{\"sessions\":[{\"session\":\"s3\",\"step\":2,"));
    answer_free(&seen);
    read_pages(&daemon, "/v1/sessions", "&order=last_seen", 100, whole, sizeof whole);
    for (size_t limit = 1; limit <= 12; limit++) {
        read_pages(&daemon, "/v1/sessions", "&order=last_seen", limit, newest, sizeof newest);
        ck_assert_str_eq(newest, whole);
    }
    daemon_stop(&daemon);
}

TEST(a_row_of_all_models_names_its_model)
{
    struct daemon daemon = start();
    expect(&daemon, "GET", "/v1/sessions?limit=1", NULL, 200,
           "{\"sessions\":[{\"model\":\"pump\",\"session\":\"s0\",\"step\":1,");
    expect(&daemon, "GET", "/v1/sessions?limit=1", NULL, 200,
           "],\"has_more\":true,\"next\":\"pump/s0\"}");
    expect(&daemon, "GET", SMALL "?limit=1", NULL, 200,
           "{\"sessions\":[{\"session\":\"s0\",\"step\":1,");
    expect(&daemon, "GET", SMALL "?limit=1", NULL, 200, "],\"has_more\":true,\"next\":\"s0\"}");
    expect(&daemon, "GET", "/v1/sessions?prefix=none", NULL, 200,
           "{\"sessions\":[],\"has_more\":false}");
    daemon_stop(&daemon);
}

TEST(what_no_list_takes_is_400)
{
    static const struct {
        const char *path;
        int code;
        const char *param;
    } rows[] = {
        { SMALL "?order=newest", 400, "order" },
        { SMALL "?order=", 400, "order" },
        { SMALL "?after=a/b", 400, "after" },
        { SMALL "?order=last_seen&after=s1", 400, "after" },
        { SMALL "?order=last_seen&after=/s1", 400, "after" },
        { SMALL "?order=last_seen&after=1.2345/s1", 400, "after" },
        { SMALL "?order=last_seen&after=-1/s1", 400, "after" },
        { SMALL "?order=last_seen&after=1e9/s1", 400, "after" },
        { SMALL "?order=last_seen&after=9999999999999/s1", 400, "after" },
        { SMALL "?order=last_seen&after=1/pump/s1", 400, "after" },
        { SMALL "?order=last_seen&after=1.", 400, "after" },
        { SMALL "?limit=0", 400, "limit" },
        { SMALL "?limit=1001", 400, "limit" },
        { "/v1/sessions?after=s1", 400, "after" },
        { "/v1/sessions?after=/s1", 400, "after" },
        { "/v1/sessions?after=pump/", 400, "after" },
        { "/v1/sessions?after=pump/a%20b", 400, "after" },
        { "/v1/sessions?order=last_seen&after=pump/s1", 400, "after" },
        { "/v1/sessions?prefix=a%2Fb", 400, "prefix" },
        { "/v1/sessions?limit=x", 400, "limit" },
        { "/v1/sessions?model=none", 404, "model" },
        { "/v1/sessions?model=", 404, "model" },
        { "/v1/sessions?before=s1", 400, "before" },
    };
    struct daemon daemon = start();
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        char param[64];
        snprintf(param, sizeof param, "\"param\":\"%s\"", rows[k].param);
        expect(&daemon, "GET", rows[k].path, NULL, rows[k].code, param);
    }
    /* a place where there is no session is one all the same */
    expect(&daemon, "GET", "/v1/sessions?after=nobody/x&limit=1", NULL, 200, "\"pump\"");
    expect(&daemon, "GET", "/v1/sessions?order=last_seen&after=1.5/a/x", NULL, 200,
           "{\"sessions\":[],\"has_more\":false}");
    expect(&daemon, "GET", SMALL "?order=last_seen&after=99999999999/x&limit=1", NULL, 200,
           "\"has_more\":true");
    daemon_stop(&daemon);
}
