/* What the databases promise when the machine fails them: the disk is full, memory is short, the
 * process is killed. A call that failed changed nothing; a call that returned is not undone. */
#include "store/job_store.h"
#include "store/recordings.h"
#include "store_support.h"
#include "test.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- calls that change something, and all that can be seen of it ---- */

enum { VALUES = 3000 };
static const float values[VALUES] = { 1, 2, 3 };
static const struct job_series series = { .series = { .x = values, .n_rows = VALUES },
                                          .x_width = 1 };
static const char *const sessions[] = { "a", "b" };

static enum status do_insert(struct job_store *jobs, struct fault *fault)
{
    struct job job = job_filled(50);
    return job_store_insert(jobs, &job, &series, 1, sessions, 2, fault);
}

static enum status do_update(struct job_store *jobs, struct fault *fault)
{
    struct job job = job_filled(1);
    bool written;
    enum job_status now;
    job.number = 1;
    job.status = JOB_PAUSED;
    return job_store_update(jobs, &job, JOB_RUNNING, &written, &now, fault);
}

static enum status do_put_series(struct job_store *jobs, struct fault *fault)
{
    const struct job_series twice[] = { series, series };
    return job_store_put_series(jobs, 1, twice, 2, fault);
}

static enum status do_forget(struct job_store *jobs, struct fault *fault)
{
    return job_store_forget_data(jobs, 1, fault);
}

static enum status do_event(struct job_store *jobs, struct fault *fault)
{
    struct job_event event = { .step = 5, .message = "event" };
    return job_store_add_event(jobs, 1, &event, fault);
}

static enum status do_checkpoint(struct job_store *jobs, struct fault *fault)
{
    struct job_checkpoint checkpoint = { .step = 6 };
    return job_store_add_checkpoint(jobs, 1, &checkpoint, values, sizeof values, fault);
}

static enum status do_lineage(struct job_store *jobs, struct fault *fault)
{
    const struct lineage lineage = { .model = "m", .version = 3 };
    return job_store_put_lineage(jobs, &lineage, fault);
}

static enum status do_delete_lineage(struct job_store *jobs, struct fault *fault)
{
    return job_store_delete_lineage(jobs, "m", 2, fault);
}

static const struct {
    const char *name;
    enum status (*run)(struct job_store *jobs, struct fault *fault);
} changes[] = { { "insert", do_insert },         { "update", do_update },
                { "put_series", do_put_series }, { "forget_data", do_forget },
                { "add_event", do_event },       { "add_checkpoint", do_checkpoint },
                { "put_lineage", do_lineage },   { "delete_lineage", do_delete_lineage } };
enum { N_CHANGES = sizeof changes / sizeof *changes };

static struct job_store *prepared_jobs(const char *data)
{
    struct job_store *jobs = jobs_opened(data);
    struct fault fault;
    const struct lineage lineage = { .model = "m", .version = 2 };
    struct job job = job_filled(1);
    job.status = JOB_RUNNING;
    ck_assert_int_eq(job_store_insert(jobs, &job, &series, 1, sessions, 2, &fault), STATUS_OK);
    event_added(jobs, job.number, 1);
    checkpoint_added(jobs, job.number, 2, 500);
    ck_assert_int_eq(job_store_put_lineage(jobs, &lineage, &fault), STATUS_OK);
    return jobs;
}

struct view {
    size_t n_jobs, n_series, n_sessions, n_events, n_checkpoints, n_state;
    uint64_t versions; /* of the lineage, summed up */
    int64_t last_event;
    enum job_status status; /* of the first job */
};

static void sum_versions(void *context, const struct lineage *lineage)
{
    *(uint64_t *)context += lineage->version;
}

