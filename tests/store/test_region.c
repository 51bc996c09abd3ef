#include "store/region.h"
#include "store/region_guard.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEGABYTE = 1 << 20 };

struct file {
    char folder[32], path[48];
};

static struct file make_file(void)
{
    struct file file;
    snprintf(file.folder, sizeof file.folder, "/tmp/grud-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(file.folder));
    snprintf(file.path, sizeof file.path, "%s/region", file.folder);
    return file;
}

static void remove_file(const struct file *file)
{
    unlink(file->path);
    ck_assert_int_eq(rmdir(file->folder), 0);
}

static size_t size_of(const char *path)
{
    struct stat file;
    ck_assert_int_eq(stat(path, &file), 0);
    return (size_t)file.st_size;
}

static char *map_window(struct region *region, size_t from, size_t n_bytes)
{
    struct fault fault;
    char *base = NULL;
    enum status status = region_map(region, from, n_bytes, &base, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return base;
}

/* With a window on all that it may come to hold. */
static char *open_region(struct region *region, const char *path, size_t most)
{
    struct fault fault;
    enum status status = region_open(region, path, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return map_window(region, 0, most);
}

static void grow(struct region *region, size_t size)
{
    struct fault fault;
    enum status status = region_grow(region, size, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    ck_assert_uint_eq(atomic_load(&region->size), size);
}

static unsigned char byte_at(size_t k)
{
    return (unsigned char)(k * 31 + k / 4096);
}

static void fill(char *base, size_t from, size_t to)
{
    for (size_t k = from; k < to; k++) {
        base[k] = (char)byte_at(k);
    }
}

/* That it holds what fill wrote up to `filled`, and zeros up to its end. */
static void expect_filled(const struct region *region, const char *base, size_t filled)
{
    size_t n_wrong = 0;
    for (size_t k = 0; k < atomic_load(&region->size); k++) {
        n_wrong += (unsigned char)base[k] != (k < filled ? byte_at(k) : 0);
    }
    ck_assert_uint_eq(n_wrong, 0);
}

/* Sizes that are multiples of a page and others, each larger than the one before. */
static void expect_growth_in_place(const char *path)
{
    static const size_t sizes[] = { 1, 100, 4095, 4096, 4097, 8192, 70000, 70001, MEGABYTE };
    struct region region;
    char *base = open_region(&region, path, MEGABYTE);
    size_t filled = 0;
    ck_assert_uint_eq(atomic_load(&region.size), 0);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        grow(&region, sizes[k]);
        expect_filled(&region, base, filled);
        fill(base, filled, sizes[k]);
        filled = sizes[k];
        if (path) {
            ck_assert_uint_eq(size_of(path), sizes[k]);
        }
        ck_assert(region_sync(&region));
    }
    expect_filled(&region, base, filled);
    region_close(&region);
}

TEST(memory_grows_in_place_and_is_zero)
{
    expect_growth_in_place(NULL);
}

TEST(a_file_grows_in_place_and_is_zero)
{
    struct file file = make_file();
    expect_growth_in_place(file.path);
    remove_file(&file);
}

TEST(touching_a_region_changes_nothing_in_it)
{
    struct file file = make_file();
    struct region region;
    char *base = open_region(&region, file.path, MEGABYTE);
    region_touch(&region);
    grow(&region, 70001);
    fill(base, 0, 70001);
    region_touch(&region);
    expect_filled(&region, base, 70001);
    ck_assert(region_sync(&region));
    region_close(&region);
    ck_assert_uint_eq(size_of(file.path), 70001);
    remove_file(&file);
}

TEST(a_file_holds_what_was_written_when_it_is_opened_again)
{
    struct file file = make_file();
    size_t filled = 0;
    for (size_t k = 1; k < 20; k++) {
        struct region region;
        char *base = open_region(&region, file.path, MEGABYTE);
        ck_assert_uint_eq(atomic_load(&region.size), filled);
        expect_filled(&region, base, filled);
        grow(&region, filled + k * 1013);
        expect_filled(&region, base, filled);
        fill(base, filled, filled + k * 1013);
        filled += k * 1013;
        region_close(&region);
        ck_assert_ptr_null(region.windows);
        ck_assert_int_eq(region.fd, -1);
    }
    remove_file(&file);
}

TEST(growing_to_what_it_is_changes_nothing)
{
    struct file file = make_file();
    struct fault fault;
    struct region region;
    char *base = open_region(&region, file.path, MEGABYTE);
    grow(&region, 5000);
    fill(base, 0, 5000);
    ck_assert_int_eq(region_grow(&region, 5000, &fault), STATUS_OK);
    ck_assert_int_eq(region_grow(&region, 10, &fault), STATUS_OK);
    ck_assert_uint_eq(atomic_load(&region.size), 5000);
    expect_filled(&region, base, 5000);
    region_close(&region);
    remove_file(&file);
}

/* Windows that share pages, and one that ends in the middle of one. */
TEST(what_is_written_in_one_window_is_seen_in_another)
{
    struct file file = make_file();
    struct region region;
    char *base = open_region(&region, file.path, MEGABYTE);
    grow(&region, 100000);
    fill(base, 0, 100000);
    for (size_t from = 0; from + 5000 <= 100000; from += 4999) {
        char *part = map_window(&region, from, 5000);
        for (size_t k = 0; k < 5000; k++) {
            ck_assert_uint_eq((unsigned char)part[k], byte_at(from + k));
        }
        ck_assert_uint_eq(region_place(&region, part), from);
        ck_assert_uint_eq(region_place(&region, part + 4999), from + 4999);
    }
    region_touch(&region);
    expect_filled(&region, base, 100000);
    ck_assert(region_sync(&region));
    region_close(&region);
    remove_file(&file);
}

/* Beyond the end of the file there is nothing to touch yet. */
TEST(a_window_may_be_on_what_the_file_is_to_become)
{
    struct file file = make_file();
    struct region region;
    char *base = open_region(&region, file.path, 4096);
    char *later = map_window(&region, 64 * (size_t)MEGABYTE + 100, 1000);
    grow(&region, 4096);
    fill(base, 0, 4096);
    grow(&region, 65 * (size_t)MEGABYTE);
    for (size_t k = 0; k < 1000; k++) {
        ck_assert_int_eq(later[k], 0);
        later[k] = (char)byte_at(k);
    }
    ck_assert(region_sync(&region));
    region_close(&region);
    remove_file(&file);
}

TEST(a_file_that_holds_something_is_mapped_with_it)
{
    struct file file = make_file();
    struct region region;
    char *base = open_region(&region, file.path, MEGABYTE);
    grow(&region, 500000);
    fill(base, 0, 500000);
    region_close(&region);
    base = open_region(&region, file.path, 500000);
    ck_assert_uint_eq(atomic_load(&region.size), 500000);
    expect_filled(&region, base, 500000);
    region_close(&region);
    remove_file(&file);
}

/* A limit on the size of files stands for a disk that is full. */
TEST(a_full_disk_is_an_error_and_leaves_the_region_as_it_was)
{
    struct file file = make_file();
    struct fault fault;
    struct rlimit unlimited, limit;
    struct region region;
    char *base = open_region(&region, file.path, 64 * (size_t)MEGABYTE);
    grow(&region, 100000);
    fill(base, 0, 100000);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    limit = (struct rlimit){ .rlim_cur = MEGABYTE, .rlim_max = unlimited.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum status status = region_grow(&region, 2 * (size_t)MEGABYTE, &fault);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    signal(SIGXFSZ, SIG_DFL);
    ck_assert_int_eq(status, STATUS_STORAGE_FAILED);
    ck_assert_uint_eq(atomic_load(&region.size), 100000);
    ck_assert_uint_eq(size_of(file.path), 100000);
    expect_filled(&region, base, 100000);
    grow(&region, 2 * (size_t)MEGABYTE);
    expect_filled(&region, base, 100000);
    region_close(&region);
    remove_file(&file);
}

/* A hole would be a SIGBUS later: each byte must have its place on the disk when it is added. */
TEST(file_space_is_allocated_and_not_a_hole)
{
    struct file file = make_file();
    struct stat stored;
    struct region region;
    open_region(&region, file.path, 64 * (size_t)MEGABYTE);
    grow(&region, 3 * (size_t)MEGABYTE);
    ck_assert_int_eq(stat(file.path, &stored), 0);
    ck_assert_int_ge(stored.st_blocks * 512, 3 * MEGABYTE);
    region_close(&region);
    remove_file(&file);
}

TEST(what_cannot_be_opened_is_refused_with_the_reason)
{
    struct region region;
    struct fault fault;
    ck_assert_int_eq(region_open(&region, "/nonexistent/file", &fault), STATUS_STORAGE_FAILED);
    ck_assert(strstr(fault.message, "/nonexistent/file") && strstr(fault.message, "No such file"));
    ck_assert_int_eq(region_open(&region, "/tmp", &fault), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(region_open(&region, NULL, &fault), STATUS_OK);
    char *base;
    ck_assert_int_eq(region_map(&region, 0, SIZE_MAX / 2, &base, &fault), STATUS_NO_MEMORY);
    ck_assert_ptr_null(region.windows);
    region_close(&region);
}

TEST(other_users_may_not_read_the_file)
{
    struct file file = make_file();
    struct stat stored;
    struct region region;
    open_region(&region, file.path, 4096);
    ck_assert_int_eq(stat(file.path, &stored), 0);
    ck_assert_int_eq(stored.st_mode & 0777, 0600);
    region_close(&region);
    remove_file(&file);
}

/* ---- a file that is cut ---- */

static size_t n_wrong(const char *base, size_t from, size_t to, bool is_cut)
{
    size_t n = 0;
    for (size_t k = from; k < to; k++) {
        n += (unsigned char)base[k] != (is_cut ? 0 : byte_at(k));
    }
    return n;
}

static char *fill_region(struct region *region, const char *path, size_t size)
{
    char *base = open_region(region, path, 2 * size);
    grow(region, size);
    fill(base, 0, size);
    return base;
}

TEST(a_file_that_is_cut_breaks_its_region_and_no_other)
{
    struct file file = make_file(), other = make_file();
    ck_assert(region_guard_install() && region_guard_install());
    struct region region, sound;
    char *base = fill_region(&region, file.path, MEGABYTE);
    const char *whole = fill_region(&sound, other.path, MEGABYTE);
    ck_assert_int_eq(truncate(file.path, MEGABYTE / 2), 0);
    ck_assert(!region_is_broken(&region));
    ck_assert_uint_eq(n_wrong(base, 0, MEGABYTE / 2, false), 0);
    ck_assert_uint_eq(n_wrong(base, MEGABYTE / 2, MEGABYTE, true), 0);
    ck_assert(region_is_broken(&region) && !region_is_broken(&sound));
    base[MEGABYTE - 1] = 1; /* a write beyond the end, too */
    struct fault fault;
    ck_assert(!region_sync(&region) && region_sync(&sound));
    ck_assert_uint_eq(n_wrong(whole, 0, MEGABYTE, false), 0);
    ck_assert_int_eq(region_grow(&region, 2 * MEGABYTE, &fault), STATUS_STORAGE_FAILED);
    ck_assert_uint_eq(size_of(file.path), MEGABYTE / 2);
    region_close(&region);
    region_close(&sound);
    open_region(&region, file.path, MEGABYTE); /* the next one is whole */
    ck_assert(!region_is_broken(&region) && atomic_load(&region.size) == MEGABYTE / 2);
    ck_assert(region_sync(&region));
    region_close(&region);
    remove_file(&file);
    remove_file(&other);
}

TEST(a_cut_is_found_without_a_fault)
{
    struct file file = make_file();
    struct region region;
    fill_region(&region, file.path, MEGABYTE);
    ck_assert(region_check(&region));
    ck_assert_int_eq(truncate(file.path, MEGABYTE - 1), 0);
    ck_assert(!region_check(&region) && region_is_broken(&region) && !region_sync(&region));
    region_close(&region);
    remove_file(&file);
}

TEST(there_may_be_any_number_of_guarded_files)
{
    enum { MANY = 200 };
    static struct region regions[MANY];
    static char *bases[MANY];
    static struct file files[MANY];
    ck_assert(region_guard_install());
    for (int round = 0; round < 2; round++) {
        for (size_t k = 0; k < MANY; k++) {
            files[k] = make_file();
            bases[k] = fill_region(&regions[k], files[k].path, 8192);
        }
        for (size_t k = 0; k < MANY; k += 3) {
            ck_assert_int_eq(truncate(files[k].path, 0), 0);
            ck_assert_int_eq(bases[k][8191], 0);
        }
        for (size_t k = 0; k < MANY; k++) {
            ck_assert(region_is_broken(&regions[k]) == (k % 3 == 0));
            region_close(&regions[k]);
            remove_file(&files[k]);
        }
    }
}

TEST(a_fault_elsewhere_ends_the_process_as_ever)
{
    struct file file = make_file();
    ck_assert(region_guard_install());
    struct region region;
    fill_region(&region, file.path, MEGABYTE);
    volatile char *elsewhere = mmap(NULL, MEGABYTE, PROT_READ, MAP_SHARED, region.fd, 0);
    ck_assert(elsewhere != MAP_FAILED);
    ck_assert_int_eq(truncate(file.path, 0), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct rlimit no_core = { 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGBUS, SIG_DFL); /* whatever a sanitizer would do */
        (void)!region_guard_install();
        _exit(*elsewhere);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    munmap((void *)(uintptr_t)elsewhere, MEGABYTE);
    region_close(&region);
    remove_file(&file);
}
