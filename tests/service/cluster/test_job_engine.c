/* Jobs that several nodes share: whose a job is, who is late, and an engine that is not as it
 * should be. */
#include "../../store/filled_jobs.h"
#include "base/arena.h"
#include "cluster/cluster_link.h"
#include "cluster/cluster_target.h"
#include "job_stores.h"
#include "store/job_deletion.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct nodes {
    struct stores stores;
    struct job_store *a, *b;
};

static bool nodes_begin(struct nodes *nodes)
{
    if (!stores_begin(&nodes->stores, 1)) {
        return false;
    }
    nodes->a = nodes->stores.jobs;
    nodes->b = stores_open_other(&nodes->stores);
    return true;
}

static void nodes_end(struct nodes *nodes)
{
    job_store_close(nodes->b);
    stores_end(&nodes->stores);
}

static bool took(struct job_store *jobs, struct job *job)
{
    bool found;
    struct fault fault;
    ck_assert_msg(job_store_take(jobs, &found, job, &fault) == STATUS_OK, "%s", fault.message);
    return found;
}

static enum job_status looked(struct job_store *jobs, int64_t number)
{
    struct job_store_look look;
    struct fault fault;
    ck_assert_int_eq(job_store_look(jobs, number, &look, &fault), STATUS_OK);
    return look.status;
}

/* What the job is after it. */
static enum job_status changed(struct job_store *jobs, struct job job, enum job_status from,
                               enum job_status to, bool *ret_written)
{
    enum job_status now;
    struct fault fault;
    job.status = to;
    ck_assert_msg(job_store_update(jobs, &job, from, NULL, 0, ret_written, &now, &fault) ==
                      STATUS_OK,
                  "%s", fault.message);
    return now;
}

/* As if its node had not been heard of for long. */
static void lose(const struct nodes *nodes, int64_t number)
{
    char line[80];
    snprintf(line, sizeof line, "HSET grud:j:%lld seen 1", (long long)number);
    engine_tell(&nodes->stores.engine, line);
}

TEST(a_job_is_one_nodes_until_that_is_lost_or_gives_it_back)
{
    struct nodes nodes;
    struct job job, other;
    struct fault fault;
    if (!nodes_begin(&nodes)) {
        return;
    }
    job_inserted(nodes.a, 1, JOB_RUNNING);
    ck_assert(job_store_is_shared(nodes.a));
    ck_assert(took(nodes.a, &job));
    ck_assert(!took(nodes.b, &other));
    ck_assert(took(nodes.a, &job)); /* which had not heard that it has it */
    ck_assert_int_eq(looked(nodes.a, job.number), JOB_RUNNING);
    ck_assert_int_eq(looked(nodes.b, job.number), JOB_ELSEWHERE);
    lose(&nodes, job.number);
    ck_assert_int_eq(looked(nodes.a, job.number), JOB_RUNNING); /* it is heard of again */
    ck_assert(!took(nodes.b, &other));
    lose(&nodes, job.number);
    ck_assert(took(nodes.b, &other));
    ck_assert_int_eq(other.number, job.number);
    ck_assert_int_eq(looked(nodes.a, job.number), JOB_ELSEWHERE);
    ck_assert_int_eq(job_store_release(nodes.a, job.number, &fault), STATUS_OK); /* not its own */
    ck_assert(!took(nodes.a, &job));
    ck_assert_int_eq(job_store_release(nodes.b, job.number, &fault), STATUS_OK);
    ck_assert(took(nodes.a, &job));
    nodes_end(&nodes);
}

