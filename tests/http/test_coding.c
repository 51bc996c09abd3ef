#include "http/coding.h"

#include "test.h"

static enum status read_coding(const char *text, enum inflater_format *ret_format)
{
    struct fault fault;
    *ret_format = INFLATER_NONE;
    enum status status = coding_read(text, ret_format, &fault);
    ck_assert(status == STATUS_OK ||
              (status == STATUS_UNSUPPORTED_MEDIA_TYPE && *ret_format == INFLATER_NONE));
    if (status != STATUS_OK) {
        ck_assert_str_eq(fault.param, "content-encoding");
    }
    return status;
}

TEST(codings_have_their_names)
{
    static const struct {
        const char *text;
        enum inflater_format format;
    } rows[] = {
        { NULL, INFLATER_NONE },
        { "", INFLATER_NONE },
        { "identity", INFLATER_NONE },
        { "gzip", INFLATER_GZIP },
        { "GZip", INFLATER_GZIP },
        { "x-gzip", INFLATER_GZIP },
        { "deflate", INFLATER_DEFLATE },
        { " ,\tgzip , ", INFLATER_GZIP },
        { "identity, deflate", INFLATER_DEFLATE },
        { "deflate,identity", INFLATER_DEFLATE },
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        enum inflater_format format;
        ck_assert_int_eq(read_coding(rows[k].text, &format), STATUS_OK);
        ck_assert_int_eq(format, rows[k].format);
    }
}

TEST(others_and_several_are_refused)
{
    static const char *const texts[] = { "br",  "zstd",  "compress",      "gzip;q=1",
                                         "gzi", "gzipp", "gzip, deflate", "gzip,gzip",
                                         "*",   "\xff",  "gzip, br" };
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        enum inflater_format format;
        ck_assert_int_eq(read_coding(texts[k], &format), STATUS_UNSUPPORTED_MEDIA_TYPE);
    }
}
