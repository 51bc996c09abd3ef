/* What the databases promise when the machine fails them: the disk is full, or the process is
 * killed. A call that failed changed nothing; a call that returned is not undone. */
#include "store/database.h"

#include "job_changes.h"
#include "store_support.h"
#include "test.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- faults ---- */

TEST(each_failure_of_sqlite_has_its_status_and_says_whether_it_may_pass)
{
    static const struct {
        int result;
        enum status status;
        bool may_pass;
    } due[] = { { SQLITE_NOMEM, STATUS_NO_MEMORY, true },
                { SQLITE_IOERR_NOMEM, STATUS_NO_MEMORY, true },
                { SQLITE_TOOBIG, STATUS_REQUEST_TOO_LARGE, false },
                { SQLITE_CORRUPT, STATUS_STORAGE_FAILED, false },
                { SQLITE_CORRUPT_INDEX, STATUS_STORAGE_FAILED, false },
                { SQLITE_NOTADB, STATUS_STORAGE_FAILED, false },
                { SQLITE_FULL, STATUS_STORAGE_FAILED, true },
                { SQLITE_IOERR_READ, STATUS_STORAGE_FAILED, true },
                { SQLITE_BUSY, STATUS_STORAGE_FAILED, true } };
    const struct database database = { .path = "/tmp/some.db", .is_in_memory = true };
    for (size_t k = 0; k < sizeof due / sizeof *due; k++) {
        struct fault fault = { .status = STATUS_OK };
        ck_assert_int_eq(database_failed(&database, due[k].result, "write", &fault), due[k].status);
        ck_assert_int_eq(fault.status, due[k].status);
        ck_assert_msg(strstr(fault.message, "write in /tmp/some.db") != NULL, "%s", fault.message);
        ck_assert_int_eq(due[k].may_pass, fault_may_pass(&fault));
    }
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
    for (size_t k = 0; k < N_JOB_CHANGES; k++) {
        for (rlim_t n_bytes = 0; n_bytes <= 8192; n_bytes += 8192) {
            struct job_store *jobs = job_changes_prepare(folder.path);
            struct job_view before = job_view_of(jobs);
            struct fault fault;
            struct rlimit limit;
            limit_files(n_bytes, &limit);
            enum status status = job_changes[k].run(jobs, &fault);
            ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
            ck_assert_msg(status == STATUS_STORAGE_FAILED, "%s", job_changes[k].name);
            ck_assert_ptr_nonnull(strstr(fault.message, "jobs.db: "));
            assert_changed(jobs, &before, false, job_changes[k].name);
            job_store_close(jobs);
            jobs = jobs_opened(folder.path); /* nor does a restart see any of it */
            assert_changed(jobs, &before, false, job_changes[k].name);
            ck_assert_int_eq(job_changes[k].run(jobs, &fault), STATUS_OK);
            assert_changed(jobs, &before, true, job_changes[k].name);
            job_store_close(jobs);
            folder_remove(&folder);
            folder = folder_make();
        }
    }
    (void)signal(SIGXFSZ, handler);
    folder_remove(&folder);
}

/* ---- two connections ---- */

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
    ck_assert_int_eq(job_store_insert(jobs, &job, &(struct job_addition){ 0 }, &fault),
                     STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, "locked") != NULL, "%s", fault.message);
    ck_assert_int_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(job_store_insert(jobs, &job, &(struct job_addition){ 0 }, &fault), STATUS_OK);
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
            job_store_add_checkpoint(jobs, 1, &checkpoint, job_values, sizeof job_values, &fault) !=
                STATUS_OK ||
            write(acknowledge, "+", 1) != 1) {
            _exit(1);
        }
    }
}

TEST(a_killed_process_loses_nothing_that_it_acknowledged)
{
    struct folder folder = folder_make();
    struct job_store *jobs = job_changes_prepare(folder.path);
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
        ck_assert_uint_eq(n_state, sizeof job_values);
        ck_assert_mem_eq(state, job_values, sizeof job_values);
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
