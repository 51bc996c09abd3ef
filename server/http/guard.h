/*
 * guard.h - refuses requests whose framing two programs could read differently, and knows media
 * types. Pure functions; any thread.
 *
 * libmicrohttpd 0.9.75 accepts two Content-Lengths, a Content-Length beside a Transfer-Encoding,
 * unknown codings, white space in header names, folded lines and NULs: behind a proxy each of them
 * smuggles requests.
 */
#ifndef GUARD_H
#define GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the headers of one request say. Texts are borrowed. */
struct guard {
    const char *problem; /* the first one, as a sentence; NULL: none */
    const char *
        end; /* of the text seen so far, for guard_header; NULL: where headers lie is not checked */
    const char *content_type, *content_encoding, *authorization, *server_timing;
    const char *host, *origin, *fetch_site; /* NULL: the request has none */
    size_t n_host;
    uint64_t content_length;
    size_t n_cookie; /* bytes of the cookies */
    unsigned n_hosts, n_lengths, n_codings, n_authorizations, n_origins, n_fetch_sites;
    unsigned n_content_encodings;
    bool is_chunked;
    bool expects_continue;
};

/* `target_end` is where the request's target was seen to end and `version` where its version
 * begins, both in the receive buffer, with the headers behind them; or NULL. */
void guard_begin(struct guard *guard, const char *target_end, const char *version);
/* One header, in the order of arrival. */
void guard_header(struct guard *guard, const char *key, size_t n_key, const char *value,
                  size_t n_value);
/* The problem, or NULL. `block_end` is where the empty line after the headers ends, or NULL. */
const char *guard_end(struct guard *guard, bool is_http_1_0, const char *block_end);
/* The problem of a raw request target, or NULL. */
const char *guard_target(const char *target, size_t n);

/* Whether a Content-Type is `type`, with no parameter but charset=utf-8. */
bool media_type_is(const char *content_type, const char *type);
/* Whether an Accept header names `type` itself among its media ranges; of their parameters only q=0
 * counts, by which it is named as not acceptable. */
bool accept_names(const char *accept, const char *type);

#endif
