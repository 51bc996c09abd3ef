/*
 * load_generator.c - a load generator for a server on 127.0.0.1: keep-alive clients that POST a body, wait
 * for the whole answer and post again. One thread, bounded by time.
 *
 * Usage: load_generator PORT PATH BODY [CLIENTS [SECONDS [PID [SESSIONS [RATE [KEY]]]]]]
 *
 * "%d" in PATH becomes the client's number; with SESSIONS, each request has a random one below it.
 * An empty BODY makes it a GET; with KEY, it is sent with each. Prints one line of name=value
 * pairs; with the PID of the server (0: none) also the processor time that it took for a request,
 * from /proc/PID/task/<n>/schedstat, which counts nanoseconds.
 *
 * With a RATE the loop is open: so many requests a second are due, at random times, whether earlier
 * ones are answered or not; each takes a client that is free, or waits for one, and its time runs
 * from when it was due. So a server that is slow is not asked less. Latencies are of the 200s, and
 * 503s are counted apart (refused=).
 *
 * Ends with 1 if any answer was neither, or without a RATE was not a 200.
 */
#include <arpa/inet.h>
#include <dirent.h>
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
enum { NUMBER_DIGITS = 7, ANSWER_SECONDS = 30 };
enum { BUCKETS_PER_OCTAVE = 32, BUCKETS = 64 * BUCKETS_PER_OCTAVE };

static const double WARM_UP_SECONDS = 0.3, OPEN_WARM_UP_SECONDS = 1;
static const double LATE_SECONDS = 0.1; /* what is later in an open loop is not sent at all */

struct client {
    int fd;
    size_t n_request;
    char request[REQUEST_MAX];
    char *number;      /* in the request: the digits that stand for "%d"; NULL: none */
    size_t n_sessions; /* 0: the number stays */
    double sent_at;    /* or when it was due */
    size_t n_answer;
    char answer[ANSWER_MAX];
};

