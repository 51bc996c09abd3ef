/* The copy of databases and models, beside one that uses them. */
#include "store/data_copy.h"
#include "store/files.h"
#include "store/job_schema.h"
#include "store/page_checksums.h"
#include "store_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(a_database_is_copied_while_it_is_written_to)
{
    struct folder data = data_make(), to = folder_make();
    struct fault fault;
    char path[PATH_MAX];
    struct stat info;
    struct job_store *jobs = jobs_opened(data.path);
    for (unsigned k = 0; k < 20; k++) {
        job_inserted(jobs, k, JOB_QUEUED);
    }
    ck_assert_int_eq(database_begin(&job_file_of(jobs)->database, &fault), STATUS_OK);
    event_added(jobs, 1, 1); /* not yet */
    ck_assert_int_eq(data_copy_databases(data.path, to.path, &fault), STATUS_OK);
    ck_assert_int_eq(database_end(&job_file_of(jobs)->database, STATUS_OK, &fault), STATUS_OK);
    job_store_close(jobs);
    folder_path(&to, "jobs.db", path);
    ck_assert(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
    ck_assert(page_checksums_are_in(path));
    ck_assert_int_eq(sql_ask(&to, "jobs.db", "SELECT count(*) FROM jobs"), 20);
    ck_assert_int_eq(sql_ask(&to, "jobs.db", "SELECT count(*) FROM events"), 0);
    ck_assert_int_eq(sql_ask(&data, "jobs.db", "SELECT count(*) FROM events"), 1);
    jobs = jobs_opened(to.path); /* of this format, so it is used as it is */
    job_store_close(jobs);
    ck_assert_int_eq(data_copy_databases(data.path, to.path, &fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, path) != NULL, "%s", fault.message);
    folder_remove(&data);
    folder_remove(&to);
}

static bool is_there(const struct folder *folder, const char *rest)
{
    char path[PATH_MAX];
    folder_path(folder, rest, path);
    return access(path, F_OK) == 0;
}

TEST(versions_their_digests_and_which_is_active_are_copied_and_nothing_else)
{
    struct folder data = data_make(), to = folder_make();
    struct fault fault;
    struct file_version version;
    struct files_note note;
    unsigned number;
    bool is_durable;
    for (unsigned k = 1; k <= 3; k++) {
        ck_assert_int_eq(files_write_version(data.path, "m", k, "weights", 7, &version, &fault),
                         STATUS_OK);
    }
    ck_assert_int_eq(files_delete_version(data.path, "m", 3, &is_durable, &fault), STATUS_OK);
    ck_assert_int_eq(
        files_write_active(data.path, "m", 2, digest_128("weights", 7), &is_durable, &fault),
        STATUS_OK);
    text_write(&data, "models/m/4.safetensors.tmp", "half");
    ck_assert_int_eq(data_copy_models(data.path, to.path, &fault), STATUS_OK);
    ck_assert(is_there(&to, "models/m/1.safetensors") && is_there(&to, "models/m/2.safetensors"));
    ck_assert(is_there(&to, "models/m/1.digest") && is_there(&to, "models/m/2.digest"));
    ck_assert(!is_there(&to, "models/m/4.safetensors.tmp"));
    ck_assert_int_eq(files_read_active(to.path, "m", &note, &fault), STATUS_OK);
    ck_assert(note.form == NOTE_SEALED && note.number == 2 &&
              digest_equals(note.digest, digest_128("weights", 7)));
    ck_assert_int_eq(files_next_version(to.path, "m", 1, &number, &fault), STATUS_OK);
    ck_assert_uint_eq(number, 4);
    ck_assert_int_eq(data_copy_models(data.path, to.path, &fault), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(data_copy_clock(data.path, to.path, &fault), STATUS_OK);
    ck_assert(!is_there(&to, "clock")); /* an earlier release kept none */
    text_write(&data, "clock", "x");
    ck_assert_int_eq(data_copy_clock(data.path, to.path, &fault), STATUS_OK);
    ck_assert(is_there(&to, "clock"));
    folder_remove(&data);
    folder_remove(&to);
}
