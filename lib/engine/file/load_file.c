/* gru_model_load_file: a file's bytes into memory. It is read and not mapped, because a file that
 * is cut short while it is mapped kills the process that reads it. */
#include "engine/buffer.h"
#include "engine/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum gru_status fail_errno(struct gru_error *error, const char *path, const char *what)
{
    char buffer[128];
    return gru_fail(error, GRU_IO, "", "cannot %s '%s': %s", what, gru_show(path).text,
                    strerror_r(errno, buffer, sizeof buffer));
}

/* Reads n bytes; fewer only where the file has become shorter. */
static enum gru_status read_all(int fd, const char *path, unsigned char *bytes, size_t n,
                                struct gru_error *error)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = read(fd, bytes + done, n - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno(error, path, "read");
        }
        if (got == 0) {
            return gru_fail(error, GRU_IO, "", "'%s' became shorter while it was read",
                            gru_show(path).text);
        }
        done += (size_t)got;
    }
    return GRU_OK;
}

static enum gru_status read_file(int fd, const char *path, unsigned char **ret_bytes, size_t *ret_n,
                                 struct gru_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return fail_errno(error, path, "look at");
    }
    if (!S_ISREG(about.st_mode)) {
        return gru_fail(error, GRU_IO, "", "'%s' is not a regular file", gru_show(path).text);
    }
    size_t n = (size_t)about.st_size;
    unsigned char *bytes = gru_array_alloc(n, 1);
    if (!bytes) {
        return gru_fail_no_memory(error);
    }
    enum gru_status status = read_all(fd, path, bytes, n, error);
    if (status != GRU_OK) {
        free(bytes);
        return status;
    }
    *ret_bytes = bytes;
    *ret_n = n;
    return GRU_OK;
}

enum gru_status gru_model_load_file(const char *path, struct gru_model **ret_model,
                                    struct gru_error *error)
{
    /* O_NONBLOCK: opening a pipe by mistake must not wait for a writer */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return fail_errno(error, path, "open");
    }
    unsigned char *bytes = NULL;
    size_t n = 0;
    enum gru_status status = read_file(fd, path, &bytes, &n, error);
    close(fd);
    if (status == GRU_OK) {
        status = gru_model_load(bytes, n, ret_model, error);
    }
    free(bytes);
    return status;
}
