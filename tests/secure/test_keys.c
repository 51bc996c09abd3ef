#include "secure/keys.h"
#include "secure_support.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALICE        "alice-0123456789abcdef"
#define MORE_ALICE   "alice-0123456789abcdefx"
#define BOB          "bob+/=~._-0123456789"
#define SHA256_ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SECRET_WORDS "hidden-word-0123456789"

static struct keys *read_text(const char *text)
{
    char path[PATH_SIZE];
    struct keys *keys = NULL;
    struct fault fault;
    text_make(path, text);
    enum status status = keys_read(path, NULL, &keys, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    unlink(path);
    return keys;
}

static struct key *find(struct keys *keys, const char *text)
{
    return keys_find(keys, text, strlen(text));
}

TEST(keys_do_what_their_scopes_list_and_nothing_else)
{
    struct keys *keys = read_text("# who\n\n" ALICE " read,train # alice\r\n\t" BOB "\tadmin");
    struct key *alice = find(keys, ALICE), *bob = find(keys, BOB);
    ck_assert(alice && bob && alice != bob);
    ck_assert(key_allows(alice, SCOPE_READ) && key_allows(alice, SCOPE_TRAIN));
    ck_assert(!key_allows(alice, SCOPE_PREDICT) && !key_allows(alice, SCOPE_ADMIN));
    ck_assert(key_allows(bob, SCOPE_ADMIN) && !key_allows(bob, SCOPE_READ));
    keys_unref(keys);
}

TEST(only_the_whole_key_is_found)
{
    struct keys *keys = read_text(ALICE " read\n");
    const char *others[] = {
        "", "a", MORE_ALICE, "lice-0123456789abcdef", "read", "#", "ALICE-0123456789abcdef"
    };
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        ck_assert_ptr_null(find(keys, others[k]));
    }
    ck_assert_ptr_null(keys_find(keys, ALICE, strlen(ALICE) - 1));
    keys_unref(keys);
}

TEST(a_file_may_hold_digests_instead_of_keys)
{
    struct keys *keys = read_text("sha256:" SHA256_ABC " predict\n");
    ck_assert_ptr_nonnull(find(keys, "abc"));
    ck_assert_ptr_null(find(keys, SHA256_ABC));
    ck_assert_ptr_null(find(keys, "sha256:" SHA256_ABC));
    keys_unref(keys);
}

TEST(every_key_of_the_largest_set_is_found)
{
    enum { SIZE = KEYS_MAX * 40 };
    char *text = malloc(SIZE), key[40];
    size_t n = 0;
    for (int k = 0; k < KEYS_MAX; k++) {
        n += (size_t)snprintf(text + n, SIZE - n, "key-%020d read\n", k);
    }
    struct keys *keys = read_text(text);
    for (int k = 0; k < KEYS_MAX; k++) {
        snprintf(key, sizeof key, "key-%020d", k);
        ck_assert_ptr_nonnull(find(keys, key));
    }
    keys_unref(keys);
    snprintf(text + n, SIZE - n, "one-more-0123456789 read\n");
    char path[PATH_SIZE];
    struct fault fault;
    text_make(path, text);
    ck_assert_int_eq(keys_read(path, NULL, &keys, &fault), STATUS_INVALID_VALUE);
    ck_assert_ptr_nonnull(strstr(fault.message, ":1001: a file has at most 1000 keys"));
    unlink(path);
    free(text);
}

/* ---- what is refused ---- */

