/* coding.h - the content codings that a body may have. Pure; any thread. */
#ifndef CODING_H
#define CODING_H

#include "base/inflater.h"

/* What Accept-Encoding says where one is refused (RFC 7694). */
#define CODINGS_TAKEN "gzip, deflate"

/* Reads the value of Content-Encoding; NULL: there is none. `identity` and empty elements of the
 * list are passed over. STATUS_UNSUPPORTED_MEDIA_TYPE: a coding that is not taken, or several. */
enum status coding_read(const char *content_encoding, enum inflater_format *ret_format,
                        struct fault *fault);

#endif
