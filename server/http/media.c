/* media.c - see media.h. */
#include "http/media.h"

const char *media_name(enum media media)
{
    static const char *const names[] = {
#define MEDIA_NAME(name, text) [MEDIA_##name] = (text),
        MEDIA_TABLE(MEDIA_NAME)
#undef MEDIA_NAME
    };
    return names[media];
}
