/* Migrations in general: a file of any older format becomes one of the newest, or stays as it was.
 */
#include "failing_memory.h"
#include "store/database_open.h"
#include "store_support.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 20000, N_FORMATS = 3, APPLICATION_ID = 4711 };

/* The second makes the table anew, which is much to write. */
static const struct statement migrations[N_FORMATS] = {
    { "create the tables", "CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT;" },
    { "double the rows", "CREATE TABLE u (a INTEGER PRIMARY KEY, b TEXT NOT NULL) STRICT;"
                         "INSERT INTO u SELECT a, hex(zeroblob(100)) FROM t; DROP TABLE t; ALTER "
                         "TABLE u RENAME TO t;" },
    { "add a column", "ALTER TABLE t ADD COLUMN c INTEGER NOT NULL DEFAULT 5;" },
};

static const struct database_schema schemas[N_FORMATS + 1] = {
    [1] = { "test.db", APPLICATION_ID, migrations, 1, NULL, 0 },
    [2] = { "test.db", APPLICATION_ID, migrations, 2, NULL, 0 },
    [3] = { "test.db", APPLICATION_ID, migrations, 3, NULL, 0 },
};

static enum status try_open(const struct folder *folder, const struct database_schema *schema,
                            struct fault *fault)
{
    struct database database;
    enum status status = database_open(&database, schema, folder->path, true, fault);
    if (status == STATUS_OK) {
        database_close(&database);
    }
    return status;
}

static void make(const struct folder *folder, size_t format)
{
    struct fault fault;
    ck_assert_int_eq(try_open(folder, &schemas[format], &fault), STATUS_OK);
}

static int64_t ask(const struct folder *folder, const char *sql)
{
    return sql_ask(folder, "test.db", sql);
}

/* A file of format 1 with many rows. */
static struct folder filled(void)
{
    char sql[160];
    struct folder folder = folder_make();
    make(&folder, 1);
    snprintf(sql, sizeof sql,
             "INSERT INTO t WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n"
             " WHERE k < %d) SELECT k FROM n",
             ROWS);
    sql_run(&folder, "test.db", sql);
    return folder;
}

static void assert_as_it_was(const struct folder *folder)
{
    ck_assert_int_eq(ask(folder, "PRAGMA user_version"), 1);
    ck_assert_int_eq(ask(folder, "SELECT count(*) FROM sqlite_schema"), 1);
    ck_assert_int_eq(ask(folder, "SELECT count(*) FROM pragma_table_info('t')"), 1);
    ck_assert_int_eq(ask(folder, "SELECT sum(a) FROM t"), (int64_t)ROWS * (ROWS + 1) / 2);
    make(folder, 1); /* and the former grud still opens it */
}

static void assert_newest(const struct folder *folder)
{
    ck_assert_int_eq(ask(folder, "PRAGMA user_version"), N_FORMATS);
    ck_assert_int_eq(ask(folder, "PRAGMA application_id"), APPLICATION_ID);
    ck_assert_int_eq(ask(folder, "SELECT count(*) FROM pragma_table_info('t')"), 3);
}

TEST(a_new_file_is_made_by_all_migrations)
{
    struct folder folder = folder_make();
    make(&folder, N_FORMATS);
    assert_newest(&folder);
    folder_remove(&folder);
}

TEST(a_file_of_any_older_format_gets_the_rest_and_keeps_its_rows)
{
    for (size_t format = 1; format <= N_FORMATS; format++) {
        struct folder folder = filled();
        make(&folder, format);
        make(&folder, N_FORMATS);
        make(&folder, N_FORMATS);
        assert_newest(&folder);
        ck_assert_int_eq(ask(&folder, "SELECT sum(a) FROM t"), (int64_t)ROWS * (ROWS + 1) / 2);
        ck_assert_int_eq(ask(&folder, "SELECT count(*) FROM t WHERE c = 5"), ROWS);
        folder_remove(&folder);
    }
}

TEST(a_migration_that_fails_leaves_the_file_as_it_was)
{
    struct folder folder = filled();
    struct statement failing[N_FORMATS];
    struct database_schema schema = schemas[N_FORMATS];
    struct fault fault;
    memcpy(failing, migrations, sizeof failing);
    failing[2].sql = "ALTER TABLE t ADD COLUMN c TEXT; ALTER TABLE none ADD COLUMN c TEXT;";
    schema.migrations = failing;
    ck_assert_int_eq(try_open(&folder, &schema, &fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, "cannot add a column in ") &&
                      strstr(fault.message, "no such table: none"),
                  "%s", fault.message);
    assert_as_it_was(&folder);
    folder_remove(&folder);
}

