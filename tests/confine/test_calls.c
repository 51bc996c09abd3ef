/* What the filter of system calls lets through, and what it does not. */
#include "child.h"
#include "confine/confine.h"
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BYTES = 4096, KILLED = 128 + SIGSYS, NO_FILTER = 7 };

static int install(const void *unused)
{
    struct fault fault = { .status = STATUS_OK };
    (void)unused;
    if (confine_to_calls(false, &fault) == STATUS_OK) {
        return 0;
    }
    printf("SKIPPED: %s\n", fault.message);
    fflush(stdout);
    return NO_FILTER;
}

static bool has_filters(void)
{
    return in_child(install, NULL) == 0;
}

/* ---- what is forbidden ---- */

static void call_exec(void)
{
    char *const arguments[] = { (char[]){ "/bin/true" }, NULL };
    execv(arguments[0], arguments);
}

static void call_fork(void)
{
    if (fork() == 0) {
        _exit(0);
    }
}

static void call_socket(void)
{
    socket(AF_INET, SOCK_STREAM, 0);
}

static void call_packet_socket(void)
{
    socket(AF_PACKET, SOCK_RAW, 0);
}

static void call_map_code(void)
{
    (void)mmap(NULL, BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void call_make_code(void)
{
    void *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(p, BYTES, PROT_READ | PROT_EXEC);
}

static void call_ptrace(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void call_dumpable(void)
{
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void call_namespace(void)
{
    unshare(CLONE_NEWUSER);
}

static void call_limit(void)
{
    const struct rlimit limit = { 64, 64 };
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void call_real_time(void)
{
    const struct sched_param param = { .sched_priority = 1 };
    sched_setscheduler(0, SCHED_FIFO, &param);
}

static void call_become_root(void)
{
    (void)!setuid(0);
}

static void call_signal(void)
{
    tgkill(1, 1, 0); /* nobody is killed by 0 */
}

static void call_mode(void)
{
    chmod("/nonexistent", 0777);
}

static const struct {
    const char *name;
    void (*call)(void);
} forbidden[] = {
    { "execve", call_exec },
    { "fork", call_fork },
    { "tgkill of another", call_signal },
    { "socket", call_socket },
    { "socket(AF_PACKET)", call_packet_socket },
    { "mmap(PROT_EXEC)", call_map_code },
    { "mprotect(PROT_EXEC)", call_make_code },
    { "ptrace", call_ptrace },
    { "prctl(PR_SET_DUMPABLE)", call_dumpable },
    { "unshare", call_namespace },
    { "setrlimit", call_limit },
    { "sched_setscheduler(SCHED_FIFO)", call_real_time },
    { "setuid", call_become_root },
    { "chmod", call_mode },
};

static int do_forbidden(const void *argument)
{
    void (*const *call)(void) = argument;
    int code = install(NULL);
    if (code == 0) {
        (*call)();
    }
    return code;
}

TEST(a_forbidden_call_kills_the_process)
{
    for (size_t k = 0; has_filters() && k < sizeof forbidden / sizeof *forbidden; k++) {
        ck_assert_msg(in_child(do_forbidden, &forbidden[k].call) == KILLED, "%s",
                      forbidden[k].name);
    }
}

static sem_t is_filtered;

static void *call_later(void *unused)
{
    while (sem_wait(&is_filtered) != 0) { /* EINTR */
    }
    call_socket();
    return unused;
}

static int filter_after_thread(const void *unused)
{
    pthread_t thread;
    sem_init(&is_filtered, 0, 0);
    if (pthread_create(&thread, NULL, call_later, NULL) != 0 || install(unused) != 0) {
        return 1;
    }
    sem_post(&is_filtered);
    pthread_join(thread, NULL);
    return 0;
}

TEST(threads_that_were_there_before_are_filtered_too)
{
    if (has_filters()) {
        ck_assert_int_eq(in_child(filter_after_thread, NULL), KILLED);
    }
}

/* ---- what is allowed ---- */

static void *be_idle(void *ret_done)
{
    const struct sched_param none = { .sched_priority = 0 };
    prctl(PR_SET_NAME, "idle", 0, 0, 0);
    *(bool *)ret_done = sched_setscheduler(0, SCHED_IDLE, &none) == 0;
    return NULL;
}

static int do_allowed(const void *unused)
{
    pthread_t thread;
    bool is_idle = false;
    struct rlimit limit;
    int code = install(unused);
    if (code != 0) {
        return code;
    }
    void *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    bool fine = p != MAP_FAILED && munmap(p, BYTES) == 0 && fd >= 0 && close(fd) == 0;
    fine = fine && getrlimit(RLIMIT_NOFILE, &limit) == 0;
    fine = fine && pthread_create(&thread, NULL, be_idle, &is_idle) == 0 &&
           pthread_join(thread, NULL) == 0;
    return fine && is_idle ? 0 : 1;
}

TEST(what_grud_needs_goes_on)
{
    if (has_filters()) {
        ck_assert_int_eq(in_child(do_allowed, NULL), 0);
    }
}
