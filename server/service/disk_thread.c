#include "service/disk_thread.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/cluster/engine.h"
#include "service/service_context.h"
#include "service/service_private.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

struct disk_thread {
    pthread_t thread;
    struct service_context *context;
    pthread_mutex_t mutex; /* guards what follows; never held while a task runs */
    pthread_cond_t has_work;
    struct disk_task *first, **last;
    size_t n_tasks;
    bool is_ending;
};

static const char *const names[DISK_N_QUEUES] = {
    [DISK_MODELS] = "disk-models", [DISK_JOBS] = "disk-jobs", [DISK_SYNCS] = "disk-syncs",
    [DISK_BODIES] = "bodies",      [DISK_LISTS] = "lists",    [DISK_SESSIONS] = "sessions",
};

/* ---- inboxes ---- */

static void give_back(struct disk_task *task)
{
    const uint64_t one = 1;
    struct disk_inbox *inbox = task->inbox;
    atomic_fetch_add(&inbox->n_givers, 1);
    task->next = atomic_load(&inbox->done);
    while (!atomic_compare_exchange_weak(&inbox->done, &task->next, task)) {
    }
    if (inbox->wake_fd >= 0 && write(inbox->wake_fd, &one, sizeof one) < 0) {
        log_event(LOG_DEBUG, "wake_failed", LOG_INT("errno", errno));
    }
    atomic_fetch_sub(&inbox->n_givers, 1);
}

void disk_inbox_end(struct disk_inbox *inbox)
{
    while (atomic_load(&inbox->n_givers) > 0) {
        sched_yield(); /* between two instructions of give_back */
    }
}

struct disk_task *disk_inbox_take(struct disk_inbox *inbox)
{
    if (!atomic_load_explicit(&inbox->done, memory_order_acquire)) {
        return NULL; /* asked in every turn, and mostly for nothing */
    }
    struct disk_task *in_order = NULL, *task = atomic_exchange(&inbox->done, NULL);
    while (task) {
        struct disk_task *older = task->next;
        task->next = in_order;
        in_order = task;
        task = older;
    }
    return in_order;
}

/* ---- the queue ---- */

bool disk_thread_hand_in(struct service *service, enum disk_queue queue, struct disk_task *task)
{
    struct disk_thread *disk_thread = service->disk_threads[queue];
    if (!disk_thread) {
        return false;
    }
    task->next = NULL;
    task->was_run = false;
    pthread_mutex_lock(&disk_thread->mutex);
    bool has_room = disk_thread->n_tasks < DISK_TASKS_MAX;
    if (has_room) {
        *disk_thread->last = task;
        disk_thread->last = &task->next;
        disk_thread->n_tasks++;
        pthread_cond_signal(&disk_thread->has_work);
    }
    pthread_mutex_unlock(&disk_thread->mutex);
    return has_room;
}

/* Those of the inbox, out of the queue. */
static struct disk_task *take_out(struct disk_thread *disk_thread, const struct disk_inbox *inbox)
{
    struct disk_task *out = NULL, **last_out = &out, **at = &disk_thread->first, *task;
    pthread_mutex_lock(&disk_thread->mutex);
    while ((task = *at)) {
        if (task->inbox != inbox) {
            at = &task->next;
            continue;
        }
        *at = task->next;
        task->next = NULL;
        *last_out = task;
        last_out = &task->next;
        disk_thread->n_tasks--;
    }
    disk_thread->last = at;
    pthread_mutex_unlock(&disk_thread->mutex);
    return out;
}

void disk_threads_take_back(struct service *service, struct disk_inbox *inbox)
{
    for (size_t k = 0; k < DISK_N_QUEUES; k++) {
        struct disk_thread *disk_thread = service->disk_threads[k];
        struct disk_task *task = disk_thread ? take_out(disk_thread, inbox) : NULL;
        while (task) {
            struct disk_task *next = task->next;
            give_back(task);
            task = next;
        }
    }
}

/* Without a task, too, its link to the engine of a cluster lives on: it connects anew as soon as
 * those of other threads do, and finds whether what this thread has written is still there. */
