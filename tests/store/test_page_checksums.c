/* The checksum of each page: a file that was damaged is never read as another one. */
#include "store/database_open.h"
#include "store/page_checksums.h"
#include "store_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 60, PAGE = 4096 };

static const struct statement migrations[] = {
    { "create the tables", "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL, c BLOB) STRICT;"
                           "CREATE INDEX t_b ON t (b);" },
};
static const struct database_schema schema = { "test.db", 4711, migrations, 1, NULL, 0 };

static enum status try_open(const struct folder *folder, struct fault *fault)
{
    struct database database;
    enum status status = database_open(&database, &schema, folder->path, true, fault);
    if (status == STATUS_OK) {
        database_close(&database);
    }
    return status;
}

/* Some rows, some of them on pages of their own, and some pages that are free again. */
static void fill(const struct folder *folder)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "INSERT INTO t WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k "
             "< %d) SELECT k, hex(k * 7919), zeroblob(k * 53) FROM n;"
             "DELETE FROM t WHERE a %% 7 = 0 OR a > 55",
             ROWS);
    sql_run(folder, "test.db", sql);
}

static struct folder filled(void)
{
    struct folder folder = folder_make();
    struct fault fault;
    ck_assert_int_eq(try_open(&folder, &fault), STATUS_OK);
    fill(&folder);
    return folder;
}

/* Everything in the file, by the table and by the index. False: SQLite refused to read it. */
static bool read_all(const struct folder *folder, char text[1 << 16])
{
    char path[PATH_MAX];
    sqlite3 *sqlite;
    sqlite3_stmt *prepared = NULL;
    size_t n = 0;
    folder_path(folder, "test.db", path);
    ck_assert_int_eq(sqlite3_open(path, &sqlite), SQLITE_OK);
    int result = sqlite3_prepare_v2(sqlite,
                                    "SELECT a, b, length(c), hex(c) = hex(zeroblob(a * 53)) FROM t "
                                    "UNION ALL SELECT 0, group_concat(b), 0, 0 FROM (SELECT b "
                                    "FROM t INDEXED BY t_b WHERE b > '' ORDER BY b)",
                                    -1, &prepared, NULL);
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        result = sqlite3_step(prepared);
        for (int k = 0; result == SQLITE_ROW && k < 4; k++) {
            n += (size_t)snprintf(text + n, (1 << 16) - n, "%s ",
                                  (const char *)sqlite3_column_text(prepared, k));
        }
    }
    sqlite3_finalize(prepared);
    sqlite3_close(sqlite);
    ck_assert_msg(result == SQLITE_DONE || result == SQLITE_CORRUPT || result == SQLITE_NOTADB ||
                      result == SQLITE_CANTOPEN,
                  "%s", sqlite3_errstr(result));
    return result == SQLITE_DONE;
}

struct image {
    unsigned char *bytes;
    size_t n;
};

static struct image load(const struct folder *folder)
{
    char path[PATH_MAX];
    struct stat info;
    folder_path(folder, "test.db", path);
    ck_assert_int_eq(stat(path, &info), 0);
    struct image image = { .bytes = malloc((size_t)info.st_size), .n = (size_t)info.st_size };
    FILE *file = fopen(path, "rb");
    ck_assert(file && image.bytes && fread(image.bytes, 1, image.n, file) == image.n);
    fclose(file);
    return image;
}

static void store(const struct folder *folder, const unsigned char *bytes, size_t n)
{
    char path[PATH_MAX];
    folder_path(folder, "test.db", path);
    FILE *file = fopen(path, "wb");
    ck_assert(file && fwrite(bytes, 1, n, file) == n);
    ck_assert_int_eq(fclose(file), 0);
}

/* Whether it was found; if it was not, what is read is what was there before. */
static bool is_found(const struct folder *folder, const char *before)
{
    static char text[1 << 16];
    bool is_read = read_all(folder, text);
    ck_assert_msg(!is_read || strcmp(text, before) == 0, "other rows were read in silence");
    return !is_read;
}

