/* What is on disk when a call returns. */
#include "store/job_store.h"
#include "store_support.h"
#include "test.h"

#include <sys/syscall.h>
#include <unistd.h>

static _Atomic long n_syncs;

/* In the place of the C library's, which SQLite calls: one or the other, as it was built. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
    n_syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    n_syncs++;
    return (int)syscall(SYS_fsync, fd);
}

TEST(each_change_of_a_job_is_on_disk_when_its_call_returns)
{
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    for (unsigned k = 1; k < 4; k++) {
        long before = n_syncs;
        job_inserted(jobs, k, JOB_QUEUED);
        ck_assert_int_gt(n_syncs, before);
    }
    job_store_close(jobs);
    folder_remove(&folder);
}