static void wait_for_work(struct disk_thread *disk_thread)
{
    enum { LOOK_NS = 100000000, SECOND_NS = 1000000000 };
    if (!disk_thread->context->engine) {
        pthread_cond_wait(&disk_thread->has_work, &disk_thread->mutex);
        return;
    }
    const int64_t until_ns = clock_monotonic_ns() + LOOK_NS;
    const struct timespec until = { .tv_sec = until_ns / SECOND_NS,
                                    .tv_nsec = until_ns % SECOND_NS };
    if (pthread_cond_clockwait(&disk_thread->has_work, &disk_thread->mutex, CLOCK_MONOTONIC,
                               &until) == ETIMEDOUT) {
        pthread_mutex_unlock(&disk_thread->mutex);
        cluster_link_go_on(engine_link(disk_thread->context->engine), clock_monotonic_ns());
        pthread_mutex_lock(&disk_thread->mutex);
    }
}

/* NULL: the thread is to end. */
static struct disk_task *wait_for_task(struct disk_thread *disk_thread)
{
    pthread_mutex_lock(&disk_thread->mutex);
    while (!disk_thread->first && !disk_thread->is_ending) {
        wait_for_work(disk_thread);
    }
    struct disk_task *task = disk_thread->first;
    if (task) {
        disk_thread->first = task->next;
        disk_thread->last = task->next ? disk_thread->last : &disk_thread->first;
        disk_thread->n_tasks--;
    }
    pthread_mutex_unlock(&disk_thread->mutex);
    return task;
}

static void *work(void *cls)
{
    struct disk_thread *disk_thread = cls;
    struct disk_task *task;
    service_context_rest(disk_thread->context);
    while ((task = wait_for_task(disk_thread))) {
        service_context_turn(disk_thread->context);
        task->run(disk_thread->context, task);
        service_context_rest(disk_thread->context);
        task->was_run = true;
        give_back(task);
    }
    return NULL;
}

/* ---- life ---- */

static void free_thread(struct disk_thread *disk_thread)
{
    service_context_free(disk_thread->context);
    pthread_cond_destroy(&disk_thread->has_work);
    pthread_mutex_destroy(&disk_thread->mutex);
    free(disk_thread);
}

/* Signals are main's. */
static bool start_one(struct service *service, enum disk_queue queue)
{
    struct disk_thread *disk_thread = calloc(1, sizeof *disk_thread);
    if (!disk_thread) {
        return false;
    }
    sigset_t all, before;
    pthread_mutex_init(&disk_thread->mutex, NULL);
    pthread_cond_init(&disk_thread->has_work, NULL);
    disk_thread->last = &disk_thread->first;
    sigfillset(&all);
    sigdelset(&all, SIGBUS); /* one that is blocked ends the process (store/region_guard.h) */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool runs = service_context_create(service, &disk_thread->context) == STATUS_OK &&
                pthread_create(&disk_thread->thread, NULL, work, disk_thread) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!runs) {
        free_thread(disk_thread);
        return false;
    }
    pthread_setname_np(disk_thread->thread, names[queue]);
    service->disk_threads[queue] = disk_thread;
    return true;
}

enum status disk_threads_start(struct service *service, struct fault *fault)
{
    for (enum disk_queue queue = DISK_NONE + 1; queue < DISK_N_QUEUES; queue++) {
        const bool is_needed = queue != DISK_SESSIONS || service->cluster;
        if (is_needed && !start_one(service, queue)) {
            return fault_set(fault, STATUS_NO_MEMORY, NULL,
                             "the threads that wait for the disk cannot be started");
        }
    }
    return STATUS_OK;
}

void disk_threads_stop(struct service *service)
{
    for (size_t k = 0; k < DISK_N_QUEUES; k++) {
        struct disk_thread *disk_thread = service->disk_threads[k];
        if (disk_thread) {
            pthread_mutex_lock(&disk_thread->mutex);
            disk_thread->is_ending = true;
            pthread_cond_signal(&disk_thread->has_work);
            pthread_mutex_unlock(&disk_thread->mutex);
            pthread_join(disk_thread->thread, NULL);
            free_thread(disk_thread);
            service->disk_threads[k] = NULL;
        }
    }
}
