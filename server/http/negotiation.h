/*
 * negotiation.h - which form of a reply a client wants, and whether it has it already: content
 * codings and entity tags (RFC 9110, 12.5.3 and 13.1.2). Pure functions; any thread.
 */
#ifndef NEGOTIATION_H
#define NEGOTIATION_H

#include <stdbool.h>

/* Whether a client whose Accept-Encoding this is (NULL: none) would rather have gzip than the bytes
 * as they are. */
bool negotiation_wants_gzip(const char *accept_encoding);

/* Whether an If-None-Match (NULL: none) names the tag, which has its quotes, or any. */
bool negotiation_has_tag(const char *if_none_match, const char *tag);

#endif
