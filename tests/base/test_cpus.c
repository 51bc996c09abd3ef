#include "base/cpus.h"
#include "scratch.h"
#include "test.h"

#include <sched.h>

/* What is counted with `n_affinity` processors where the files are these (name, text, ..., NULL).
 */
static size_t count(size_t n_affinity, const char *const files[])
{
    char *root = folder_create();
    for (; *files; files += 2) {
        text_write(root, files[0], files[1]);
    }
    size_t n = cpus_from_cgroup(root, n_affinity);
    folder_remove(root);
    return n;
}
#define COUNT(n_affinity, ...)                                                                     \
    count((n_affinity), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

#define CGROUP "proc/self/cgroup"
#define V1     "4:memory:/\n3:cpuset:/\n2:cpu,cpuacct:/docker/abc\n"

TEST(without_cgroup_files_the_affinity_counts)
{
    ck_assert_uint_eq(COUNT(6), 6);
    ck_assert_uint_eq(COUNT(6, CGROUP, "0::/\n"), 6);
    ck_assert_uint_eq(COUNT(0), 1);
}

TEST(a_quota_of_version_2_is_rounded_up)
{
    ck_assert_uint_eq(COUNT(8, CGROUP, "0::/\n", "sys/fs/cgroup/cpu.max", "200000 100000\n"), 2);
    ck_assert_uint_eq(COUNT(8, CGROUP, "0::/\n", "sys/fs/cgroup/cpu.max", "200001 100000\n"), 3);
    ck_assert_uint_eq(COUNT(8, CGROUP, "0::/\n", "sys/fs/cgroup/cpu.max", "50000 100000\n"), 1);
    ck_assert_uint_eq(COUNT(8, CGROUP, "0::/\n", "sys/fs/cgroup/cpu.max", "1000 100000\n"), 1);
}

TEST(a_quota_above_the_affinity_does_not_count)
{
    ck_assert_uint_eq(COUNT(2, CGROUP, "0::/\n", "sys/fs/cgroup/cpu.max", "800000 100000\n"), 2);
}

TEST(max_is_no_quota)
{
    ck_assert_uint_eq(COUNT(8, CGROUP, "0::/\n", "sys/fs/cgroup/cpu.max", "max 100000\n"), 8);
}

TEST(the_least_quota_on_the_way_up_counts)
{
    const char *inner = "sys/fs/cgroup/a.slice/b.service/cpu.max";
    const char *outer = "sys/fs/cgroup/a.slice/cpu.max";
    ck_assert_uint_eq(
        COUNT(8, CGROUP, "0::/a.slice/b.service\n", inner, "max 100000", outer, "300000 100000"),
        3);
    ck_assert_uint_eq(
        COUNT(8, CGROUP, "0::/a.slice/b.service\n", inner, "200000 100000", outer, "300000 100000"),
        2);
    ck_assert_uint_eq(COUNT(8, CGROUP, "0::/a.slice/other\n", inner, "200000 100000"), 8);
}

TEST(a_quota_of_version_1_is_rounded_up)
{
    const char *quota = "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us";
    const char *period = "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us";
    ck_assert_uint_eq(COUNT(8, CGROUP, V1, quota, "150000\n", period, "100000\n"), 2);
    ck_assert_uint_eq(COUNT(8, CGROUP, V1, quota, "20000\n", period, "100000\n"), 1);
    ck_assert_uint_eq(COUNT(8, CGROUP, V1, quota, "-1\n", period, "100000\n"), 8);
    ck_assert_uint_eq(COUNT(8, CGROUP, V1, quota, "150000\n"), 8);
}

/* In a container the path is often that of the host, and what is mounted is the container's own
 * directory. */
TEST(a_cgroup_path_of_the_host_falls_back_to_the_mount)
{
    ck_assert_uint_eq(COUNT(8, CGROUP, V1, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000",
                            "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000"),
                      3);
    ck_assert_uint_eq(
        COUNT(8, CGROUP, "0::/docker/abc\n", "sys/fs/cgroup/cpu.max", "400000 100000"), 4);
}

TEST(controllers_with_similar_names_do_not_count)
{
    ck_assert_uint_eq(COUNT(8, CGROUP, "3:cpuset,cpuacct:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us",
                            "100000", "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000"),
                      8);
}

TEST(unreadable_quotas_do_not_count)
{
    static const char *const texts[] = { "",
                                         "\n",
                                         "max",
                                         "200000",
                                         "200000 0\n",
                                         "abc def",
                                         "-5 100000",
                                         " 1 1",
                                         "200000\t1",
                                         "200000 max",
                                         "1e5 1000",
                                         "99999999999999999999 1",
                                         "1 99999999999999999999" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t n = COUNT(8, CGROUP, "0::/\n", "sys/fs/cgroup/cpu.max", texts[i]);
        ck_assert_msg(n == 8, "'%s' gives %zu", texts[i], n);
    }
    static const char *const lines[] = { "",    "\n\n", "0",           "0:",
                                         "0::", "0::x", "0::/../..\n", "::::\n" };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_uint_eq(COUNT(8, CGROUP, lines[i]), 8);
    }
}

TEST(this_process_has_at_least_one_and_at_most_its_mask)
{
    cpu_set_t mask, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof mask, &mask), 0);
    ck_assert_uint_ge(cpus_available(), 1);
    ck_assert_uint_le(cpus_available(), (size_t)CPU_COUNT(&mask));
    int first = 0;
    while (!CPU_ISSET(first, &mask)) {
        first++;
    }
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    size_t n = cpus_available();
    ck_assert_int_eq(sched_setaffinity(0, sizeof mask, &mask), 0);
    ck_assert_uint_eq(n, 1);
}
