/* The thread that computes for jobs, one task at a time. */
#include "service/jobs/training_thread.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>

struct task {
    int n;
    pthread_t thread;
};

static void count(void *argument)
{
    struct task *task = argument;
    task->n++;
    task->thread = pthread_self();
}

static void wait_for_wake_up(sem_t *wake_up)
{
    while (sem_wait(wake_up) != 0) {
        ck_assert_int_eq(errno, EINTR);
    }
}

TEST(tasks_are_done_one_after_the_other_and_each_wakes_its_owner)
{
    sem_t wake_up;
    struct task task = { .n = 0 };
    sem_init(&wake_up, 0, 0);
    struct training_thread *training_thread = training_thread_create(&wake_up);
    ck_assert_ptr_nonnull(training_thread);
    ck_assert(training_thread_is_done(training_thread));
    for (int k = 1; k <= 100; k++) {
        training_thread_begin(training_thread, count, &task);
        wait_for_wake_up(&wake_up);
        ck_assert(training_thread_is_done(training_thread));
        ck_assert_int_eq(task.n, k);
        ck_assert(!pthread_equal(task.thread, pthread_self()));
        if (k == 50) {
            training_thread_raise_priority(training_thread); /* allowed or not, it goes on */
        }
    }
    training_thread_free(training_thread);
    training_thread_free(NULL);
    sem_destroy(&wake_up);
}
