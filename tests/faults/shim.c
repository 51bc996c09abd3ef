/*
 * shim.c - preloaded into the real daemon: allocations and calls on files that fail as the control
 * page says (control.h). Calls count from the beginning of main to its end, so the loader and the
 * libraries' own constructors are left alone. What does not fail goes to the kernel, or to glibc's
 * allocator, by names that nobody interposes: nothing here is looked up while it is needed.
 */
#include "control.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): glibc's own names
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);
void __libc_free(void *p);
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)

static struct fault_control *control; /* NULL outside of main */
static _Atomic long n_live;

/* ---- whether a call fails ---- */

/* The names stand with a comma between them; none: all are wanted. */
static bool is_wanted_thread(void)
{
    char name[16] = "";
    const char *wanted = control->threads;
    if (*wanted == '\0' || prctl(PR_GET_NAME, name) != 0) {
        return *wanted == '\0';
    }
    for (; *wanted != '\0'; wanted += *wanted == ',') {
        size_t n = strcspn(wanted, ",");
        if (strncmp(name, wanted, n) == 0) {
            return true;
        }
        wanted += n;
    }
    return false;
}

static bool strikes(int classes, const char *call)
{
    if (!control || !atomic_load(&control->is_armed) || !(classes & atomic_load(&control->class)) ||
        !is_wanted_thread()) {
        return false;
    }
    long n = atomic_fetch_add(&control->n_calls, 1) + 1;
    long at = atomic_load(&control->at);
    if (at == 0 || (n != at && !(n > at && atomic_load(&control->is_for_good)))) {
        return false;
    }
    memcpy(control->call, call, strlen(call) + 1);
    atomic_fetch_add(&control->n_failed, 1);
    return true;
}

static bool is_file(int fd)
{
    struct stat file;
    return control && fd > STDERR_FILENO && fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
}

/* The error of a call that fails; 0: it does not. */
static int error_of(int classes, const char *call)
{
    if (!strikes(classes, call)) {
        return 0;
    }
    int class = atomic_load(&control->class);
    return class == FAULT_MEMORY ? ENOMEM : class == FAULT_SPACE ? ENOSPC : EIO;
}

static bool fails(int classes, const char *call)
{
    int error = error_of(classes, call);
    if (error != 0) {
        errno = error;
    }
    return error != 0;
}

/* ---- memory ---- */

static void *counted(void *p)
{
    if (p) {
        atomic_fetch_add_explicit(&n_live, 1, memory_order_relaxed);
    }
    return p;
}

EXPORT void *malloc(size_t n)
{
    return fails(FAULT_MEMORY, "malloc") ? NULL : counted(__libc_malloc(n));
}

EXPORT void *calloc(size_t n, size_t size)
{
    return fails(FAULT_MEMORY, "calloc") ? NULL : counted(__libc_calloc(n, size));
}

EXPORT void *realloc(void *p, size_t n)
{
    if (fails(FAULT_MEMORY, "realloc")) {
        return NULL;
    }
    void *result = __libc_realloc(p, n);
    if (!p) {
        return counted(result);
    }
    atomic_fetch_sub_explicit(&n_live, !result && n == 0, memory_order_relaxed);
    return result;
}

EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
    size_t n_bytes;
    if (__builtin_mul_overflow(n, size, &n_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(p, n_bytes);
}

EXPORT void *aligned_alloc(size_t alignment, size_t n)
{
    return fails(FAULT_MEMORY, "aligned_alloc") ? NULL : counted(__libc_memalign(alignment, n));
}

EXPORT int posix_memalign(void **ret_p, size_t alignment, size_t n)
{
    void *p = aligned_alloc(alignment, n);
    *ret_p = p ? p : *ret_p;
    return p ? 0 : ENOMEM;
}

EXPORT void free(void *p)
{
    atomic_fetch_sub_explicit(&n_live, p != NULL, memory_order_relaxed);
    __libc_free(p);
}

EXPORT void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t offset)
{
    return fails(FAULT_MEMORY, "mmap")
               ? MAP_FAILED
               : (void *)syscall(SYS_mmap, address, n, protection, flags, fd, offset);
}

/* ---- opening, names ---- */