static struct view see(struct job_store *jobs)
{
    static struct job all[4];
    struct view view;
    struct fault fault;
    struct arena arena;
    struct job_series *got_series;
    const char *const *got_sessions;
    struct job_event events[4];
    struct job_checkpoint checkpoints[4];
    void *state;
    bool has_more;
    const struct job_filter filter = { .status = -1 };
    memset(&view, 0, sizeof view); /* compared with memcmp */
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(job_store_list(jobs, &filter, 4, all, &view.n_jobs, &has_more, &fault),
                     STATUS_OK);
    view.status = all[view.n_jobs - 1].status;
    ck_assert_int_eq(job_store_read_series(jobs, 1, &arena, &got_series, &view.n_series, &fault),
                     STATUS_OK);
    ck_assert_int_eq(
        job_store_read_sessions(jobs, 1, &arena, &got_sessions, &view.n_sessions, &fault),
        STATUS_OK);
    ck_assert_int_eq(
        job_store_list_events(jobs, 1, 0, 4, events, &view.n_events, &has_more, &fault), STATUS_OK);
    ck_assert_int_eq(job_store_list_checkpoints(jobs, 1, 0, 4, checkpoints, &view.n_checkpoints,
                                                &has_more, &fault),
                     STATUS_OK);
    ck_assert_int_eq(job_store_read_state(jobs, 1, &state, &view.n_state, checkpoints, &fault),
                     STATUS_OK);
    free(state);
    ck_assert_int_eq(job_store_each_lineage(jobs, sum_versions, &view.versions, &fault), STATUS_OK);
    view.last_event = last_event(jobs);
    arena_done(&arena);
    return view;
}

static void assert_changed(struct job_store *jobs, const struct view *before, bool changed,
                           const char *name)
{
    struct view after = see(jobs);
    ck_assert_msg((memcmp(&after, before, sizeof after) != 0) == changed, "%s %s", name,
                  changed ? "changed nothing" : "failed, but changed something");
}

/* ---- memory ---- */

/* SQLite's allocator, with a call that fails. */
static sqlite3_mem_methods real_memory;
static long n_until_failure; /* 0: none fails */
static bool has_failed;

static bool fails_now(void)
{
    if (n_until_failure == 0 || --n_until_failure > 0) {
        return false;
    }
    has_failed = true;
    n_until_failure = 1; /* and all after it, until memory is back */
    return true;
}

static void *failing_malloc(int n)
{
    return fails_now() ? NULL : real_memory.xMalloc(n);
}

static void *failing_realloc(void *p, int n)
{
    return fails_now() ? NULL : real_memory.xRealloc(p, n);
}

static void memory_instrument(void)
{
    ck_assert_int_eq(sqlite3_shutdown(), SQLITE_OK);
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    sqlite3_mem_methods failing = real_memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
    /* without the lookaside of each connection every allocation is seen */
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
}

static void memory_restore(void)
{
    ck_assert_int_eq(sqlite3_shutdown(), SQLITE_OK);
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &real_memory), SQLITE_OK);
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 1200, 40), SQLITE_OK);
}

static void memory_fail(long n)
{
    has_failed = false;
    n_until_failure = n;
}

/* Fails from the n-th allocation on. True if the call came to it. */
static bool change_without_memory(const char *data, size_t k, long n)
{
    struct job_store *jobs = prepared_jobs(data);
    struct fault fault = { .status = STATUS_OK };
    struct view before = see(jobs);
    memory_fail(n);
    enum status status = changes[k].run(jobs, &fault);
    bool came_to_it = has_failed;
    memory_fail(0);
    ck_assert_msg(status == STATUS_OK || (came_to_it && status == STATUS_NO_MEMORY), "%s, %ld: %s",
                  changes[k].name, n, fault.message);
    ck_assert_int_eq(fault.status, status);
    assert_changed(jobs, &before, status == STATUS_OK, changes[k].name);
    if (status != STATUS_OK) { /* and with memory it goes on as if nothing had been */
        ck_assert_int_eq(changes[k].run(jobs, &fault), STATUS_OK);
        assert_changed(jobs, &before, true, changes[k].name);
    }
    job_store_close(jobs);
    return came_to_it;
}

TEST(a_change_without_memory_changes_nothing)
{
    memory_instrument();
    for (size_t k = 0; k < N_CHANGES; k++) {
        long n = 1;
        while (change_without_memory("", k, n)) {
            n++;
        }
        ck_assert_msg(n > 1 || changes[k].run == do_delete_lineage, "%s allocates nothing",
                      changes[k].name);
    }
    memory_restore();
}

TEST(a_change_of_a_file_without_memory_changes_nothing)
{
    memory_instrument();
    for (size_t k = 0; k < N_CHANGES; k++) {
        for (long n = 1;; n++) {
            struct folder folder = folder_make();
            bool came_to_it = change_without_memory(folder.path, k, n);
            folder_remove(&folder);
            if (!came_to_it) {
                break;
            }
        }
    }
    memory_restore();
}