TEST(no_flip_of_a_bit_is_read_as_another_row)
{
    static char before[1 << 16];
    struct folder folder = filled();
    ck_assert(read_all(&folder, before));
    struct image image = load(&folder);
    size_t n_found = 0, n_tried = 0;
    ck_assert_uint_gt(image.n, (size_t)(20 * PAGE));
    for (size_t at = 0; at < image.n; at += at < 120 ? 1 : 211) {
        image.bytes[at] ^= (unsigned char)(1 << at % 8);
        store(&folder, image.bytes, image.n);
        n_found += is_found(&folder, before);
        n_tried++;
        image.bytes[at] ^= (unsigned char)(1 << at % 8);
    }
    ck_assert_msg(n_found > n_tried / 2, "%zu of %zu", n_found, n_tried); /* others are free */
    free(image.bytes);
    folder_remove(&folder);
}

TEST(no_sector_that_is_zeroed_or_moved_and_no_cut_is_read_as_another_row)
{
    static char before[1 << 16];
    struct folder folder = filled();
    ck_assert(read_all(&folder, before));
    struct image image = load(&folder);
    unsigned char *copy = malloc(image.n);
    ck_assert_ptr_nonnull(copy);
    for (size_t at = 0; at < image.n; at += 512) {
        memcpy(copy, image.bytes, image.n);
        memset(copy + at, 0, 512);
        store(&folder, copy, image.n);
        is_found(&folder, before);
        memcpy(copy, image.bytes, image.n);
        memcpy(copy + at / PAGE * PAGE, image.bytes + at / 512 % (image.n / PAGE) * PAGE, PAGE);
        store(&folder, copy, image.n);
        is_found(&folder, before);
        store(&folder, image.bytes, at + 100);
        is_found(&folder, before);
    }
    free(copy);
    free(image.bytes);
    folder_remove(&folder);
}

/* As an earlier release wrote it. */
static struct folder filled_without(void)
{
    struct folder folder = folder_make();
    char path[PATH_MAX];
    sqlite3 *sqlite;
    folder_path(&folder, "test.db", path);
    ck_assert_int_eq(
        sqlite3_open_v2(path, &sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix"),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(sqlite, migrations[0].sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(sqlite,
                                  "PRAGMA journal_mode = WAL; PRAGMA application_id = 4711; PRAGMA "
                                  "user_version = 1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(sqlite);
    fill(&folder);
    ck_assert(!page_checksums_are_in(path));
    return folder;
}

TEST(a_file_without_checksums_gets_them_and_keeps_its_rows)
{
    static char before[1 << 16], after[1 << 16];
    struct folder folder = filled_without();
    struct fault fault;
    char path[PATH_MAX];
    ck_assert(read_all(&folder, before));
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(try_open(&folder, &fault), STATUS_OK);
        folder_path(&folder, "test.db", path);
        ck_assert(page_checksums_are_in(path));
        ck_assert(read_all(&folder, after));
        ck_assert_str_eq(before, after);
        ck_assert_int_eq(sql_ask(&folder, "test.db", "PRAGMA user_version"), 1);
        ck_assert_int_eq(sql_ask(&folder, "test.db", "PRAGMA application_id"), 4711);
        struct stat info;
        ck_assert(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
    }
    folder_path(&folder, "test.db.new", path);
    ck_assert_int_ne(access(path, F_OK), 0);
    folder_remove(&folder);
}

TEST(a_file_that_cannot_be_given_checksums_is_used_without)
{
    static char before[1 << 16], after[1 << 16];
    struct folder folder = filled_without();
    struct fault fault;
    char path[PATH_MAX];
    ck_assert(read_all(&folder, before));
    folder_add(&folder, "test.db.new"); /* in the way */
    folder_add(&folder, "test.db.new/x");
    ck_assert_int_eq(try_open(&folder, &fault), STATUS_OK);
    folder_path(&folder, "test.db", path);
    ck_assert(!page_checksums_are_in(path));
    ck_assert(read_all(&folder, after));
    ck_assert_str_eq(before, after);
    folder_remove(&folder);
}
