#include "store/files.h"
#include "test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char data[64];
    int lock;
};

static int remove_entry(const char *path, const struct stat *file, int type, struct FTW *walk)
{
    (void)file;
    (void)type;
    (void)walk;
    return remove(path);
}

static struct place make_place(void)
{
    struct place place = { .lock = -1 };
    struct fault fault;
    snprintf(place.data, sizeof place.data, "/tmp/grud-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place.data));
    ck_assert_int_eq(files_open_data(place.data, &place.lock, &fault), STATUS_OK);
    return place;
}

static void remove_place(struct place *place)
{
    close(place->lock);
    int failed = nftw(place->data, remove_entry, 8,
                      FTW_DEPTH | FTW_PHYS); /* NOLINT(concurrency-mt-unsafe) */
    ck_assert_int_eq(failed, 0);
}

static void path_in(const struct place *place, const char *rest, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", place->data, rest);
}

static void write_text(const struct place *place, const char *rest, const char *text)
{
    char path[PATH_MAX];
    path_in(place, rest, path);
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot create %s", path);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_folder(const struct place *place, const char *rest)
{
    char path[PATH_MAX];
    path_in(place, rest, path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

/* ---- names ---- */

TEST(names_are_of_the_allowed_characters)
{
    static const char *const good[] = { "a", "A.b_c-9", "0", "_", "-", "a..b", "x.safetensors" };
    static const char *const bad[] = { "",    ".",  "..",       ".a",  "a/b", "a b",
                                       "a:b", "a~", "\xc3\xa4", "a\n", "a\\" };
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        ck_assert_msg(files_name_is_valid(good[k], strlen(good[k])), "%s", good[k]);
    }
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert_msg(!files_name_is_valid(bad[k], strlen(bad[k])), "%s", bad[k]);
    }
    char name[FILES_NAME_MAX + 1];
    memset(name, 'n', sizeof name);
    ck_assert(files_name_is_valid(name, FILES_NAME_MAX));
    ck_assert(!files_name_is_valid(name, FILES_NAME_MAX + 1));
    ck_assert(!files_name_is_valid("a\0b", 3) && !files_name_is_valid("\0", 1));
}

/* ---- the data directory ---- */

TEST(a_data_directory_is_made_and_belongs_to_one)
{
    struct place place = make_place();
    struct fault fault;
    char path[PATH_MAX];
    int second = -7;
    struct stat folder;
    path_in(&place, "models", path);
    ck_assert(stat(path, &folder) == 0 && S_ISDIR(folder.st_mode) &&
              (folder.st_mode & 0777) == 0700);
    path_in(&place, "sessions", path);
    ck_assert(stat(path, &folder) == 0 && S_ISDIR(folder.st_mode));
    ck_assert_int_eq(files_open_data(place.data, &second, &fault), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(second, -7);
    ck_assert_str_eq(fault.param, "data");
    close(place.lock);
    ck_assert_int_eq(files_open_data(place.data, &place.lock, &fault), STATUS_OK);
    remove_place(&place);
}

TEST(a_data_directory_that_cannot_be_is_refused)
{
    struct place place = make_place();
    struct fault fault;
    char path[2 * PATH_MAX], file[PATH_MAX];
    int lock = -1;
    ck_assert_int_eq(files_open_data("/nonexistent/data", &lock, &fault), STATUS_STORAGE_FAILED);
    ck_assert(!fault_may_pass(&fault));
    write_text(&place, "file", "");
    path_in(&place, "file", file);
    ck_assert_int_eq(files_open_data(file, &lock, &fault), STATUS_STORAGE_FAILED);
    ck_assert(!fault_may_pass(&fault));
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(files_open_data(path, &lock, &fault), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(lock, -1);
    remove_place(&place);
}

/* ---- scanning ---- */

struct seen {
    char text[2000];
    bool read_only;
    enum status answer;
};

static enum status note(void *context, const struct file_version *version)
{
    struct seen *seen = context;
    size_t n = strlen(seen->text);
    ck_assert(version->read_only == seen->read_only);
    ck_assert_int_gt(version->created_at_ms, INT64_C(1600000000000));
    ck_assert_int_eq(access(version->path, R_OK), 0);
    snprintf(seen->text + n, sizeof seen->text - n, "[%s %u]", version->name, version->number);
    return seen->answer;
}

static void lay_out(const struct place *place)
{
    make_folder(place, "d");
    static const char *const folders[] = { "d/many",    "d/empty",
                                           "d/.hidden", "d/folder.safetensors",
                                           "d/a b",     "d/many/9.safetensors" };
    static const char *const files[] = { "d/one.safetensors",
                                         "d/two.safetensors",
                                         "d/.x.safetensors",
                                         "d/.safetensors",
                                         "d/readme",
                                         "d/b c.safetensors",
                                         "d/many/1.safetensors",
                                         "d/many/12.safetensors",
                                         "d/many/0.safetensors",
                                         "d/many/007.safetensors",
                                         "d/many/-1.safetensors",
                                         "d/many/+3.safetensors",
                                         "d/many/ 4.safetensors",
                                         "d/many/5",
                                         "d/many/6.safetensors.tmp",
                                         "d/many/7x.safetensors",
                                         "d/many/99999999999.safetensors",
                                         "d/many/99999999999999999999999.safetensors",
                                         "d/many/2147483647.safetensors",
                                         "d/many/2147483648.safetensors",
                                         "d/many/active",
                                         "d/.hidden/1.safetensors",
                                         "d/folder.safetensors/3.safetensors" };
    for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
        make_folder(place, folders[k]);
    }
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        write_text(place, files[k], "x");
    }
}

static void expect_seen(const struct place *place, bool read_only, const char *const *expected,
                        size_t n)
{
    char path[PATH_MAX];
    struct fault fault;
    struct seen seen = { .read_only = read_only };
    path_in(place, "d", path);
    ck_assert_int_eq(files_scan(path, read_only, note, &seen, &fault), STATUS_OK);
    size_t length = 0;
    for (size_t k = 0; k < n; k++) {
        ck_assert_msg(strstr(seen.text, expected[k]), "%s is not in %s", expected[k], seen.text);
        length += strlen(expected[k]);
    }
    ck_assert_msg(strlen(seen.text) == length, "too much in %s", seen.text);
}

TEST(a_scan_finds_versions_and_nothing_else)
{
    struct place place = make_place();
    lay_out(&place);
    static const char *const models[] = { "[one 1]", "[two 1]", "[many 1]", "[many 12]",
                                          "[many 2147483647]" };
    static const char *const data[] = { "[many 1]", "[many 12]", "[many 2147483647]",
                                        "[folder.safetensors 3]" };
    expect_seen(&place, true, models, 5);
    expect_seen(&place, false, data, 4);
    remove_place(&place);
}

TEST(a_scan_stops_at_the_first_failure)
{
    struct place place = make_place();
    struct fault fault;
    char path[PATH_MAX];
    lay_out(&place);
    struct seen seen = { .read_only = true, .answer = STATUS_NO_MEMORY };
    path_in(&place, "d", path);
    ck_assert_int_eq(files_scan(path, true, note, &seen, &fault), STATUS_NO_MEMORY);
    ck_assert_ptr_eq(strchr(seen.text, ']'), seen.text + strlen(seen.text) - 1);
    path_in(&place, "nowhere", path);
    ck_assert_int_eq(files_scan(path, true, note, &seen, &fault), STATUS_STORAGE_FAILED);
    ck_assert(!fault_may_pass(&fault));
    ck_assert_msg(strstr(fault.message, path), "%s", fault.message);
    remove_place(&place);
}

/* ---- versions ---- */

static struct file_version store(const struct place *place, const char *name, unsigned number,
                                 const char *text)
{
    struct file_version version;
    struct fault fault;
    enum status status =
        files_write_version(place->data, name, number, text, strlen(text), &version, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return version;
}

static void expect_content(const char *path, const char *text)
{
    struct arena arena;
    struct fault fault;
    void *bytes;
    size_t n;
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(files_read(path, &arena, &bytes, &n, &fault), STATUS_OK);
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_mem_eq(bytes, text, n);
    arena_done(&arena);
}

TEST(a_version_takes_the_number_after_all_that_there_are)
{
    struct place place = make_place();
    struct file_version first = store(&place, "m", 1, "first");
    ck_assert_uint_eq(first.number, 1);
    ck_assert_str_eq(first.name, "m");
    ck_assert(!first.read_only);
    write_text(&place, "models/m/3.safetensors", "third");
    struct file_version fourth = store(&place, "m", 1, "fourth"); /* 2 may have been one once */
    ck_assert_uint_eq(fourth.number, 4);
    ck_assert_uint_eq(store(&place, "m", 7, "seventh").number, 7); /* others lie in --models */
    expect_content(first.path, "first");
    expect_content(fourth.path, "fourth");
    struct seen seen = { .text = "" };
    struct fault fault;
    char path[PATH_MAX];
    ck_assert(files_models_path(place.data, path));
    ck_assert_int_eq(files_scan(path, false, note, &seen, &fault), STATUS_OK);
    ck_assert_uint_eq(strlen(seen.text), 4 * strlen("[m 1]"));
    remove_place(&place);
}

TEST(no_number_beyond_the_last_one_is_used)
{
    struct place place = make_place();
    struct file_version version = { .number = 42 };
    struct fault fault;
    struct file_version last = store(&place, "m", INT_MAX, "last");
    ck_assert_uint_eq(last.number, INT_MAX);
    for (unsigned k = 0; k < 2; k++) {
        ck_assert_int_eq(files_write_version(place.data, "m", (unsigned)INT_MAX + k, "more", 4,
                                             &version, &fault),
                         STATUS_STORAGE_FAILED);
    }
    ck_assert_uint_eq(version.number, 42);
    expect_content(last.path, "last");
    remove_place(&place);
}

TEST(a_version_that_cannot_be_written_leaves_nothing_behind)
{
    struct place place = make_place();
    struct file_version version = { .number = 42 };
    struct fault fault;
    char path[PATH_MAX];
    make_folder(&place, "models/m");
    make_folder(&place, "models/m/1.safetensors.tmp"); /* in the way */
    ck_assert_int_eq(files_write_version(place.data, "m", 1, "x", 1, &version, &fault),
                     STATUS_STORAGE_FAILED);
    ck_assert_uint_eq(version.number, 42);
    path_in(&place, "models/m/1.safetensors", path);
    ck_assert_int_ne(access(path, F_OK), 0);
    write_text(&place, "models/n", "a file where a folder should be");
    ck_assert_int_eq(files_write_version(place.data, "n", 1, "x", 1, &version, &fault),
                     STATUS_STORAGE_FAILED);
    remove_place(&place);
}

TEST(a_deleted_version_is_gone)
{
    struct place place = make_place();
    struct fault fault;
    bool is_durable = false;
    struct file_version version = store(&place, "m", 1, "first");
    ck_assert_int_eq(files_delete(version.path, &is_durable, &fault), STATUS_OK);
    ck_assert(is_durable && access(version.path, F_OK) != 0);
    is_durable = false; /* once more, because the first time could not be synced */
    ck_assert_int_eq(files_delete(version.path, &is_durable, &fault), STATUS_OK);
    ck_assert(is_durable);
    path_in(&place, "models/m", version.path);
    ck_assert_int_eq(files_delete(version.path, &is_durable, &fault), STATUS_STORAGE_FAILED);
    remove_place(&place);
}

/* ---- reading ---- */

TEST(what_cannot_be_read_is_refused_with_the_reason)
{
    struct place place = make_place();
    struct arena arena;
    struct fault fault;
    char path[PATH_MAX];
    void *bytes = NULL;
    size_t n = 42;
    arena_init(&arena, 100000);
    path_in(&place, "nothing", path);
    ck_assert_int_eq(files_read(path, &arena, &bytes, &n, &fault), STATUS_STORAGE_FAILED);
    ck_assert(strstr(fault.message, "No such file"));
    ck_assert_int_eq(files_read(place.data, &arena, &bytes, &n, &fault), STATUS_STORAGE_FAILED);
    write_text(&place, "large", "x");
    path_in(&place, "large", path);
    ck_assert_int_eq(truncate(path, 200000), 0);
    ck_assert_int_eq(files_read(path, &arena, &bytes, &n, &fault), STATUS_REQUEST_TOO_LARGE);
    ck_assert(bytes == NULL && n == 42);
    write_text(&place, "empty", "");
    path_in(&place, "empty", path);
    expect_content(path, "");
    arena_done(&arena);
    remove_place(&place);
}

TEST(paths_that_do_not_fit_are_refused)
{
    char long_data[PATH_MAX], path[PATH_MAX];
    struct fault fault;
    struct file_version version;
    memset(long_data, 'd', sizeof long_data);
    long_data[sizeof long_data - 6] = '\0';
    ck_assert(!files_models_path(long_data, path));
    ck_assert(!files_pool_path(long_data, "m", "", path));
    ck_assert_int_eq(files_write_version(long_data, "m", 1, "x", 1, &version, &fault),
                     STATUS_STORAGE_FAILED);
    bool is_durable;
    unsigned number;
    ck_assert_int_eq(files_next_version(long_data, "m", 1, &number, &fault), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(files_delete_version(long_data, "m", 1, &is_durable, &fault),
                     STATUS_STORAGE_FAILED);
    ck_assert_int_eq(files_write_active(long_data, "m", 1, &is_durable, &fault),
                     STATUS_STORAGE_FAILED);
    ck_assert_int_eq(files_read_active(long_data, "m", &number, &fault), STATUS_STORAGE_FAILED);
    ck_assert(files_pool_path("data", "m", ".new", path));
    ck_assert_str_eq(path, "data/sessions/m.pool.new");
}
