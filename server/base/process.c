#include "base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Fields of /proc/self/stat, from 1 as in proc(5). The second one, the name, may hold anything, so
 * the others are counted behind its last parenthesis. */
enum {
    FIELD_STATE = 3,
    FIELD_THREADS = 20,
    FIELD_START = 22,
    FIELD_VIRTUAL = 23,
    FIELD_PAGES = 24
};

enum { N_FIELDS = FIELD_PAGES + 1 };

/* False: there is no such file, or it is none. */
static bool read_fields(double fields[N_FIELDS])
{
    char text[1024];
    const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    char *at = strrchr(text, ')');
    int field = FIELD_STATE;
    for (at = at ? strchr(at, ' ') : NULL; at && field < N_FIELDS; at = strchr(at + 1, ' ')) {
        fields[field++] = strtod(at + 1, NULL);
    }
    return field == N_FIELDS;
}

static double seconds(clockid_t clock)
{
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? (double)time.tv_sec + 1e-9 * (double)time.tv_nsec
                                            : NAN;
}

/* Since Linux 6.2 the folder's size is the number of its entries. */
static double count_fds(void)
{
    struct stat folder;
    if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) {
        return (double)folder.st_size;
    }
    DIR *files = opendir("/proc/self/fd");
    if (!files) {
        return NAN;
    }
    double n = -1; /* the one that reads the folder */
    for (const struct dirent *file; (file = readdir(files)); /* NOLINT(concurrency-mt-unsafe) */) {
        n += file->d_name[0] != '.';
    }
    closedir(files);
    return n;
}

void process_read(double started_at, struct process *ret_process)
{
    double fields[N_FIELDS];
    struct rlimit files;
    *ret_process = (struct process){ .cpu_seconds = seconds(CLOCK_PROCESS_CPUTIME_ID),
                                     .resident_bytes = NAN,
                                     .virtual_bytes = NAN,
                                     .n_open_fds = count_fds(),
                                     .n_fds_max = NAN,
                                     .n_threads = NAN,
                                     .started_at = started_at };
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
        ret_process->n_fds_max = (double)files.rlim_cur;
    }
    if (read_fields(fields)) {
        ret_process->virtual_bytes = fields[FIELD_VIRTUAL];
        ret_process->resident_bytes = fields[FIELD_PAGES] * (double)sysconf(_SC_PAGESIZE);
        ret_process->n_threads = fields[FIELD_THREADS];
    }
}

double process_started_at(void)
{
    double fields[N_FIELDS];
    return read_fields(fields) ? seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME) +
                                     fields[FIELD_START] / (double)sysconf(_SC_CLK_TCK)
                               : NAN;
}
