#include "bench/processor_time.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 300, LINE_BYTES = 1024 };

/* schedstat counts nanoseconds, for each thread. */
static bool read_seconds(int pid, double *ret_seconds)
{
    char path[PATH_BYTES];
    uint64_t total_ns = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    const struct dirent *task;
    while (tasks && (task = readdir(tasks))) {
        uint64_t ns;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (file) {
            total_ns += fscanf(file, "%" SCNu64, &ns) == 1 ? ns : 0;
            fclose(file);
        }
    }
    if (tasks) {
        closedir(tasks);
    }
    *ret_seconds = (double)total_ns * 1e-9;
    return tasks != NULL;
}

/* The name of the program, in brackets, may hold anything; fields 14 and 15 are utime and stime. */
static bool read_ticks(int pid, struct processor_time *time)
{
    char path[PATH_BYTES], line[LINE_BYTES];
    uint64_t user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    const char *fields = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    int n = fields ? sscanf(fields,
                            ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
                            &user, &system)
                   : 0;
    fclose(file);
    time->user_ticks = user;
    time->ticks = user + system;
    errno = n == 2 ? 0 : EPROTO;
    return n == 2;
}

bool processor_time_read(int pid, struct processor_time *ret_time)
{
    struct processor_time time;
    if (!read_seconds(pid, &time.seconds) || !read_ticks(pid, &time)) {
        return false;
    }
    *ret_time = time;
    return true;
}

double processor_time_user_share(const struct processor_time *before,
                                 const struct processor_time *after)
{
    uint64_t ticks = after->ticks - before->ticks, user = after->user_ticks - before->user_ticks;
    return ticks > 0 ? (double)user / (double)ticks : 0;
}
