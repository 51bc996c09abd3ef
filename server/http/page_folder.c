/* page_folder.c - see page_folder.h. */
#include "http/page_folder.h"

#include "base/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4 << 20 };

static bool is_plain(const char *name, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const char c = name[k];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && !strchr("._-", c)) {
            return false;
        }
    }
    return n > 0 && n <= NAME_MAX && name[0] != '.';
}

/* The file, or -1 with errno: ENOENT also for what is not to be read. */
static int open_file(const char *folder, const char *name)
{
    const char *slash = strchr(name, '/'), *file = slash ? slash + 1 : name;
    const size_t n_room = slash ? (size_t)(slash - name) : 0;
    char room[NAME_MAX + 1] = ".";
    if (!is_plain(file, strlen(file)) || (slash && !is_plain(name, n_room))) {
        errno = ENOENT;
        return -1;
    }
    memcpy(room, name, n_room);
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        return -1;
    }
    int room_fd = openat(folder_fd, room, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int fd =
        room_fd < 0 ? -1 : openat(room_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const int error = errno;
    if (room_fd >= 0) {
        close(room_fd);
    }
    close(folder_fd);
    errno = error == ELOOP || error == ENOTDIR ? ENOENT : error; /* a link; a file with a / */
    return fd;
}

/* Up to n bytes; -1 with errno. */
static ssize_t read_all(int fd, char *bytes, size_t n)
{
    size_t n_read = 0;
    while (n_read < n) {
        ssize_t more = read(fd, bytes + n_read, n - n_read);
        if (more <= 0) {
            return more < 0 ? -1 : (ssize_t)n_read;
        }
        n_read += (size_t)more;
    }
    return (ssize_t)n_read;
}

static enum status take_file(int fd, struct arena *arena, const char **ret_bytes, size_t *ret_n,
                             struct fault *fault)
{
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return refusal_set(fault, "page-dir", "look at", "a file of the page", REFUSAL_TO_READ,
                           errno);
    }
    if (!S_ISREG(about.st_mode)) {
        return STATUS_OK;
    }
    if (about.st_size > FILE_BYTES_MAX) {
        return fault_set(fault, STATUS_STORAGE_FAILED, "page-dir",
                         "a file of the page has at most %d bytes", FILE_BYTES_MAX);
    }
    char *bytes = arena_alloc(arena, (size_t)about.st_size + 1);
    if (!bytes) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    const ssize_t n = read_all(fd, bytes, (size_t)about.st_size);
    if (n < 0) {
        return refusal_set(fault, "page-dir", "read", "a file of the page", REFUSAL_TO_READ, errno);
    }
    *ret_bytes = bytes;
    *ret_n = (size_t)n;
    return STATUS_OK;
}

enum status page_folder_read(const char *folder, const char *name, struct arena *arena,
                             const char **ret_bytes, size_t *ret_n, struct fault *fault)
{
    *ret_bytes = NULL;
    int fd = open_file(folder, name);
    if (fd < 0) {
        return errno == ENOENT ? STATUS_OK
                               : refusal_set(fault, "page-dir", "read the page from", folder,
                                             REFUSAL_TO_READ, errno);
    }
    enum status status = take_file(fd, arena, ret_bytes, ret_n, fault);
    close(fd);
    return status;
}

enum status page_folder_check(const char *folder, struct fault *fault)
{
    int fd = open_file(folder, "index.html");
    if (fd < 0) {
        return fault_set(
            fault, STATUS_INVALID_VALUE, "page-dir",
            "--page-dir %s: there is no index.html to be read: %s; the folder is a copy "
            "of server/page",
            folder, strerrordesc_np(errno));
    }
    close(fd);
    return STATUS_OK;
}
