#include "secure/keys.h"

#include "base/log.h"
#include "secure/secret.h"

#include <ctype.h>
#include <gnutls/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST_BYTES = 32, KEY_SHORT_BYTES = 16 /* guessable, unless it is random */ };

static const char param[] = "api-keys";

struct sha256 {
    uint64_t words[DIGEST_BYTES / sizeof(uint64_t)];
};

struct key {
    unsigned scopes;         /* a bit (1 << enum scope) for each */
    _Atomic int64_t full_ns; /* when the bucket is full again */
};

struct keys {
    atomic_size_t n_refs;
    size_t n;
    struct sha256 *digests; /* apart from what is written while they are compared */
    struct key *keys;
};

/* ---- scopes ---- */

static const char *const scope_words[] = { "none", "read", "predict", "train", "admin" };

const char *scope_word(enum scope scope)
{
    return scope_words[scope];
}

/* "read,train" as bits; 0 if a word of it is no scope. */
static unsigned parse_scopes(const char *text)
{
    unsigned scopes = 0;
    for (;;) {
        size_t n = strcspn(text, ",");
        unsigned scope = SCOPE_READ;
        while (scope <= SCOPE_ADMIN &&
               (strlen(scope_words[scope]) != n || memcmp(scope_words[scope], text, n) != 0)) {
            scope++;
        }
        if (scope > SCOPE_ADMIN) {
            return 0;
        }
        scopes |= 1U << scope;
        if (text[n] == '\0') {
            return scopes;
        }
        text += n + 1;
    }
}

/* ---- digests ---- */

