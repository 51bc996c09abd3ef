#include "base/signals.h"
#include "test.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

static sem_t end;
static atomic_int seen;

/* As a thread that a library has started before main: it blocks nothing. */
static void *linger(void *unused)
{
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none,
                    NULL);        /* without a fork for each test main's are blocked by now */
    while (sem_wait(&end) != 0) { /* EINTR */
    }
    return unused;
}

static pthread_t begin_foreign_thread(void)
{
    pthread_t thread;
    sem_init(&end, 0, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, linger, NULL), 0);
    return thread;
}

static void end_foreign_thread(pthread_t thread)
{
    sem_post(&end);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

TEST(a_signal_that_reaches_a_foreign_thread_is_passed_on)
{
    static const int taken[] = { SIGTERM, SIGINT, SIGHUP };
    pthread_t thread = begin_foreign_thread();
    signals_setup();
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(pthread_kill(thread, taken[k]), 0);
        ck_assert_int_eq(signals_wait(PATIENCE_MS), taken[k]);
        ck_assert_int_eq(kill(getpid(), taken[k]), 0); /* nobody waits at this moment */
        ck_assert_int_eq(signals_wait(PATIENCE_MS), taken[k]);
    }
    ck_assert_int_eq(signals_wait(0), 0);
    end_foreign_thread(thread);
}

static void note(int signal_number)
{
    atomic_store(&seen, signal_number);
}

static void wait_until_seen(int signal_number)
{
    for (int ms = 0; atomic_load(&seen) != signal_number; ms++) {
        ck_assert_int_lt(ms, PATIENCE_MS);
        usleep(1000);
    }
}

TEST(a_watch_sees_the_end_and_nothing_else)
{
    signals_setup();
    atomic_store(&seen, 0);
    ck_assert(signals_watch(note));
    signals_end_watch();
    ck_assert_int_eq(atomic_load(&seen), 0);
    ck_assert_int_eq(signals_wait(0), 0);

    ck_assert(signals_watch(note));
    ck_assert_int_eq(kill(getpid(), SIGHUP), 0);
    ck_assert_int_eq(kill(getpid(), SIGINT), 0);
    wait_until_seen(SIGINT);
    signals_end_watch();
    ck_assert_int_eq(signals_wait(PATIENCE_MS), SIGHUP);
    while (signals_wait(0) != 0) { /* should the watch have ended first */
    }
}

/* However early its end comes: as when there are no sessions to read. */
TEST(after_a_watch_signals_are_passed_on_to_main)
{
    enum { TIMES = 200 };
    pthread_t thread = begin_foreign_thread();
    signals_setup();
    for (int k = 0; k < TIMES; k++) {
        ck_assert(signals_watch(note));
        signals_end_watch();
        ck_assert_int_eq(pthread_kill(thread, SIGINT), 0);
        ck_assert_int_eq(signals_wait(PATIENCE_MS), SIGINT);
    }
    end_foreign_thread(thread);
}
