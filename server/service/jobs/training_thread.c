#include "service/jobs/training_thread.h"

#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct training_thread {
    pthread_t thread;
    sem_t *wake_up;
    sem_t tasks;                 /* posted when `run` and `argument` are set */
    void (*run)(void *argument); /* NULL: the end */
    void *argument;
    _Atomic bool is_done;
};

static void *work(void *context)
{
    struct training_thread *training_thread = context;
    const struct sched_param none = { .sched_priority = 0 };
    pthread_setname_np(pthread_self(), "trainer");
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) {
        log_event(LOG_WARN, "trainer_not_idle", LOG_STRING("reason", strerrordesc_np(errno)));
    }
    for (;;) {
        while (sem_wait(&training_thread->tasks) != 0) { /* EINTR */
        }
        if (!training_thread->run) {
            return NULL;
        }
        training_thread->run(training_thread->argument);
        atomic_store_explicit(&training_thread->is_done, true, memory_order_release);
        sem_post(training_thread->wake_up);
    }
}

struct training_thread *training_thread_create(sem_t *wake_up)
{
    struct training_thread *training_thread = calloc(1, sizeof *training_thread);
    if (!training_thread) {
        return NULL;
    }
    training_thread->wake_up = wake_up;
    training_thread->is_done = true;
    sem_init(&training_thread->tasks, 0, 0);
    if (pthread_create(&training_thread->thread, NULL, work, training_thread) != 0) {
        sem_destroy(&training_thread->tasks);
        free(training_thread);
        return NULL;
    }
    return training_thread;
}

void training_thread_free(struct training_thread *training_thread)
{
    if (!training_thread) {
        return;
    }
    training_thread_begin(training_thread, NULL, NULL);
    pthread_join(training_thread->thread, NULL);
    sem_destroy(&training_thread->tasks);
    free(training_thread);
}

void training_thread_begin(struct training_thread *training_thread, void (*run)(void *argument),
                           void *argument)
{
    training_thread->run = run;
    training_thread->argument = argument;
    atomic_store_explicit(&training_thread->is_done, false, memory_order_relaxed);
    sem_post(&training_thread->tasks);
}

bool training_thread_is_done(const struct training_thread *training_thread)
{
    return atomic_load_explicit(&training_thread->is_done, memory_order_acquire);
}

void training_thread_raise_priority(struct training_thread *training_thread)
{
    const struct sched_param none = { .sched_priority = 0 };
    (void)!pthread_setschedparam(training_thread->thread, SCHED_OTHER,
                                 &none); /* not allowed: then it takes longer */
}
