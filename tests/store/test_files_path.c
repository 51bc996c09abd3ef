#include "store/files.h"
#include "test.h"

#include <string.h>

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
    const struct digest digest = { 1, 2 };
    struct files_note note;
    ck_assert_int_eq(files_write_active(long_data, "m", 1, digest, &is_durable, &fault),
                     STATUS_STORAGE_FAILED);
    ck_assert_int_eq(files_read_active(long_data, "m", &note, &fault), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(files_seal_newest(long_data, "m", &fault), STATUS_STORAGE_FAILED);
    ck_assert(files_pool_path("data", "m", ".new", path));
    ck_assert_str_eq(path, "data/sessions/m.pool.new");
}
