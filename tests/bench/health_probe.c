/*
 * health_probe.c - asks a server on 127.0.0.1 for /healthz every 10 ms, on a connection of its own,
 * and prints the longest that it waited for an answer.
 *
 * Usage: health_probe PORT
 *
 * A line in standard input begins an attack of that name; the one before is printed, with how often
 * it was asked meanwhile. The end of standard input prints the longest of all. A request is timed
 * from when it was due, so that one that comes late because the one before it was late counts.
 * Ends with 1 if an answer was not 200.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { INTERVAL_MS = 10, PATIENCE_MS = 60000, NAME_MAX_BYTES = 64 };

static const int64_t MS = 1000000;

struct attack {
    char name[NAME_MAX_BYTES];
    unsigned n_asked;
    int64_t longest_ns;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * MS + now.tv_nsec;
}

static int connect_to(uint16_t port)
{
    const int on = 1;
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                         .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        perror("health_probe");
        exit(EXIT_FAILURE); // NOLINT(concurrency-mt-unsafe): there is one thread
    }
    return fd;
}

/* Whether it was answered with 200, whole. */
static bool ask(int fd)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char answer[2048] = "";
    size_t n = 0;
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != sizeof request - 1) {
        return false;
    }
    while (!strstr(answer, "\r\n\r\n{\"status\":\"ok\"}")) {
        struct pollfd waited = { .fd = fd, .events = POLLIN };
        ssize_t n_more = poll(&waited, 1, PATIENCE_MS) == 1
                             ? recv(fd, answer + n, sizeof answer - 1 - n, 0)
                             : -1;
        if (n_more <= 0) {
            return false;
        }
        n += (size_t)n_more;
        answer[n] = '\0';
    }
    return strncmp(answer, "HTTP/1.1 200 ", 13) == 0;
}

static void print_attack(const struct attack *attack)
{
    if (attack->name[0] != '\0') {
        printf("%-44s %8.1f ms  (%u times)\n", attack->name,
               (double)attack->longest_ns / (double)MS, attack->n_asked);
        fflush(stdout);
    }
}

/* The names that have come. False: there are no more. */
static bool read_names(struct attack *attack)
{
    char line[NAME_MAX_BYTES];
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    while (poll(&input, 1, 0) > 0) {
        ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
        if (n <= 0) {
            return false;
        }
        print_attack(attack);
        line[n] = '\0';
        *attack = (struct attack){ .n_asked = 0 };
        snprintf(attack->name, sizeof attack->name, "%.*s", (int)strcspn(line, "\n"), line);
    }
    return true;
}

int main(int argc, char *argv[])
{
    if (argc != 2) {
        fputs("usage: health_probe PORT\n", stderr);
        return 2;
    }
    int fd = connect_to((uint16_t)strtoul(argv[1], NULL, 10));
    struct attack attack = { .n_asked = 0 }, all = { .name = "at worst" };
    for (int64_t due_ns = now_ns(); read_names(&attack); due_ns += INTERVAL_MS * MS) {
        int64_t early_ns = due_ns - now_ns();
        if (early_ns > 0) {
            const struct timespec early = { .tv_nsec = early_ns };
            nanosleep(&early, NULL);
        }
        if (!ask(fd)) {
            fprintf(stderr, "health_probe: no 200 during '%s'\n", attack.name);
            return EXIT_FAILURE;
        }
        int64_t ns = now_ns() - due_ns;
        attack.n_asked++;
        all.n_asked++;
        attack.longest_ns = ns > attack.longest_ns ? ns : attack.longest_ns;
        all.longest_ns = ns > all.longest_ns ? ns : all.longest_ns;
        due_ns = ns > INTERVAL_MS * MS ? now_ns() : due_ns; /* what was missed is not asked anew */
    }
    print_attack(&attack);
    print_attack(&all);
    return EXIT_SUCCESS;
}
