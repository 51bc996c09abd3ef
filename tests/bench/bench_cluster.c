/*
 * bench_cluster.c - processor time of a record's compare-and-set in a cluster: the engine's and the
 * node's, in trips of one record and of many.
 *
 * Usage: bench_cluster PORT PID [RECORDS]      the engine's on this machine; its keys are dropped
 *
 * Prints for each size of trips: batch=N records=.. engine_us=.. node_us=.. trip_us=..
 */
#include "base/clock.h"
#include "cluster/cluster_library.h"
#include "cluster/cluster_link.h"
#include "config/config.h"
#include "processor_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    VALUE_BYTES = 1024,
    SESSIONS = 10000,
    BATCH_MAX = 64,
    WORD_MAX = 48,
    ARGUMENTS_MAX = 3 + 1 + 2 * BATCH_MAX + 1 + 6 * BATCH_MAX
};

struct record {
    char key[WORD_MAX], id[WORD_MAX], value[VALUE_BYTES];
    bool is_there;
};

struct bench {
    struct cluster_link *link;
    struct record *records; /* SESSIONS */
    size_t next, n_failed;
    uint64_t n_written;
};

static _Noreturn void give_up(const char *why)
{
    fprintf(stderr, "bench_cluster: %s\n", why);
    exit(EXIT_FAILURE);
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void turn(struct cluster_link *link)
{
    struct pollfd waiting;
    int64_t wait_ns;
    cluster_link_poll(link, &waiting, &wait_ns);
    (void)poll(&waiting, 1, (int)(wait_ns / 1000000) + 1);
    cluster_link_go_on(link, clock_monotonic_ns());
}

static void take(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct bench *bench = arg;
    (void)was_sent;
    if (!reply || reply->type != CLUSTER_LIST) {
        give_up(reply && reply->type == CLUSTER_ERROR ? reply->text.bytes : "no reply");
    }
    for (size_t k = 0; k + 1 < reply->n; k++) { /* the last one counts the writes */
        bench->n_failed += reply->list[k].number != 1;
    }
}

static struct cluster_text word(const char *text)
{
    return (struct cluster_text){ .bytes = text, .n = strlen(text) };
}

/* One trip: the next n sessions get a new token. */
static void write_records(struct bench *bench, size_t n)
{
    struct cluster_text arguments[ARGUMENTS_MAX];
    char n_keys[8], tokens[BATCH_MAX][CLUSTER_TOKEN_BYTES], seen[BATCH_MAX][24];
    size_t a = 0;
    snprintf(n_keys, sizeof n_keys, "%zu", 1 + 2 * n);
    arguments[a++] = CLUSTER_WORD("FCALL");
    arguments[a++] = CLUSTER_WORD(CLUSTER_WRITE);
    arguments[a++] = word(n_keys);
    arguments[a++] = CLUSTER_WORD("grud:epoch");
    for (size_t k = 0; k < n; k++) {
        arguments[a++] = word(bench->records[(bench->next + k) % SESSIONS].key);
        arguments[a++] = CLUSTER_WORD("grud:ids");
    }
    arguments[a++] = cluster_link_epoch(bench->link);
    for (size_t k = 0; k < n; k++) {
        struct record *record = &bench->records[(bench->next + k) % SESSIONS];
        memcpy(tokens[k], record->value, CLUSTER_TOKEN_BYTES);
        arguments[a++] =
            (struct cluster_text){ tokens[k], record->is_there ? CLUSTER_TOKEN_BYTES : 0 };
        memcpy(record->value, &bench->n_written, sizeof bench->n_written);
        bench->n_written++;
        record->is_there = true;
        arguments[a++] = (struct cluster_text){ record->value, VALUE_BYTES };
        arguments[a++] = CLUSTER_WORD("0");
        arguments[a++] = word(record->id);
        snprintf(seen[k], sizeof seen[k], "-%zu",
                 bench->n_written / BATCH_MAX); /* later and later */
        arguments[a++] = word(seen[k]);
        arguments[a++] = CLUSTER_WORD(""); /* nothing is recorded */
    }
    bench->next = (bench->next + n) % SESSIONS;
    if (!cluster_link_send(bench->link, arguments, a, take, bench)) {
        give_up("the link takes no command");
    }
    cluster_link_go_on(bench->link, clock_monotonic_ns());
    while (cluster_link_n_out(bench->link) > 0) {
        turn(bench->link);
    }
}

static void measure(struct bench *bench, int pid, size_t batch, size_t n_records)
{
    struct processor_time before, after;
    const double node_before = processor_seconds();
    const int64_t began_ns = clock_monotonic_ns();
    if (!processor_time_read(pid, &before)) {
        give_up("there is no process of that number");
    }
    for (size_t n = 0; n < n_records; n += batch) {
        write_records(bench, batch);
    }
    if (!processor_time_read(pid, &after)) {
        give_up("the engine has ended");
    }
    const double to_us = 1e6 / (double)n_records;
    printf("batch=%zu records=%zu engine_us=%.2f node_us=%.2f trip_us=%.1f\n", batch, n_records,
           (after.seconds - before.seconds) * to_us, (processor_seconds() - node_before) * to_us,
           (double)(clock_monotonic_ns() - began_ns) * 1e-3 * (double)batch / (double)n_records);
}

static void connect_to(struct bench *bench, const char *port)
{
    char url[64];
    struct fault fault;
    struct cluster_target *target;
    const struct config config = { .cluster = url,
                                   .cluster_ca = "",
                                   .cluster_password_file = "",
                                   .cluster_prefix = "grud:",
                                   .cluster_timeout_ms = 60000 };
    const struct cluster_text flush = CLUSTER_WORD("FLUSHALL"), ping = CLUSTER_WORD("PING");
    const struct cluster_reply *reply;
    snprintf(url, sizeof url, "redis://127.0.0.1:%s", port);
    if (cluster_target_read(&config, &target, &fault) != STATUS_OK ||
        cluster_link_create(target, &bench->link, &fault) != STATUS_OK ||
        cluster_link_call(bench->link, &flush, 1, &reply, &fault) != STATUS_OK) {
        give_up(fault.message);
    }
    cluster_link_free(bench->link); /* a new one makes a new epoch */
    if (cluster_link_create(target, &bench->link, &fault) != STATUS_OK ||
        cluster_link_call(bench->link, &ping, 1, &reply, &fault) != STATUS_OK) {
        give_up(fault.message);
    }
}

int main(int argc, char *argv[])
{
    static const size_t batches[] = { 1, 8, 64 };
    struct bench bench = { .records = calloc(SESSIONS, sizeof *bench.records) };
    if (argc < 3 || argc > 4 || !bench.records) {
        give_up("PORT PID [RECORDS]");
    }
    const size_t n_records = argc > 3 ? strtoul(argv[3], NULL, 10) : 200000;
    log_setup(LOG_ERROR, LOG_TEXT);
    connect_to(&bench, argv[1]);
    for (size_t k = 0; k < SESSIONS; k++) {
        snprintf(bench.records[k].key, WORD_MAX, "grud:s:temperature:sensor-%zu", k);
        snprintf(bench.records[k].id, WORD_MAX, "sensor-%zu", k);
        memset(bench.records[k].value, (int)(k % 251), VALUE_BYTES);
    }
    for (size_t n = 0; n < SESSIONS; n += BATCH_MAX) {
        write_records(&bench, BATCH_MAX);
    }
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
        measure(&bench, (int)strtol(argv[2], NULL, 10), batches[k], n_records);
    }
    if (bench.n_failed > 0) {
        give_up("a record was refused");
    }
    return EXIT_SUCCESS;
}
