/* decode_fork.c - the body of fork, and empty ones. */
#include "codec/codec.h"
#include "codec/reader.h"
#include "codec/schemas.h"

#include <string.h>

static enum status read_to(struct reader *r, void *body)
{
    return reader_session_id(r, body);
}

static const struct field fork_fields[] = { { "to", read_to, true, &schema_to } };

const struct json_schema codec_fork_body = { .type = JSON_SCHEMA_OBJECT,
                                             .name = "Fork",
                                             JSON_SCHEMA_FIELDS(fork_fields),
                                             .example = "{\"to\":\"what-if\"}" };

enum status codec_fork(const struct codec_input *input, char ret_to[SESSION_ID_MAX + 1])
{
    char to[SESSION_ID_MAX + 1];
    struct reader r;
    unsigned seen;
    reader_init(&r, input);
    enum status status = reader_end(&r, reader_fields(&r, fork_fields, 1, to, &seen));
    if (status == STATUS_OK) {
        memcpy(ret_to, to, strlen(to) + 1);
    }
    return status;
}

/* ---- nothing ---- */

const struct json_schema codec_no_body = { .type = JSON_SCHEMA_OBJECT,
                                           .name = "Empty",
                                           .example = "{}" };

enum status codec_no_fields(const struct codec_input *input)
{
    struct reader r;
    unsigned seen;
    reader_init(&r, input);
    return reader_end(&r, reader_fields(&r, NULL, 0, NULL, &seen));
}