TEST(a_node_that_is_late_changes_nothing)
{
    static const double values[] = { 1, 2 };
    const struct job_series series = { .series = { .x = values, .n_rows = 2 }, .x_width = 1 };
    struct nodes nodes;
    struct job late, job;
    struct fault fault;
    struct arena arena;
    struct job_series *got;
    struct job_event event = { .message = "late" };
    struct job_checkpoint checkpoint = { .step = 1 };
    enum job_status now;
    bool written;
    void *state;
    size_t n;
    if (!nodes_begin(&nodes)) {
        return;
    }
    job_inserted(nodes.a, 1, JOB_RUNNING);
    ck_assert(took(nodes.a, &late));
    ck_assert_int_eq(job_store_add_checkpoint(nodes.a, late.number, &checkpoint, "old", 3, &fault),
                     STATUS_OK);
    lose(&nodes, late.number);
    ck_assert(took(nodes.b, &job));
    ck_assert_int_eq(job_store_add_checkpoint(nodes.b, job.number, &checkpoint, "newer", 5, &fault),
                     STATUS_OK);
    const struct job before = job_found(nodes.b, job.id);
    late.step = 4711;
    ck_assert_int_eq(changed(nodes.a, late, JOB_RUNNING, JOB_RUNNING, &written), JOB_ELSEWHERE);
    ck_assert(!written);
    ck_assert_int_eq(changed(nodes.a, late, JOB_RUNNING, JOB_SUCCEEDED, &written), JOB_ELSEWHERE);
    ck_assert_int_eq(job_store_claim(nodes.a, late.number, &now, &fault), STATUS_OK);
    ck_assert_int_eq(now, JOB_ELSEWHERE);
    ck_assert_int_eq(job_store_add_event(nodes.a, late.number, &event, &fault), STATUS_OK);
    ck_assert_int_eq(event.id, 0);
    ck_assert_int_eq(job_store_add_checkpoint(nodes.a, late.number, &checkpoint, "late", 4, &fault),
                     STATUS_OK);
    ck_assert_int_eq(checkpoint.id, 0);
    ck_assert_int_eq(job_store_put_series(nodes.a, late.number, &series, 1, &fault), STATUS_OK);
    arena_init(&arena, SIZE_MAX);
    ck_assert_int_eq(job_store_read_series(nodes.b, job.number, &arena, &got, &n, &fault),
                     STATUS_OK);
    ck_assert_uint_eq(n, 0);
    arena_done(&arena);
    ck_assert_int_eq(job_store_read_state(nodes.b, job.number, &state, &n, &checkpoint, &fault),
                     STATUS_OK);
    ck_assert(n == 5 && memcmp(state, "newer", 5) == 0);
    free(state);
    const struct job after = job_found(nodes.b, job.id);
    assert_job_equal(&after, &before);
    /* nor where the other has given it back, or has ended it */
    ck_assert_int_eq(job_store_release(nodes.b, job.number, &fault), STATUS_OK);
    ck_assert_int_eq(changed(nodes.a, late, JOB_RUNNING, JOB_FAILED, &written), JOB_ELSEWHERE);
    ck_assert(took(nodes.b, &job));
    ck_assert_int_eq(changed(nodes.b, job, JOB_RUNNING, JOB_SUCCEEDED, &written), JOB_SUCCEEDED);
    ck_assert(written);
    ck_assert_int_eq(changed(nodes.a, late, JOB_RUNNING, JOB_FAILED, &written), JOB_SUCCEEDED);
    ck_assert(!written);
    nodes_end(&nodes);
}

