/* Whose a file is and who may use it takes other users: tests/e2e/test_start.c. */
#include "base/refusal.h"
#include "scratch.h"
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void expect_said(const char *path, int error, const char *expected)
{
    char text[REFUSAL_MAX];
    ck_assert_ptr_eq(refusal_print(path, REFUSAL_TO_READ, error, text), text);
    ck_assert_str_eq(text, expected);
}

TEST(the_first_part_of_a_path_that_is_not_there_is_named)
{
    expect_said("/proc/none/a/b", ENOENT,
                "No such file or directory; make or mount /proc/none, or name another place");
    expect_said("/proc/none", ENOENT,
                "No such file or directory; make or mount /proc/none, or name another place");
    expect_said("none/a", ENOENT,
                "No such file or directory; make or mount none, or name another place");
    expect_said("/none", ENOENT,
                "No such file or directory; make or mount /none, or name another place");
}

TEST(the_file_that_is_no_directory_is_named)
{
    expect_said("/proc/version/models", ENOTDIR,
                "Not a directory; name a directory instead of /proc/version");
    expect_said("/proc/version", ENOTDIR,
                "Not a directory; name a directory instead of /proc/version");
}

TEST(what_the_disk_refuses_has_its_advice)
{
    expect_said(
        "/a", EROFS,
        "Read-only file system; mount it for writing, or in a container a volume, without :ro");
    expect_said("/a", ENOSPC,
                "No space left on device; make room for bytes (see df -h) or for files (df -i)");
    expect_said("/a", EIO, "Input/output error");
}

TEST(a_permission_that_owner_and_mode_give_is_refused_by_something_else)
{
    char text[REFUSAL_MAX], *folder = folder_create(), *path = path_in(folder, "file");
    text_write(folder, "file", "");
    refusal_print(path, REFUSAL_TO_KEEP, EACCES, text);
    ck_assert_msg(strstr(text, "Permission denied; uid ") && strstr(text, "SELinux"), "%s", text);
    free(path);
    folder_remove(folder);
}

TEST(a_long_path_leaves_room_for_the_advice)
{
    char path[PATH_MAX], text[REFUSAL_MAX];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    refusal_print(path, REFUSAL_TO_READ, ENOENT, text);
    ck_assert_msg(strstr(text, "xxx, or name another place"), "%s", text);
    refusal_print(path, REFUSAL_TO_READ, EACCES, text);
    ck_assert_msg(strncmp(text, "Permission denied; ", 19) == 0, "%s", text);
}
