/* media.h - the media types that routes take and give. Constant; any thread. */
#ifndef MEDIA_H
#define MEDIA_H

/* The first is that of most routes. */
#define MEDIA_TABLE(X)                                                                             \
    X(JSON, "application/json")                                                                    \
    X(NDJSON, "application/x-ndjson")                                                              \
    X(OCTETS, "application/octet-stream")                                                          \
    X(EVENTS, "text/event-stream")                                                                 \
    X(METRICS, "text/plain; version=0.0.4; charset=utf-8")                                         \
    X(HTML, "text/html; charset=utf-8")                                                            \
    X(JAVASCRIPT, "text/javascript; charset=utf-8")                                                \
    X(CSS, "text/css; charset=utf-8")                                                              \
    X(SVG, "image/svg+xml")

enum media {
#define MEDIA_ENUM(name, text) MEDIA_##name,
    MEDIA_TABLE(MEDIA_ENUM)
#undef MEDIA_ENUM
        MEDIA_COUNT
};

/* Sets of them. */
enum {
#define MEDIA_BIT(name, text) MEDIA_SET_##name = 1 << MEDIA_##name,
    MEDIA_TABLE(MEDIA_BIT)
#undef MEDIA_BIT
};

const char *media_name(enum media media);

/* The first of a set that is not empty. */
static inline enum media media_first(unsigned set)
{
    return (enum media)__builtin_ctz(set);
}

#endif
