/*
 * load_generator.c - HTTP clients for a server on 127.0.0.1: each keeps its connection, POSTs a
 * body and waits for the whole answer. One thread.
 *
 * Usage: load_generator [OPTION]... PORT PATH [BODY]
 *
 *     -c CLIENTS   connections (16)
 *     -s SECONDS   how long it measures (2)
 *     -w SECONDS   how long it runs before that (0.3)
 *     -r RATE      an open loop: this many requests a second
 *     -n REQUESTS  a counted loop: exactly this many requests, one at a time
 *     -p PID       the server: report its processor time a request
 *     -i SESSIONS  each request names a session at random, of this many
 *     -d SEED      where what is drawn at random begins (1)
 *     -k KEY       an API key to send
 *     -t TYPE      the Content-Type of the body (application/json)
 *
 * "%d" in PATH becomes the number of the client, or with -i that of the session. Without a BODY the
 * requests are GETs. The result is one line of name=value pairs.
 *
 * Closed loop (neither -r nor -n): a client sends its next request when it has its answer. It shows
 * what a server can do. Two servers are not to be compared by it: beside the cheaper one the
 * generator saturates, its clients never sleep, and no wake-ups are paid for.
 *
 * Open loop: requests are due at random times, whether earlier ones are answered or not. Each takes
 * a free client, or waits for one, and its latency runs from when it was due; so a slow server is
 * not asked less. Latencies are those of the 200s; 503s are counted apart (refused=).
 *
 * Counted loop: the client pauses before each request until the server is idle again, so that each
 * request takes the server through the same instructions. For bench_instructions.sh.
 *
 * Ends with 1 if an answer was not 200 (in an open loop: neither 200 nor 503).
 */
#include "bench/processor_time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 4096, REQUEST_MAX = 8192, ANSWER_MAX = 65536, EVENTS_MAX = 64 };
enum { NUMBER_DIGITS = 7, ANSWER_SECONDS = 30, PAUSE_US = 2000 };
enum { BUCKETS_PER_OCTAVE = 32, BUCKETS = 64 * BUCKETS_PER_OCTAVE };

static const double LATE_SECONDS = 0.1; /* a request later than this in an open loop is dropped */

struct options {
    uint16_t port;
    const char *path, *body, *type, *key; /* key: NULL without one */
    size_t n_clients, n_sessions;         /* n_sessions 0: each client has its own */
    double seconds, warm_up_seconds;
    double rate;         /* 0: not an open loop */
    uint64_t n_requests; /* 0: not a counted loop */
    int pid;             /* 0: processor time is not reported */
};

struct client {
    int fd;
    size_t n_request;
    char request[REQUEST_MAX];
    char *number;      /* the digits in the request that stand for "%d"; NULL: none */
    size_t n_sessions; /* 0: the number stays */
    double sent_at;    /* in an open loop: when it was due */
    size_t n_answer;
    char answer[ANSWER_MAX];
};

struct figures {
    uint64_t n, n_bad;  /* answers; those with an unexpected code */
    uint64_t n_refused; /* answers with 503, in an open loop */
    uint64_t n_due;
    double seconds;                      /* the measurement */
    struct processor_time before, after; /* of the server */
    uint64_t latencies[BUCKETS];         /* of nanoseconds, on a logarithmic scale */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "load_generator: %s: %s\n", what, strerrordesc_np(errno));
    exit(EXIT_FAILURE);
}

/* ---- latencies ---- */

static size_t bucket_of(double seconds)
{
    uint64_t ns = (uint64_t)(seconds * 1e9) + BUCKETS_PER_OCTAVE;
    unsigned octave = 63 - (unsigned)__builtin_clzll(ns);
    return octave * BUCKETS_PER_OCTAVE + (ns >> (octave - 5)) % BUCKETS_PER_OCTAVE;
}

static double bucket_us(size_t bucket)
{
    uint64_t mantissa = BUCKETS_PER_OCTAVE + bucket % BUCKETS_PER_OCTAVE;
    return ((double)(mantissa << (bucket / BUCKETS_PER_OCTAVE - 5)) - BUCKETS_PER_OCTAVE) * 1e-3;
}

