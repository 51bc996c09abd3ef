/*
 * soak.c - `make soak MINUTES=n`: drives a real daemon with everything at once for n minutes and
 * fails (exit 1) when a reply has a status that was not provoked, a number differs from libgru's,
 * the daemon dies, its memory grows (watch.h), descriptors or threads are left once all clients are
 * gone, or its end is not orderly. Meanwhile the daemon's wall clock is set by years, every second.
 * The program is $GRUD, or build/grud; its files are in /tmp until
 * the end.
 *
 * Usage: soak [MINUTES]
 */
#include "soak.h"

#include "caller.h"
#include "failure.h"
#include "system_control.h"
#include "test.h"
#include "watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SAMPLE_MS = 250, REPORT_SECONDS = 10, PATIENCE_MS = 60000 };

/* Small bounds, so that a short soak reaches them. */
static const char *const options[] = { "--session-max",
                                       "500",
                                       "--session-full",
                                       "evict",
                                       "--tombstone-max",
                                       "1000",
                                       "--session-history",
                                       "32",
                                       "--record",
                                       "200",
                                       "--job-max",
                                       "3",
                                       "--request-seconds",
                                       "5",
                                       "--session-ttl",
                                       "86400",
                                       "--sync-interval-ms",
                                       "200",
                                       "--log-level",
                                       "warn",
                                       NULL };

/* The threads. */
static const struct {
    void *(*run)(void *);
    void (*finish)(void *); /* or NULL */
} clients[] = {
    { keeper_run, keeper_finish },
    { regulars_run, regulars_finish },
    { regulars_run, regulars_finish },
    { passers_run, NULL },
    { passers_run, NULL },
    { learner_run, NULL },
    { rude_run, NULL },
    { rude_run, NULL },
};
enum { N_CLIENTS = sizeof clients / sizeof *clients };

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- before ---- */

static void upload(const struct soak *soak, const char *path, const struct network *network)
{
    struct answer answer = request_typed(&soak->daemon, "PUT", path, "application/octet-stream",
                                         network->bytes, network->n_bytes);
    ck_assert_msg(answer.code == 201, "%s: %d %s", path, answer.code, answer.body);
    answer_free(&answer);
}

static void prepare(struct soak *soak)
{
    char reading[64];
    soak->regular = network_create(16, 1);
    soak->shifts[0] = network_create(8, 2);
    soak->shifts[1] = network_create(8, 3);
    soak->shifts[2] =
        network_create(24, 4); /* another size of state: sessions move to another pool */
    soak->system = system_control_begin();
    soak->daemon = daemon_start(options);
    failure_ends(&soak->daemon);
    upload(soak, REGULAR, &soak->regular);
    upload(soak, PASSING, &soak->regular);
    upload(soak, LEARNER, &soak->regular);
    upload(soak, SHIFTING, &soak->shifts[0]);
    for (int t = 0; t < 50; t++) { /* so that there is something recorded */
        snprintf(reading, sizeof reading, "{\"x\":[%d,%d]}", t % 7, t % 5);
        expect(&soak->daemon, "POST", LEARNER "/sessions/passer-0/step", reading, 200, NULL);
    }
}

/* With nobody connected: the least of a second, since the last connection may still be there. */
static struct sample sample_alone(pid_t pid)
{
    struct sample least = sample_take(pid);
    for (int ms = 0; ms < 1000; ms += SAMPLE_MS) {
        soak_nap_ms(SAMPLE_MS);
        const struct sample now = sample_take(pid);
        least = now.n_descriptors < least.n_descriptors ? now : least;
    }
    return least;
}

/* ---- meanwhile ---- */

static uint64_t n_requests(const struct soak *soak)
{
    uint64_t n = 0;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        n += soak->asked[k];
    }
    return n;
}

static void report(const struct soak *soak, const struct sample *sample, double passed)
{
    printf("%5.0f s  requests %9llu  compared %9llu  jobs done %4llu  RSS %6zu KiB  anonymous %6zu "
           "KiB  "
           "descriptors %3zu  threads %2zu\n",
           passed, (unsigned long long)n_requests(soak), (unsigned long long)soak->n_compared,
           (unsigned long long)soak->n_succeeded, sample->rss_kib, sample->anonymous_kib,
           sample->n_descriptors, sample->n_threads);
    fflush(stdout);
}

/* Years to and fro: no session may end of that, and no time may be before another. */
static void set_wall_clock(struct soak *soak, size_t second)
{
    static const int64_t sets_s[] = {
        3 * 31536000, -3 * 31536000, 0, 40 * 31536000, -86400, 90000
    };
    atomic_store(&soak->system->wall_set_s, sets_s[second % (sizeof sets_s / sizeof *sets_s)]);
}

static void watch_for(struct soak *soak, struct watch *watch, double seconds)
{
    const double begin = seconds_now();
    double passed = 0, next_report = REPORT_SECONDS;
    while (passed < seconds) {
        set_wall_clock(soak, (size_t)passed);
        const struct sample sample = watch_take(watch, soak->daemon.pid);
        if (passed >= next_report) {
            report(soak, &sample, passed);
            next_report += REPORT_SECONDS;
        }
        soak_nap_ms(SAMPLE_MS);
        passed = seconds_now() - begin;
    }
}

