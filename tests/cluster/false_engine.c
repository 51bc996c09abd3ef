#include "false_engine.h"

#include "cluster/cluster_library.h"
#include "cluster_support.h"
#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct false_engine false_engine_start(void)
{
    struct false_engine engine = { .fd = -1 };
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof address;
    engine.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(engine.listen_fd, (const struct sockaddr *)&address, n), 0);
    ck_assert_int_eq(getsockname(engine.listen_fd, (struct sockaddr *)&address, &n), 0);
    ck_assert_int_eq(listen(engine.listen_fd, 8), 0);
    engine.port = ntohs(address.sin_port);
    return engine;
}

void false_engine_hang_up(struct false_engine *engine)
{
    if (engine->fd >= 0) {
        close(engine->fd);
        engine->fd = -1;
    }
}

void false_engine_end(struct false_engine *engine)
{
    false_engine_hang_up(engine);
    close(engine->listen_fd);
}

void false_engine_await(struct false_engine *engine, struct cluster_link *link)
{
    char said[4096];
    false_engine_hang_up(engine);
    while (engine->fd < 0) {
        link_turn(link);
        engine->fd = accept4(engine->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    }
    while (recv(engine->fd, said, sizeof said, MSG_DONTWAIT) <= 0) {
        link_turn(link);
    }
}

void false_engine_say(struct false_engine *engine, const char *bytes, size_t n)
{
    ck_assert_int_eq(send(engine->fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

size_t false_engine_greeting(const char *info, char text[GREETING_MAX])
{
    const int n = snprintf(text, GREETING_MAX,
                           "+OK\r\n+OK\r\n$%zu\r\n%s\r\n*1\r\n*2\r\n$12\r\nlibrary_code\r\n$%zu"
                           "\r\n%s\r\n",
                           strlen(info), info, cluster_library_n, cluster_library_text);
    ck_assert_int_lt(n, GREETING_MAX);
    return (size_t)n;
}

void false_engine_greet(struct false_engine *engine, struct cluster_link *link)
{
    char text[GREETING_MAX];
    const size_t n = false_engine_greeting("redis_version:7.0.15\r\n", text);
    false_engine_await(engine, link);
    false_engine_say(engine, text, n);
    false_engine_say(engine, MEETING, strlen(MEETING));
    link_until_ready(link);
}