TEST(a_request_at_another_node_changes_the_job_as_it_has_read_it)
{
    struct nodes nodes;
    struct job job, read, listed[2];
    struct fault fault;
    enum job_status now;
    bool written, has_more;
    size_t n;
    if (!nodes_begin(&nodes)) {
        return;
    }
    job_inserted(nodes.a, 1, JOB_QUEUED);
    ck_assert(took(nodes.a, &job));
    ck_assert_int_eq(changed(nodes.a, job, JOB_QUEUED, JOB_RUNNING, &written), JOB_RUNNING);
    read = job_found(nodes.b, job.id);
    job.step = 5; /* progress comes in between */
    ck_assert_int_eq(changed(nodes.a, job, JOB_RUNNING, JOB_RUNNING, &written), JOB_RUNNING);
    ck_assert_int_eq(changed(nodes.b, read, JOB_RUNNING, JOB_PAUSED, &written), JOB_ELSEWHERE);
    ck_assert(!written);
    read = job_found(nodes.b, job.id);
    ck_assert_uint_eq(read.step, 5);
    ck_assert_int_eq(changed(nodes.b, read, JOB_RUNNING, JOB_PAUSED, &written), JOB_PAUSED);
    ck_assert(written);
    ck_assert_int_eq(looked(nodes.a, job.number), JOB_PAUSED);
    ck_assert_int_eq(changed(nodes.a, job, JOB_RUNNING, JOB_RUNNING, &written), JOB_PAUSED);
    ck_assert(!written);
    /* resumed, it is the one's that still has it */
    read = job_found(nodes.b, job.id);
    ck_assert_int_eq(changed(nodes.b, read, JOB_PAUSED, JOB_QUEUED, &written), JOB_QUEUED);
    ck_assert(!took(nodes.b, &read));
    ck_assert(took(nodes.a, &job));
    /* what is finishing is changed by nobody else */
    ck_assert_int_eq(changed(nodes.a, job, JOB_QUEUED, JOB_RUNNING, &written), JOB_RUNNING);
    ck_assert_int_eq(job_store_claim(nodes.a, job.number, &now, &fault), STATUS_OK);
    ck_assert_int_eq(now, JOB_RUNNING);
    read = job_found(nodes.b, job.id);
    ck_assert(read.is_finishing);
    ck_assert_int_eq(changed(nodes.b, read, JOB_RUNNING, JOB_CANCELLED, &written), JOB_ELSEWHERE);
    const struct job_filter filter = { .status = JOB_RUNNING };
    ck_assert_int_eq(job_store_list(nodes.b, &filter, 2, listed, &n, &has_more, &fault), STATUS_OK);
    ck_assert(n == 1 && listed[0].is_finishing);
    lose(&nodes, job.number); /* and its node dies */
    ck_assert(took(nodes.b, &read));
    ck_assert(!read.is_finishing);
    nodes_end(&nodes);
}

TEST(a_look_tells_of_changes_and_how_many_jobs_there_are)
{
    struct nodes nodes;
    struct job_store_look before, after;
    struct fault fault;
    if (!nodes_begin(&nodes)) {
        return;
    }
    ck_assert_int_eq(job_store_look(nodes.a, 0, &before, &fault), STATUS_OK);
    ck_assert_int_eq(before.status, JOB_ELSEWHERE);
    job_inserted(nodes.b, 1, JOB_QUEUED);
    ck_assert_int_eq(job_store_look(nodes.a, 0, &after, &fault), STATUS_OK);
    ck_assert_uint_gt(after.generation, before.generation);
    ck_assert_uint_eq(after.n_by_status[JOB_QUEUED], 1);
    ck_assert_uint_eq(after.n_by_status[JOB_RUNNING], 0);
    ck_assert_int_eq(job_store_look(nodes.a, 4711, &before, &fault), STATUS_OK);
    ck_assert_int_eq(before.status, JOB_ELSEWHERE);
    ck_assert_uint_eq(after.generation, before.generation);
    nodes_end(&nodes);
}

TEST(a_job_is_kept_while_another_ones_many_bytes_are_on_their_way)
{
    enum { ROWS = 400000 };
    static double x[ROWS];
    const struct job_series series = { .series = { .x = x, .n_rows = ROWS }, .x_width = 1 };
    const struct job_addition addition = { .series = &series, .n_series = 1 };
    const struct timespec a_while = { .tv_sec = 1, .tv_nsec = 100000000 };
    struct nodes nodes;
    struct job job, other = job_filled(2);
    struct fault fault;
    if (!nodes_begin(&nodes)) {
        return;
    }
    job_inserted(nodes.a, 1, JOB_RUNNING);
    ck_assert(took(nodes.a, &job));
    ck_assert_int_eq(looked(nodes.a, job.number), JOB_RUNNING);
    nanosleep(&a_while, NULL);
    lose(&nodes, job.number);
    other.status = JOB_PAUSED;
    ck_assert_int_eq(job_store_insert(nodes.a, &other, &addition, &fault), STATUS_OK);
    ck_assert(!took(nodes.b, &job));
    nodes_end(&nodes);
}

/* ---- two nodes at one moment ---- */

enum { MOMENTS = 50 };

struct inserting {
    struct job_store *jobs;
    pthread_barrier_t *moment;
    unsigned from; /* ids differ */
    enum status statuses[MOMENTS];
};