static const struct {
    const char *text, *problem;
} refused[] = {
    { "", "has no key" },
    { "# " SECRET_WORDS " read\n \n", "has no key" },
    { SECRET_WORDS "\n", ":1: expected KEY scope[,scope]" },
    { "\n" SECRET_WORDS " # read\n", ":2: expected KEY scope[,scope]" },
    { SECRET_WORDS " read train\n", ":1: expected KEY scope[,scope]" },
    { "read " SECRET_WORDS "\n", ":1: a scope is one of" },
    { SECRET_WORDS " write\n", ":1: a scope is one of" },
    { SECRET_WORDS " none\n", ":1: a scope is one of" },
    { SECRET_WORDS " Read\n", ":1: a scope is one of" },
    { SECRET_WORDS " read,\n", ":1: a scope is one of" },
    { SECRET_WORDS " ,read\n", ":1: a scope is one of" },
    { SECRET_WORDS " rea\n", ":1: a scope is one of" },
    { SECRET_WORDS "\xc3\xa9 read\n", ":1: a key consists of" },
    { SECRET_WORDS "\x01 read\n", ":1: a key consists of" },
    { SECRET_WORDS " read\n" SECRET_WORDS " admin\n", ":2: an earlier line" },
    { "abc read\nsha256:" SHA256_ABC " read\n", ":2: an earlier line" },
    { "sha256:" SECRET_WORDS " read\n", ":1: sha256: is followed by" },
    { "sha256: read\n", ":1: sha256: is followed by" },
    { "sha256:" SHA256_ABC "0 read\n", ":1: sha256: is followed by" },
};

TEST(bad_files_are_refused_without_quoting_them)
{
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
        char path[PATH_SIZE], log[LOGGED_SIZE];
        struct keys *keys = NULL;
        struct fault fault;
        text_make(path, refused[k].text);
        int logged = logged_begin();
        enum status status = keys_read(path, NULL, &keys, &fault);
        logged_end(logged, log);
        ck_assert_int_eq(status, STATUS_INVALID_VALUE);
        ck_assert_ptr_null(keys);
        ck_assert_str_eq(fault.param, "api-keys");
        ck_assert_msg(strstr(fault.message, path) && strstr(fault.message, refused[k].problem),
                      "%zu: %s", k, fault.message);
        ck_assert(!strstr(fault.message, "hidden") && !strstr(log, "hidden"));
        unlink(path);
    }
}

TEST(a_key_too_long_for_a_header_is_refused)
{
    char text[KEY_BYTES_MAX + 16], path[PATH_SIZE];
    struct keys *keys;
    struct fault fault;
    memset(text, 'k', KEY_BYTES_MAX);
    snprintf(text + KEY_BYTES_MAX, 16, " read");
    keys = read_text(text);
    ck_assert_ptr_nonnull(keys_find(keys, text, KEY_BYTES_MAX));
    keys_unref(keys);
    snprintf(text + KEY_BYTES_MAX, 16, "k read");
    text_make(path, text);
    ck_assert_int_eq(keys_read(path, NULL, &keys, &fault), STATUS_INVALID_VALUE);
    ck_assert_ptr_nonnull(strstr(fault.message, ":1: a key has at most 256 characters"));
    unlink(path);
}

TEST(a_nul_in_the_file_is_refused)
{
    static const char bytes[] = "first-key-0123456789 read\nkey\0 admin\n";
    char path[PATH_SIZE];
    struct keys *keys;
    struct fault fault;
    file_make(path, bytes, sizeof bytes - 1);
    ck_assert_int_eq(keys_read(path, NULL, &keys, &fault), STATUS_INVALID_VALUE);
    ck_assert_ptr_nonnull(strstr(fault.message, ":2: the line has a NUL byte"));
    unlink(path);
}

TEST(what_is_no_readable_file_is_refused)
{
    struct keys *keys;
    struct fault fault;
    ck_assert_int_eq(keys_read("/tmp/grud/no/such", NULL, &keys, &fault), STATUS_INVALID_VALUE);
    ck_assert_ptr_nonnull(strstr(fault.message, "/tmp/grud/no/such cannot be opened"));
    ck_assert_int_eq(keys_read("/tmp", NULL, &keys, &fault), STATUS_INVALID_VALUE);
    ck_assert_ptr_nonnull(strstr(fault.message, "is not a regular file"));
    ck_assert_int_eq(keys_read("/dev/null", NULL, &keys, &fault), STATUS_INVALID_VALUE);
    ck_assert_ptr_nonnull(strstr(fault.message, "is not a regular file"));
}

