/* negotiation.c - see negotiation.h. */
#include "http/negotiation.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { Q_ONE = 1000, Q_NOT_SAID = -1 }; /* in thousandths, as many as a weight can tell apart */

static const char *skip_white(const char *p)
{
    return p + strspn(p, " \t");
}

/* "0.25" -> 250; what is no weight counts as 0, so that it promises nothing. */
static int read_weight(const char *p)
{
    int q = *p == '1' ? Q_ONE : 0;
    const bool is_number = *p == '0' || *p == '1';
    if (is_number && p[1] == '.') {
        int place = Q_ONE / 10;
        for (p += 2; *p >= '0' && *p <= '9'; p++) {
            q += (*p - '0') * place;
            place /= 10;
        }
    }
    return q < Q_ONE ? q : Q_ONE;
}

/* The weight of an item whose parameters begin here: "; q=0.5". */
static int weight_of(const char *parameters)
{
    const char *p = skip_white(parameters);
    if (*p != ';') {
        return Q_ONE;
    }
    p = skip_white(p + 1);
    return strncasecmp(p, "q=", 2) == 0 ? read_weight(p + 2) : Q_ONE;
}

static bool is_word(const char *text, size_t n, const char *word)
{
    return n == strlen(word) && strncasecmp(text, word, n) == 0;
}

bool negotiation_wants_gzip(const char *accept_encoding)
{
    int gzip = Q_NOT_SAID, identity = Q_NOT_SAID, others = Q_NOT_SAID;
    for (const char *p = accept_encoding; p && *p; p += *p == ',') {
        p = skip_white(p);
        const size_t n = strcspn(p, " \t;,");
        const int q = weight_of(p + n);
        if (is_word(p, n, "gzip") || is_word(p, n, "x-gzip")) {
            gzip = q;
        } else if (is_word(p, n, "identity")) {
            identity = q;
        } else if (is_word(p, n, "*")) {
            others = q;
        }
        p += strcspn(p, ",");
    }
    gzip = gzip == Q_NOT_SAID ? others : gzip;
    return gzip > 0 && gzip >= identity; /* which nobody has to name */
}

bool negotiation_has_tag(const char *if_none_match, const char *tag)
{
    const size_t n = strlen(tag);
    for (const char *p = if_none_match; p && *p; p += *p == ',') {
        p = skip_white(p);
        if (*p == '*') {
            return true;
        }
        p += strncmp(p, "W/", 2) == 0 ? 2 : 0; /* a cache may have weakened it: it is the same */
        if (strncmp(p, tag, n) == 0 && strchr(" \t,", p[n])) {
            return true;
        }
        p += *p == '"' ? 1 + strcspn(p + 1, "\"") : 0; /* a comma may stand within quotes */
        p += strcspn(p, ",");
    }
    return false;
}
