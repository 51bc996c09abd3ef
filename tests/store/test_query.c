/* Rows as structs: what is written comes back, and what does not fit a field never reaches it. */
#include "store/query.h"

#include "store/database_open.h"
#include "store_support.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 3, TEXT_BYTES = 8, N_REALS = 3 };

struct thing {
    int64_t integer;
    uint64_t count;
    unsigned number;
    size_t size;
    int choice;
    bool flag;
    double real;
    char text[TEXT_BYTES];
    double reals[N_REALS];
    enum status status;
};

#define THING_COLUMNS(X)                                                                           \
    X(integer, INTEGER, integer, 0)                                                                \
    X(count, COUNT, count, 0)                                                                      \
    X(number, NUMBER, number, 0)                                                                   \
    X(size, SIZE, size, 0)                                                                         \
    X(choice, CHOICE, choice, MOST)                                                                \
    X(flag, FLAG, flag, 0)                                                                         \
    X(real, REAL, real, 0)                                                                         \
    X(text, TEXT, text, 0)                                                                         \
    X(reals, BYTES, reals, 0)                                                                      \
    X(status, STATUS, status, 0)
#define COLUMN_OF_THING(column, type, field, most) COLUMN_OF(thing, column, type, field, most),

static const struct query_column columns[] = { THING_COLUMNS(COLUMN_OF_THING) };
enum { N_COLUMNS = sizeof columns / sizeof *columns };

enum { ADD, READ, ADD_BLOB, READ_BLOB, N_STATEMENTS };

/* Columns without types, so that anything may stand in them. */
static const struct statement migrations[] = {
    { "create the tables", "CREATE TABLE things (n INTEGER PRIMARY KEY" THING_COLUMNS(
                               COLUMN_NAMED) ");"
                                             "CREATE TABLE blobs (bytes)" }
};
static const struct statement statements[N_STATEMENTS] = {
    [ADD] = { "add the thing", "INSERT INTO things (n" THING_COLUMNS(
                                   COLUMN_NAMED) ") VALUES "
                                                 "(NULL" THING_COLUMNS(COLUMN_MARK) ")" },
    [READ] = { "read the things", "SELECT n" THING_COLUMNS(COLUMN_NAMED) " FROM things" },
    [ADD_BLOB] = { "add the bytes", "INSERT INTO blobs VALUES (?)" },
    [READ_BLOB] = { "read the bytes", "SELECT bytes FROM blobs" }
};
static const struct database_schema schema = { "things.db", 4711,       migrations,
                                               1,           statements, N_STATEMENTS };

