/* Files that hold a secret: read whole, refused if they are no files, and wiped. */
#include "secure/secret.h"
#include "secure_support.h"
#include "test.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_MAX = 1 << 20 };

static void refused(const char *path, const char *part)
{
    struct secret secret = { .n = 77 };
    struct fault fault;
    ck_assert_int_eq(secret_read(path, "tls-key", &secret, &fault), STATUS_INVALID_VALUE);
    ck_assert_str_eq(fault.param, "tls-key");
    ck_assert_msg(strstr(fault.message, path) && strstr(fault.message, part), "%s", fault.message);
    ck_assert(secret.text == NULL && secret.n == 77); /* a refused one is not touched */
}

static struct secret accepted(const char *path)
{
    struct secret secret;
    struct fault fault;
    enum status status = secret_read(path, "tls-key", &secret, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return secret;
}

TEST(a_secret_is_every_byte_of_its_file_and_a_nul)
{
    static const char bytes[] = "a\0b\r\n\xff";
    static const size_t lengths[] = { 0, 1, 2, 6 };
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        char path[PATH_SIZE];
        file_make(path, bytes, lengths[k]);
        struct secret secret = accepted(path);
        ck_assert_uint_eq(secret.n, lengths[k]);
        ck_assert_mem_eq(secret.text, bytes, lengths[k]);
        ck_assert_int_eq(secret.text[lengths[k]], '\0');
        secret_wipe(&secret);
        unlink(path);
    }
}

TEST(a_secret_says_who_else_may_read_its_file)
{
    static const struct {
        mode_t mode;
        bool is_group_readable, is_world_readable;
    } files[] = {
        { 0600, false, false }, { 0640, true, false },  { 0604, false, true },
        { 0644, true, true },   { 0622, false, false },
    };
    char path[PATH_SIZE];
    text_make(path, "secret");
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        ck_assert_int_eq(chmod(path, files[k].mode), 0);
        struct secret secret = accepted(path);
        ck_assert_int_eq(secret.is_group_readable, files[k].is_group_readable);
        ck_assert_int_eq(secret.is_world_readable, files[k].is_world_readable);
        secret_wipe(&secret);
    }
    unlink(path);
}

TEST(a_megabyte_is_taken_and_a_byte_more_is_refused)
{
    char path[PATH_SIZE];
    char *bytes = malloc(SECRET_MAX + 1);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 's', SECRET_MAX + 1);
    file_make(path, bytes, SECRET_MAX);
    struct secret secret = accepted(path);
    ck_assert_uint_eq(secret.n, SECRET_MAX);
    ck_assert_mem_eq(secret.text, bytes, SECRET_MAX);
    secret_wipe(&secret);
    unlink(path);
    file_make(path, bytes, SECRET_MAX + 1);
    refused(path, "is longer than 1048576 bytes");
    unlink(path);
    free(bytes);
}

TEST(what_is_no_regular_file_is_refused_without_waiting)
{
    char folder[] = "/tmp/grud-secret-XXXXXX", path[PATH_SIZE];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refused(path, "is not a regular file");
    refused(folder, "is not a regular file");
    refused("/dev/zero", "is not a regular file");
    unlink(path);
    refused(path, "cannot be opened");
    rmdir(folder);
}

TEST(reading_leaves_no_descriptor_open)
{
    char path[PATH_SIZE];
    text_make(path, "secret");
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(before);
    struct secret secret = accepted(path);
    secret_wipe(&secret);
    refused("/dev/null", "is not a regular file");
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(after);
    ck_assert_int_eq(before, after);
    unlink(path);
}

TEST(a_wiped_secret_is_empty_and_may_be_wiped_again)
{
    char path[PATH_SIZE];
    text_make(path, "secret");
    struct secret secret = accepted(path);
    secret_wipe(&secret);
    ck_assert(secret.text == NULL && secret.n == 0);
    secret_wipe(&secret);
    unlink(path);
}

/* ---- what remains in memory ---- */

#define MARKER "marker-of-the-secret-in-memory"

/* Whether the marker is in memory there: read as a debugger reads it, because the memory may be
 * freed. */
static bool holds_marker(uintptr_t address, size_t n)
{
    char seen[256];
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    ck_assert(fd >= 0 && n <= sizeof seen);
    ssize_t n_read = pread(fd, seen, n, (off_t)address);
    close(fd);
    return n_read == (ssize_t)n && memmem(seen, n, MARKER, strlen(MARKER)) != NULL;
}

TEST(a_wiped_secret_is_no_longer_in_memory)
{
    enum { PADDING = 64 }; /* the allocator writes to the first bytes of what is freed */
    char text[PADDING + sizeof MARKER], path[PATH_SIZE];
    snprintf(text, sizeof text, "%*s", (int)sizeof text - 1, MARKER);
    text_make(path, text);
    struct secret secret = accepted(path);
    uintptr_t address = (uintptr_t)secret.text;
    size_t n = secret.n;
    ck_assert(holds_marker(address, n));
    secret_wipe(&secret);
    ck_assert(!holds_marker(address, n));
    unlink(path);
}

/* As hashing does: a copy on the stack that nobody wiped, further down than other calls reach. */
__attribute__((noinline)) static uintptr_t copy_to_stack(const struct secret *secret)
{
    char copy[4096];
    memcpy(copy, secret->text, secret->n);
    uintptr_t address = (uintptr_t)copy;
    __asm__ volatile("" : "+r"(address) : : "memory"); /* the copy is not optimised away */
    return address;
}

TEST(what_callees_left_of_a_secret_on_the_stack_is_wiped)
{
    char path[PATH_SIZE];
    text_make(path, MARKER);
    struct secret secret = accepted(path);
    size_t n = secret.n;
    uintptr_t address = copy_to_stack(&secret);
    ck_assert(holds_marker(address, n));
    secret_wipe(&secret);
    ck_assert(!holds_marker(address, n));
    unlink(path);
}