static double percentile_us(const struct figures *figures, double fraction)
{
    uint64_t n = figures->n - figures->n_refused; /* the latencies are those of the others */
    uint64_t wanted = (uint64_t)(fraction * (double)n), seen = 0;
    for (size_t k = 5 * BUCKETS_PER_OCTAVE; k < BUCKETS; k++) {
        seen += figures->latencies[k];
        if (seen > wanted) {
            return bucket_us(k);
        }
    }
    return 0;
}

/* ---- clients ---- */

/* Replaces "%d" by the number, written with NUMBER_DIGITS digits. */
static void print_path(char path[512], const char *template, size_t number)
{
    const char *place = strstr(template, "%d");
    int n = place ? (int)(place - template) : (int)strlen(template);
    if (place) {
        snprintf(path, 512, "%.*s%0*zu%s", n, template, NUMBER_DIGITS, number, place + 2);
    } else {
        snprintf(path, 512, "%s", template);
    }
}

static uint64_t random_state = 1;

static uint64_t draw(void)
{
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return random_state >> 33;
}

/* The next request is for a session at random. */
static void change_number(struct client *client)
{
    uint64_t number = draw() % client->n_sessions;
    for (int k = NUMBER_DIGITS - 1; k >= 0; k--) {
        client->number[k] = (char)('0' + number % 10);
        number /= 10;
    }
}

static void make_request(struct client *client, const struct options *options, size_t number)
{
    const char *body = options->body, *place = strstr(options->path, "%d");
    char path[512], authorization[512] = "";
    if (options->key) {
        snprintf(authorization, sizeof authorization, "Authorization: Bearer %s\r\n", options->key);
    }
    print_path(path, options->path, number);
    bool is_get = body[0] == '\0';
    int n = snprintf(client->request, sizeof client->request,
                     "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n%s",
                     is_get ? "GET" : "POST", path, authorization);
    size_t room = sizeof client->request - (size_t)n;
    n += is_get ? snprintf(client->request + n, room, "\r\n")
                : snprintf(client->request + n, room,
                           "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", options->type,
                           strlen(body), body);
    if (n < 0 || (size_t)n >= sizeof client->request) {
        errno = EMSGSIZE;
        fail("the request");
    }
    client->n_request = (size_t)n;
    size_t n_method = is_get ? strlen("GET ") : strlen("POST ");
    client->number = place ? client->request + n_method + (place - options->path) : NULL;
    client->n_sessions = place ? options->n_sessions : 0;
}