static void begin(struct database *database)
{
    struct fault fault;
    enum status status = database_open(database, &schema, "", true, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
}

static void execute(struct database *database, const char *sql)
{
    struct fault fault;
    enum status status = database_execute(database, "change", sql, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
}

static void add(struct database *database, const struct thing *thing)
{
    struct query query;
    struct fault fault;
    query_start(&query, database, ADD);
    query_put_columns(&query, columns, N_COLUMNS, thing);
    enum status status = query_run(&query, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
}

/* The first one. */
static enum status read_thing(struct database *database, struct thing *ret_thing,
                              struct fault *fault)
{
    struct query query;
    bool row;
    query_start(&query, database, READ);
    ck_assert_int_eq(query_next(&query, &row, fault), STATUS_OK);
    ck_assert(row);
    query_get_integer(&query, 1, INT64_MAX);
    query_get_columns(&query, columns, N_COLUMNS, ret_thing);
    enum status status = query_check(&query, fault);
    query_done(&query);
    return status;
}

static const struct thing ordinary = { .integer = -7,
                                       .count = 8,
                                       .number = 9,
                                       .size = 10,
                                       .choice = 2,
                                       .flag = true,
                                       .real = 0.1,
                                       .text = "hello",
                                       .reals = { 0.5, 2 },
                                       .status = STATUS_MODEL_NOT_FOUND };

static void expect_same_thing(const struct thing *a, const struct thing *b)
{
    ck_assert_int_eq(a->integer, b->integer);
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_uint_eq(a->size, b->size);
    ck_assert_int_eq(a->choice, b->choice);
    ck_assert_int_eq(a->flag, b->flag);
    assert_real_equal(a->real, b->real);
    ck_assert_str_eq(a->text, b->text);
    ck_assert_mem_eq(a->reals, b->reals, sizeof a->reals);
    ck_assert_int_eq(a->status, b->status);
}

/* ---- what fits ---- */

TEST(every_value_that_a_field_can_have_comes_back)
{
    const struct thing things[] = {
        ordinary,
        { .integer = INT64_MIN, .real = -0.0, .text = "" },
        { .integer = INT64_MAX,
          .count = UINT64_MAX,
          .number = UINT_MAX,
          .size = INT64_MAX,
          .choice = MOST,
          .flag = true,
          .real = INFINITY,
          .text = "1234567",
          .reals = { 0, 0, -0.1 },
          .status = STATUS_COUNT - 1 },
        { .count = UINT64_C(1) << 63, .real = NAN },
        { .real = 5e-324 },
    };
    for (size_t k = 0; k < sizeof things / sizeof *things; k++) {
        struct database database;
        struct thing thing;
        struct fault fault;
        begin(&database);
        add(&database, &things[k]);
        memset(&thing, 0xff, sizeof thing);
        ck_assert_int_eq(read_thing(&database, &thing, &fault), STATUS_OK);
        expect_same_thing(&thing, &things[k]);
        database_close(&database);
    }
}

TEST(each_status_is_stored_as_its_code)
{
    struct database database;
    begin(&database);
    for (enum status status = STATUS_OK; status < STATUS_COUNT; status++) {
        struct thing thing = ordinary;
        struct fault fault;
        char sql[128];
        thing.status = status;
        execute(&database, "DELETE FROM things");
        add(&database, &thing);
        ck_assert_int_eq(read_thing(&database, &thing, &fault), STATUS_OK);
        ck_assert_int_eq(thing.status, status);
        snprintf(sql, sizeof sql, "DELETE FROM things WHERE status = '%s'", status_code(status));
        execute(&database, sql);
        ck_assert_int_eq(sqlite3_changes(database.sqlite), 1);
    }
    database_close(&database);
}

/* ---- what does not ---- */

TEST(what_does_not_fit_its_field_is_damage_and_leaves_the_others_alone)
{
    static const char *const wild[] = {
        "integer = '7'",
        "integer = 7.5",
        "integer = NULL",
        "count = 'many'",
        "number = -1",
        "number = 1 << 32",
        "size = -1",
        "choice = 4",
        "choice = -1",
        "flag = 2",
        "flag = -1",
        "real = 1",
        "real = 'x'",
        "text = NULL",
        "text = 5",
        "text = x'61'",
        "text = '12345678'",
        "text = 'a' || char(0) || 'b'",
        "status = 'no such'",
        "status = ''",
        "status = 3",
        "status = NULL",
        "reals = zeroblob(25)",
        "reals = 'x'",
        "reals = NULL",
    };
    for (size_t k = 0; k < sizeof wild / sizeof *wild; k++) {
        struct database database;
        struct thing thing;
        struct fault fault;
        char sql[128];
        begin(&database);
        add(&database, &ordinary);
        snprintf(sql, sizeof sql, "UPDATE things SET %s", wild[k]);
        execute(&database, sql);
        ck_assert_msg(read_thing(&database, &thing, &fault) == STATUS_STORAGE_FAILED, "%s",
                      wild[k]);
        ck_assert_msg(strstr(fault.message, "is damaged") != NULL, "%s", fault.message);
        ck_assert(!fault_may_pass(&fault));
        ck_assert(thing.choice >= 0 && thing.choice <= MOST && thing.status < STATUS_COUNT);
        ck_assert_uint_lt(strnlen(thing.text, TEXT_BYTES), TEXT_BYTES);
        ck_assert(thing.integer == ordinary.integer || k < 3);
        ck_assert(thing.size == ordinary.size || strncmp(wild[k], "size", 4) == 0);
        database_close(&database);
    }
}

/* ---- bytes ---- */

TEST(no_bytes_and_an_empty_blob_are_told_apart)
{
    struct database database;
    struct query query;
    struct fault fault;
    size_t n;
    bool row;
    begin(&database);
    execute(&database, "INSERT INTO blobs VALUES (NULL), (x''), (x'00ff'), ('ab')");
    query_start(&query, &database, READ_BLOB);
    ck_assert(query_next(&query, &row, &fault) == STATUS_OK && row);
    ck_assert(query_get_blob(&query, &n) == NULL && n == 0);
    ck_assert(query_next(&query, &row, &fault) == STATUS_OK && row);
    ck_assert(query_get_blob(&query, &n) != NULL && n == 0);
    ck_assert(query_next(&query, &row, &fault) == STATUS_OK && row);
    const char *bytes = query_get_blob(&query, &n);
    ck_assert(n == 2 && memcmp(bytes, "\x00\xff", 2) == 0);
    ck_assert_int_eq(query_check(&query, &fault), STATUS_OK);
    ck_assert(query_next(&query, &row, &fault) == STATUS_OK && row);
    ck_assert(query_get_blob(&query, &n) == NULL && n == 0); /* a text */
    ck_assert_int_eq(query_check(&query, &fault), STATUS_STORAGE_FAILED);
    query_done(&query);
    database_close(&database);
}

/* ---- uses of one statement ---- */

static void add_bytes(struct database *database, const void *bytes, size_t n)
{
    struct query query;
    struct fault fault;
    query_start(&query, database, ADD_BLOB);
    if (bytes) {
        query_put_blob(&query, bytes, n);
    }
    ck_assert_int_eq(query_run(&query, &fault), STATUS_OK);
}

TEST(nothing_of_one_use_is_left_for_the_next)
{
    struct database database;
    begin(&database);
    add_bytes(&database, "abc", 3);
    add_bytes(&database, NULL, 0);
    execute(&database, "DELETE FROM blobs WHERE bytes IS NULL");
    ck_assert_int_eq(sqlite3_changes(database.sqlite), 1);
    execute(&database, "DELETE FROM blobs WHERE bytes = x'616263'");
    ck_assert_int_eq(sqlite3_changes(database.sqlite), 1);
    database_close(&database);
}

TEST(a_parameter_that_is_not_there_fails_the_whole)
{
    struct database database;
    struct query query;
    struct fault fault;
    begin(&database);
    query_start(&query, &database, ADD_BLOB);
    query_put_blob(&query, "a", 1);
    query_put_integer(&query, 2);
    ck_assert_int_eq(query_run(&query, &fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, "cannot add the bytes in ") != NULL, "%s", fault.message);
    execute(&database, "DELETE FROM blobs");
    ck_assert_int_eq(sqlite3_changes(database.sqlite), 0);
    database_close(&database);
}

/* Its thread had no time to undo it, as after a failure for want of memory. */
TEST(a_use_outside_a_transaction_begins_with_what_one_left_undone)
{
    struct database database;
    struct fault fault;
    begin(&database);
    ck_assert_int_eq(database_begin(&database, &fault), STATUS_OK);
    add_bytes(&database, "lost", 4);
    database.is_in_transaction = false;
    add_bytes(&database, "kept", 4);
    execute(&database, "DELETE FROM blobs");
    ck_assert_int_eq(sqlite3_changes(database.sqlite), 1);
    database_close(&database);
}
