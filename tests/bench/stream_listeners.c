/*
 * stream_listeners.c - clients of event streams of a server on 127.0.0.1, which read all that
 * comes. One thread.
 *
 * Usage: stream_listeners -n LISTENERS PORT PATH
 *
 * "%d" in PATH becomes the number of the listener, from 0, in as many digits as load_generator.c
 * has for a session. It prints "ready" once all streams have begun, and at the end of its standard
 * input a line: events=N bytes=N ended=N, of all streams since then, and how many of them have
 * ended. Ends with 1 if a stream does not begin.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { LISTENERS_MAX = 10000, REQUEST_MAX = 1024, READ_BYTES = 256 << 10, EVENTS_MAX = 256 };

struct counts {
    uint64_t n_events, n_bytes, n_ended;
};

static int ask(uint16_t port, const char *path, int number)
{
    char target[REQUEST_MAX / 2], request[REQUEST_MAX];
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    const char *mark = strstr(path, "%d");
    if (mark) {
        snprintf(target, sizeof target, "%.*s%07d%s", (int)(mark - path), path, number, mark + 2);
    } else {
        snprintf(target, sizeof target, "%s", path);
    }
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_sent = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                   write(fd, request, (size_t)n) == n;
    char head[16] = "";
    if (!is_sent || recv(fd, head, 12, MSG_WAITALL) != 12 || strcmp(head, "HTTP/1.1 200") != 0) {
        fprintf(stderr, "stream_listeners: %s: %s\n", target, head);
        exit(1);
    }
    return fd;
}

/* An event's data begins its line; one whose first bytes came before is not counted. */
static void count(const char *bytes, size_t n, struct counts *counts)
{
    static const char mark[] = "\ndata: ";
    counts->n_bytes += n;
    for (const char *at = bytes;
         (at = memmem(at, n - (size_t)(at - bytes), mark, sizeof mark - 1)) != NULL; at++) {
        counts->n_events++;
    }
}

static void read_all(int epoll_fd, struct counts *counts)
{
    static char bytes[READ_BYTES];
    struct epoll_event events[EVENTS_MAX];
    bool goes_on = true;
    while (goes_on) {
        int n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        for (int k = 0; k < n; k++) {
            ssize_t n_read = read(events[k].data.fd, bytes, sizeof bytes);
            if (n_read > 0 && events[k].data.fd != STDIN_FILENO) {
                count(bytes, (size_t)n_read, counts);
            } else if (n_read <= 0) {
                epoll_ctl(epoll_fd, EPOLL_CTL_DEL, events[k].data.fd, NULL);
                counts->n_ended++;
                goes_on = goes_on && events[k].data.fd != STDIN_FILENO;
            }
        }
    }
    counts->n_ended--; /* the standard input */
}

int main(int argc, char *argv[])
{
    long n = argc == 5 && strcmp(argv[1], "-n") == 0 ? strtol(argv[2], NULL, 10) : 0;
    long port = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
    if (n < 1 || n > LISTENERS_MAX || port < 1 || port > UINT16_MAX) {
        fputs("usage: stream_listeners -n LISTENERS PORT PATH\n", stderr);
        return 2;
    }
    struct counts counts = { 0 };
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int k = 0; k < n; k++) {
        int fd = ask((uint16_t)port, argv[4], k);
        struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
    struct epoll_event input = { .events = EPOLLIN, .data.fd = STDIN_FILENO };
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    puts("ready");
    fflush(stdout);
    read_all(epoll_fd, &counts);
    printf("events=%" PRIu64 " bytes=%" PRIu64 " ended=%" PRIu64 "\n", counts.n_events,
           counts.n_bytes, counts.n_ended);
    return 0;
}