static void open_client(struct client *client, int events, uint16_t port)
{
    const int on = 1;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("connect");
    }
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
    if (epoll_ctl(events, EPOLL_CTL_ADD, client->fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

static void send_request(struct client *client, double at)
{
    client->n_answer = 0;
    client->sent_at = at;
    if (client->n_sessions > 0) {
        change_number(client);
    }
    if (send(client->fd, client->request, client->n_request, MSG_NOSIGNAL) !=
        (ssize_t)client->n_request) {
        fail("send");
    }
}

/* Whether the answer is whole. */
static bool receive(struct client *client)
{
    size_t room = sizeof client->answer - 1 - client->n_answer;
    ssize_t n = recv(client->fd, client->answer + client->n_answer, room, 0);
    if (n <= 0) {
        fail("the server hung up");
    }
    client->n_answer += (size_t)n;
    client->answer[client->n_answer] = '\0';
    const char *end = strstr(client->answer, "\r\n\r\n");
    const char *length = end ? strstr(client->answer, "Content-Length: ") : NULL;
    if (!length) {
        return false;
    }
    size_t n_body = strtoul(length + strlen("Content-Length: "), NULL, 10);
    return client->n_answer >= (size_t)(end + 4 - client->answer) + n_body;
}

static void count(struct figures *figures, const struct client *client, double at, bool is_open)
{
    bool is_good = strncmp(client->answer, "HTTP/1.1 200", 12) == 0;
    bool is_refused = is_open && strncmp(client->answer, "HTTP/1.1 503", 12) == 0;
    figures->n++;
    figures->n_refused += is_refused;
    figures->n_bad += !is_good && !is_refused;
    if (!is_refused) {
        figures->latencies[bucket_of(at - client->sent_at)]++;
    }
}

static int wait_for_answers(int events, struct epoll_event *ready, double seconds, bool is_due)
{
    seconds = is_due ? seconds : ANSWER_SECONDS;
    struct timespec time = { .tv_sec = (time_t)seconds, .tv_nsec = (long)(fmod(seconds, 1) * 1e9) };
    int n = epoll_pwait2(events, ready, EVENTS_MAX, &time, NULL);
    if (n < 0 || (n == 0 && !is_due)) {
        errno = n == 0 ? ETIMEDOUT : errno;
        fail("no answer");
    }
    return n;
}

/* ---- the loops ---- */

static struct processor_time server_time(const struct options *options)
{
    struct processor_time time = { .seconds = 0 };
    if (options->pid != 0 && !processor_time_read(options->pid, &time)) {
        fail("the server's processor time");
    }
    return time;
}

static void run_closed(const struct options *options, struct client *clients, int events,
                       double seconds, struct figures *figures)
{
    struct epoll_event ready[EVENTS_MAX];
    figures->before = server_time(options);
    const double from = now(), until = from + seconds;
    double at = from;
    size_t n_waiting = options->n_clients;
    for (size_t k = 0; k < n_waiting; k++) {
        send_request(&clients[k], at);
    }
    /* The last answers are waited for, so that each request is counted whole. */
    while (n_waiting > 0) {
        int n = wait_for_answers(events, ready, 0, false);
        at = now();
        for (int k = 0; k < n; k++) {
            struct client *client = ready[k].data.ptr;
            if (!receive(client)) {
                continue;
            }
            count(figures, client, at, false);
            if (at < until) {
                send_request(client, at);
            } else {
                n_waiting--;
            }
        }
    }
    figures->seconds = now() - from;
    figures->after = server_time(options);
}

static void run_counted(const struct options *options, struct client *client, int events,
                        struct figures *figures)
{
    struct epoll_event ready[EVENTS_MAX];
    figures->before = server_time(options);
    const double from = now();
    while (figures->n < options->n_requests) {
        usleep(PAUSE_US);
        send_request(client, now());
        do {
            wait_for_answers(events, ready, 0, false);
        } while (!receive(client));
        count(figures, client, now(), false);
    }
    figures->seconds = now() - from;
    figures->after = server_time(options);
}

/* The free clients of an open loop, first in, first out. */
struct idle {
    struct client *clients[CLIENTS_MAX];
    size_t first, n;
};

static void put_idle(struct idle *idle, struct client *client)
{
    idle->clients[(idle->first + idle->n++) % CLIENTS_MAX] = client;
}

static struct client *take_idle(struct idle *idle)
{
    struct client *client = idle->clients[idle->first];
    idle->first = (idle->first + 1) % CLIENTS_MAX;
    idle->n--;
    return client;
}

/* The warm-up goes over into the measurement without a break: what was due before is not counted.
 */
static void run_open(const struct options *options, struct client *clients, int events,
                     struct figures *figures)
{
    static struct idle idle;
    struct epoll_event ready[EVENTS_MAX];
    bool is_measuring = false;
    double at = now(), due = at, from = at + options->warm_up_seconds;
    double until = from + options->seconds;
    for (size_t k = 0; k < options->n_clients; k++) {
        put_idle(&idle, &clients[k]);
    }
    while (at < until || idle.n < options->n_clients) {
        if (at >= from && !is_measuring) {
            is_measuring = true;
            figures->before = server_time(options);
        }
        due = due > at - LATE_SECONDS ? due : at - LATE_SECONDS;
        while (due <= at && at < until && idle.n > 0) {
            send_request(take_idle(&idle), due);
            figures->n_due += due >= from;
            due -= log(((double)draw() + 1) / 0x1p31) / options->rate;
        }
        bool is_due = at < until && idle.n > 0;
        int n = wait_for_answers(events, ready, due > at ? due - at : 0, is_due);
        at = now();
        for (int k = 0; k < n; k++) {
            struct client *client = ready[k].data.ptr;
            if (!receive(client)) {
                continue;
            }
            if (client->sent_at >= from) {
                count(figures, client, at, true);
            }
            put_idle(&idle, client);
        }
    }
    figures->seconds = options->seconds;
    figures->after = server_time(options);
}

/* ---- the program ---- */

static void print(const struct options *options, const struct figures *figures)
{
    const double n = (double)(figures->n > 0 ? figures->n : 1);
    uint64_t n_good = figures->n - figures->n_bad - figures->n_refused;
    printf("requests=%" PRIu64 " bad=%" PRIu64
           " rate=%.0f p50_us=%.1f p90_us=%.1f p99_us=%.1f p999_us=%.1f",
           figures->n, figures->n_bad, (double)figures->n / figures->seconds,
           percentile_us(figures, 0.5), percentile_us(figures, 0.9), percentile_us(figures, 0.99),
           percentile_us(figures, 0.999));
    if (options->rate > 0) {
        printf(" offered=%.0f good=%.0f refused=%.4f", (double)figures->n_due / figures->seconds,
               (double)n_good / figures->seconds, (double)figures->n_refused / n);
    }
    if (options->pid != 0) {
        double us = (figures->after.seconds - figures->before.seconds) * 1e6 / n;
        printf(" cpu_us=%.3f user_us=%.3f", us,
               us * processor_time_user_share(&figures->before, &figures->after));
    }
    printf("\n");
}

static void usage(void)
{
    fputs("usage: load_generator [-c CLIENTS] [-s SECONDS] [-w SECONDS] [-r RATE | -n REQUESTS]\n"
          "                      [-p PID] [-i SESSIONS] [-k KEY] [-t TYPE] PORT PATH [BODY]\n",
          stderr);
    exit(2);
}

static struct options read_options(int argc, char *argv[])
{
    struct options options = { .n_clients = 16,
                               .seconds = 2,
                               .warm_up_seconds = 0.3,
                               .body = "",
                               .type = "application/json" };
    int letter;
    while ((letter = getopt(argc, argv, "c:s:w:r:n:p:i:d:k:t:")) != -1) {
        switch (letter) {
        case 'c':
            options.n_clients = strtoul(optarg, NULL, 10);
            break;
        case 's':
            options.seconds = strtod(optarg, NULL);
            break;
        case 'w':
            options.warm_up_seconds = strtod(optarg, NULL);
            break;
        case 'r':
            options.rate = strtod(optarg, NULL);
            break;
        case 'n':
            options.n_requests = strtoul(optarg, NULL, 10);
            break;
        case 'p':
            options.pid = (int)strtol(optarg, NULL, 10);
            break;
        case 'i':
            options.n_sessions = strtoul(optarg, NULL, 10);
            break;
        case 'd':
            random_state = strtoull(optarg, NULL, 10);
            break;
        case 'k':
            options.key = optarg;
            break;
        case 't':
            options.type = optarg;
            break;
        default:
            usage();
        }
    }
    if (argc - optind < 2 || options.n_clients == 0 || options.n_clients > CLIENTS_MAX) {
        usage();
    }
    options.port = (uint16_t)strtoul(argv[optind], NULL, 10);
    options.path = argv[optind + 1];
    options.body = argc - optind > 2 ? argv[optind + 2] : "";
    return options;
}

int main(int argc, char *argv[])
{
    static struct figures warm_up, figures;
    const struct options options = read_options(argc, argv);
    struct client *clients = calloc(options.n_clients, sizeof *clients);
    int events = epoll_create1(EPOLL_CLOEXEC);
    if (!clients || events < 0) {
        fail("start");
    }
    for (size_t k = 0; k < options.n_clients; k++) {
        make_request(&clients[k], &options, k);
        open_client(&clients[k], events, options.port);
    }
    if (options.n_requests > 0) {
        run_counted(&options, clients, events, &figures);
    } else if (options.rate > 0) {
        run_open(&options, clients, events, &figures);
    } else {
        run_closed(&options, clients, events, options.warm_up_seconds, &warm_up);
        run_closed(&options, clients, events, options.seconds, &figures);
    }
    print(&options, &figures);
    for (size_t k = 0; k < options.n_clients; k++) {
        close(clients[k].fd);
    }
    close(events);
    free(clients);
    return figures.n_bad + warm_up.n_bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