TEST(a_full_disk_leaves_the_file_as_it_was)
{
    struct folder folder = filled();
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, limit;
    struct fault fault;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 1 << 20; /* the log has to take 4 MB */
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum status status = try_open(&folder, &schemas[N_FORMATS], &fault);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(status, STATUS_STORAGE_FAILED);
    assert_as_it_was(&folder);
    make(&folder, N_FORMATS); /* and once there is room, it goes on */
    assert_newest(&folder);
    (void)signal(SIGXFSZ, handler);
    folder_remove(&folder);
}

TEST(without_memory_a_migration_is_done_wholly_or_not_at_all)
{
    memory_instrument();
    struct folder folder = filled();
    enum status status = STATUS_NO_MEMORY;
    for (long n = 1; status != STATUS_OK; n += 1 + n / 16) {
        struct fault fault;
        memory_fail(n);
        status = try_open(&folder, &schemas[N_FORMATS], &fault);
        memory_fail(0);
        ck_assert_msg(status == STATUS_OK || status == STATUS_NO_MEMORY, "%ld: %s", n,
                      fault.message);
        if (ask(&folder, "PRAGMA user_version") == 1) {
            ck_assert_int_ne(status, STATUS_OK);
            assert_as_it_was(&folder);
        } else { /* it failed later */
            assert_newest(&folder);
        }
    }
    assert_newest(&folder);
    ck_assert_int_eq(ask(&folder, "SELECT sum(a) FROM t"), (int64_t)ROWS * (ROWS + 1) / 2);
    folder_remove(&folder);
    memory_restore();
}

/* ---- a process that is killed ---- */

static void die(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)context;
    (void)n;
    (void)values;
    (void)raise(SIGKILL);
}

/* Every connection has a function that kills its process. */
static int add_die(sqlite3 *sqlite, const char **message, const struct sqlite3_api_routines *api)
{
    (void)message;
    (void)api;
    return sqlite3_create_function_v2(sqlite, "die", 0, SQLITE_UTF8, NULL, die, NULL, NULL, NULL);
}

TEST(a_process_that_is_killed_within_a_migration_leaves_the_file_as_it_was)
{
    struct folder folder = filled();
    struct statement deadly[N_FORMATS];
    struct database_schema schema = schemas[N_FORMATS];
    int status;
    memcpy(deadly, migrations, sizeof deadly);
    deadly[2].sql =
        "ALTER TABLE t ADD COLUMN c TEXT; PRAGMA cache_size = 0; UPDATE t SET b = b || 'x';"
        "SELECT die();";
    schema.migrations = deadly;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct fault fault;
        sqlite3_auto_extension((void (*)(void))add_die);
        (void)try_open(&folder, &schema, &fault);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_as_it_was(&folder);
    make(&folder, N_FORMATS);
    assert_newest(&folder);
    folder_remove(&folder);
}

/* ---- what is refused ---- */

static void assert_refused(const struct folder *folder, const char *words)
{
    struct fault fault;
    int64_t before = ask(folder, "PRAGMA user_version");
    ck_assert_int_eq(try_open(folder, &schemas[1], &fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, words) != NULL, "%s", fault.message);
    ck_assert(fault.error != 0); /* it lasts: no use in trying again */
    ck_assert_int_eq(ask(folder, "PRAGMA user_version"), before);
}

TEST(a_newer_format_is_refused_with_both_numbers)
{
    struct folder folder = folder_make();
    make(&folder, N_FORMATS);
    assert_refused(&folder, "has format 3, but this version of grud reads up to 1: ");
    folder_remove(&folder);
}

TEST(a_digest_that_no_release_had_is_refused)
{
    struct folder folder = folder_make();
    make(&folder, 1);
    sql_run(&folder, "test.db",
            "PRAGMA application_id = 0x67727564; PRAGMA user_version = 123456789");
    assert_refused(&folder, "has format 123456789, but this version of grud reads up to 1: ");
    sql_run(&folder, "test.db", "PRAGMA user_version = 1");
    assert_refused(&folder, "has format 1, ");
    folder_remove(&folder);
}

TEST(numbers_that_are_no_format_are_refused)
{
    struct folder folder = folder_make();
    make(&folder, 1);
    sql_run(&folder, "test.db", "PRAGMA user_version = 0");
    assert_refused(&folder, "has format 0, ");
    sql_run(&folder, "test.db", "PRAGMA user_version = -1");
    assert_refused(&folder, "has format -1, ");
    sql_run(&folder, "test.db", "PRAGMA user_version = 1; PRAGMA application_id = 1");
    assert_refused(&folder, "another program's database");
    folder_remove(&folder);
}
