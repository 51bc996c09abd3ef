#include "http_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t http_print_head(char out[HTTP_HEAD_MAX], const char *method, const char *path,
                       const char *headers, const char *type, size_t n_body)
{
    char content[256] = "";
    if (type) {
        snprintf(content, sizeof content, "Content-Type: %s\r\nContent-Length: %zu\r\n", type,
                 n_body);
    }
    int n = snprintf(out, HTTP_HEAD_MAX, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n", method,
                     path, headers ? headers : "", content);
    return n > 0 && n < HTTP_HEAD_MAX ? (size_t)n : 0;
}

/* A header's value within the head, or NULL. `name` begins with CR LF and ends with a colon. */
static const char *find_header(const char *head, const char *end, const char *name)
{
    const char *line = strcasestr(head, name);
    return line && line < end ? line + strlen(name) + strspn(line + strlen(name), " ") : NULL;
}

bool http_read_frame(const char *bytes, struct http_frame *ret_frame)
{
    const char *end = strstr(bytes, "\r\n\r\n");
    if (!end || end - bytes < (int)strlen("HTTP/1.1 200")) {
        return false;
    }
    const char *length = find_header(bytes, end, "\r\nContent-Length:");
    const char *connection = find_header(bytes, end, "\r\nConnection:");
    *ret_frame = (struct http_frame){
        .code = (int)strtol(bytes + strlen("HTTP/1.1 "), NULL, 10),
        .n_head = (size_t)(end + 4 - bytes),
        .n_body = length ? strtoul(length, NULL, 10) : 0,
        .is_sized = length != NULL,
        .closes = connection && strncasecmp(connection, "close", 5) == 0,
    };
    return true;
}

bool http_is_whole(const char *bytes, size_t n, struct http_frame *ret_frame)
{
    return http_read_frame(bytes, ret_frame) && ret_frame->is_sized &&
           n >= ret_frame->n_head + ret_frame->n_body;
}