static void *insert_alone(void *arg)
{
    static const int64_t since = INT64_MIN / 4;
    const struct job_addition alone = { .alone_since_ms = &since };
    struct inserting *inserting = arg;
    struct fault fault;
    for (unsigned k = 0; k < MOMENTS; k++) {
        struct job job = job_filled(inserting->from + k);
        job.status = JOB_QUEUED;
        snprintf(job.model, sizeof job.model, "model-%u", k);
        snprintf(job.metadata, sizeof job.metadata, "{}");
        pthread_barrier_wait(inserting->moment);
        inserting->statuses[k] = job_store_insert(inserting->jobs, &job, &alone, &fault);
    }
    return NULL;
}

TEST(of_two_jobs_that_are_to_be_alone_at_one_moment_one_is)
{
    struct nodes nodes;
    pthread_barrier_t moment;
    pthread_t thread;
    struct fault fault;
    size_t n[JOB_N_STATUSES];
    if (!nodes_begin(&nodes)) {
        return;
    }
    pthread_barrier_init(&moment, NULL, 2);
    struct inserting one = { .jobs = nodes.a, .moment = &moment },
                     other = { .jobs = nodes.b, .moment = &moment, .from = MOMENTS };
    ck_assert_int_eq(pthread_create(&thread, NULL, insert_alone, &other), 0);
    insert_alone(&one);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&moment);
    for (unsigned k = 0; k < MOMENTS; k++) {
        const enum status a = one.statuses[k], b = other.statuses[k];
        ck_assert_msg((a == STATUS_OK && b == STATUS_JOB_STATUS_CONFLICT) ||
                          (b == STATUS_OK && a == STATUS_JOB_STATUS_CONFLICT),
                      "%u: %s and %s", k, status_code(a), status_code(b));
    }
    ck_assert_int_eq(job_store_count(nodes.a, n, &fault), STATUS_OK);
    ck_assert_uint_eq(n[JOB_QUEUED], MOMENTS);
    nodes_end(&nodes);
}

/* ---- what an engine is found to have lost ---- */

static int64_t n_writes(const struct nodes *nodes)
{
    static const struct cluster_text get[] = { { "GET", 3 }, { "grud:writes", 11 } };
    const struct cluster_reply *reply;
    struct cluster_link *link;
    struct fault fault;
    ck_assert_int_eq(cluster_link_create(nodes->stores.target, &link, &fault), STATUS_OK);
    ck_assert_int_eq(cluster_link_call(link, get, 2, &reply, &fault), STATUS_OK);
    const int64_t n = reply->type == CLUSTER_TEXT ? strtoll(reply->text.bytes, NULL, 10) : 0;
    cluster_link_free(link);
    return n;
}

TEST(what_clients_are_told_of_a_job_is_a_write_and_what_is_made_again_is_none)
{
    struct nodes nodes;
    struct job job, read;
    struct fault fault;
    struct job_event event = { .message = "it goes on" };
    struct job_checkpoint checkpoint = { .step = 1 };
    enum job_status now;
    bool written, found;
    if (!nodes_begin(&nodes)) {
        return;
    }
    ck_assert_int_eq(n_writes(&nodes), 0);
    job_inserted(nodes.a, 1, JOB_QUEUED);
    ck_assert_int_eq(n_writes(&nodes), 1);
    ck_assert(took(nodes.a, &job));
    changed(nodes.a, job, JOB_QUEUED, JOB_RUNNING, &written);
    changed(nodes.a, job, JOB_RUNNING, JOB_RUNNING, &written);
    ck_assert(written);
    looked(nodes.a, job.number);
    ck_assert_int_eq(job_store_add_event(nodes.a, job.number, &event, &fault), STATUS_OK);
    ck_assert_int_eq(job_store_add_checkpoint(nodes.a, job.number, &checkpoint, "state", 5, &fault),
                     STATUS_OK);
    ck_assert_int_eq(n_writes(&nodes), 1);
    read = job_found(nodes.b, job.id);
    changed(nodes.b, read, JOB_RUNNING, JOB_PAUSED, &written);
    ck_assert_int_eq(n_writes(&nodes), 2);
    changed(nodes.b, read, JOB_RUNNING, JOB_CANCELLED, &written);
    ck_assert(!written);
    ck_assert_int_eq(n_writes(&nodes), 2);
    read = job_found(nodes.b, job.id);
    changed(nodes.b, read, JOB_PAUSED, JOB_QUEUED, &written);
    ck_assert_int_eq(n_writes(&nodes), 3);
    changed(nodes.a, job, JOB_QUEUED, JOB_SUCCEEDED, &written);
    ck_assert_int_eq(n_writes(&nodes), 4);
    read = job_found(nodes.b, job.id); /* promoted */
    changed(nodes.b, read, JOB_SUCCEEDED, JOB_SUCCEEDED, &written);
    ck_assert_int_eq(n_writes(&nodes), 5);
    ck_assert_int_eq(job_store_delete_ended(nodes.a, INT64_MAX, &found, &now, &fault), STATUS_OK);
    ck_assert(found);
    ck_assert_int_eq(n_writes(&nodes), 5);
    nodes_end(&nodes);
}

