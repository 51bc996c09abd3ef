#include "commands/input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_all(int fd, char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t n_read = read(fd, bytes, n);
        if (n_read == 0) {
            errno = EIO; /* shorter than it was */
            return false;
        }
        if (n_read < 0 && errno != EINTR) {
            return false;
        }
        bytes += n_read > 0 ? n_read : 0;
        n -= n_read > 0 ? (size_t)n_read : 0;
    }
    return true;
}

char *input_file_read(const char *path, size_t *ret_n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return NULL;
    }
    struct stat stat;
    char *bytes = NULL;
    if (fstat(fd, &stat) == 0) {
        errno = S_ISREG(stat.st_mode) ? 0 : S_ISDIR(stat.st_mode) ? EISDIR : EINVAL;
        bytes = errno == 0 ? malloc((size_t)stat.st_size + 1) : NULL;
    }
    if (bytes && !read_all(fd, bytes, (size_t)stat.st_size)) {
        free(bytes);
        bytes = NULL;
    }
    if (bytes) {
        *ret_n = (size_t)stat.st_size;
    }
    int saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return bytes;
}