static int open_path(int folder, const char *path, int flags, mode_t mode)
{
    int classes = flags & O_CREAT ? FAULT_IO | FAULT_SPACE : FAULT_IO;
    return fails(classes, "open") ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_path(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_path(folder, path, flags, mode);
}

EXPORT int creat(const char *path, mode_t mode)
{
    return open_path(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int rename(const char *from, const char *to)
{
    return fails(FAULT_IO | FAULT_SPACE, "rename")
               ? -1
               : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return fails(FAULT_IO | FAULT_SPACE, "renameat")
               ? -1
               : (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

EXPORT int unlink(const char *path)
{
    return fails(FAULT_IO, "unlink") ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    return fails(FAULT_IO | FAULT_SPACE, "mkdir") ? -1
                                                  : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

EXPORT int link(const char *from, const char *to)
{
    return fails(FAULT_IO | FAULT_SPACE, "link")
               ? -1
               : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- contents ---- */

/* How many of n bytes are to be written; -1: the call fails. */
static ssize_t bytes_to_write(int fd, size_t n, const char *call)
{
    if (!is_file(fd)) {
        return (ssize_t)n;
    }
    int error = error_of(FAULT_IO | FAULT_SPACE | FAULT_SHORT, call);
    if (error != 0 && atomic_load(&control->class) == FAULT_SHORT) {
        return (ssize_t)(n > 1 ? n / 2 : n);
    }
    errno = error != 0 ? error : errno;
    return error != 0 ? -1 : (ssize_t)n;
}

EXPORT ssize_t write(int fd, const void *bytes, size_t n)
{
    ssize_t n_due = bytes_to_write(fd, n, "write");
    return n_due < 0 ? -1 : syscall(SYS_write, fd, bytes, (size_t)n_due);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    ssize_t n_due = bytes_to_write(fd, n, "pwrite");
    return n_due < 0 ? -1 : syscall(SYS_pwrite64, fd, bytes, (size_t)n_due, offset);
}

/* Several pieces are one call; a short one writes the first. */
static int pieces_to_write(int fd, const struct iovec *pieces, int n, const char *call)
{
    size_t n_bytes = 0;
    for (int k = 0; k < n; k++) {
        n_bytes += pieces[k].iov_len;
    }
    ssize_t n_due = bytes_to_write(fd, n_bytes, call);
    return n_due < 0 ? -1 : (size_t)n_due < n_bytes ? 1 : n;
}

EXPORT ssize_t writev(int fd, const struct iovec *pieces, int n)
{
    int n_due = pieces_to_write(fd, pieces, n, "writev");
    return n_due < 0 ? -1 : syscall(SYS_writev, fd, pieces, n_due);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *pieces, int n, off_t offset)
{
    int n_due = pieces_to_write(fd, pieces, n, "pwritev");
    return n_due < 0 ? -1 : syscall(SYS_pwritev, fd, pieces, n_due, offset, 0);
}

EXPORT ssize_t read(int fd, void *bytes, size_t n)
{
    return is_file(fd) && fails(FAULT_IO, "read") ? -1 : syscall(SYS_read, fd, bytes, n);
}

EXPORT ssize_t pread(int fd, void *bytes, size_t n, off_t offset)
{
    return is_file(fd) && fails(FAULT_IO, "pread") ? -1
                                                   : syscall(SYS_pread64, fd, bytes, n, offset);
}

EXPORT int ftruncate(int fd, off_t n)
{
    return is_file(fd) && fails(FAULT_IO | FAULT_SPACE, "ftruncate")
               ? -1
               : (int)syscall(SYS_ftruncate, fd, n);
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t n)
{
    return fails(FAULT_IO | FAULT_SPACE, "fallocate")
               ? -1
               : (int)syscall(SYS_fallocate, fd, mode, offset, n);
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t n)
{
    int error = error_of(FAULT_IO | FAULT_SPACE, "posix_fallocate");
    return error != 0 ? error : syscall(SYS_fallocate, fd, 0, offset, n) == 0 ? 0 : errno;
}

/* ---- syncs ---- */

EXPORT int fsync(int fd)
{
    return fails(FAULT_IO | FAULT_SYNC, "fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

EXPORT int fdatasync(int fd)
{
    return fails(FAULT_IO | FAULT_SYNC, "fdatasync") ? -1 : (int)syscall(SYS_fdatasync, fd);
}

EXPORT int msync(void *address, size_t n, int flags)
{
    return fails(FAULT_IO | FAULT_SYNC, "msync") ? -1 : (int)syscall(SYS_msync, address, n, flags);
}

/* ---- other names of the same ---- */

#define ALIAS(name, result, ...) EXPORT result name __VA_ARGS__
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-redundant-declaration)
ALIAS(open64, int, (const char *path, int flags, ...)) __attribute__((alias("open")));
ALIAS(openat64, int, (int folder, const char *path, int flags, ...))
__attribute__((alias("openat")));
ALIAS(creat64, int, (const char *path, mode_t mode)) __attribute__((alias("creat")));
ALIAS(pread64, ssize_t, (int fd, void *bytes, size_t n, off_t offset))
__attribute__((alias("pread")));
ALIAS(pwrite64, ssize_t, (int fd, const void *bytes, size_t n, off_t offset))
__attribute__((alias("pwrite")));
ALIAS(pwritev64, ssize_t, (int fd, const struct iovec *pieces, int n, off_t offset))
__attribute__((alias("pwritev")));
ALIAS(ftruncate64, int, (int fd, off_t n)) __attribute__((alias("ftruncate")));
ALIAS(fallocate64, int, (int fd, int mode, off_t offset, off_t n))
__attribute__((alias("fallocate")));
ALIAS(posix_fallocate64, int, (int fd, off_t offset, off_t n))
__attribute__((alias("posix_fallocate")));
ALIAS(mmap64, void *, (void *address, size_t n, int protection, int flags, int fd, off_t offset))
__attribute__((alias("mmap")));

/* What _FORTIFY_SOURCE makes of read, pread and open. */
ssize_t __read_chk(int fd, void *bytes, size_t n, size_t n_room);
ssize_t __pread_chk(int fd, void *bytes, size_t n, off_t offset, size_t n_room);
ssize_t __pread64_chk(int fd, void *bytes, size_t n, off_t offset, size_t n_room);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

EXPORT ssize_t __read_chk(int fd, void *bytes, size_t n, size_t n_room)
{
    return n > n_room ? (abort(), -1) : read(fd, bytes, n);
}

EXPORT ssize_t __pread_chk(int fd, void *bytes, size_t n, off_t offset, size_t n_room)
{
    return n > n_room ? (abort(), -1) : pread(fd, bytes, n, offset);
}
ALIAS(__pread64_chk, ssize_t, (int fd, void *bytes, size_t n, off_t offset, size_t n_room))
__attribute__((alias("__pread_chk")));

EXPORT int __open_2(const char *path, int flags)
{
    return open(path, flags);
}
ALIAS(__open64_2, int, (const char *path, int flags)) __attribute__((alias("__open_2")));

/* ---- main ---- */

typedef int main_function(int argc, char **argv, char **environment);
typedef int start_function(main_function *main, int argc, char **argv, void (*init)(void),
                           void (*done)(void), void (*linker_done)(void), void *stack_end);
start_function __libc_start_main;

static main_function *real_main;

static int watched_main(int argc, char **argv, char **environment)
{
    const char *path =
        getenv(FAULT_FILE_VARIABLE); // NOLINT(concurrency-mt-unsafe): there is one thread
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *page = fd >= 0 ? mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                         : MAP_FAILED;
    close(fd);
    if (page == MAP_FAILED) {
        return 125;
    }
    atomic_store(&n_live, 0);
    control = page;
    int code = real_main(argc, argv, environment);
    struct fault_control *used = control;
    control = NULL;
    atomic_store(&used->n_live, atomic_load(&n_live));
    return code;
}

EXPORT int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
                             void (*done)(void), void (*linker_done)(void), void *stack_end)
{
    start_function *start = NULL;
    void *found = dlsym(RTLD_NEXT, "__libc_start_main");
    memcpy(&start, &found, sizeof start);
    real_main = main;
    return start(watched_main, argc, argv, init, done, linker_done, stack_end);
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-redundant-declaration)