struct figures {
    uint64_t n, n_bad;  /* answers; those that are no 200 */
    uint64_t n_refused; /* of the latter the 503s, where they are counted apart */
    uint64_t n_due;
    uint64_t latencies[BUCKETS]; /* of nanoseconds, on a logarithmic scale */
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
    uint64_t n = figures->n - figures->n_refused; /* refusals have no latency here */
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

/* Puts the client's number in the place of "%d", as NUMBER_DIGITS digits. */
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

static uint64_t draw(void)
{
    static uint64_t random = 1;
    random = random * 6364136223846793005U + 1442695040888963407U;
    return random >> 33;
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

static void make_request(struct client *client, const char *template, const char *body,
                         const char *key, size_t number)
{
    char path[512], authorization[512] = "";
    if (key) {
        snprintf(authorization, sizeof authorization, "Authorization: Bearer %s\r\n", key);
    }
    print_path(path, template, number);
    bool is_get = body[0] == '\0';
    int n = snprintf(client->request, sizeof client->request,
                     "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n%s",
                     is_get ? "GET" : "POST", path, authorization);
    size_t room = sizeof client->request - (size_t)n;
    n += is_get ? snprintf(client->request + n, room, "\r\n")
                : snprintf(client->request + n, room,
                           "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                           strlen(body), body);
    if (n < 0 || (size_t)n >= sizeof client->request) {
        errno = EMSGSIZE;
        fail("the request");
    }
    client->n_request = (size_t)n;
    const char *place = strstr(template, "%d");
    client->number =
        place ? client->request + (is_get ? strlen("GET ") : strlen("POST ")) + (place - template)
              : NULL;
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

static void run(struct client *clients, size_t n_clients, int events, double seconds,
                struct figures *figures)
{
    struct epoll_event ready[EVENTS_MAX];
    double at = now(), until = at + seconds;
    size_t n_waiting = n_clients;
    for (size_t k = 0; k < n_clients; k++) {
        send_request(&clients[k], at);
    }
    while (n_waiting >
           0) { /* the last answers are waited for, so that each request is counted whole */
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
}

/* ---- an open loop ---- */

/* The clients that are free, first in, first out. */
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

/* Requests that are due before the warm-up is over are not counted. */
static void run_open(struct client *clients, size_t n_clients, int events, double seconds,
                     double rate, struct figures *figures)
{
    static struct idle idle;
    struct epoll_event ready[EVENTS_MAX];
    double due = now(), from = due + OPEN_WARM_UP_SECONDS, until = from + seconds;
    for (size_t k = 0; k < n_clients; k++) {
        put_idle(&idle, &clients[k]);
    }
    double at = now();
    while (at < until || idle.n < n_clients) {
        due = due > at - LATE_SECONDS ? due : at - LATE_SECONDS;
        while (due <= at && at < until && idle.n > 0) {
            send_request(take_idle(&idle), due);
            figures->n_due += due >= from;
            due -= log(((double)draw() + 1) / 0x1p31) / rate;
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
}

/* ---- the server's processor time ---- */

static double processor_seconds(int pid)
{
    char path[300];
    uint64_t total_ns = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    const struct dirent *task;
    if (!tasks) {
        fail(path);
    }
    while ((task = readdir(tasks))) {
        uint64_t ns;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (file) {
            total_ns += fscanf(file, "%" SCNu64, &ns) == 1 ? ns : 0;
            fclose(file);
        }
    }
    closedir(tasks);
    return (double)total_ns * 1e-9;
}

static void print(const struct figures *figures, double seconds, double cpu, bool is_open)
{
    uint64_t n_good = figures->n - figures->n_bad - figures->n_refused;
    printf("requests=%" PRIu64 " bad=%" PRIu64
           " rate=%.0f p50_us=%.1f p90_us=%.1f p99_us=%.1f p999_us=%.1f",
           figures->n, figures->n_bad, (double)figures->n / seconds, percentile_us(figures, 0.5),
           percentile_us(figures, 0.9), percentile_us(figures, 0.99),
           percentile_us(figures, 0.999));
    if (is_open) {
        printf(" offered=%.0f good=%.0f refused=%.4f", (double)figures->n_due / seconds,
               (double)n_good / seconds,
               (double)figures->n_refused / (double)(figures->n > 0 ? figures->n : 1));
    }
    if (cpu > 0) {
        printf(" cpu_us=%.3f", cpu * 1e6 / (double)figures->n);
    }
    printf("\n");
}

int main(int argc, char *argv[])
{
    size_t n_clients = argc > 4 ? strtoul(argv[4], NULL, 10) : 16;
    double seconds = argc > 5 ? strtod(argv[5], NULL) : 2;
    int pid = argc > 6 ? (int)strtol(argv[6], NULL, 10) : 0;
    size_t n_sessions = argc > 7 ? strtoul(argv[7], NULL, 10) : 0;
    double rate = argc > 8 ? strtod(argv[8], NULL) : 0;
    const char *key = argc > 9 ? argv[9] : NULL;
    if (argc < 4 || n_clients == 0 || n_clients > CLIENTS_MAX) {
        fputs("usage: load_generator PORT PATH BODY [CLIENTS [SECONDS [PID [SESSIONS [RATE [KEY]]]]]]\n",
              stderr);
        return 2;
    }
    static struct figures warm_up, figures;
    struct client *clients = calloc(n_clients, sizeof *clients);
    int events = epoll_create1(EPOLL_CLOEXEC);
    if (!clients || events < 0) {
        fail("start");
    }
    for (size_t k = 0; k < n_clients; k++) {
        make_request(&clients[k], argv[2], argv[3], key, k);
        clients[k].n_sessions = clients[k].number ? n_sessions : 0;
        open_client(&clients[k], events, (uint16_t)strtoul(argv[1], NULL, 10));
    }
    if (rate > 0) {
        run_open(clients, n_clients, events, seconds, rate, &figures);
        print(&figures, seconds, 0, true);
    } else {
        run(clients, n_clients, events, WARM_UP_SECONDS, &warm_up);
        double cpu = pid ? processor_seconds(pid) : 0, at = now();
        run(clients, n_clients, events, seconds, &figures);
        seconds = now() - at;
        print(&figures, seconds, pid ? processor_seconds(pid) - cpu : 0, false);
    }
    for (size_t k = 0; k < n_clients; k++) {
        close(clients[k].fd);
    }
    close(events);
    free(clients);
    return figures.n_bad + warm_up.n_bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
