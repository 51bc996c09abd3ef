/* GET /openapi.json, as a client finds it. tests/openapi/ compares it with what the daemon does. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(the_openapi_document_is_served_with_this_daemons_limits)
{
    struct daemon daemon = daemon_start(
        (const char *const[]){ "--horizon-max", "4321", "--interval-levels", "0.75", NULL });
    struct answer answer = request(&daemon, "GET", "/openapi.json", NULL);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_ptr_nonnull(strcasestr(answer.headers, "Content-Type: application/json"));
    ck_assert_ptr_nonnull(strstr(answer.body, "\"openapi\":\"3.1.0\""));
    ck_assert_ptr_nonnull(strstr(answer.body, "\"maximum\":4321"));
    ck_assert_ptr_nonnull(strstr(answer.body, "\"enum\":[0.75]"));
    answer_free(&answer);
    expect(&daemon, "POST", "/openapi.json", "{}", 405, "method_not_allowed");
    expect(&daemon, "GET", "/v1", NULL, 200, "\"path\":\"/openapi.json\"");
    daemon_stop(&daemon);
}

/* A document that the client has is not sent again, until an option changes it. */
TEST(the_openapi_document_has_an_entity_tag)
{
    struct daemon daemon = daemon_start(NULL);
    char header[128], tag[80];
    struct answer answer = request(&daemon, "GET", "/openapi.json", NULL);
    const char *found = strcasestr(answer.headers, "ETag: ");
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(sscanf(found + strlen("ETag: "), "%79[^\r\n]", tag), 1);
    answer_free(&answer);
    snprintf(header, sizeof header, "If-None-Match: %s\r\n", tag);
    const int fd = client_ask(&daemon, "/openapi.json", header);
    char text[1024] = "";
    ck_assert_int_gt(recv(fd, text, sizeof text - 1, 0), 0);
    ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 304 "));
    ck_assert_ptr_nonnull(strstr(text, tag));
    close(fd);
    daemon_stop(&daemon);
}
