#include "secure_support.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void file_make(char path[PATH_SIZE], const void *bytes, size_t n)
{
    snprintf(path, PATH_SIZE, "/tmp/grud-secure-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

void text_make(char path[PATH_SIZE], const char *text)
{
    file_make(path, text, strlen(text));
}

static int saved_fd;

int logged_begin(void)
{
    char path[PATH_SIZE];
    text_make(path, "");
    FILE *file = fopen(path, "w+e");
    ck_assert_ptr_nonnull(file);
    unlink(path);
    int fd = dup(fileno(file));
    fclose(file);
    saved_fd = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    return fd;
}

void logged_end(int begun, char text[LOGGED_SIZE])
{
    ck_assert_int_ge(dup2(saved_fd, STDERR_FILENO), 0);
    close(saved_fd);
    ssize_t n = pread(begun, text, LOGGED_SIZE - 1, 0);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    close(begun);
}
