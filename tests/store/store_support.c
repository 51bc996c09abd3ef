#include "store_support.h"

#include "store/files.h"
#include "test.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- folders ---- */

static int remove_entry(const char *path, const struct stat *file, int type, struct FTW *walk)
{
    (void)file;
    (void)type;
    (void)walk;
    return remove(path);
}

static struct folder make_in(const char *parent)
{
    struct folder folder;
    snprintf(folder.path, sizeof folder.path, "%s/grud-store-XXXXXX", parent);
    ck_assert_ptr_nonnull(mkdtemp(folder.path));
    return folder;
}

struct folder folder_make(void)
{
    return make_in("/tmp");
}

struct folder folder_make_in_memory(void)
{
    return make_in("/dev/shm");
}

void folder_remove(const struct folder *folder)
{
    int failed = nftw(folder->path, remove_entry, 8,
                      FTW_DEPTH | FTW_PHYS); /* NOLINT(concurrency-mt-unsafe) */
    ck_assert_int_eq(failed, 0);
}

void folder_path(const struct folder *folder, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", folder->path, name);
}

void folder_add(const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    folder_path(folder, name, path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

void text_write(const struct folder *folder, const char *name, const char *text)
{
    char path[PATH_MAX];
    folder_path(folder, name, path);
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot create %s", path);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

struct folder data_make(void)
{
    struct folder data = folder_make();
    struct fault fault;
    struct files_lock lock;
    ck_assert_int_eq(files_open_data(data.path, &lock, &fault), STATUS_OK);
    files_unlock(&lock);
    return data;
}

/* ---- SQL ---- */

void sql_run(const struct folder *folder, const char *name, const char *sql)
{
    char path[PATH_MAX];
    sqlite3 *sqlite;
    char *message = NULL;
    folder_path(folder, name, path);
    ck_assert_int_eq(sqlite3_open(path, &sqlite), SQLITE_OK);
    int result = sqlite3_exec(sqlite, sql, NULL, NULL, &message);
    ck_assert_msg(result == SQLITE_OK, "%s: %s", sql, message);
    sqlite3_close(sqlite);
}

int64_t sql_ask(const struct folder *folder, const char *name, const char *sql)
{
    char path[PATH_MAX];
    sqlite3 *sqlite;
    sqlite3_stmt *prepared;
    folder_path(folder, name, path);
    ck_assert_int_eq(sqlite3_open(path, &sqlite), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(sqlite, sql, -1, &prepared, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(prepared), SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(prepared, 0);
    sqlite3_finalize(prepared);
    sqlite3_close(sqlite);
    return answer;
}
