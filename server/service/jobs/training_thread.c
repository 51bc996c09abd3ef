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
    struct training_thread *trainer = context;
    const struct sched_param none = { .sched_priority = 0 };
    pthread_setname_np(pthread_self(), "trainer");
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) {
        log_event(LOG_WARN, "trainer_not_idle", LOG_STRING("reason", strerrordesc_np(errno)));
    }
    for (;;) {
        while (sem_wait(&trainer->tasks) != 0) { /* EINTR */
        }
        if (!trainer->run) {
            return NULL;
        }
        trainer->run(trainer->argument);
        atomic_store_explicit(&trainer->is_done, true, memory_order_release);
        sem_post(trainer->wake_up);
    }
}

struct training_thread *training_thread_create(sem_t *wake_up)
{
    struct training_thread *trainer = calloc(1, sizeof *trainer);
    if (!trainer) {
        return NULL;
    }
    trainer->wake_up = wake_up;
    trainer->is_done = true;
    sem_init(&trainer->tasks, 0, 0);
    if (pthread_create(&trainer->thread, NULL, work, trainer) != 0) {
        sem_destroy(&trainer->tasks);
        free(trainer);
        return NULL;
    }
    return trainer;
}

void training_thread_free(struct training_thread *trainer)
{
    if (!trainer) {
        return;
    }
    training_thread_begin(trainer, NULL, NULL);
    pthread_join(trainer->thread, NULL);
    sem_destroy(&trainer->tasks);
    free(trainer);
}

void training_thread_begin(struct training_thread *trainer, void (*run)(void *argument),
                           void *argument)
{
    trainer->run = run;
    trainer->argument = argument;
    atomic_store_explicit(&trainer->is_done, false, memory_order_relaxed);
    sem_post(&trainer->tasks);
}

bool training_thread_is_done(const struct training_thread *trainer)
{
    return atomic_load_explicit(&trainer->is_done, memory_order_acquire);
}

void training_thread_hurry(struct training_thread *trainer)
{
    const struct sched_param none = { .sched_priority = 0 };
    (void)!pthread_setschedparam(trainer->thread, SCHED_OTHER,
                                 &none); /* not allowed: then it takes longer */
}
