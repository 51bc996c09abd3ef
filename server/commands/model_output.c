#include "commands/model_output.h"

#include "base/digest.h"
#include "commands/command_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t n_written = write(fd, bytes, n);
        if (n_written < 0 && errno != EINTR) {
            return false;
        }
        bytes += n_written > 0 ? n_written : 0;
        n -= n_written > 0 ? (size_t)n_written : 0;
    }
    return true;
}

/* From malloc; NULL: no memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* The rename itself must reach the disk too. */
static bool sync_folder_of(const char *path)
{
    char *folder = folder_of(path);
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool fine = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    free(folder);
    return fine;
}

static bool move(const char *from, const char *to, bool force)
{
    if (force) {
        return rename(from, to) == 0;
    }
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return true;
    }
    /* a file system that cannot refuse by itself */
    if (errno == EINVAL && access(to, F_OK) != 0) {
        return rename(from, to) == 0;
    }
    return false;
}

/* Either the whole file is there afterwards, or what was there before. */
static int write_file(const struct model_output *output, const void *bytes, size_t n)
{
    char *temporary;
    if (asprintf(&temporary, "%s.XXXXXX", output->path) < 0) {
        return command_complain(output->command, COMMAND_FAILED, "out of memory");
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        int code = command_complain(output->command, COMMAND_FAILED,
                                    "%s: cannot write beside it: %m", output->path);
        free(temporary);
        return code;
    }
    mode_t mask = umask(0);
    umask(mask);
    bool fine = fchmod(fd, 0666 & ~mask) == 0 && write_all(fd, bytes, n) && fsync(fd) == 0;
    fine = close(fd) == 0 && fine;
    int code = COMMAND_FINE;
    if (!fine || !move(temporary, output->path, output->force)) {
        code = command_complain(output->command, COMMAND_FAILED, "%s: %m", output->path);
        unlink(temporary);
    } else if (!sync_folder_of(output->path)) {
        code =
            command_complain(output->command, COMMAND_FAILED,
                             "%s: written, but its folder could not be synced: %m", output->path);
    }
    free(temporary);
    return code;
}

static bool is_standard_output(const struct model_output *output)
{
    return strcmp(output->path, "-") == 0;
}

static int write_out(const struct model_output *output, const void *bytes, size_t n)
{
    return write_all(STDOUT_FILENO, bytes, n)
               ? COMMAND_FINE
               : command_complain(output->command, COMMAND_FAILED, "standard output: %m");
}

FILE *model_output_stream(const struct model_output *output)
{
    return is_standard_output(output) ? stderr : stdout;
}

int model_output_check(const struct model_output *output)
{
    if (!output->force && !is_standard_output(output) && access(output->path, F_OK) == 0) {
        return command_complain(output->command, COMMAND_FAILED,
                                "%s exists already; --force replaces it", output->path);
    }
    return COMMAND_FINE;
}

int model_output_check_folder(const struct model_output *output)
{
    char *folder = folder_of(output->path);
    int code = COMMAND_FINE;
    if (!folder) {
        code = command_complain(output->command, COMMAND_FAILED, "out of memory");
    } else if (!is_standard_output(output) && access(folder, W_OK) != 0) {
        code = command_complain(output->command, COMMAND_FAILED, "%s: cannot write into %s: %m",
                                output->path, folder);
    }
    free(folder);
    return code;
}

int model_output_save(const struct model_output *output, const struct gru_model *model)
{
    void *bytes;
    size_t n;
    enum gru_status status = gru_model_save(model, &bytes, &n);
    if (status != GRU_OK) {
        return command_complain(output->command, COMMAND_FAILED, "%s", gru_status_text(status));
    }
    bool is_out = is_standard_output(output);
    int code = is_out ? write_out(output, bytes, n) : write_file(output, bytes, n);
    if (code == COMMAND_FINE) {
        char digest[DIGEST_TEXT];
        digest_print(digest_128(bytes, n), digest);
        FILE *stream = model_output_stream(output);
        fprintf(stream, "%s: %zu parameters, %s\n", output->path,
                gru_model_info(model)->n_parameters, digest);
        code = fflush(stream) == 0 ? COMMAND_FINE : COMMAND_FAILED;
    }
    free(bytes);
    return code;
}