static bool digest_of(const char *text, size_t n, struct sha256 *ret_digest)
{
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, text, n, ret_digest) == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_digest(const char *hex, struct sha256 *ret_digest)
{
    unsigned char bytes[DIGEST_BYTES];
    if (strlen(hex) != 2 * sizeof bytes) {
        return false;
    }
    for (size_t k = 0; k < sizeof bytes; k++) {
        int high = hex_digit(hex[2 * k]), low = hex_digit(hex[2 * k + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[k] = (unsigned char)(high << 4 | low);
    }
    memcpy(ret_digest, bytes, sizeof bytes);
    return true;
}

/* The place of a digest, from 1; 0: it is not there. All are compared, each whole, without a
 * branch. */
static size_t place_of(const struct keys *keys, const struct sha256 *digest)
{
    size_t place = 0;
    for (size_t k = 0; k < keys->n; k++) {
        uint64_t difference = 0;
        for (size_t i = 0; i < sizeof digest->words / sizeof *digest->words; i++) {
            difference |= keys->digests[k].words[i] ^ digest->words[i];
        }
        uint64_t is_other = (difference | -difference) >> 63;
        place |= (k + 1) & (size_t)(is_other - 1);
    }
    return place;
}

/* ---- the file ---- */

struct line {
    const char *path;
    unsigned number;
    char *text;
};

/* For the caller to return; `problem` must not quote the line. */
static enum status refuse(const struct line *line, struct fault *fault, const char *problem)
{
    return fault_set(fault, STATUS_INVALID_VALUE, param, "%s:%u: %s", line->path, line->number,
                     problem);
}

/* Splits at white space, in place, up to a '#' that begins a word. Returns how many words there
 * are, at most one more than fit. */
static size_t split_words(char *text, char *ret_words[2])
{
    size_t n = 0;
    for (;;) {
        while (isspace((unsigned char)*text)) {
            text++;
        }
        if (*text == '\0' || *text == '#' || n == 2) {
            return n + (n == 2 && *text != '\0' && *text != '#');
        }
        ret_words[n++] = text;
        while (*text != '\0' && !isspace((unsigned char)*text)) {
            text++;
        }
        if (*text != '\0') {
            *text++ = '\0';
        }
    }
}

static enum status parse_key(const struct line *line, const char *text, struct sha256 *ret_digest,
                             struct fault *fault)
{
    static const char hashed[] = "sha256:";
    size_t n = strlen(text);
    if (strncmp(text, hashed, sizeof hashed - 1) == 0) {
        return parse_digest(text + sizeof hashed - 1, ret_digest)
                   ? STATUS_OK
                   : refuse(line, fault, "sha256: is followed by 64 hexadecimal digits");
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f) {
            return refuse(line, fault, "a key consists of printable ASCII characters");
        }
    }
    if (n > KEY_BYTES_MAX) {
        return refuse(line, fault, "a key has at most 256 characters");
    }
    if (n < KEY_SHORT_BYTES) {
        log_event(LOG_WARN, "key_short", LOG_STRING("file", line->path),
                  LOG_INT("line", line->number), LOG_INT("advised_least", KEY_SHORT_BYTES));
    }
    return digest_of(text, n, ret_digest)
               ? STATUS_OK
               : fault_set(fault, STATUS_NO_MEMORY, param, "a key cannot be hashed");
}

static enum status read_line(struct keys *keys, const struct line *line, struct fault *fault)
{
    char *words[2];
    struct sha256 digest;
    size_t n_words = split_words(line->text, words);
    if (n_words == 0) {
        return STATUS_OK;
    }
    if (n_words != 2) {
        return refuse(line, fault, "expected KEY scope[,scope]");
    }
    unsigned scopes = parse_scopes(words[1]);
    if (scopes == 0) {
        return refuse(line, fault, "a scope is one of read, predict, train, admin");
    }
    enum status status = parse_key(line, words[0], &digest, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (place_of(keys, &digest) != 0) {
        return refuse(line, fault, "an earlier line has the same key");
    }
    if (keys->n == KEYS_MAX) {
        return refuse(line, fault, "a file has at most 1000 keys");
    }
    keys->digests[keys->n] = digest;
    keys->keys[keys->n].scopes = scopes;
    keys->n++;
    return STATUS_OK;
}

static enum status read_lines(struct keys *keys, const char *path, struct secret *secret,
                              struct fault *fault)
{
    struct line line = { .path = path };
    char *end = secret->text + secret->n;
    for (char *next = secret->text; next < end;) {
        char *newline = memchr(next, '\n', (size_t)(end - next));
        char *line_end = newline ? newline : end;
        *line_end = '\0';
        line.number++;
        line.text = next;
        if (strlen(next) != (size_t)(line_end - next)) {
            return refuse(&line, fault, "the line has a NUL byte");
        }
        enum status status = read_line(keys, &line, fault);
        if (status != STATUS_OK) {
            return status;
        }
        next = line_end + 1;
    }
    return keys->n > 0 ? STATUS_OK
                       : fault_set(fault, STATUS_INVALID_VALUE, param,
                                   "%s has no key: nobody could use grud", path);
}

/* Reading the file again must not refill a bucket. */
static void keep_buckets(struct keys *keys, const struct keys *before)
{
    for (size_t k = 0; k < keys->n; k++) {
        size_t place = place_of(before, &keys->digests[k]);
        if (place > 0) {
            keys->keys[k].full_ns = atomic_load(&before->keys[place - 1].full_ns);
        }
    }
}

static struct keys *create(void)
{
    struct keys *keys = calloc(1, sizeof *keys);
    if (keys) {
        keys->n_refs = 1;
        keys->digests = calloc(KEYS_MAX, sizeof *keys->digests);
        keys->keys = calloc(KEYS_MAX, sizeof *keys->keys);
    }
    if (keys && (!keys->digests || !keys->keys)) {
        keys_unref(keys);
        return NULL;
    }
    return keys;
}

enum status keys_read(const char *path, const struct keys *before, struct keys **ret_keys,
                      struct fault *fault)
{
    struct secret secret;
    enum status status = secret_read(path, param, &secret, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (secret.is_group_readable || secret.is_world_readable) {
        log_event(LOG_WARN, "file_readable_by_others", LOG_STRING("file", path));
    }
    struct keys *keys = create();
    status = keys ? read_lines(keys, path, &secret, fault)
                  : fault_set(fault, STATUS_NO_MEMORY, param, "no memory for the keys");
    secret_wipe(&secret);
    if (status != STATUS_OK) {
        keys_unref(keys);
        return status;
    }
    if (before) {
        keep_buckets(keys, before);
    }
    *ret_keys = keys;
    return STATUS_OK;
}

struct keys *keys_ref(struct keys *keys)
{
    if (keys) {
        atomic_fetch_add(&keys->n_refs, 1);
    }
    return keys;
}

void keys_unref(struct keys *keys)
{
    if (keys && atomic_fetch_sub(&keys->n_refs, 1) == 1) {
        free(keys->digests);
        free(keys->keys);
        free(keys);
    }
}

/* ---- requests ---- */

struct key *keys_find(struct keys *keys, const char *text, size_t n)
{
    struct sha256 digest;
    if (n == 0 || n > KEY_BYTES_MAX || !digest_of(text, n, &digest)) {
        return NULL;
    }
    size_t place = place_of(keys, &digest);
    return place > 0 ? &keys->keys[place - 1] : NULL;
}

bool key_allows(const struct key *key, enum scope scope)
{
    return key->scopes >> scope & 1;
}

/* The generic cell rate algorithm (ITU-T I.371): instead of a level and the time when it was right,
 * one number says when the bucket will be full. A request puts that off by its share of a second,
 * up to one second from now. */
bool key_spend(struct key *key, size_t rate, int64_t now_ns)
{
    const int64_t second_ns = 1000000000;
    if (rate == 0) {
        return true;
    }
    int64_t share_ns = second_ns / (int64_t)rate;
    int64_t full_ns = atomic_load_explicit(&key->full_ns, memory_order_relaxed), next_ns;
    do {
        next_ns = (full_ns > now_ns ? full_ns : now_ns) + share_ns;
        if (next_ns > now_ns + second_ns) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&key->full_ns, &full_ns, next_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}
