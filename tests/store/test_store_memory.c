/* What the databases promise when memory is short: a call that failed changed nothing. */
#include "failing_memory.h"
#include "job_changes.h"
#include "store/recordings.h"
#include "store_support.h"
#include "test.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* Fails from the n-th allocation on. True if the call came to it. */
static bool change_without_memory(const char *data, size_t k, long n)
{
    struct job_store *jobs = job_changes_prepare(data);
    struct fault fault = { .status = STATUS_OK };
    struct job_view before = job_view_of(jobs);
    memory_fail(n);
    enum status status = job_changes[k].run(jobs, &fault);
    bool came_to_it = memory_has_failed;
    memory_fail(0);
    ck_assert_msg(status == STATUS_OK || (came_to_it && status == STATUS_NO_MEMORY), "%s, %ld: %s",
                  job_changes[k].name, n, fault.message);
    ck_assert_int_eq(fault.status, status);
    assert_changed(jobs, &before, status == STATUS_OK, job_changes[k].name);
    if (status != STATUS_OK) { /* and with memory it goes on as if nothing had been */
        ck_assert_int_eq(job_changes[k].run(jobs, &fault), STATUS_OK);
        assert_changed(jobs, &before, true, job_changes[k].name);
    }
    job_store_close(jobs);
    return came_to_it;
}

TEST(a_change_without_memory_changes_nothing)
{
    memory_instrument();
    for (size_t k = 0; k < N_JOB_CHANGES; k++) {
        long n = 1;
        while (change_without_memory("", k, n)) {
            n++;
        }
        ck_assert_msg(n > 1 || strcmp(job_changes[k].name, "delete_lineage") == 0,
                      "%s allocates nothing", job_changes[k].name);
    }
    memory_restore();
}

TEST(a_change_of_a_file_without_memory_changes_nothing)
{
    memory_instrument();
    for (size_t k = 0; k < N_JOB_CHANGES; k++) {
        for (long n = 1;; n++) {
            struct folder folder = folder_make_in_memory();
            bool came_to_it = change_without_memory(folder.path, k, n);
            folder_remove(&folder);
            if (!came_to_it) {
                break;
            }
        }
    }
    memory_restore();
}

/* SQLite makes 17 500 allocations for it. They come by the dozen for each statement of ours, so
 * behind the first thousand each thirteenth fails. */
TEST(opening_without_memory_fails_and_leaks_nothing)
{
    enum { ALL = 1000, STRIDE = 13 };
    memory_instrument();
    struct folder folder = folder_make_in_memory();
    enum status status = STATUS_NO_MEMORY;
    for (long n = 1; status != STATUS_OK; n += n < ALL ? 1 : STRIDE) {
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
    struct folder folder = folder_make_in_memory();
    struct fault fault;
    struct job job;
    bool found;
    enum status status = STATUS_NO_MEMORY;
    job_store_close(job_changes_prepare(folder.path));
    for (long n = 1; status != STATUS_OK; n++) {
        struct job_store *jobs = jobs_opened(folder.path);
        void *state = NULL;
        struct job_checkpoint checkpoint;
        size_t n_state;
        memory_fail(n);
        status = job_store_take(jobs, &found, &job, &fault);
        if (status == STATUS_OK) {
            status = job_store_read_state(jobs, 1, &state, &n_state, &checkpoint, &fault);
        }
        memory_fail(0);
        ck_assert_msg(status == STATUS_OK || status == STATUS_NO_MEMORY, "%ld: %s", n,
                      fault.message);
        free(state);
        ck_assert_uint_eq(job_view_of(jobs).n_state, 500);
        job_store_close(jobs);
    }
    folder_remove(&folder);
    memory_restore();
}

TEST(recording_without_memory_records_nothing)
{
    memory_instrument();
    const struct recorded readings[] = {
        { .model = "m", .session = "a", .step = 3, .x = job_values, .n_inputs = 9 },
        { .model = "m", .session = "new", .step = 1, .x = job_values, .n_inputs = 9 },
        { .model = "m", .session = "b" }
    };
    const struct recorded before[] = {
        { .model = "m", .session = "a", .step = 2, .x = job_values, .n_inputs = 9 },
        { .model = "m", .session = "b", .step = 7, .x = job_values, .n_inputs = 9 }
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