TEST(opening_without_memory_fails_and_leaks_nothing)
{
    memory_instrument();
    struct folder folder = folder_make();
    enum status status = STATUS_NO_MEMORY;
    for (long n = 1; status != STATUS_OK; n++) {
        struct job_store *jobs = NULL;
        struct fault fault;
        memory_fail(n);
        status = job_store_open(folder.path, &jobs, &fault);
        memory_fail(0);
        ck_assert_msg(status == STATUS_OK || status == STATUS_NO_MEMORY, "%ld: %s", n,
                      fault.message);
        ck_assert_int_eq(jobs != NULL, status == STATUS_OK);
        job_store_close(jobs);
    }
    ck_assert_int_eq(sqlite3_memory_used(), 0);
    folder_remove(&folder);
    memory_restore();
}

TEST(reading_without_memory_fails_and_goes_on_later)
{
    memory_instrument();
    struct folder folder = folder_make();
    struct fault fault;
    struct job job;
    bool found;
    enum status status = STATUS_NO_MEMORY;
    job_store_close(prepared_jobs(folder.path));
    for (long n = 1; status != STATUS_OK; n++) {
        struct job_store *jobs = jobs_opened(folder.path);
        void *state = NULL;
        struct job_checkpoint checkpoint;
        size_t n_state;
        memory_fail(n);
        status = job_store_next(jobs, &found, &job, &fault);
        if (status == STATUS_OK) {
            status = job_store_read_state(jobs, 1, &state, &n_state, &checkpoint, &fault);
        }
        memory_fail(0);
        ck_assert_msg(status == STATUS_OK || status == STATUS_NO_MEMORY, "%ld: %s", n,
                      fault.message);
        free(state);
        ck_assert_uint_eq(see(jobs).n_state, 500);
        job_store_close(jobs);
    }
    folder_remove(&folder);
    memory_restore();
}

TEST(recording_without_memory_records_nothing)
{
    memory_instrument();
    const struct recorded readings[] = {
        { .model = "m", .session = "a", .step = 3, .x = values, .n_inputs = 9 },
        { .model = "m", .session = "new", .step = 1, .x = values, .n_inputs = 9 },
        { .model = "m", .session = "b" }
    };
    const struct recorded before[] = {
        { .model = "m", .session = "a", .step = 2, .x = values, .n_inputs = 9 },
        { .model = "m", .session = "b", .step = 7, .x = values, .n_inputs = 9 }
    };
    enum status status = STATUS_NO_MEMORY;
    for (long n = 1; status != STATUS_OK; n++) {
        struct recordings *recordings;
        struct fault fault;
        uint64_t a, b, fresh;
        ck_assert_int_eq(recordings_open("", 1, &recordings, &fault), STATUS_OK);
        ck_assert_int_eq(recordings_add(recordings, before, 2, &fault), STATUS_OK);
        memory_fail(n);
        status = recordings_add(recordings, readings, 3, &fault);
        memory_fail(0);
        ck_assert(status == STATUS_OK || status == STATUS_NO_MEMORY);
        ck_assert_int_eq(recordings_last_step(recordings, "m", "a", &a, &fault), STATUS_OK);
        ck_assert_int_eq(recordings_last_step(recordings, "m", "b", &b, &fault), STATUS_OK);
        ck_assert_int_eq(recordings_last_step(recordings, "m", "new", &fresh, &fault), STATUS_OK);
        bool done = status == STATUS_OK;
        ck_assert(a == (done ? 3 : 2) && b == (done ? 0 : 7) && fresh == done);
        recordings_close(recordings);
    }
    memory_restore();
}

/* ---- the disk ---- */

static void limit_files(rlim_t n_bytes, struct rlimit *ret_before)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    *ret_before = limit;
    limit.rlim_cur = n_bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST(a_full_disk_fails_the_change_and_changes_nothing)
{
    struct folder folder = folder_make();
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (size_t k = 0; k < N_CHANGES; k++) {
        for (rlim_t n_bytes = 0; n_bytes <= 8192; n_bytes += 8192) {
            struct job_store *jobs = prepared_jobs(folder.path);
            struct view before = see(jobs);
            struct fault fault;
            struct rlimit limit;
            limit_files(n_bytes, &limit);
            enum status status = changes[k].run(jobs, &fault);
            ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
            ck_assert_msg(status == STATUS_STORAGE_FAILED, "%s", changes[k].name);
            ck_assert_ptr_nonnull(strstr(fault.message, "jobs.db: "));
            assert_changed(jobs, &before, false, changes[k].name);
            job_store_close(jobs);
            jobs = jobs_opened(folder.path); /* nor does a restart see any of it */
            assert_changed(jobs, &before, false, changes[k].name);
            ck_assert_int_eq(changes[k].run(jobs, &fault), STATUS_OK);
            assert_changed(jobs, &before, true, changes[k].name);
            job_store_close(jobs);
            folder_remove(&folder);
            folder = folder_make();
        }
    }
    (void)signal(SIGXFSZ, handler);
    folder_remove(&folder);
}

