/* What is lost of a write-ahead log is found: a flip of any bit, and not an end that is as it
 * should be. */
#include "store/wal_check.h"

#include "store/job_store.h"
#include "store_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct log {
    unsigned char *bytes;
    size_t n;
};

static struct log load(const char *path)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    ck_assert(file && fstat(fileno(file), &info) == 0 && info.st_size > 0);
    struct log log = { .bytes = malloc((size_t)info.st_size), .n = (size_t)info.st_size };
    ck_assert(log.bytes && fread(log.bytes, 1, log.n, file) == log.n);
    fclose(file);
    return log;
}

static void store(const char *path, const unsigned char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    ck_assert(file && fwrite(bytes, 1, n, file) == n);
    ck_assert_int_eq(fclose(file), 0);
}

/* A log of several changes, as a kill leaves it: taken while the database is open. */
static struct log make_log(const struct folder *folder, char database[PATH_MAX], char wal[PATH_MAX])
{
    folder_path(folder, "jobs.db", database);
    folder_path(folder, "jobs.db-wal", wal);
    struct job_store *jobs = jobs_opened(folder->path);
    for (unsigned k = 0; k < 5; k++) {
        job_inserted(jobs, k, JOB_QUEUED);
    }
    struct log log = load(wal);
    job_store_close(jobs);
    return log;
}

static bool is_lost(const char *database)
{
    return wal_find_loss(database).n_frames > 0;
}

TEST(a_log_that_is_whole_is_not_called_damaged)
{
    struct folder folder = folder_make();
    char database[PATH_MAX], wal[PATH_MAX];
    struct log log = make_log(&folder, database, wal);
    ck_assert(!is_lost(database)); /* there is none any more */
    store(wal, log.bytes, log.n);
    ck_assert(!is_lost(database));
    ck_assert_uint_gt(log.n, 5 * 4096);
    static const size_t left[] = { 0, 32, 32 + 24 + 4096, 32 + 2 * (24 + 4096) };
    for (size_t k = 0; k < sizeof left / sizeof *left; k++) {
        store(wal, log.bytes, left[k]);
        ck_assert_msg(!is_lost(database), "%zu", left[k]);
    }
    log.bytes[log.n - 4096 - 24 + 11]--; /* the last byte of a frame's first salt: an earlier use */
    store(wal, log.bytes, log.n);
    ck_assert(log.bytes[log.n - 4096 - 24 + 11] == 255 || !is_lost(database));
    free(log.bytes);
    folder_remove(&folder);
}

TEST(a_frame_that_is_not_whole_or_zero_is_found)
{
    struct folder folder = folder_make();
    char database[PATH_MAX], wal[PATH_MAX];
    struct log log = make_log(&folder, database, wal);
    static const size_t left[] = { 1, 31, 33, 60, 32 + 24 + 4096 + 2000 };
    for (size_t k = 0; k < sizeof left / sizeof *left; k++) {
        store(wal, log.bytes, left[k]);
        ck_assert_msg(is_lost(database), "%zu", left[k]);
    }
    memset(log.bytes + log.n - 4096 - 24, 0, 512);
    store(wal, log.bytes, log.n);
    ck_assert_uint_eq(wal_find_loss(database).n_frames, 1);
    ck_assert_uint_eq(wal_find_loss(database).at, log.n - 4096 - 24);
    free(log.bytes);
    folder_remove(&folder);
}

TEST(a_flip_of_a_bit_in_a_log_is_found)
{
    struct folder folder = folder_make();
    char database[PATH_MAX], wal[PATH_MAX];
    struct log log = make_log(&folder, database, wal);
    for (size_t at = 0; at < log.n; at += at < 100 ? 1 : 211) {
        log.bytes[at] ^= (unsigned char)(1 << at % 8);
        store(wal, log.bytes, log.n);
        ck_assert_msg(is_lost(database), "byte %zu", at);
        log.bytes[at] ^= (unsigned char)(1 << at % 8);
    }
    free(log.bytes);
    folder_remove(&folder);
}
