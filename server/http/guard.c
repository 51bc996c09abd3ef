#include "http/guard.h"

#include <string.h>
#include <strings.h>

/* ---- bytes, eight at a time ---- */

#define ONES (UINT64_MAX / 0xff) /* 0x01 in each byte */
#define TOPS (ONES << 7)

static bool holds_control_slowly(uint64_t word)
{
    bool holds = false;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        unsigned c = word >> shift & 0xff;
        holds |= (c < 0x20 && c != '\t') || c == 0x7f;
    }
    return holds;
}

/* Bytes below 0x20, and 0x7f, but not a tab. A tab makes the quick test doubt. */
static inline bool holds_control(uint64_t word)
{
    const uint64_t is_delete = word ^ ONES * 0x7f;
    const uint64_t doubt = ((word - ONES * 0x20) & ~word) | ((is_delete - ONES) & ~is_delete);
    return (doubt & TOPS) != 0 && holds_control_slowly(word);
}

/* Bytes up to 0x20, and from 0x7f on: in no name, and in no target. */
static inline bool holds_white_or_odd(uint64_t word)
{
    return ((((word - ONES * 0x21) & ~word) | (word + ONES) | word) & TOPS) != 0;
}

static inline uint64_t load(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Up to eight bytes, some of them twice, or dots instead of missing ones. */
static inline uint64_t load_short(const char *bytes, size_t n)
{
    uint64_t word = ONES * '.';
    uint32_t halves[2];
    if (n < sizeof *halves) {
        for (size_t k = 0; k < n; k++) {
            word = word << 8 | (unsigned char)bytes[k];
        }
        return word;
    }
    memcpy(&halves[0], bytes, sizeof *halves);
    memcpy(&halves[1], bytes + n - sizeof *halves, sizeof *halves);
    return (uint64_t)halves[1] << 32 | halves[0];
}

/* Whether `holds` is true of any part of n bytes; the last part overlaps the one before. */
static inline bool any(bool (*holds)(uint64_t word), const char *bytes, size_t n)
{
    const size_t size = sizeof(uint64_t);
    if (n < size) {
        return holds(load_short(bytes, n));
    }
    for (size_t k = 0; k + size < n; k += size) {
        if (holds(load(bytes + k))) {
            return true;
        }
    }
    return holds(load(bytes + n - size));
}

/* `word` has small letters, digits and '-'. They all have the bit that capitals lack. */
static inline bool is_word(const char *bytes, size_t n, const char *word)
{
    const uint64_t small = ONES * 0x20;
    if (n != strlen(word)) {
        return false;
    }
    if (n < sizeof small) {
        return (load_short(bytes, n) | small) == load_short(word, n);
    }
    for (size_t k = 0; k + sizeof small < n; k += sizeof small) {
        if ((load(bytes + k) | small) != load(word + k)) {
            return false;
        }
    }
    return (load(bytes + n - sizeof small) | small) == load(word + n - sizeof small);
}

/* ---- headers ---- */

static void complain(struct guard *guard, const char *problem)
{
    if (!guard->problem) {
        guard->problem = problem;
    }
}

void guard_begin(struct guard *guard, const char *target_end, const char *version)
{
    *guard = (struct guard){ .end = version ? version + strlen(version) : NULL };
    if (version && version != target_end + 1) {
        complain(guard, "the request target holds a NUL");
    }
}

static void read_length(struct guard *guard, const char *value, size_t n)
{
    uint64_t length = 0;
    bool is_number = n > 0;
    for (size_t k = 0; k < n && is_number; k++) {
        unsigned digit = (unsigned char)value[k] - (unsigned)'0';
        is_number = digit <= 9 && !__builtin_mul_overflow(length, 10u, &length) &&
                    !__builtin_add_overflow(length, digit, &length);
    }
    if (!is_number) {
        complain(guard, "Content-Length is not a number");
    }
    guard->content_length = length;
    guard->n_lengths++;
}

static void read_framing(struct guard *guard, const char *key, size_t n_key, const char *value,
                         size_t n_value)
{
    switch (n_key) { /* most headers are passed over by their length alone */
    case 4:
        if (is_word(key, n_key, "host")) {
            guard->host = value;
            guard->n_host = n_value;
            guard->n_hosts++;
        }
        break;
    case 6:
        if (is_word(key, n_key, "expect")) {
            guard->expects_continue = is_word(value, n_value, "100-continue");
        } else if (is_word(key, n_key, "origin")) {
            guard->origin = value;
            guard->n_origins++;
        } else if (is_word(key, n_key, "cookie")) {
            guard->n_cookie = n_value;
        }
        break;
    case 12:
        if (is_word(key, n_key, "content-type")) {
            guard->content_type = value;
        }
        break;
    case 13:
        if (is_word(key, n_key, "authorization")) {
            guard->authorization = value;
            guard->n_authorizations++;
        } else if (is_word(key, n_key, "server-timing")) {
            guard->server_timing = value;
        }
        break;
    case 14:
        if (is_word(key, n_key, "content-length")) {
            read_length(guard, value, n_value);
        } else if (is_word(key, n_key, "sec-fetch-site")) {
            guard->fetch_site = value;
            guard->n_fetch_sites++;
        }
        break;
    case 16:
        if (is_word(key, n_key, "content-encoding")) {
            guard->content_encoding = value;
            guard->n_content_encodings++;
        }
        break;
    case 17:
        if (is_word(key, n_key, "transfer-encoding")) {
            guard->n_codings++;
            guard->is_chunked = is_word(value, n_value, "chunked");
        }
        break;
    default:
        break;
    }
}

/* Each header's text begins where the one before ended, but for the line end that the parser
 * overwrote with one or two NULs. A NUL of the client's would leave a gap; a folded line is moved
 * elsewhere, and 0.9.75 joins it to the header's name. */
static bool is_adjacent(const char *end, const char *next)
{
    return next == end + 1 || next == end + 2;
}

void guard_header(struct guard *guard, const char *key, size_t n_key, const char *value,
                  size_t n_value)
{
    if (n_key == 0 || any(holds_white_or_odd, key, n_key)) {
        complain(guard, "a header's name holds white space or a byte that is not ASCII");
    } else if (any(holds_control, value, n_value)) {
        complain(guard, "a header's value holds a control character");
    }
    if (guard->end) {
        if (!is_adjacent(guard->end, key)) {
            complain(guard, "the headers hold a NUL or a folded line");
        }
        guard->end = value + n_value;
    }
    read_framing(guard, key, n_key, value, n_value);
}

const char *guard_end(struct guard *guard, bool is_http_1_0, const char *block_end)
{
    if (guard->end && block_end && (block_end < guard->end + 2 || block_end > guard->end + 4)) {
        complain(guard, "the headers hold a NUL or a folded line");
    }
    if (guard->n_hosts > 1 || (guard->n_hosts == 0 && !is_http_1_0)) {
        complain(guard, "a request has exactly one Host");
    }
    if (guard->n_authorizations > 1 || guard->n_origins > 1 || guard->n_fetch_sites > 1) {
        complain(guard,
                 "a request has at most one Authorization, one Origin and one Sec-Fetch-Site");
    }
    if (guard->n_lengths > 1) {
        complain(guard, "a request has at most one Content-Length");
    }
    if (guard->n_codings > 0 && guard->n_lengths > 0) {
        complain(guard, "a request has either a Content-Length or a Transfer-Encoding");
    }
    if (guard->n_codings > 1 || (guard->n_codings == 1 && !guard->is_chunked)) {
        complain(guard, "the only Transfer-Encoding is chunked");
    }
    if (guard->n_codings > 0 && is_http_1_0) {
        complain(guard, "HTTP/1.0 has no Transfer-Encoding");
    }
    return guard->problem;
}

const char *guard_target(const char *target, size_t n)
{
    return n > 0 && !any(holds_white_or_odd, target, n)
               ? NULL
               : "the request target holds white space, a control character or a byte that is not "
                 "ASCII";
}

/* ---- media types ---- */

static const char *skip_white(const char *p)
{
    while (*p == ' ' || *p == '\t') {
        p++;
    }
    return p;
}

bool media_type_is(const char *content_type, const char *type)
{
    const char *p = skip_white(content_type);
    size_t n = strlen(type);
    if (strncasecmp(p, type, n) != 0) {
        return false;
    }
    p = skip_white(p + n);
    if (*p == ';') {
        p = skip_white(p + 1);
        const char charset[] = "charset=";
        if (strncasecmp(p, charset, sizeof charset - 1) != 0) {
            return *p == '\0';
        }
        p += sizeof charset - 1;
        bool is_quoted = *p == '"';
        p += is_quoted;
        if (strncasecmp(p, "utf-8", 5) != 0 || (is_quoted && p[5] != '"')) {
            return false;
        }
        p = skip_white(p + 5 + is_quoted);
    }
    return *p == '\0';
}

/* Whether the parameters of a media range say q=0: not acceptable (RFC 9110 12.4.2). */
static bool is_excluded(const char *parameters)
{
    for (const char *p = skip_white(parameters); *p == ';'; p += strcspn(p, ";,")) {
        p = skip_white(p + 1);
        if (strncasecmp(p, "q=0", 3) == 0 &&
            strchr(" \t;,", p[3 + strspn(p + 3, ".0")])) { /* or its end */
            return true;
        }
    }
    return false;
}

bool accept_names(const char *accept, const char *type)
{
    const size_t n = strlen(type);
    for (const char *p = accept;;) {
        p = skip_white(p);
        if (strncasecmp(p, type, n) == 0 && strchr(" \t;,", p[n]) && !is_excluded(p + n)) {
            return true;
        }
        p = strchr(p, ',');
        if (!p) {
            return false;
        }
        p++;
    }
}