TEST(a_file_that_may_not_be_written_is_said_when_opened)
{
    struct folder folder = folder_make();
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct job_store *jobs = NULL;
    struct fault fault;
    struct rlimit limit;
    limit_files(0, &limit);
    enum status status = job_store_open(folder.path, &jobs, &fault);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(status, STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, folder.path) != NULL, "%s", fault.message);
    job_store_close(jobs_opened(folder.path));
    (void)signal(SIGXFSZ, handler);
    folder_remove(&folder);
}

/* ---- two connections ---- */

TEST(a_second_opening_sees_what_the_first_one_wrote)
{
    struct folder folder = folder_make();
    struct job_store *first = jobs_opened(folder.path), *second = jobs_opened(folder.path);
    struct job job = job_inserted(first, 1, JOB_QUEUED);
    struct job found = job_found(second, job.id);
    assert_job_equal(&found, &job);
    job = job_inserted(second, 2, JOB_QUEUED);
    found = job_found(first, job.id);
    assert_job_equal(&found, &job);
    job_store_close(first);
    found = job_found(second, job.id);
    assert_job_equal(&found, &job);
    job_store_close(second);
    folder_remove(&folder);
}

TEST(a_file_that_another_program_keeps_locked_is_a_fault_for_as_long)
{
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    char path[PATH_MAX];
    sqlite3 *other;
    struct fault fault;
    struct job job = job_filled(1);
    folder_path(&folder, "jobs.db", path);
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(job_store_insert(jobs, &job, NULL, 0, NULL, 0, &fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, "locked") != NULL, "%s", fault.message);
    ck_assert_int_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(job_store_insert(jobs, &job, NULL, 0, NULL, 0, &fault), STATUS_OK);
    sqlite3_close(other);
    job_store_close(jobs);
    folder_remove(&folder);
}

/* ---- a process that is killed ---- */

/* Adds events and checkpoints for ever, and a byte to the pipe after each pair. */
static _Noreturn void write_for_ever(const char *data, int acknowledge)
{
    struct job_store *jobs;
    struct fault fault;
    if (job_store_open(data, &jobs, &fault) != STATUS_OK) {
        _exit(1);
    }
    for (uint64_t k = 1;; k++) {
        struct job_event event = { .step = k };
        struct job_checkpoint checkpoint = { .step = k };
        if (job_store_add_event(jobs, 1, &event, &fault) != STATUS_OK ||
            job_store_add_checkpoint(jobs, 1, &checkpoint, values, sizeof values, &fault) !=
                STATUS_OK ||
            write(acknowledge, "+", 1) != 1) {
            _exit(1);
        }
    }
}

TEST(a_killed_process_loses_nothing_that_it_acknowledged)
{
    struct folder folder = folder_make();
    struct job_store *jobs = prepared_jobs(folder.path);
    int64_t n_due = last_event(jobs);
    job_store_close(jobs);
    for (int round = 0; round < 5; round++) {
        int ends[2];
        char byte;
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            write_for_ever(folder.path, ends[1]);
        }
        close(ends[1]);
        for (int k = 0; k < 50 * (round + 1); k++) {
            ck_assert_int_eq(read(ends[0], &byte, 1), 1);
            n_due++;
        }
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        while (read(ends[0], &byte, 1) == 1) {
            n_due++; /* it got further before it was killed */
        }
        close(ends[0]);

        struct fault fault;
        struct job_checkpoint checkpoint;
        void *state;
        size_t n_state;
        jobs = jobs_opened(folder.path);
        ck_assert_int_ge(last_event(jobs), n_due);
        ck_assert_int_le(last_event(jobs), n_due + 1); /* done, but not yet acknowledged */
        ck_assert_int_eq(job_store_read_state(jobs, 1, &state, &n_state, &checkpoint, &fault),
                         STATUS_OK);
        ck_assert_uint_eq(n_state, sizeof values);
        ck_assert_mem_eq(state, values, sizeof values);
        free(state);
        n_due = last_event(jobs);
        job_store_close(jobs);
        ck_assert_int_eq(sql_ask(&folder, "jobs.db",
                                 "SELECT count(*) FROM pragma_integrity_check"
                                 " WHERE integrity_check <> 'ok'"),
                         0);
    }
    folder_remove(&folder);
}
