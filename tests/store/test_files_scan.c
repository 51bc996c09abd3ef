#include "store/files.h"
#include "store_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    ck_assert(version->is_gone || version->created_at_ms > INT64_C(1600000000000));
    ck_assert_int_eq(access(version->path, R_OK), version->is_gone ? -1 : 0);
    snprintf(seen->text + n, sizeof seen->text - n, "[%s %u%s]", version->name, version->number,
             version->is_gone ? " gone" : "");
    return seen->answer;
}

static void lay_out(const struct folder *data)
{
    folder_add(data, "d");
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
        folder_add(data, folders[k]);
    }
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        text_write(data, files[k], "x");
    }
}

static void expect_seen(const struct folder *data, bool read_only, const char *const *expected,
                        size_t n, size_t n_ignored)
{
    char path[PATH_MAX];
    size_t found_ignored = 0;
    struct fault fault;
    struct seen seen = { .read_only = read_only };
    folder_path(data, "d", path);
    ck_assert_int_eq(files_scan(path, read_only, note, &seen, &found_ignored, &fault), STATUS_OK);
    ck_assert_uint_eq(found_ignored, n_ignored);
    size_t length = 0;
    for (size_t k = 0; k < n; k++) {
        ck_assert_msg(strstr(seen.text, expected[k]), "%s is not in %s", expected[k], seen.text);
        length += strlen(expected[k]);
    }
    ck_assert_msg(strlen(seen.text) == length, "too much in %s", seen.text);
}

TEST(a_scan_finds_versions_and_nothing_else)
{
    struct folder data = data_make();
    lay_out(&data);
    static const char *const in_models[] = { "[one 1]", "[two 1]", "[many 1]", "[many 12]",
                                             "[many 2147483647]" };
    static const char *const in_data[] = { "[many 1]", "[many 12]", "[many 2147483647]",
                                           "[folder.safetensors 3]" };
    expect_seen(&data, true, in_models, 5, 10);
    expect_seen(&data, false, in_data, 4, 9);
    folder_remove(&data);
}

TEST(a_version_whose_digest_alone_is_left_is_found_as_gone)
{
    struct folder data = data_make();
    static const char *const files[] = { "d/m/1.safetensors", "d/m/1.digest", "d/m/2.digest",
                                         "d/m/03.digest", "d/m/4.digest.tmp" };
    folder_add(&data, "d");
    folder_add(&data, "d/m");
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        text_write(&data, files[k], "x");
    }
    expect_seen(&data, false, (const char *const[]){ "[m 1]", "[m 2 gone]" }, 2, 0);
    expect_seen(&data, true, (const char *const[]){ "[m 1]" }, 1, 0);
    folder_remove(&data);
}

TEST(a_scan_stops_at_the_first_failure)
{
    struct folder data = data_make();
    struct fault fault;
    char path[PATH_MAX];
    lay_out(&data);
    struct seen seen = { .read_only = true, .answer = STATUS_NO_MEMORY };
    size_t n_ignored = 0;
    folder_path(&data, "d", path);
    ck_assert_int_eq(files_scan(path, true, note, &seen, &n_ignored, &fault), STATUS_NO_MEMORY);
    ck_assert_ptr_eq(strchr(seen.text, ']'), seen.text + strlen(seen.text) - 1);
    folder_path(&data, "nowhere", path);
    ck_assert_int_eq(files_scan(path, true, note, &seen, &n_ignored, &fault),
                     STATUS_STORAGE_FAILED);
    ck_assert(!fault_may_pass(&fault));
    ck_assert_msg(strstr(fault.message, path), "%s", fault.message);
    folder_remove(&data);
}
