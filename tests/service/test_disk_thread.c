/* The threads that wait for the disk: their queues, and the way back. */
#include "service/disk_thread.h"
#include "service/service_support.h"
#include "test.h"

#include <poll.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

/* A task that waits until the test lets it go on. */
struct errand {
    struct disk_task task; /* the first member */
    sem_t *gate;           /* NULL: it does not wait */
    int number;
    const struct service_context *context;
};

static int done[DISK_TASKS_MAX + 8];
static _Atomic int n_done;

static void run(struct service_context *context, struct disk_task *task)
{
    struct errand *errand = (struct errand *)task;
    if (errand->gate) {
        sem_wait(errand->gate);
    }
    errand->context = context;
    done[n_done++] = errand->number;
}

static struct errand make_errand(struct disk_inbox *inbox, int number, sem_t *gate)
{
    return (
        struct errand){ .task = { .inbox = inbox, .run = run }, .gate = gate, .number = number };
}

static void start(struct world *world, struct disk_inbox *inbox)
{
    struct fault fault;
    world_init(world);
    world_start(world);
    ck_assert_int_eq(service_start_disk(world->service, &fault), STATUS_OK);
    *inbox = (struct disk_inbox){ .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
    n_done = 0;
}

static void stop(struct world *world, struct disk_inbox *inbox)
{
    disk_inbox_end(inbox);
    world_done(world);
    close(inbox->wake_fd);
}

/* Waits for the eventfd as a worker does, and returns how many tasks came, in order. */
static size_t await(struct disk_inbox *inbox, size_t n, struct disk_task **ret_tasks)
{
    size_t n_back = 0;
    while (n_back < n) {
        uint64_t ignored;
        struct pollfd waited = { .fd = inbox->wake_fd, .events = POLLIN };
        ck_assert_int_eq(poll(&waited, 1, PATIENCE_MS), 1);
        ck_assert_int_eq(read(inbox->wake_fd, &ignored, sizeof ignored), sizeof ignored);
        for (struct disk_task *task = disk_inbox_take(inbox); task; task = task->next) {
            ret_tasks[n_back++] = task;
        }
    }
    return n_back;
}

TEST(tasks_are_done_in_order_and_come_back_in_order)
{
    enum { N = 20 };
    struct world world;
    struct disk_inbox inbox;
    struct errand errands[N];
    struct disk_task *back[N];
    start(&world, &inbox);
    for (int k = 0; k < N; k++) {
        errands[k] = make_errand(&inbox, k, NULL);
        ck_assert(disk_thread_hand_in(world.service, DISK_JOBS, &errands[k].task));
    }
    ck_assert_uint_eq(await(&inbox, N, back), N);
    for (int k = 0; k < N; k++) {
        ck_assert_int_eq(done[k], k);
        ck_assert_ptr_eq(back[k], &errands[k].task);
        ck_assert(back[k]->was_run);
        ck_assert_ptr_eq(errands[k].context, errands[0].context);
    }
    ck_assert_ptr_ne(errands[0].context, world.context);
    stop(&world, &inbox);
}

TEST(a_queue_does_not_wait_for_the_other)
{
    struct world world;
    struct disk_inbox inbox;
    struct disk_task *back[1];
    sem_t gate;
    sem_init(&gate, 0, 0);
    start(&world, &inbox);
    struct errand slow = make_errand(&inbox, 1, &gate), quick = make_errand(&inbox, 2, NULL);
    ck_assert(disk_thread_hand_in(world.service, DISK_MODELS, &slow.task));
    ck_assert(disk_thread_hand_in(world.service, DISK_JOBS, &quick.task));
    await(&inbox, 1, back);
    ck_assert_ptr_eq(back[0], &quick.task);
    sem_post(&gate);
    await(&inbox, 1, back);
    ck_assert_ptr_eq(back[0], &slow.task);
    stop(&world, &inbox);
}

TEST(a_queue_has_a_bound)
{
    static struct errand errands[DISK_TASKS_MAX + 2];
    static struct disk_task *back[DISK_TASKS_MAX + 2];
    struct world world;
    struct disk_inbox inbox;
    sem_t gate;
    size_t n = 0;
    sem_init(&gate, 0, 0);
    start(&world, &inbox);
    errands[0] = make_errand(&inbox, 0, &gate);
    ck_assert(disk_thread_hand_in(world.service, DISK_JOBS, &errands[n++].task));
    for (bool fits = true; fits;) { /* the first may still be in the queue */
        ck_assert_uint_lt(n, DISK_TASKS_MAX + 2);
        errands[n] = make_errand(&inbox, (int)n, NULL);
        fits = disk_thread_hand_in(world.service, DISK_JOBS, &errands[n].task);
        n += fits;
    }
    ck_assert_uint_ge(n, DISK_TASKS_MAX);
    sem_post(&gate);
    ck_assert_uint_eq(await(&inbox, n, back), n);
    stop(&world, &inbox);
}

TEST(what_is_not_begun_can_be_taken_back)
{
    struct world world;
    struct disk_inbox inbox, of_another;
    struct disk_task *back[3];
    sem_t gate;
    sem_init(&gate, 0, 0);
    start(&world, &inbox);
    of_another = (struct disk_inbox){ .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
    struct errand begun = make_errand(&of_another, 0, &gate), mine[2], other;
    mine[0] = make_errand(&inbox, 1, NULL);
    other = make_errand(&of_another, 2, NULL);
    mine[1] = make_errand(&inbox, 3, NULL);
    ck_assert(disk_thread_hand_in(world.service, DISK_JOBS, &begun.task));
    ck_assert(disk_thread_hand_in(world.service, DISK_JOBS, &mine[0].task));
    ck_assert(disk_thread_hand_in(world.service, DISK_JOBS, &other.task));
    ck_assert(disk_thread_hand_in(world.service, DISK_JOBS, &mine[1].task));
    disk_threads_take_back(world.service, &inbox);
    await(&inbox, 2, back);
    ck_assert(back[0] == &mine[0].task && back[1] == &mine[1].task);
    ck_assert(!back[0]->was_run && !back[1]->was_run);
    sem_post(&gate);
    await(&of_another, 2, back);
    ck_assert(back[0]->was_run && back[1]->was_run && back[1] == &other.task);
    ck_assert_int_eq(n_done, 2);
    mine[1] = make_errand(&inbox, 4, NULL); /* the queue is whole */
    ck_assert(disk_thread_hand_in(world.service, DISK_JOBS, &mine[1].task));
    await(&inbox, 1, back);
    ck_assert(back[0]->was_run);
    disk_inbox_end(&of_another);
    close(of_another.wake_fd);
    stop(&world, &inbox);
}

TEST(before_the_threads_run_nothing_is_taken)
{
    struct world world;
    struct disk_inbox inbox = { .wake_fd = -1 };
    world_init(&world);
    world_start(&world);
    struct errand errand = make_errand(&inbox, 0, NULL);
    ck_assert(!disk_thread_hand_in(world.service, DISK_MODELS, &errand.task));
    disk_threads_take_back(world.service, &inbox);
    ck_assert_ptr_null(disk_inbox_take(&inbox));
    world_done(&world);
}
