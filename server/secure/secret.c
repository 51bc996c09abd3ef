#include "secure/secret.h"

#include "base/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES_MAX = 1 << 20, STACK_BYTES = 8 << 10 };

/* Not by stdio, whose buffer would keep a copy. */
static bool read_all(int fd, char *text, size_t n, size_t *ret_n)
{
    size_t n_read = 0;
    while (n_read < n) {
        ssize_t more = read(fd, text + n_read, n - n_read);
        if (more < 0 && errno != EINTR) {
            return false;
        }
        if (more == 0) {
            break;
        }
        n_read += more > 0 ? (size_t)more : 0;
    }
    *ret_n = n_read;
    return true;
}

static enum status read_open(int fd, const char *path, const char *param, struct secret *ret_secret,
                             struct fault *fault)
{
    struct stat file;
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
        return fault_set(fault, STATUS_INVALID_VALUE, param, "%s is not a regular file", path);
    }
    if (file.st_size > SECRET_BYTES_MAX) {
        return fault_set(fault, STATUS_INVALID_VALUE, param, "%s is longer than %d bytes", path,
                         SECRET_BYTES_MAX);
    }
    struct secret secret = { .n = (size_t)file.st_size,
                             .is_group_readable = file.st_mode & S_IRGRP,
                             .is_world_readable = file.st_mode & S_IROTH };
    secret.text = malloc(secret.n + 1);
    if (!secret.text) {
        return fault_set(fault, STATUS_NO_MEMORY, param, "no memory to read %s", path);
    }
    if (!read_all(fd, secret.text, secret.n, &secret.n)) {
        int reason = errno;
        secret_wipe(&secret);
        return fault_set(fault, STATUS_INVALID_VALUE, param, "%s cannot be read: %s", path,
                         strerrordesc_np(reason));
    }
    secret.text[secret.n] = '\0';
    *ret_secret = secret;
    return STATUS_OK;
}

enum status secret_read(const char *path, const char *param, struct secret *ret_secret,
                        struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
                            O_NONBLOCK); /* a pipe is refused, not waited for */
    if (fd < 0) {
        char why[REFUSAL_MAX];
        return fault_set(fault, STATUS_INVALID_VALUE, param, "%s cannot be opened: %s", path,
                         refusal_print(path, REFUSAL_TO_KEEP, errno, why));
    }
    enum status status = read_open(fd, path, param, ret_secret, fault);
    close(fd);
    return status;
}

/* What the caller's callees have left of it on the stack: hashing copies what it hashes. */
__attribute__((noinline)) static void wipe_stack(void)
{
    char below[STACK_BYTES];
    explicit_bzero(below, sizeof below);
}

void secret_wipe(struct secret *secret)
{
    wipe_stack();
    if (secret->text) {
        explicit_bzero(secret->text, secret->n + 1);
        free(secret->text);
    }
    *secret = (struct secret){ .n = 0 };
}
