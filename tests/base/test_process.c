#include "base/process.h"

#include "test.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct process now(void)
{
    struct process process;
    process_read(NAN, &process);
    return process;
}

TEST(an_open_file_counts_until_it_is_closed)
{
    const double n = now().n_open_fds;
    int files[2];
    ck_assert_int_eq(pipe(files), 0);
    ck_assert_double_eq(now().n_open_fds, n + 2);
    close(files[0]);
    close(files[1]);
    ck_assert_double_eq(now().n_open_fds, n);
}

TEST(the_limit_of_files_is_the_soft_one)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur--;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_double_eq(now().n_fds_max, (double)limit.rlim_cur);
    limit.rlim_cur++;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(memory_that_is_mapped_is_virtual_and_what_is_written_is_resident)
{
    enum { N_BYTES = 64 << 20 };
    const struct process before = now();
    char *p = mmap(NULL, N_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(p, MAP_FAILED);
    const struct process mapped = now();
    ck_assert_double_ge(mapped.virtual_bytes, before.virtual_bytes + N_BYTES);
    ck_assert_double_lt(mapped.resident_bytes, before.resident_bytes + N_BYTES);
    for (size_t at = 0; at < N_BYTES; at += 4096) {
        p[at] = 1;
    }
    ck_assert_double_ge(now().resident_bytes, before.resident_bytes + 0.5 * N_BYTES);
    ck_assert_int_eq(munmap(p, N_BYTES), 0);
}

TEST(time_is_that_of_computing)
{
    const double before = now().cpu_seconds;
    volatile unsigned n = 0;
    while (now().cpu_seconds < before + 0.01) {
        n++;
    }
    ck_assert_uint_gt(n, 0);
}

static void *wait_for_a_byte(void *fd)
{
    char byte;
    ck_assert_int_eq(read(*(int *)fd, &byte, 1), 1);
    return NULL;
}

TEST(a_thread_counts_while_it_runs)
{
    int files[2];
    pthread_t thread;
    ck_assert_int_eq(pipe(files), 0);
    const double n = now().n_threads;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_a_byte, &files[0]), 0);
    ck_assert_double_eq(now().n_threads, n + 1);
    ck_assert_int_eq(write(files[1], "x", 1), 1);
    pthread_join(thread, NULL);
}

TEST(it_was_started_before_now_and_after_this_test_was_compiled)
{
    const double at = process_started_at();
    struct timespec time;
    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &time), 0);
    ck_assert_double_le(at, (double)time.tv_sec + 1);
    struct stat program;
    ck_assert_int_eq(stat("/proc/self/exe", &program), 0);
    ck_assert_double_ge(at, (double)program.st_mtime - 1);
}
