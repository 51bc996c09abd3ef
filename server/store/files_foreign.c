#include "store/files_foreign.h"

#include "base/log.h"
#include "gru.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a file's beginning and of its end; all of a shorter one. */
enum { END_BYTES = 1 << 16 };

/* The bytes of [begin, end) as far as they can be had. */
static size_t read_range(int fd, off_t begin, off_t end, unsigned char *bytes)
{
    size_t n = 0;
    while (begin + (off_t)n < end) {
        ssize_t n_read = pread(fd, bytes + n, (size_t)(end - begin) - n, begin + (off_t)n);
        if (n_read <= 0) {
            break;
        }
        n += (size_t)n_read;
    }
    return n;
}

static size_t read_ends(int fd, off_t n_file, unsigned char *bytes)
{
    const off_t head = n_file < 2 * END_BYTES ? n_file : END_BYTES;
    const off_t tail = n_file < 2 * END_BYTES ? n_file : n_file - END_BYTES;
    const size_t n = read_range(fd, 0, head, bytes);
    return n + read_range(fd, tail, n_file, bytes + n);
}

/* NULL: nothing that somebody could take for a model. */
static const char *reason_of(const unsigned char *bytes, size_t n)
{
    const bool has_header = n > 9 && bytes[8] == '{' && bytes[9] == '"' && bytes[7] == 0;
    return has_header ? "looks like a safetensors file, but its name does not end in .safetensors"
                      : gru_foreign_text(bytes, n);
}

bool files_log_foreign(const char *path)
{
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait for a pipe's writer */
    unsigned char *bytes = fd >= 0 ? malloc(2 * END_BYTES) : NULL;
    const char *reason = NULL;
    if (bytes && fstat(fd, &file) == 0 && S_ISREG(file.st_mode)) {
        reason = reason_of(bytes, read_ends(fd, file.st_size, bytes));
    }
    if (reason) {
        log_event(LOG_WARN, "model_ignored", LOG_STRING("file", path),
                  LOG_STRING("reason", reason));
    }
    free(bytes);
    if (fd >= 0) {
        close(fd);
    }
    return reason != NULL;
}
