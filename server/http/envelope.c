/* envelope.c - see envelope.h. */
#include "http/envelope.h"

#include "codec/codec.h"

static const char error_out_of_memory[] = "{\"error\":{\"code\":\"out_of_memory\",\"message\":\"no "
                                          "memory for the reply\",\"param\":null}}";
static const char error_overloaded[] = "{\"error\":{\"code\":\"overloaded\",\"message\":\"there is "
                                       "more to do than can be done in time; "
                                       "try again\",\"param\":null}}";

const struct envelope envelopes[ENVELOPE_COUNT] = {
    [ENVELOPE_ERROR] = { .media = MEDIA_JSON,
                         .schema = SCHEMA_ERROR,
                         .put = codec_put_error,
                         .out_of_memory = error_out_of_memory,
                         .n_out_of_memory = sizeof error_out_of_memory - 1,
                         .overloaded = error_overloaded,
                         .n_overloaded = sizeof error_overloaded - 1 },
};