TEST(the_node_that_made_a_job_finds_that_it_is_lost)
{
    static const char lost[] = "0 writes are left, and this node knows of 1";
    struct nodes nodes;
    struct job found;
    struct fault fault = { .message = "" };
    if (!nodes_begin(&nodes)) {
        return;
    }
    const struct job job = job_inserted(nodes.a, 1, JOB_QUEUED);
    engine_tell(&nodes.stores.engine, "SET grud:writes 0");
    engine_tell(&nodes.stores.engine, "CLIENT KILL TYPE normal SKIPME yes");
    while (!strstr(fault.message, lost)) {
        const enum status status = job_store_find(nodes.a, job.id, &found, &fault);
        ck_assert_int_eq(status, STATUS_STORAGE_FAILED);
    }
    engine_tell(&nodes.stores.engine, "DEL grud:lost");
    while (job_store_find(nodes.a, job.id, &found, &fault) != STATUS_OK) {
        ck_assert_int_eq(fault.status, STATUS_STORAGE_FAILED);
    }
    nodes_end(&nodes);
}

/* ---- replicas ---- */

TEST(a_change_is_confirmed_once_enough_replicas_have_it)
{
    struct nodes nodes;
    struct fault fault;
    char line[64];
    if (!nodes_begin(&nodes)) {
        return;
    }
    job_inserted(nodes.a, 1, JOB_QUEUED);
    ck_assert_int_eq(job_store_confirm(nodes.a, &fault), STATUS_OK);
    nodes.stores.target->n_replicas = 1;
    nodes.stores.target->timeout_ns = 2000000000;
    ck_assert_int_eq(job_store_confirm(nodes.a, &fault), STATUS_STORAGE_FAILED);
    ck_assert_ptr_nonnull(strstr(fault.message, "fewer replicas"));
    struct engine replica = engine_start(NULL);
    engine_tell(&nodes.stores.engine, "CONFIG SET repl-diskless-sync-delay 0");
    snprintf(line, sizeof line, "REPLICAOF 127.0.0.1 %u", nodes.stores.engine.port);
    engine_tell(&replica, line);
    while (job_store_confirm(nodes.a, &fault) != STATUS_OK) {
        ck_assert_ptr_nonnull(strstr(fault.message, "fewer replicas"));
    }
    job_inserted(nodes.b, 2, JOB_QUEUED);
    ck_assert_int_eq(job_store_confirm(nodes.b, &fault), STATUS_OK);
    nodes_end(&nodes);
    engine_end(&replica);
}

/* ---- an engine that is not as it should be ---- */

static void expect_refused(enum status status, const struct fault *fault, const char *what)
{
    ck_assert_msg(status == STATUS_STORAGE_FAILED, "%s: %d", what, status);
    ck_assert_msg(strlen(fault->message) > 20, "%s: %s", what, fault->message);
}

