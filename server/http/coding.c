#include "http/coding.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    enum inflater_format format;
} codings[] = {
    { "gzip", INFLATER_GZIP },
    { "x-gzip", INFLATER_GZIP }, /* RFC 9110 8.4.1.3 */
    { "deflate", INFLATER_DEFLATE },
    { "identity", INFLATER_NONE },
};

static enum status read_one(const char *name, size_t n, enum inflater_format *ret_format,
                            struct fault *fault)
{
    for (size_t k = 0; k < sizeof codings / sizeof *codings; k++) {
        if (strlen(codings[k].name) == n && strncasecmp(name, codings[k].name, n) == 0) {
            *ret_format = codings[k].format;
            return STATUS_OK;
        }
    }
    return fault_set(fault, STATUS_UNSUPPORTED_MEDIA_TYPE, "content-encoding",
                     "the Content-Encoding of a body is gzip or deflate, or there is none");
}

enum status coding_read(const char *content_encoding, enum inflater_format *ret_format,
                        struct fault *fault)
{
    static const char between[] = " \t,";
    enum inflater_format format = INFLATER_NONE;
    for (const char *p = content_encoding ? content_encoding : ""; *p != '\0';) {
        const size_t n = strcspn(p, between);
        enum inflater_format next = INFLATER_NONE;
        enum status status = n > 0 ? read_one(p, n, &next, fault) : STATUS_OK;
        if (status != STATUS_OK) {
            return status;
        }
        if (next != INFLATER_NONE && format != INFLATER_NONE) {
            return fault_set(fault, STATUS_UNSUPPORTED_MEDIA_TYPE, "content-encoding",
                             "a body is compressed once: send it with one Content-Encoding, gzip "
                             "or deflate");
        }
        format = next != INFLATER_NONE ? next : format;
        p += n + strspn(p + n, between);
    }
    *ret_format = format;
    return STATUS_OK;
}
