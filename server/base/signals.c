#include "base/signals.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static const int taken[] = { SIGTERM, SIGINT, SIGHUP };
enum { N_TAKEN = sizeof taken / sizeof *taken, N_ENDS = 2 /* of them */ };

static pid_t main_thread;
static _Atomic pid_t ends_taker; /* the thread that takes those that end: main or the watch */
static pthread_t watch;
static sem_t is_watching;
static void (*watch_on_end)(int signal_number);

static sigset_t set_of(int n)
{
    sigset_t set;
    sigemptyset(&set);
    for (int k = 0; k < n; k++) {
        sigaddset(&set, taken[k]);
    }
    return set;
}

/* On a thread that does not block it. A watch that has just ended is no longer there to take it. */
static void pass_on(int signal_number)
{
    int error = errno;
    pid_t taker = signal_number == SIGHUP ? main_thread : atomic_load(&ends_taker);
    if (tgkill(getpid(), taker, signal_number) != 0) {
        tgkill(getpid(), main_thread, signal_number);
    }
    errno = error;
}

void signals_setup(void)
{
    struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    const sigset_t all = set_of(N_TAKEN);
    main_thread = gettid();
    atomic_store(&ends_taker, main_thread);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (int k = 0; k < N_TAKEN; k++) {
        sigaction(taken[k], &action, NULL);
    }
    sigaction(SIGPIPE, &ignore, NULL);
}

int signals_wait(long ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    const sigset_t all = set_of(N_TAKEN);
    int signal_number = sigtimedwait(&all, NULL, &time);
    return signal_number > 0 ? signal_number : 0;
}

/* ---- watching ---- */

static void *watch_for_end(void *unused)
{
    const sigset_t ends = set_of(N_ENDS);
    siginfo_t info;
    (void)unused;
    atomic_store(&ends_taker, gettid());
    sem_post(&is_watching);
    while (sigwaitinfo(&ends, &info) < 0) { /* EINTR */
    }
    if (info.si_code != SI_QUEUE || info.si_pid != getpid()) { /* not from signals_end_watch */
        watch_on_end(info.si_signo);
    }
    return NULL;
}

bool signals_watch(void (*on_end)(int signal_number))
{
    watch_on_end = on_end;
    sem_init(&is_watching, 0, 0);
    if (pthread_create(&watch, NULL, watch_for_end, NULL) != 0) {
        return false;
    }
    /* Else it could take the signals over when it has been asked to end. */
    while (sem_wait(&is_watching) != 0) { /* EINTR */
    }
    return true;
}

void signals_end_watch(void)
{
    const union sigval none = { .sival_int = 0 };
    atomic_store(&ends_taker,
                 main_thread); /* first: two of a kind that wait for one thread become one */
    pthread_sigqueue(watch, SIGTERM, none);
    pthread_join(watch, NULL);
}
