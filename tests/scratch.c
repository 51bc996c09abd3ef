#include "scratch.h"

#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

char *folder_create(void)
{
    char *folder = strdup("/tmp/grud-leaves-XXXXXX");
    ck_assert_ptr_nonnull(folder);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

void folder_remove(char *folder)
{
    int failed =
        nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS); /* NOLINT(concurrency-mt-unsafe) */
    ck_assert_int_eq(failed, 0);
    free(folder);
}

char *path_in(const char *folder, const char *name)
{
    char *path;
    ck_assert_int_ge(asprintf(&path, "%s/%s", folder, name), 0);
    return path;
}

static void create_folders_of(const char *path)
{
    char *copy = strdup(path);
    ck_assert_ptr_nonnull(copy);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0755); /* what matters is whether the file can be opened then */
        *slash = '/';
    }
    free(copy);
}

void file_write(const char *path, const void *bytes, size_t n)
{
    create_folders_of(path);
    FILE *file = fopen(path, "wbe");
    ck_assert_msg(file != NULL, "cannot write %s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
}

void text_write(const char *folder, const char *name, const char *text)
{
    char *path = path_in(folder, name);
    file_write(path, text, strlen(text));
    free(path);
}

static char *read_fd(int fd, size_t *ret_n)
{
    struct stat stat;
    ck_assert_int_eq(fstat(fd, &stat), 0);
    char *text = malloc((size_t)stat.st_size + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(pread(fd, text, (size_t)stat.st_size, 0), stat.st_size);
    text[stat.st_size] = '\0';
    *ret_n = (size_t)stat.st_size;
    return text;
}

char *file_read(const char *path, size_t *ret_n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0, "cannot read %s", path);
    char *text = read_fd(fd, ret_n);
    close(fd);
    return text;
}

struct capture capture_begin(int fd)
{
    fflush(NULL);
    struct capture capture = { .fd = fd,
                               .saved_fd = dup(fd),
                               .memory_fd = memfd_create("capture", 0) };
    ck_assert_int_ge(capture.saved_fd, 0);
    ck_assert_int_ge(capture.memory_fd, 0);
    ck_assert_int_eq(dup2(capture.memory_fd, fd), fd);
    return capture;
}

char *capture_end(struct capture *capture)
{
    fflush(NULL);
    dup2(capture->saved_fd, capture->fd);
    size_t n;
    char *text = read_fd(capture->memory_fd, &n);
    close(capture->saved_fd);
    close(capture->memory_fd);
    return text;
}
