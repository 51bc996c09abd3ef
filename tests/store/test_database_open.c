/* Opening a database: what it is when it is open, and with what it is refused. */
#include "store/database_open.h"

#include "store_support.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct statement migrations[] = {
    { "create the tables", "CREATE TABLE notes (note TEXT NOT NULL) STRICT" }
};
static const struct statement statements[] = { { "count the notes",
                                                 "SELECT count(*) FROM notes" } };
static const struct statement wrong[] = { { "count the notes", "SELECT count(*) FROM notes" },
                                          { "count the words", "SELECT count(*) FROM words" } };
static const struct database_schema schema = { "notes.db", 4711, migrations, 1, statements, 1 },
                                    wrong_schema = { "notes.db", 4711, migrations, 1, wrong, 2 };

static void open_whole(struct database *database, const char *data, bool full_sync)
{
    struct fault fault;
    enum status status = database_open(database, &schema, data, full_sync, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
}

static void add_note(struct database *database)
{
    struct fault fault;
    ck_assert_int_eq(
        database_execute(database, "add a note", "INSERT INTO notes VALUES ('x')", &fault),
        STATUS_OK);
}

static int ask(struct database *database, const char *sql)
{
    sqlite3_stmt *prepared;
    struct fault fault;
    ck_assert_int_eq(database_prepare(database, "ask", sql, &prepared, &fault), STATUS_OK);
    ck_assert_int_eq(sqlite3_step(prepared), SQLITE_ROW);
    int answer = sqlite3_column_int(prepared, 0);
    sqlite3_finalize(prepared);
    return answer;
}

static int count_notes(struct database *database)
{
    int n = sqlite3_step(database->prepared[0]) == SQLITE_ROW
                ? sqlite3_column_int(database->prepared[0], 0)
                : -1;
    sqlite3_reset(database->prepared[0]);
    return n;
}

/* That nothing is open, and what is said. */
static void expect_refused(const struct database_schema *wanted, const char *data,
                           const char *words)
{
    struct database database;
    struct fault fault;
    ck_assert_int_eq(database_open(&database, wanted, data, true, &fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, words) != NULL, "%s", fault.message);
    ck_assert_ptr_null(database.sqlite);
    ck_assert_ptr_null(database.prepared[0]);
}

/* ---- what is open ---- */

TEST(a_second_opening_sees_what_the_first_one_wrote)
{
    struct folder folder = folder_make();
    struct database first, second;
    open_whole(&first, folder.path, true);
    open_whole(&second, folder.path, true);
    add_note(&first);
    ck_assert_int_eq(count_notes(&second), 1);
    add_note(&second);
    ck_assert_int_eq(count_notes(&first), 2);
    database_close(&first);
    ck_assert_int_eq(count_notes(&second), 2);
    database_close(&second);
    folder_remove(&folder);
}

TEST(an_empty_file_is_a_new_database)
{
    struct folder folder = folder_make();
    struct database database;
    text_write(&folder, "notes.db", "");
    open_whole(&database, folder.path, true);
    ck_assert_int_eq(count_notes(&database), 0);
    database_close(&database);
    ck_assert_int_eq(sql_ask(&folder, "notes.db", "PRAGMA application_id"), 4711);
    folder_remove(&folder);
}

TEST(without_a_directory_databases_are_in_memory_and_each_is_another)
{
    struct database first, second;
    open_whole(&first, "", true);
    open_whole(&second, "", true);
    add_note(&first);
    ck_assert_int_eq(count_notes(&first), 1);
    ck_assert_int_eq(count_notes(&second), 0);
    ck_assert(first.is_in_memory);
    ck_assert_str_eq(first.path, "memory (notes.db)");
    ck_assert_int_ne(access(first.path, F_OK), 0);
    ck_assert_int_ne(access("/notes.db", F_OK), 0);
    database_close(&first);
    database_close(&second);
}

/* SQLite's numbers: 2 is FULL, 1 is NORMAL. */
TEST(each_change_is_synced_only_where_that_was_asked_for)
{
    for (int full_sync = 0; full_sync < 2; full_sync++) {
        struct folder folder = folder_make();
        struct database database;
        open_whole(&database, folder.path, full_sync);
        ck_assert_int_eq(ask(&database, "PRAGMA synchronous"), full_sync ? 2 : 1);
        database_close(&database);
        folder_remove(&folder);
    }
}

TEST(a_file_is_for_its_owner_only_whatever_the_mask)
{
    struct folder folder = folder_make();
    struct database database;
    static const char *const names[] = { "notes.db", "notes.db-wal", "notes.db-shm" };
    mode_t before = umask(0);
    open_whole(&database, folder.path, true);
    add_note(&database);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char path[PATH_MAX];
        struct stat info;
        folder_path(&folder, names[k], path);
        ck_assert_int_eq(stat(path, &info), 0);
        ck_assert_uint_eq(info.st_mode & 07777, 0600);
    }
    umask(before);
    database_close(&database);
    folder_remove(&folder);
}

/* ---- what is refused ---- */

TEST(a_statement_that_does_not_fit_the_tables_is_refused_by_its_task)
{
    struct folder folder = folder_make();
    expect_refused(&wrong_schema, folder.path, "cannot count the words in ");
    expect_refused(&wrong_schema, "", "no such table: words");
    folder_remove(&folder);
}

TEST(a_file_that_may_not_be_written_is_said_when_opened)
{
    struct folder folder = folder_make();
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, limit;
    struct database database;
    struct fault fault;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum status status = database_open(&database, &schema, folder.path, true, &fault);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(status, STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, folder.path) != NULL, "%s", fault.message);
    open_whole(&database, folder.path, true);
    database_close(&database);
    (void)signal(SIGXFSZ, handler);
    folder_remove(&folder);
}

TEST(a_file_that_is_no_database_is_refused)
{
    struct folder folder = folder_make();
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text_write(&folder, "notes.db", text);
    expect_refused(&schema, folder.path, "move it away");
    folder_remove(&folder);
}

TEST(a_missing_directory_and_a_folder_in_place_of_the_file_are_said)
{
    struct folder folder = folder_make();
    expect_refused(&schema, "/tmp/grud-store-gone",
                   "No such file or directory; make or mount /tmp/grud-store-gone,");
    folder_add(&folder, "notes.db");
    expect_refused(&schema, folder.path, "Is a directory");
    folder_remove(&folder);
}

TEST(a_path_that_is_too_long_is_refused)
{
    static char path[2 * PATH_MAX];
    memset(path, 'p', sizeof path - 1);
    expect_refused(&schema, path, "too long");
    path[PATH_MAX - strlen("/notes.db")] = '\0'; /* by one byte */
    expect_refused(&schema, path, "too long");
}
