/* Which numbers a model's versions had, and which one is active: what is kept beside the files. */
#include "store/files.h"
#include "store_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct folder make_data(void)
{
    struct folder data = folder_make();
    struct fault fault;
    int lock;
    ck_assert_int_eq(files_open_data(data.path, &lock, &fault), STATUS_OK);
    close(lock);
    return data;
}

static void make_folder(const struct folder *data, const char *rest)
{
    char path[PATH_MAX];
    folder_path(data, rest, path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void write_text(const struct folder *data, const char *rest, const char *text)
{
    char path[PATH_MAX];
    folder_path(data, rest, path);
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot create %s", path);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void expect_text(const struct folder *data, const char *rest, const char *text)
{
    char path[PATH_MAX], got[64];
    folder_path(data, rest, path);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    got[fread(got, 1, sizeof got - 1, file)] = '\0';
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_str_eq(got, text);
}

/* The number of another version of m. */
static unsigned store(const struct folder *data)
{
    struct file_version version;
    struct fault fault;
    enum status status = files_write_version(data->path, "m", 1, "x", 1, &version, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return version.number;
}

/* ---- those that were given ---- */

static enum status discard(const struct folder *data, unsigned number, struct fault *fault)
{
    bool is_durable = false;
    enum status status = files_delete_version(data->path, "m", number, &is_durable, fault);
    ck_assert(is_durable == (status == STATUS_OK));
    return status;
}

static unsigned next_number(const struct folder *data)
{
    struct fault fault;
    unsigned number = 42;
    ck_assert_int_eq(files_next_version(data->path, "m", 1, &number, &fault), STATUS_OK);
    return number;
}

static bool is_there(const struct folder *data, const char *rest)
{
    char path[PATH_MAX];
    folder_path(data, rest, path);
    return access(path, F_OK) == 0;
}

TEST(the_number_of_a_deleted_version_is_not_given_again)
{
    struct folder data = make_data();
    struct fault fault;
    ck_assert_uint_eq(next_number(&data), 1); /* there is no folder yet */
    for (unsigned k = 1; k <= 12; k++) {
        ck_assert_uint_eq(store(&data), k);
    }
    ck_assert_int_eq(discard(&data, 5, &fault), STATUS_OK);
    ck_assert(!is_there(&data, "models/m/newest")); /* the others show it */
    static const unsigned order[] = { 12, 12, 10, 11, 9 };
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        ck_assert_int_eq(discard(&data, order[k], &fault), STATUS_OK);
        expect_text(&data, "models/m/newest", "12\n");
        ck_assert_uint_eq(next_number(&data), 13);
    }
    ck_assert_uint_eq(store(&data), 13);
    ck_assert_int_eq(discard(&data, 13, &fault), STATUS_OK);
    for (unsigned k = 1; k <= 8; k++) {
        ck_assert_int_eq(discard(&data, k, &fault), STATUS_OK);
    }
    ck_assert_uint_eq(store(&data), 14);
    folder_remove(&data);
}

/* It was killed, or the disk refused, between the two. */
TEST(a_number_that_is_noted_before_its_file_is_gone_does_no_harm)
{
    struct folder data = make_data();
    struct fault fault;
    store(&data);
    store(&data);
    write_text(&data, "models/m/newest", "2\n");
    ck_assert_uint_eq(next_number(&data), 3);
    ck_assert_int_eq(discard(&data, 2, &fault), STATUS_OK);
    ck_assert_uint_eq(next_number(&data), 3);
    folder_remove(&data);
}

TEST(a_version_whose_number_cannot_be_noted_is_not_deleted)
{
    struct folder data = make_data();
    struct fault fault;
    store(&data);
    store(&data);
    make_folder(&data, "models/m/newest.tmp"); /* in the way */
    ck_assert_int_eq(discard(&data, 2, &fault), STATUS_STORAGE_FAILED);
    ck_assert(is_there(&data, "models/m/2.safetensors") && !is_there(&data, "models/m/newest"));
    ck_assert_int_eq(discard(&data, 1, &fault), STATUS_OK); /* which needs no note, and no room */
    folder_remove(&data);
}

TEST(a_note_that_makes_no_sense_is_not_taken_for_none)
{
    struct folder data = make_data();
    static const char *const texts[] = { "", "x", "\n", "0\n", "2147483648\n", "-1\n" };
    struct file_version version = { .number = 42 };
    struct fault fault;
    unsigned number = 42;
    store(&data);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        write_text(&data, "models/m/newest", texts[k]);
        ck_assert_int_eq(files_next_version(data.path, "m", 1, &number, &fault),
                         STATUS_STORAGE_FAILED);
        ck_assert(number == 42 && strstr(fault.message, "models/m/newest does not hold a number"));
        ck_assert_int_eq(files_write_version(data.path, "m", 1, "x", 1, &version, &fault),
                         STATUS_STORAGE_FAILED);
        ck_assert_int_eq(discard(&data, 1, &fault), STATUS_STORAGE_FAILED);
    }
    ck_assert(version.number == 42 && is_there(&data, "models/m/1.safetensors"));
    folder_remove(&data);
}

/* ---- the active version ---- */

static unsigned active_version(const struct folder *data, const char *name)
{
    struct fault fault;
    unsigned number = 42;
    ck_assert_int_eq(files_read_active(data->path, name, &number, &fault), STATUS_OK);
    return number;
}

TEST(the_active_version_is_remembered)
{
    struct folder data = make_data();
    struct fault fault;
    static const unsigned numbers[] = { 1, 7, 2147483647, 3 };
    ck_assert_uint_eq(active_version(&data, "m"), 0);
    for (size_t k = 0; k < 4; k++) {
        bool is_durable = false;
        ck_assert_int_eq(files_write_active(data.path, "m", numbers[k], &is_durable, &fault),
                         STATUS_OK);
        ck_assert(is_durable);
        ck_assert_uint_eq(active_version(&data, "m"), numbers[k]);
        ck_assert_uint_eq(active_version(&data, "n"), 0);
    }
    folder_remove(&data);
}

TEST(an_active_file_that_makes_no_sense_says_none)
{
    struct folder data = make_data();
    static const char *const texts[] = { "", "x", "\n", " ", "0\n", "active 3" };
    make_folder(&data, "models/m");
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        write_text(&data, "models/m/active", texts[k]);
        ck_assert_uint_eq(active_version(&data, "m"), 0);
    }
    folder_remove(&data);
}

TEST(an_active_file_that_cannot_be_read_is_not_taken_for_none)
{
    struct folder data = make_data();
    struct fault fault;
    unsigned number = 42;
    make_folder(&data, "models/m");
    make_folder(&data, "models/m/active");
    ck_assert_int_eq(files_read_active(data.path, "m", &number, &fault), STATUS_STORAGE_FAILED);
    ck_assert(number == 42 && strstr(fault.message, "models/m/active"));
    folder_remove(&data);
}