TEST(weak_keys_and_open_files_are_warned_of)
{
    char path[PATH_SIZE], log[LOGGED_SIZE], expected[128];
    struct keys *keys;
    struct fault fault;
    text_make(path, ALICE " read\n\nshort read\n");
    int logged = logged_begin();
    ck_assert_int_eq(keys_read(path, NULL, &keys, &fault), STATUS_OK);
    keys_unref(keys);
    logged_end(logged, log);
    snprintf(expected, sizeof expected, "warn key_short file=%s line=3 ", path);
    ck_assert_msg(strstr(log, expected) != NULL, "%s", log);
    ck_assert_ptr_null(strstr(log, "file_readable_by_others"));
    ck_assert_ptr_null(strstr(log, "line=1"));
    ck_assert_int_eq(chmod(path, 0640), 0);
    logged = logged_begin();
    ck_assert_int_eq(keys_read(path, NULL, &keys, &fault), STATUS_OK);
    keys_unref(keys);
    logged_end(logged, log);
    ck_assert_ptr_nonnull(strstr(log, "warn file_readable_by_others file=/tmp/"));
    unlink(path);
}

/* ---- the rate ---- */

static const int64_t SECOND_NS = 1000000000;

static size_t spend_all(struct key *key, size_t rate, int64_t now_ns)
{
    size_t n = 0;
    while (n <= 2 * rate && key_spend(key, rate, now_ns)) {
        n++;
    }
    return n;
}

TEST(a_bucket_holds_a_second_and_fills_at_the_rate)
{
    static const size_t rates[] = { 1, 4, 10, 1000 };
    struct keys *keys = read_text(ALICE " read\n" BOB " read\n");
    struct key *key = find(keys, ALICE);
    int64_t now_ns = SECOND_NS;
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        size_t rate = rates[k];
        now_ns += 2 * SECOND_NS;
        ck_assert_uint_eq(spend_all(key, rate, now_ns), rate);
        int64_t later_ns = now_ns + SECOND_NS / (int64_t)rate;
        ck_assert_uint_eq(spend_all(key, rate, later_ns - 1), 0);
        ck_assert_uint_eq(spend_all(key, rate, later_ns), 1);
        ck_assert(key_spend(key, rate, later_ns + SECOND_NS)); /* what Retry-After: 1 promises */
        ck_assert(key_spend(find(keys, BOB), rate, now_ns));
        now_ns += SECOND_NS;
    }
    keys_unref(keys);
}

TEST(without_a_rate_there_is_no_limit)
{
    struct keys *keys = read_text(ALICE " read\n");
    for (int k = 0; k < 100000; k++) {
        ck_assert(key_spend(find(keys, ALICE), 0, SECOND_NS));
    }
    keys_unref(keys);
}

TEST(reading_the_file_again_does_not_fill_the_bucket)
{
    char path[PATH_SIZE];
    struct fault fault;
    struct keys *after, *before = read_text(ALICE " read\n");
    ck_assert_uint_eq(spend_all(find(before, ALICE), 10, SECOND_NS), 10);
    text_make(path, BOB " read\n" ALICE " train\n");
    ck_assert_int_eq(keys_read(path, before, &after, &fault), STATUS_OK);
    keys_unref(before);
    ck_assert_uint_eq(spend_all(find(after, ALICE), 10, SECOND_NS), 0);
    ck_assert_uint_eq(spend_all(find(after, BOB), 10, SECOND_NS), 10);
    ck_assert(!key_allows(find(after, ALICE), SCOPE_READ));
    keys_unref(after);
    unlink(path);
}

enum { THREADS = 4, SHARED_RATE = 100000 };

static void *spend_much(void *key)
{
    size_t n = 0;
    for (int k = 0; k < SHARED_RATE; k++) {
        n += key_spend(key, SHARED_RATE, SECOND_NS);
    }
    return (void *)n;
}

TEST(threads_share_a_bucket)
{
    pthread_t threads[THREADS];
    size_t total = 0;
    struct keys *keys = read_text(ALICE " read\n");
    for (int k = 0; k < THREADS; k++) {
        ck_assert_int_eq(pthread_create(&threads[k], NULL, spend_much, find(keys, ALICE)), 0);
    }
    for (int k = 0; k < THREADS; k++) {
        void *n;
        ck_assert_int_eq(pthread_join(threads[k], &n), 0);
        total += (size_t)n;
    }
    ck_assert_uint_eq(total, SHARED_RATE);
    keys_unref(keys);
}
