#include "store/files.h"
#include "store_support.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the data directory ---- */

TEST(a_data_directory_is_made_and_belongs_to_one)
{
    struct folder data = folder_make();
    struct fault fault;
    char path[PATH_MAX];
    struct files_lock first, second = FILES_UNLOCKED;
    struct stat folder;
    ck_assert_int_eq(files_open_data(data.path, &first, &fault), STATUS_OK);
    folder_path(&data, "models", path);
    ck_assert(stat(path, &folder) == 0 && S_ISDIR(folder.st_mode) &&
              (folder.st_mode & 0777) == 0700);
    folder_path(&data, "sessions", path);
    ck_assert(stat(path, &folder) == 0 && S_ISDIR(folder.st_mode));
    ck_assert_int_eq(files_open_data(data.path, &second, &fault), STATUS_STORAGE_FAILED);
    ck_assert(second.folder == -1 && second.file == -1);
    ck_assert_str_eq(fault.param, "data");
    files_unlock(&first);
    ck_assert_int_eq(files_open_data(data.path, &second, &fault), STATUS_OK);
    files_unlock(&second);
    files_unlock(&second); /* twice is once */
    folder_remove(&data);
}

TEST(a_lock_file_that_was_removed_lets_no_second_daemon_in)
{
    struct folder data = data_make();
    struct fault fault;
    char path[PATH_MAX];
    struct files_lock first, second;
    folder_path(&data, "lock", path);
    ck_assert_int_eq(files_open_data(data.path, &first, &fault), STATUS_OK);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(files_open_data(data.path, &second, &fault), STATUS_STORAGE_FAILED);
    ck_assert(strstr(fault.message, "another grud is using the data directory"));
    files_unlock(&first);
    ck_assert_int_eq(files_open_data(data.path, &second, &fault), STATUS_OK);
    files_unlock(&second);
    folder_remove(&data);
}

/* A release before this one locks the file alone. */
TEST(the_lock_of_an_earlier_release_is_respected)
{
    struct folder data = data_make();
    struct fault fault;
    char path[PATH_MAX];
    struct files_lock lock;
    folder_path(&data, "lock", path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
    ck_assert_int_eq(files_open_data(data.path, &lock, &fault), STATUS_STORAGE_FAILED);
    close(fd);
    ck_assert_int_eq(files_open_data(data.path, &lock, &fault), STATUS_OK);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0); /* and it respects ours */
    close(fd);
    files_unlock(&lock);
    folder_remove(&data);
}

/* This program's own flock, in front of the C library's: of a network file system, which locks
 * what is open for writing, and so no folder. */
static bool is_network_file_system;

int flock(int fd, int operation)
{
    if (is_network_file_system && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
        errno = EBADF;
        return -1;
    }
    return (int)syscall(SYS_flock, fd, operation);
}

TEST(where_folders_cannot_be_locked_the_file_is)
{
    struct folder data = data_make();
    struct fault fault;
    struct files_lock first, second;
    is_network_file_system = true;
    ck_assert_int_eq(files_open_data(data.path, &first, &fault), STATUS_OK);
    ck_assert_int_eq(files_open_data(data.path, &second, &fault), STATUS_STORAGE_FAILED);
    is_network_file_system = false;
    files_unlock(&first);
    folder_remove(&data);
}

TEST(a_data_directory_that_cannot_be_is_refused)
{
    struct folder data = data_make();
    struct fault fault;
    char path[2 * PATH_MAX], file[PATH_MAX];
    struct files_lock lock = FILES_UNLOCKED;
    ck_assert_int_eq(files_open_data("/nonexistent/data", &lock, &fault), STATUS_STORAGE_FAILED);
    ck_assert(!fault_may_pass(&fault));
    text_write(&data, "file", "");
    folder_path(&data, "file", file);
    ck_assert_int_eq(files_open_data(file, &lock, &fault), STATUS_STORAGE_FAILED);
    ck_assert(!fault_may_pass(&fault));
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(files_open_data(path, &lock, &fault), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(lock.folder, -1);
    folder_remove(&data);
}

/* ---- files ---- */

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

TEST(what_cannot_be_read_is_refused_with_the_reason)
{
    struct folder data = data_make();
    struct arena arena;
    struct fault fault;
    char path[PATH_MAX];
    void *bytes = NULL;
    size_t n = 42;
    arena_init(&arena, 100000);
    folder_path(&data, "nothing", path);
    ck_assert_int_eq(files_read(path, &arena, &bytes, &n, &fault), STATUS_STORAGE_FAILED);
    ck_assert(strstr(fault.message, "No such file"));
    ck_assert_int_eq(files_read(data.path, &arena, &bytes, &n, &fault), STATUS_STORAGE_FAILED);
    text_write(&data, "large", "x");
    folder_path(&data, "large", path);
    ck_assert_int_eq(truncate(path, 200000), 0);
    ck_assert_int_eq(files_read(path, &arena, &bytes, &n, &fault), STATUS_REQUEST_TOO_LARGE);
    ck_assert(bytes == NULL && n == 42);
    text_write(&data, "empty", "");
    folder_path(&data, "empty", path);
    expect_content(path, "");
    arena_done(&arena);
    folder_remove(&data);
}

TEST(a_file_is_written_over_as_a_whole)
{
    struct folder data = data_make();
    struct fault fault;
    char path[PATH_MAX];
    bool is_durable = false;
    folder_path(&data, "models/file", path);
    ck_assert_int_eq(files_write(path, "long ago", 8, &is_durable, &fault), STATUS_OK);
    ck_assert(is_durable);
    ck_assert_int_eq(files_write(path, "now", 3, &is_durable, &fault), STATUS_OK);
    expect_content(path, "now");
    folder_add(&data, "models/file.tmp"); /* in the way */
    ck_assert_int_eq(files_write(path, "later", 5, &is_durable, &fault), STATUS_STORAGE_FAILED);
    expect_content(path, "now");
    folder_remove(&data);
}

TEST(a_deleted_file_is_gone)
{
    struct folder data = data_make();
    struct fault fault;
    bool is_durable = false;
    char path[PATH_MAX];
    text_write(&data, "models/file", "x");
    folder_path(&data, "models/file", path);
    ck_assert_int_eq(files_delete(path, &is_durable, &fault), STATUS_OK);
    ck_assert(is_durable && access(path, F_OK) != 0);
    is_durable = false; /* once more, because the first time could not be synced */
    ck_assert_int_eq(files_delete(path, &is_durable, &fault), STATUS_OK);
    ck_assert(is_durable);
    folder_path(&data, "models", path);
    ck_assert_int_eq(files_delete(path, &is_durable, &fault), STATUS_STORAGE_FAILED);
    folder_remove(&data);
}