TEST(what_others_have_made_of_a_job_is_a_sentence)
{
    static const char *const lines[] = {
        "HSET grud:j:1 epoch many",
        "HSET grud:j:1 status 7",
        "HSET grud:j:1 train_loss 0.1x",
        "HSET grud:j:1 id 0123456789012345678901234567890123456",
        "HSET grud:j:1 metadata [",
        "HSET grud:j:1 error_status nonesuch",
        "HSET grud:j:1 revision x",
        "HDEL grud:j:1 revision",
        "HSET grud:j:1 seed -1",
        "HSET grud:j:1 dry_run 2",
        "HDEL grud:j:1 id",
        "SET grud:j:1 text",
        "SET grud:j text",
    };
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
        struct stores stores;
        struct fault fault;
        struct job job;
        static struct job list[2];
        size_t n;
        bool found;
        const struct job_filter filter = { .status = -1 };
        if (!stores_begin(&stores, 1)) {
            return;
        }
        job = job_inserted(stores.jobs, 1, JOB_RUNNING);
        engine_tell(&stores.engine, lines[k]);
        expect_refused(job_store_find(stores.jobs, job.id, &job, &fault), &fault, lines[k]);
        expect_refused(job_store_list(stores.jobs, &filter, 2, list, &n, &found, &fault), &fault,
                       lines[k]);
        stores_end(&stores);
    }
}

TEST(pieces_that_are_missing_or_of_another_kind_are_a_sentence)
{
    static const char *const lines[] = {
        "DEL grud:j:1:series",         "SET grud:j:1:series text", "LSET grud:j:1:series 0 short",
        "LSET grud:j:1:series 0 \"\"", "DEL grud:j:1:checkpoints", "SET grud:j:1:state text",
    };
    static const double x[] = { 1, 2, 3, 4 };
    const struct job_series series = { .series = { .x = x, .n_rows = 4 }, .x_width = 1 };
    const struct job_addition addition = { .series = &series, .n_series = 1 };
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
        struct stores stores;
        struct fault fault;
        struct arena arena;
        struct job_series *got;
        struct job_checkpoint checkpoint = { .step = 1 };
        struct job job = job_filled(1);
        void *state = NULL;
        size_t n = 0, n_state = 0;
        bool found;
        if (!stores_begin(&stores, 1)) {
            return;
        }
        job.status = JOB_RUNNING;
        ck_assert_int_eq(job_store_insert(stores.jobs, &job, &addition, &fault), STATUS_OK);
        ck_assert_int_eq(job_store_take(stores.jobs, &found, &job, &fault), STATUS_OK);
        ck_assert_int_eq(
            job_store_add_checkpoint(stores.jobs, job.number, &checkpoint, "state", 5, &fault),
            STATUS_OK);
        engine_tell(&stores.engine, lines[k]);
        arena_init(&arena, SIZE_MAX);
        const enum status of_series =
            job_store_read_series(stores.jobs, job.number, &arena, &got, &n, &fault);
        const enum status of_state =
            job_store_read_state(stores.jobs, job.number, &state, &n_state, &checkpoint, &fault);
        ck_assert_msg(of_series != STATUS_OK || of_state != STATUS_OK || n == 0, "%s", lines[k]);
        free(state);
        arena_done(&arena);
        stores_end(&stores);
    }
}

TEST(an_engine_that_is_away_refuses_and_then_has_all_as_it_was)
{
    struct stores stores;
    struct fault fault;
    struct job other = job_filled(2);
    if (!stores_begin(&stores, 1)) {
        return;
    }
    const struct job job = job_inserted(stores.jobs, 1, JOB_QUEUED);
    engine_kill(&stores.engine);
    struct job found;
    expect_refused(job_store_find(stores.jobs, job.id, &found, &fault), &fault, "find");
    expect_refused(job_store_insert(stores.jobs, &other, &(struct job_addition){ 0 }, &fault),
                   &fault, "insert");
    engine_start_again(&stores.engine);
    while (job_store_find(stores.jobs, job.id, &found, &fault) != STATUS_OK) {
        ck_assert_int_eq(fault.status, STATUS_STORAGE_FAILED);
    }
    assert_job_equal(&found, &job);
    ck_assert_int_eq(job_store_find(stores.jobs, other.id, &found, &fault), STATUS_JOB_NOT_FOUND);
    stores_end(&stores);
}