static void run_clients(struct soak *soak, struct watch *watch, double seconds)
{
    pthread_t threads[N_CLIENTS];
    struct place places[N_CLIENTS];
    void *clients_left[N_CLIENTS];
    for (size_t k = 0; k < N_CLIENTS; k++) {
        places[k] = (struct place){ soak, k + 1 };
        ck_assert_int_eq(pthread_create(&threads[k], NULL, clients[k].run, &places[k]), 0);
    }
    watch_for(soak, watch, seconds);
    soak->is_over = true;
    for (size_t k = 0; k < N_CLIENTS; k++) {
        ck_assert_int_eq(pthread_join(threads[k], &clients_left[k]), 0);
    }
    for (size_t k = 0; k < N_CLIENTS; k++) {
        if (clients[k].finish) {
            clients[k].finish(clients_left[k]);
        }
    }
}

/* ---- afterwards ---- */

static void print_counts(const struct soak *soak)
{
    static const char *const texts[] = {
#define KIND_TEXT(name, text) text,
        KIND_TABLE(KIND_TEXT)
#undef KIND_TEXT
    };
    puts("\nrequests by kind");
    for (size_t k = 0; k < KIND_COUNT; k++) {
        printf("  %-24s %10llu\n", texts[k], (unsigned long long)soak->asked[k]);
    }
    puts("replies by status (0: hung up before, or closed without one)");
    for (size_t code = 0; code < CODE_MAX; code++) {
        if (soak->answered[code] > 0) {
            printf("  %-24zu %10llu\n", code, (unsigned long long)soak->answered[code]);
        }
    }
    printf("numbers that libgru says as well: %llu\njobs that succeeded: %llu\n",
           (unsigned long long)soak->n_compared, (unsigned long long)soak->n_succeeded);
}

static void print_sample(const char *when, const struct sample *sample)
{
    printf("%-24s RSS %6zu KiB  anonymous %6zu KiB  descriptors %3zu  threads %2zu\n", when,
           sample->rss_kib, sample->anonymous_kib, sample->n_descriptors, sample->n_threads);
}

/* Whoever hung up is noticed by and by. A worker keeps the models as they were until it has
 * something to do, the deleted ones' files too: so each is given something. */
static struct sample wait_until_alone(const struct soak *soak, const struct sample *before)
{
    enum { REQUESTS = 8 };
    struct sample now = sample_alone(soak->daemon.pid);
    for (int ms = 0; now.n_descriptors > before->n_descriptors && ms < PATIENCE_MS; ms += 1000) {
        for (int k = 0; k < REQUESTS; k++) {
            expect(&soak->daemon, "GET", "/healthz", NULL, 200, NULL);
        }
        now = sample_alone(soak->daemon.pid);
    }
    return now;
}

/* A sanitizer's own notes grow with everything that it sees: there memory says nothing of the
 * daemon's. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

static void judge(const struct soak *soak, const struct watch *watch, const struct sample *before)
{
    static const char *const quarters[] = { "first quarter", "second quarter", "third quarter",
                                            "last quarter" };
    const struct sample after = wait_until_alone(soak, before);
    print_sample("before", before);
    for (size_t k = 0; k < 4; k++) {
        const struct sample medians = watch_quarter(watch, k);
        print_sample(quarters[k], &medians);
    }
    print_sample("after", &after);
    const size_t early = watch_quarter(watch, 1).rss_kib, late = watch_quarter(watch, 3).rss_kib;
    const size_t allowed = watch_allowance_kib(soak->asked[KIND_JOB_CREATE] / 2);
    printf("growth from the second quarter to the last: %zd KiB of %zu that are allowed\n",
           (ssize_t)late - (ssize_t)early, allowed);
    ck_assert_msg(IS_SANITIZED || late <= early + allowed, "memory grows");
    if (after.n_descriptors > before->n_descriptors) {
        sample_print_descriptors(soak->daemon.pid);
    }
    ck_assert_msg(after.n_descriptors <= before->n_descriptors, "%zu descriptors are left",
                  after.n_descriptors - before->n_descriptors);
    ck_assert_msg(after.n_threads == before->n_threads, "%zu threads instead of %zu",
                  after.n_threads, before->n_threads);
}

int main(int argc, char *argv[])
{
    static struct soak soak;
    struct watch watch = { .samples = NULL };
    const double minutes = argc > 1 ? strtod(argv[1], NULL) : 2;
    if (!(minutes > 0) || argc > 2) {
        fputs("usage: soak [MINUTES]\n", stderr);
        return EXIT_FAILURE;
    }
    prepare(&soak);
    const struct sample before = sample_alone(soak.daemon.pid);
    run_clients(&soak, &watch, minutes * 60);
    print_counts(&soak);
    judge(&soak, &watch, &before);
    daemon_stop(&soak.daemon);
    system_control_end(soak.system);
    network_done(&soak.regular);
    for (size_t k = 0; k < N_SHIFTS; k++) {
        network_done(&soak.shifts[k]);
    }
    watch_done(&watch);
    puts("the soak has found nothing");
    return EXIT_SUCCESS;
}
