/*
 * http_message.h - the texts of HTTP/1.1 as the test clients and the load generators need them: the
 * head of a request, and the frame of an answer. Pure functions; libcheck is not needed.
 *
 * The clients are our own, and not libcurl's, because half of what they test is below what libcurl
 * lets one say: half a request, two lengths, a byte a second, a connection closed in a reply.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_HEAD_MAX = 2048 };

/*
 * Prints a head and returns its length; 0: it does not fit. `headers` are further lines, each with
 * its CR LF ("" or NULL: none). type NULL: there is no body, and no Content-Length.
 */
size_t http_print_head(char out[HTTP_HEAD_MAX], const char *method, const char *path,
                       const char *headers, const char *type, size_t n_body);

struct http_frame {
    int code;
    size_t n_head; /* bytes of the status line and the headers, the empty line included */
    size_t n_body; /* what Content-Length says; 0 where it is missing */
    bool is_sized; /* there is a Content-Length */
    bool closes;   /* it says Connection: close */
};

/* False: the head has not come to its end. `bytes` ends with a NUL. */
bool http_read_frame(const char *bytes, struct http_frame *ret_frame);
/* Whether n bytes hold an answer with a Content-Length to its end. */
bool http_is_whole(const char *bytes, size_t n, struct http_frame *ret_frame);

#endif
