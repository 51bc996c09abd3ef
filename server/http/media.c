/* media.c - see media.h. */
#include "http/media.h"

/* Aligned, so that none crosses a page: glibc compares texts that may do so byte by byte, and every
 * Content-Type is compared with one of these. */
enum { NAME_BYTES = 64 };

const char *media_name(enum media media)
{
    static const char names[MEDIA_COUNT][NAME_BYTES] __attribute__((aligned(NAME_BYTES))) = {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a literal that fills an array stands alone
#define MEDIA_NAME(name, text) [MEDIA_##name] = text,
        MEDIA_TABLE(MEDIA_NAME)
#undef MEDIA_NAME
    };
    return names[media];
}
