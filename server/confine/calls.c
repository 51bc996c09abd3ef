/*
 * calls.c - the list of system calls that grud needs from the moment it has bound its port to its
 * end.
 *
 * What is not on it kills the process, and the kernel's log says which it was (audit: type=1326,
 * syscall=...): an unexpected call is either a bug of ours or foreign code. Threads that a library
 * has started before main get the filter, too.
 */
#include "confine/confine.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALL(name) SCMP_SYS(name)

/* Calls that are fine whatever their arguments are. Some exist on one architecture only, or belong
 * to another glibc's way of doing the same: libseccomp leaves out what this kernel's architecture
 * has not. */
static const int allowed[] = {
    /* memory: malloc, the mapped session files and their syncs, OpenBLAS' buffers */
    CALL(brk),
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(msync),
    CALL(mbind),
    /* threads: locks, semaphores, their start and end; a worker that waits for another's session
       yields */
    CALL(futex),
    CALL(set_robust_list),
    CALL(rseq),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL(gettid),
    CALL(getpid),
    CALL(exit),
    CALL(exit_group),
    /* signals: main waits for them, passes them on, and blocks them around the start of threads */
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigtimedwait),
    CALL(rt_sigreturn),
    CALL(restart_syscall),
    /* time, where the vDSO has no clock */
    CALL(clock_gettime),
    CALL(clock_getres),
    CALL(gettimeofday),
    CALL(clock_nanosleep),
    CALL(nanosleep),
    /* files: models, sessions, SQLite's databases and journals, keys and certificates that are read
     * again, the log on standard error */
    CALL(openat),
    CALL(open),
    CALL(close),
    CALL(read),
    CALL(write),
    CALL(readv),
    CALL(writev),
    CALL(pread64),
    CALL(pwrite64),
    CALL(lseek),
    CALL(_llseek),
    CALL(fstat),
    CALL(fstat64),
    CALL(stat),
    CALL(lstat),
    CALL(newfstatat),
    CALL(fstatat64),
    CALL(statx),
    CALL(access),
    CALL(faccessat),
    CALL(faccessat2),
    CALL(readlink),
    CALL(readlinkat),
    CALL(getcwd),
    CALL(getdents64),
    CALL(fcntl),
    CALL(fcntl64),
    CALL(flock),
    CALL(fallocate),
    CALL(ftruncate),
    CALL(ftruncate64),
    CALL(fsync),
    CALL(fdatasync),
    CALL(fchmod),
    CALL(fchown),
    CALL(mkdir),
    CALL(mkdirat),
    CALL(rmdir),
    CALL(rename),
    CALL(renameat),
    CALL(renameat2),
    CALL(unlink),
    CALL(unlinkat),
    /* connections, of the sockets that listen already, and of webhooks */
    CALL(accept),
    CALL(accept4),
    CALL(recvfrom),
    CALL(recvmsg),
    CALL(sendto),
    CALL(sendmsg),
    CALL(shutdown),
    CALL(getsockopt),
    CALL(setsockopt),
    CALL(getsockname),
    CALL(getpeername),
    CALL(epoll_create1),
    CALL(epoll_ctl),
    CALL(epoll_wait),
    CALL(epoll_pwait),
    CALL(poll),
    CALL(ppoll),
    CALL(eventfd2),
    /* what the machine has, and which user grud is: qsort's memory, limits, SQLite's care for its
     * files' owner */
    CALL(sysinfo),
    CALL(uname),
    CALL(getrlimit),
    CALL(getrusage),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    /* randomness: ids, SQLite's journals, TLS */
    CALL(getrandom),
};

struct call_rule {
    int call;
    struct scmp_arg_cmp argument; /* the only one that is looked at */
};

enum {
    THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD,
    NAMESPACE_FLAGS = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                      CLONE_NEWPID | CLONE_NEWNET
};

