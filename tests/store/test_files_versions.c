/* Which numbers a model's versions had, and which one is active: what is kept beside the files. */
#include "store/files.h"
#include "store_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static struct file_version stored(const struct folder *data, const char *name, unsigned number,
                                  const char *text)
{
    struct file_version version;
    struct fault fault;
    enum status status =
        files_write_version(data->path, name, number, text, strlen(text), &version, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return version;
}

/* The number of another version of m. */
static unsigned store(const struct folder *data)
{
    return stored(data, "m", 1, "x").number;
}

/* ---- versions ---- */

TEST(a_version_takes_the_number_after_all_that_there_are)
{
    struct folder data = data_make();
    struct file_version first = stored(&data, "m", 1, "first");
    ck_assert_uint_eq(first.number, 1);
    ck_assert_str_eq(first.name, "m");
    ck_assert(!first.read_only);
    text_write(&data, "models/m/3.safetensors", "third");
    struct file_version fourth = stored(&data, "m", 1, "fourth"); /* 2 may have been one once */
    ck_assert_uint_eq(fourth.number, 4);
    ck_assert_uint_eq(stored(&data, "m", 7, "seventh").number, 7); /* others lie in --models */
    expect_text(&data, "models/m/1.safetensors", "first");
    expect_text(&data, "models/m/3.safetensors", "third");
    expect_text(&data, "models/m/4.safetensors", "fourth");
    expect_text(&data, "models/m/7.safetensors", "seventh");
    folder_remove(&data);
}

TEST(no_number_beyond_the_last_one_is_used)
{
    struct folder data = data_make();
    struct file_version version = { .number = 42 };
    struct fault fault;
    struct file_version last = stored(&data, "m", INT_MAX, "last");
    ck_assert_uint_eq(last.number, INT_MAX);
    for (unsigned k = 0; k < 2; k++) {
        ck_assert_int_eq(
            files_write_version(data.path, "m", (unsigned)INT_MAX + k, "more", 4, &version, &fault),
            STATUS_STORAGE_FAILED);
    }
    ck_assert_uint_eq(version.number, 42);
    expect_text(&data, "models/m/2147483647.safetensors", "last");
    folder_remove(&data);
}

TEST(a_version_that_cannot_be_written_leaves_nothing_behind)
{
    struct folder data = data_make();
    struct file_version version = { .number = 42 };
    struct fault fault;
    char path[PATH_MAX];
    folder_add(&data, "models/m");
    folder_add(&data, "models/m/1.safetensors.tmp"); /* in the way */
    ck_assert_int_eq(files_write_version(data.path, "m", 1, "x", 1, &version, &fault),
                     STATUS_STORAGE_FAILED);
    ck_assert_uint_eq(version.number, 42);
    folder_path(&data, "models/m/1.safetensors", path);
    ck_assert_int_ne(access(path, F_OK), 0);
    text_write(&data, "models/n", "a file where a folder should be");
    ck_assert_int_eq(files_write_version(data.path, "n", 1, "x", 1, &version, &fault),
                     STATUS_STORAGE_FAILED);
    folder_remove(&data);
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

static unsigned newest(const struct folder *data)
{
    struct files_note note;
    struct fault fault;
    char path[PATH_MAX];
    folder_path(data, "models/m/newest", path);
    ck_assert_int_eq(files_note_read(path, &note, &fault), STATUS_OK);
    ck_assert(note.form == NOTE_SEALED && !note.has_digest);
    return note.number;
}

TEST(the_number_of_a_deleted_version_is_not_given_again)
{
    struct folder data = data_make();
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
        ck_assert_uint_eq(newest(&data), 12);
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
    struct folder data = data_make();
    struct fault fault;
    store(&data);
    store(&data);
    text_write(&data, "models/m/newest", "2\n"); /* as earlier releases wrote it */
    ck_assert_uint_eq(next_number(&data), 3);
    ck_assert_int_eq(files_seal_newest(data.path, "m", &fault), STATUS_OK);
    ck_assert_uint_eq(newest(&data), 2);
    ck_assert_int_eq(discard(&data, 2, &fault), STATUS_OK);
    ck_assert_uint_eq(next_number(&data), 3);
    folder_remove(&data);
}

TEST(a_version_whose_number_cannot_be_noted_is_not_deleted)
{
    struct folder data = data_make();
    struct fault fault;
    store(&data);
    store(&data);
    folder_add(&data, "models/m/newest.tmp"); /* in the way */
    ck_assert_int_eq(discard(&data, 2, &fault), STATUS_STORAGE_FAILED);
    ck_assert(is_there(&data, "models/m/2.safetensors") && !is_there(&data, "models/m/newest"));
    ck_assert_int_eq(discard(&data, 1, &fault), STATUS_OK); /* which needs no note, and no room */
    folder_remove(&data);
}

TEST(a_note_that_makes_no_sense_is_not_taken_for_none)
{
    struct folder data = data_make();
    static const char *const texts[] = { "", "x", "\n", "0\n", "2147483648\n", "-1\n", "2 #0" };
    struct file_version version = { .number = 42 };
    struct fault fault;
    unsigned number = 42;
    store(&data);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        text_write(&data, "models/m/newest", texts[k]);
        ck_assert_int_eq(files_next_version(data.path, "m", 1, &number, &fault),
                         STATUS_STORAGE_FAILED);
        ck_assert(number == 42 && strstr(fault.message, "models/m/newest does not hold a number"));
        ck_assert_int_eq(files_write_version(data.path, "m", 1, "x", 1, &version, &fault),
                         STATUS_STORAGE_FAILED);
        ck_assert_int_eq(discard(&data, 1, &fault), STATUS_STORAGE_FAILED);
        ck_assert_int_eq(files_seal_newest(data.path, "m", &fault), STATUS_OK);
        expect_text(&data, "models/m/newest", texts[k]);
    }
    ck_assert(version.number == 42 && is_there(&data, "models/m/1.safetensors"));
    folder_remove(&data);
}

/* ---- digests ---- */

static struct files_note digest_of(const struct file_version *version)
{
    struct files_note note;
    struct fault fault;
    ck_assert_int_eq(files_read_digest(version, &note, &fault), STATUS_OK);
    return note;
}

TEST(the_digest_of_a_version_is_kept_beside_it_until_it_is_deleted)
{
    struct folder data = data_make();
    struct fault fault;
    bool is_durable;
    struct file_version version = stored(&data, "m", 1, "first");
    struct files_note note = digest_of(&version);
    ck_assert(note.form == NOTE_SEALED && note.number == 1 && note.has_digest);
    ck_assert(digest_equals(note.digest, digest_128("first", 5)));
    ck_assert(is_there(&data, "models/m/1.digest"));
    ck_assert_int_eq(discard(&data, 1, &fault), STATUS_OK);
    ck_assert(!is_there(&data, "models/m/1.digest"));
    ck_assert_int_eq(digest_of(&version).form, NOTE_ABSENT);
    ck_assert_int_eq(files_write_digest(&version, note.digest, &is_durable, &fault), STATUS_OK);
    ck_assert(is_durable && digest_equals(digest_of(&version).digest, note.digest));
    version.number = 2; /* a note that was moved */
    ck_assert_int_eq(digest_of(&version).form, NOTE_DAMAGED);
    folder_remove(&data);
}

TEST(a_version_whose_digest_cannot_be_written_leaves_nothing_behind)
{
    struct folder data = data_make();
    struct file_version version = { .number = 42 };
    struct fault fault;
    folder_add(&data, "models/m");
    folder_add(&data, "models/m/1.digest.tmp"); /* in the way */
    ck_assert_int_eq(files_write_version(data.path, "m", 1, "x", 1, &version, &fault),
                     STATUS_STORAGE_FAILED);
    ck_assert(version.number == 42 && !is_there(&data, "models/m/1.safetensors") &&
              !is_there(&data, "models/m/1.digest"));
    folder_remove(&data);
}

TEST(the_number_of_a_version_that_is_gone_stays_taken)
{
    struct folder data = data_make();
    char path[PATH_MAX];
    store(&data);
    store(&data);
    folder_path(&data, "models/m/2.safetensors", path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_uint_eq(next_number(&data), 3);
    folder_remove(&data);
}

/* ---- the active version ---- */

static const struct digest some_digest = { 0x0123456789abcdef, 0xfedcba9876543210 };

static struct files_note active_version(const struct folder *data, const char *name)
{
    struct fault fault;
    struct files_note note;
    ck_assert_int_eq(files_read_active(data->path, name, &note, &fault), STATUS_OK);
    return note;
}

TEST(the_active_version_is_remembered)
{
    struct folder data = data_make();
    struct fault fault;
    static const unsigned numbers[] = { 1, 7, 2147483647, 3 };
    ck_assert_int_eq(active_version(&data, "m").form, NOTE_ABSENT);
    for (size_t k = 0; k < 4; k++) {
        bool is_durable = false;
        ck_assert_int_eq(
            files_write_active(data.path, "m", numbers[k], some_digest, &is_durable, &fault),
            STATUS_OK);
        ck_assert(is_durable);
        struct files_note note = active_version(&data, "m");
        ck_assert_uint_eq(note.number, numbers[k]);
        ck_assert(note.has_digest && digest_equals(note.digest, some_digest));
        ck_assert_int_eq(active_version(&data, "n").form, NOTE_ABSENT);
    }
    folder_remove(&data);
}

TEST(an_active_file_that_makes_no_sense_is_damaged)
{
    struct folder data = data_make();
    static const char *const texts[] = { "", "x", "\n", " ", "0\n", "active 3", "3" };
    folder_add(&data, "models/m");
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        text_write(&data, "models/m/active", texts[k]);
        ck_assert_int_eq(active_version(&data, "m").form, NOTE_DAMAGED);
    }
    folder_remove(&data);
}

TEST(an_active_file_that_cannot_be_read_is_not_taken_for_none)
{
    struct folder data = data_make();
    struct fault fault;
    struct files_note note = { .number = 42 };
    folder_add(&data, "models/m");
    folder_add(&data, "models/m/active");
    ck_assert_int_eq(files_read_active(data.path, "m", &note, &fault), STATUS_STORAGE_FAILED);
    ck_assert(note.number == 42 && strstr(fault.message, "models/m/active"));
    folder_remove(&data);
}