/* Calls that are fine with some arguments. */
static const struct call_rule checked[] = {
    /* no memory becomes code */
    { CALL(mmap), { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
    { CALL(mmap2), { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
    { CALL(mprotect), { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
    /* threads of this process only: no child, no namespace */
    { CALL(clone), { 0, SCMP_CMP_MASKED_EQ, THREAD_FLAGS | NAMESPACE_FLAGS, THREAD_FLAGS } },
    /* threads' names */
    { CALL(prctl), { 0, SCMP_CMP_EQ, PR_SET_NAME, 0 } },
    /* the training thread: its idle priority, and a normal one when grud ends */
    { CALL(sched_setscheduler), { 1, SCMP_CMP_EQ, SCHED_IDLE, 0 } },
    { CALL(sched_setscheduler), { 1, SCMP_CMP_EQ, SCHED_OTHER, 0 } },
    /* limits are read, and not changed */
    { CALL(prlimit64), { 2, SCMP_CMP_EQ, 0, 0 } },
};

/* What webhooks take beside that: connections of our own, names that are looked up, and the pair of
 * sockets by which libcurl's threads that look them up say that they are done. */
static const int connecting[] = { CALL(connect), CALL(bind), CALL(sendmmsg), CALL(socketpair) };
static const struct call_rule connecting_checked[] = {
    { CALL(socket), { 0, SCMP_CMP_EQ, AF_INET, 0 } },
    { CALL(socket), { 0, SCMP_CMP_EQ, AF_INET6, 0 } },
    { CALL(socket), { 0, SCMP_CMP_EQ, AF_UNIX, 0 } },    /* a cache of names */
    { CALL(socket), { 0, SCMP_CMP_EQ, AF_NETLINK, 0 } }, /* which addresses this machine has */
    { CALL(ioctl), { 1, SCMP_CMP_EQ, FIONREAD, 0 } },
    { CALL(ioctl), { 1, SCMP_CMP_EQ, FIONBIO, 0 } },
};

/* Signals to threads of this process only. Nothing forks, so that it stays the same one. */
static const int own_signals[] = { CALL(tgkill), CALL(rt_tgsigqueueinfo) };

/* Negative: -errno. */
static int allow(scmp_filter_ctx filter, const int *calls, size_t n)
{
    int error = 0;
    for (size_t k = 0; error == 0 && k < n; k++) {
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[k], 0);
    }
    return error;
}

static int allow_checked(scmp_filter_ctx filter, const struct call_rule *rules, size_t n)
{
    int error = 0;
    for (size_t k = 0; error == 0 && k < n; k++) {
        error =
            seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[k].call, 1, &rules[k].argument);
    }
    return error;
}

#define ALL_OF(table) (table), sizeof(table) / sizeof *(table)

static int add_rules(scmp_filter_ctx filter, bool may_connect)
{
    int error = allow(filter, ALL_OF(allowed));
    if (error == 0) {
        error = allow_checked(filter, ALL_OF(checked));
    }
    if (error == 0 && may_connect) {
        error = allow(filter, ALL_OF(connecting));
    }
    if (error == 0 && may_connect) {
        error = allow_checked(filter, ALL_OF(connecting_checked));
    }
    for (size_t k = 0; error == 0 && k < sizeof own_signals / sizeof *own_signals; k++) {
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, own_signals[k], 1,
                                 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    }
    if (error == 0) { /* its flags are in memory, out of a filter's sight; glibc then calls clone */
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
    }
    return error;
}

static int load_filter(scmp_filter_ctx filter, bool may_connect)
{
    int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (error == 0) {
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    }
    if (error == 0) {
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree and not a list */
    }
    if (error == 0) {
        error = add_rules(filter, may_connect);
    }
    return error == 0 ? seccomp_load(filter) : error;
}

enum status confine_to_calls(bool may_connect, struct fault *fault)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int error = filter ? load_filter(filter, may_connect) : -ENOMEM;
    seccomp_release(filter);
    return error == 0 ? STATUS_OK
                      : fault_set(fault, STATUS_INVALID_VALUE, "seccomp",
                                  "the kernel takes no filter of system calls here: %s",
                                  strerrordesc_np(-error));
}
